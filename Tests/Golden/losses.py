"""The distillation losses in PyTorch, in the same definitions as RepDistiller (github.com/HobbitLong/RepDistiller)."""

import torch
import torch.nn.functional as F
from torch import nn


def similarity(activation):
    """b x b matrix of inner products, each row divided by its L2 norm (by 1e-12 where that is smaller)."""
    flat = activation.flatten(1)
    return F.normalize(flat @ flat.t(), dim=1)


def similarity_loss(student, teacher):
    """SP: sum of squared differences of the two similarity matrices over b^2."""
    difference = similarity(teacher) - similarity(student)
    return difference.square().sum() / student.shape[0] ** 2


def masked_similarity_loss(student, teacher):
    """SP where a zero row of the student stays exactly zero and takes no part in the gradient of its own norm.

    The same value as `similarity_loss`. There the gradient at a zero row is divided by 1e-12; here it is bounded.
    """
    flat = student.flatten(1)
    gram = flat @ flat.t()
    lives = gram.detach().norm(dim=1, keepdim=True) > 0
    rows = torch.where(lives, gram, torch.ones_like(gram))
    normalised = torch.where(lives, F.normalize(rows, dim=1), torch.zeros_like(gram))
    return (similarity(teacher) - normalised).square().sum() / student.shape[0] ** 2


def logits_loss(student, teacher, temperature):
    """KD: T^2 times KL(teacher || student) of the softened outputs, averaged over the batch."""
    target = F.softmax(teacher / temperature, dim=1)
    return temperature**2 * F.kl_div(F.log_softmax(student / temperature, dim=1), target, reduction="batchmean")


def attention(activation):
    """b x (h w): the mean over channels of the squares, each image's map divided by its L2 norm."""
    return F.normalize(activation.square().mean(1).flatten(1), dim=1)


def attention_loss(student, teacher):
    """AT: mean squared difference of the attention maps; the larger map is average-pooled to the smaller first."""
    height = min(student.shape[2], teacher.shape[2])
    if student.shape[2] > height:
        student = F.adaptive_avg_pool2d(student, height)
    if teacher.shape[2] > height:
        teacher = F.adaptive_avg_pool2d(teacher, height)
    return (attention(student) - attention(teacher)).square().mean()


class HintAdapter(nn.Module):
    """FitNets' learned regressor: a convolution with bias to the teacher's shape, batch norm, relu.

    The kernel by height of the student's map s and the teacher's t (square maps):
      s = 2 t : 3 x 3, stride 2, padding 1;   2 s = t : transposed 4 x 4, stride 2, padding 1;
      s >= t else : (1 + s - t) x (1 + s - t), no padding (so 1 x 1 for equal sizes).
    """

    def __init__(self, student, teacher):
        super().__init__()
        (_, inputs, s, _), (_, outputs, t, _) = student, teacher
        if s == 2 * t:
            self.conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        elif 2 * s == t:
            self.conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
        elif s >= t:
            self.conv = nn.Conv2d(inputs, outputs, 1 + s - t)
        else:
            raise ValueError(f"no adapter from {s} x {s} to {t} x {t}")
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def hint_loss(adapter, student, teacher):
    """FitNets: mean squared error between the adapted student's map and the teacher's."""
    return F.mse_loss(adapter(student), teacher)
