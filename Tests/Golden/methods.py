"""The distillation methods in PyTorch, each written from its formula, as plain functions of tensors.

All values are unweighted: neither the weight of a method nor its warm-up nor cross-entropy is part of them. The
teacher's tensors carry no gradient. Defaults are those of Kindred's settings. Two conventions hold everywhere:

- A vector that a method divides by its norm (a row, a channel's map, a difference of two rows, a centred row or column
  of probabilities) and that is zero stays zero and takes no gradient through that division. PyTorch's own functions
  divide it by a tiny number instead, and its gradient becomes as large as 1e12.
- A row or column that a method standardises and whose entries are all equal counts as such a zero vector.

Modules name their parameters and buffers as Kindred does. Batch norms are in training mode.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

# What several methods share.


def unit(x, dim=-1, extra=0.0):
    """x over (its L2 norm along `dim` + extra); where the norm is zero, zero without a gradient."""
    lives = x.detach().norm(dim=dim, keepdim=True) > 0
    safe = torch.where(lives, x, torch.ones_like(x))
    return torch.where(lives, safe / (safe.norm(dim=dim, keepdim=True) + extra), torch.zeros_like(x))


def centred(x, dim):
    """x minus its mean along `dim`; where all entries are equal, zero without a gradient."""
    varies = x.detach().amax(dim, keepdim=True) > x.detach().amin(dim, keepdim=True)
    return torch.where(varies, x - x.mean(dim, keepdim=True), torch.zeros_like(x))


def standardized(x, dim, extra=1e-7):
    """(x - mean) / (std + extra) along `dim`, the unbiased std; constant vectors become zero without a gradient."""
    root = math.sqrt(x.shape[dim] - 1)
    return root * unit(centred(x, dim), dim, extra * root)


def gram(rows):
    return rows @ rows.t()


def kl(log_p, log_q):
    """KL(p || q) of each row, from logarithms."""
    return (log_p.exp() * (log_p - log_q)).sum(1)


def without_target(x, labels):
    """The b x (C - 1) entries of the other classes, in order."""
    others = torch.ones_like(x, dtype=torch.bool).scatter(1, labels[:, None], False)
    return x[others].view(x.shape[0], -1)


def same_size(student, teacher):
    """Both maps, the larger average-pooled to the height of the smaller."""
    height = min(student.shape[2], teacher.shape[2])
    return [x if x.shape[2] == height else F.adaptive_avg_pool2d(x, height) for x in (student, teacher)]


class Connector(nn.Module):
    """A convolution without bias, then batch norm."""

    def __init__(self, inputs, outputs, kernel=1, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.bn(self.conv(x))


# Relations between the inputs of a batch.


def sp(students, teachers):
    """Similarity-preserving KD: the rows of the Gram matrices, normalised, compared over b^2; the sum over pairs."""
    return sum(
        (unit(gram(s.flatten(1))) - unit(gram(t.flatten(1)))).square().sum() / s.shape[0] ** 2
        for s, t in zip(students, teachers)
    )


def cka(students, teachers):
    """1 - linear CKA: the cosine of the two centred Gram matrices as vectors; the sum over pairs."""

    def relation(x):
        rows = x.flatten(1)
        return unit(gram(rows - rows.mean(0)).flatten())

    return sum(1 - relation(s) @ relation(t) for s, t in zip(students, teachers))


def rkd(student, teacher, distance=25.0, angle=50.0):
    """Relational KD: smooth L1 between relative distances, and between the angles of all triples."""

    def relations(rows):
        count = rows.shape[0]
        gaps = rows[None] - rows[:, None]  # gaps[i, j] = row j - row i
        diagonal = torch.eye(count, dtype=torch.bool)
        # Two equal rows are 1e-6 apart, without a gradient, and count in the mean; a row and itself do not.
        lengths = gaps.square().sum(2).clamp(min=1e-12).sqrt().masked_fill(diagonal, 0)
        directions = unit(gaps, 2)
        return lengths / lengths[lengths > 0].mean(), directions @ directions.transpose(1, 2)

    (lengths, angles), (wanted_lengths, wanted_angles) = relations(student), relations(teacher)
    return distance * F.smooth_l1_loss(lengths, wanted_lengths) + angle * F.smooth_l1_loss(angles, wanted_angles)


def pkt(student, teacher):
    """Probabilistic knowledge transfer: the mean over b^2 of p_t ln((p_t + 1e-7) / (p_s + 1e-7))."""

    def probabilities(rows):
        # Of opposite rows, rounding alone can make it negative, and with it the logarithm's argument.
        kernel = ((gram(unit(rows, 1, 1e-7)) + 1) / 2).clamp(min=0)
        return kernel / kernel.sum(1, keepdim=True)

    p, wanted = probabilities(student), probabilities(teacher)
    return (wanted * ((wanted + 1e-7) / (p + 1e-7)).log()).mean()


def skd(student, teacher, ridge=0.1):
    """SKD's direction term: the mean Mahalanobis length of the rows of the difference of two Gram matrices.

    The gradient flows through the covariance too. 1e-12 under the root keeps its slope finite.
    """
    difference = gram(unit(student)) - gram(unit(teacher))
    covariance = torch.cov(difference.t()) + ridge * torch.eye(len(difference), dtype=difference.dtype)
    whitened = torch.cholesky_solve(difference.t(), torch.linalg.cholesky(covariance))
    return ((difference * whitened.t()).sum(1) + 1e-12).sqrt().mean()


def cc_paper(student, teacher, gamma=0.4):
    """Correlation congruence as in its paper: a Gaussian kernel's Taylor series to order 2 on normalised rows."""

    def kernel(rows):
        products = gram(unit(rows))
        return sum(math.exp(-2 * gamma) * (2 * gamma) ** p / math.factorial(p) * products**p for p in range(3))

    return (kernel(student) - kernel(teacher)).square().sum() / student.shape[0] ** 2


class CC(nn.Module):
    def __init__(self, student, teacher):
        super().__init__()
        self.embed_s = nn.Linear(student, 128)
        self.embed_t = nn.Linear(teacher, 128)


def cc(module, student, teacher):
    """Correlation congruence as in RepDistiller: products of neighbouring rows of the embeddings' absolute gap."""
    gap = (module.embed_s(student) - module.embed_t(teacher)).abs()
    return (gap[:-1] * gap[1:]).sum(1).mean()


class ITRD(nn.Module):
    def __init__(self, student, teacher):
        super().__init__()
        self.embed = nn.Linear(student, teacher)


def itrd(module, student, teacher, correlation=2.0, mutual=0.05, alpha=1.01):
    """Information-theoretic representation distillation: a correlation term and a mutual-information term.

    Both terms see the embedded student, the second one only where the widths differ.
    """
    embedded = module.embed(student)
    alike = (standardized(embedded, 0) * standardized(teacher, 0)).mean(0)
    correlation_term = (alike - 1).abs().pow(2 * alpha).sum().log2()

    def over_trace(matrix):
        trace = matrix.trace()
        return matrix / torch.where(trace > 0, trace, torch.ones_like(trace))

    own = gram(unit(student if student.shape == teacher.shape else embedded))
    joint = own * gram(unit(teacher))
    mutual_term = over_trace(own).square().sum() - over_trace(joint).square().sum()
    return correlation * correlation_term + mutual * mutual_term


# Logits.


def kd(student, teacher, temperature=4.0):
    """T^2 KL(teacher || student) at temperature T, which may differ from row to row (b x 1)."""
    return logits_loss(student, teacher, temperature, temperature, temperature)


def logits_loss(student, teacher, student_temperature, teacher_temperature, factor):
    log_p = F.log_softmax(teacher / teacher_temperature, 1)
    log_q = F.log_softmax(student / student_temperature, 1)
    squared = torch.as_tensor(factor, dtype=student.dtype).square().flatten()
    return (squared * kl(log_p, log_q)).mean()


def lskd(student, teacher, temperature=2.0):
    """Logit standardisation: KD on z-scores of each row."""
    return kd(standardized(student, 1), standardized(teacher, 1), temperature)


def normkd(student, teacher, temperature=2.0):
    """NormKD: each row's temperature is `temperature` times its std, on both sides; the factor is the teacher's T^2.

    A constant row is uniform whatever its temperature: no gradient for the student's, no share of the loss for the
    teacher's.
    """
    # Softmax does not see a shift, so z / T may be centred first.
    scaled, wanted = (standardized(z, 1, extra=0) / temperature for z in (student, teacher))
    factor = temperature * centred(teacher, 1).norm(dim=1, keepdim=True) / math.sqrt(teacher.shape[1] - 1)
    return logits_loss(scaled, wanted, 1, 1, factor)


class CTKD(nn.Module):
    def __init__(self, theta=1.0):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([theta]))


def ctkd(module, student, teacher, factor=-1.0):
    """Curriculum temperature: KD at T = 1 + 20 sigmoid(theta), the gradient at theta multiplied by `factor`.

    T's gradient comes from both softmaxes and from T^2.
    """
    theta = module.theta * factor + (module.theta * (1 - factor)).detach()
    return kd(student, teacher, 1 + 20 * theta.sigmoid())


def wsld_weights(student, teacher, labels):
    """1 - exp(-CE_s / (CE_t + 1e-7)) of each row, at temperature 1, without gradient."""
    own, other = (F.cross_entropy(z, labels, reduction="none") for z in (student, teacher))
    return (1 - (-own / (other + 1e-7)).exp()).detach()


def wsld(student, teacher, weights, temperature=2.0):
    """Weighted soft labels: T^2 times the weighted mean of soft cross-entropies (not KL)."""
    soft = -(F.softmax(teacher / temperature, 1) * F.log_softmax(student / temperature, 1)).sum(1)
    return temperature**2 * (weights * soft).mean()


def dkd_terms(student, teacher, labels, temperature):
    """TCKD and NCKD, both with their T^2."""

    def logarithms(logits):
        z = logits / temperature
        others = without_target(z, labels)
        whole, rest = z.logsumexp(1, keepdim=True), others.logsumexp(1, keepdim=True)
        return torch.cat([z.gather(1, labels[:, None]) - whole, rest - whole], 1), others - rest

    (target, others), (wanted_target, wanted_others) = logarithms(student), logarithms(teacher)
    return temperature**2 * kl(wanted_target, target).mean(), temperature**2 * kl(wanted_others, others).mean()


def dkd(student, teacher, labels, alpha=1.0, beta=8.0, temperature=4.0, standardize=False):
    """Decoupled KD: alpha TCKD + beta NCKD, on z-scores where `standardize`."""
    if standardize:
        student, teacher = standardized(student, 1), standardized(teacher, 1)
    target, others = dkd_terms(student, teacher, labels, temperature)
    return alpha * target + beta * others


def dist(student, teacher, temperature=4.0, beta=1.0, gamma=1.0):
    """DIST: T^2 times 1 - the mean Pearson correlation of probabilities, over rows (beta) and over classes (gamma)."""
    p, wanted = F.softmax(student / temperature, 1), F.softmax(teacher / temperature, 1)

    def gap(dim):
        u, v = centred(p, dim), centred(wanted, dim)
        return 1 - ((u * v).sum(dim) / (u.norm(dim=dim) * v.norm(dim=dim) + 1e-8)).mean()

    return temperature**2 * (beta * gap(1) + gamma * gap(0))


def nkd(student, teacher, labels, temperature=1.0, gamma=1.5):
    """Normalised KD: the target class at T = 1, weighted by the teacher; the others, renormalised, at T."""
    target = labels[:, None]
    first = -(F.softmax(teacher, 1).gather(1, target) * F.log_softmax(student, 1).gather(1, target)).mean()
    q = F.softmax(without_target(teacher, labels) / temperature, 1)
    others = -(q * F.log_softmax(without_target(student, labels) / temperature, 1)).sum(1).mean()
    return first + gamma * temperature**2 * others


def ttm(student, teacher, gamma=0.1):
    """Transformed teacher matching: KL(softmax(gamma z_t) || softmax(z_s)), the teacher's entropy included."""
    return kl(F.log_softmax(gamma * teacher, 1), F.log_softmax(student, 1)).mean()


def wttm(student, teacher, gamma=0.2):
    """TTM, each image weighted by sum_j p_tj^gamma."""
    weights = ((gamma * teacher).logsumexp(1) - gamma * teacher.logsumexp(1)).exp()
    return (weights * kl(F.log_softmax(gamma * teacher, 1), F.log_softmax(student, 1))).mean()


# Maps.


def nst(students, teachers):
    """Neuron selectivity transfer with the kernel (u . v)^2 between the normalised maps of channels; sum over pairs."""
    total = 0
    for s, t in zip(students, teachers):
        s, t = (unit(x.flatten(2), 2) for x in same_size(s, t))
        means = [(a @ b.transpose(1, 2)).square().mean() for a, b in ((t, t), (s, s), (t, s))]
        total = total + means[0] + means[1] - 2 * means[2]
    return total


class VIDPair(nn.Module):
    def __init__(self, student, teacher):
        super().__init__()
        widths = [student, teacher, teacher, teacher]
        self.regressor = nn.ModuleList(nn.Conv2d(i, o, 1, bias=False) for i, o in zip(widths, widths[1:]))
        self.log_scale = nn.Parameter(torch.full([teacher], math.log(math.exp(5 - 1e-5) - 1)))

    def forward(self, x):
        first, second, third = self.regressor
        return third(F.relu(second(F.relu(first(x)))))


class VID(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.pairs = nn.ModuleList(VIDPair(s, t) for s, t in channels)


def vid(module, students, teachers):
    """Variational information distillation: half of squared error over variance plus log variance; sum over pairs."""
    total = 0
    for pair, s, t in zip(module.pairs, students, teachers):
        s, t = same_size(s, t)
        variance = (torch.logaddexp(pair.log_scale, torch.zeros_like(pair.log_scale)) + 1e-5).view(1, -1, 1, 1)
        total = total + 0.5 * ((pair(s) - t).square() / variance + variance.log()).mean()
    return total


class AB(nn.Module):
    """A connector for each pair whose shapes differ: 1 x 1, or 3 x 3 with stride 2 from a map of twice the side."""

    def __init__(self, shapes):
        super().__init__()
        connectors = {}
        for i, (s, t) in enumerate(shapes):
            if s[1:] != t[1:]:
                kernel, stride = (3, 2) if s[2] == 2 * t[2] else (1, 1)
                connectors[str(i)] = Connector(s[1], t[1], kernel, stride)
        self.connectors = nn.ModuleDict(connectors)


def ab(module, students, teachers, margin=1.0):
    """Activation boundaries: pre-activations shall lie beyond the margin, on the teacher's side of zero."""
    total = 0
    for i, (s, t) in enumerate(zip(students, teachers)):
        if module and str(i) in module.connectors:
            s = module.connectors[str(i)](s)
        below = (s + margin).square() * ((s > -margin) & (t <= 0))
        above = (s - margin).square() * ((s <= margin) & (t > 0))
        total = total + 2.0 ** -(len(students) - i - 1) * (below + above).sum()
    return total * 3 / 1000 / students[0].shape[0]


def fsp(students, teachers):
    """Flow of solution procedure: products of neighbouring maps, per image; mean squares, summed over neighbours."""

    def flow(first, second):
        first, second = (x.flatten(2) for x in same_size(first, second))
        return first @ second.transpose(1, 2) / first.shape[2]

    flows = [[flow(*maps) for maps in zip(side, side[1:])] for side in (students, teachers)]
    return sum((s - t).square().mean() for s, t in zip(*flows))


class OFD(nn.Module):
    def __init__(self, channels, margins):
        super().__init__()
        self.connectors = nn.ModuleList(Connector(s, t) for s, t in channels)
        self.margins = nn.Module()
        for i, margin in enumerate(margins):
            self.margins.register_buffer(str(i), margin)


def ofd_margins(weight, bias):
    """A channel's margin: the expected negative pre-activation of N(bias, weight^2), or -3 |weight| where rare.

    Where the weight is zero the channel is constant: min(bias, 0).
    """
    spread = weight.abs()
    safe = torch.where(spread > 0, spread, torch.ones_like(spread))
    ratio = bias / safe
    share = 0.5 * torch.erfc(ratio / math.sqrt(2))  # Phi(-bias / spread)
    common = share > 0.001
    divisor = torch.where(common, share, torch.ones_like(share))
    expected = bias - safe * (-ratio.square() / 2).exp() / (math.sqrt(2 * math.pi) * divisor)
    return torch.where(spread > 0, torch.where(common, expected, -3 * spread), bias.clamp(max=0))


def ofd(module, students, teachers):
    """Overhaul of feature distillation: the partial squared distance to max(teacher, margin), mdistiller's scale."""
    total = 0
    for i, (connector, s, t) in enumerate(zip(module.connectors, students, teachers)):
        s = connector(s)
        wanted = torch.maximum(t, getattr(module.margins, str(i)).view(1, -1, 1, 1))
        partial = (s - wanted).square() * ((s > wanted) | (t > 0))
        total = total + 2.0 ** -(len(students) - i - 1) * partial.sum()
    return total / students[0].shape[0] / 1000


def ickd(module, student, teacher):
    """Inter-channel correlation: the Gram matrices of channels (c x c per image), rows normalised, over b c_t."""

    def relation(x):
        maps = x.flatten(2)
        return unit(maps @ maps.transpose(1, 2), 2)

    return (relation(module(student)) - relation(teacher)).square().sum() / (teacher.shape[0] * teacher.shape[1])


class ReviewBlock(nn.Module):
    """A level's map and the one carried from the level below, fused by attention; the deepest level fuses nothing."""

    def __init__(self, inputs, middle, outputs, fuses):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        for conv in (self.conv1, self.conv2):
            nn.init.kaiming_uniform_(conv.weight, a=1)
        if fuses:
            self.att_conv = nn.Conv2d(2 * middle, 2, 1)

    def forward(self, x, carried, side):
        x = self.bn1(self.conv1(x))
        if carried is not None:
            carried = F.interpolate(carried, x.shape[2], mode="nearest")
            attention = self.att_conv(torch.cat([x, carried], 1)).sigmoid()
            x = x * attention[:, :1] + carried * attention[:, 1:]
        if x.shape[2] != side:
            x = F.interpolate(x, side, mode="nearest")
        return self.bn2(self.conv2(x)), x


class ReviewKD(nn.Module):
    """Blocks from the deepest level up. Both lists of channels go from shallow to deep, the pooled vector's last."""

    def __init__(self, student, teacher):
        super().__init__()
        middle = min(512, teacher[-1])
        levels = list(zip(student, teacher))[::-1]
        self.abfs = nn.ModuleList(ReviewBlock(s, middle, t, i > 0) for i, (s, t) in enumerate(levels))


def hierarchical_context_loss(output, target):
    side = output.shape[2]
    value, weight, weights = F.mse_loss(output, target), 1.0, 1.0
    for level in (4, 2, 1):
        if level < side:
            weight /= 2
            pooled = [F.adaptive_avg_pool2d(x, level) for x in (output, target)]
            value, weights = value + weight * F.mse_loss(*pooled), weights + weight
    return value / weights


def reviewkd(module, students, teachers):
    """Knowledge review: maps from shallow to deep, the pooled vector last (as a 1 x 1 map); the sum over levels."""
    total, carried = 0, None
    for block, s, t in zip(module.abfs, students[::-1], teachers[::-1]):
        output, carried = block(s, carried, t.shape[2])
        total = total + hierarchical_context_loss(output, t)
    return total


class SimKD(nn.Module):
    """The projector that ends in the teacher's shape."""

    def __init__(self, student, teacher):
        super().__init__()
        middle = teacher // 2
        self.conv1 = nn.Conv2d(student, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, teacher, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(teacher)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)))


def simkd(module, student, teacher):
    """SimKD: mean squared error between the projected student's last map and the teacher's."""
    student, teacher = same_size(student, teacher)
    return F.mse_loss(module(student), teacher)


# Pooled vectors with a module.


def srrl(module, student, teacher, logits, weight, bias):
    """SRRL: the connected vector against the teacher's, and its logits by the teacher's classifier against theirs."""
    connected = F.relu(module(student[:, :, None, None])).flatten(1)
    return F.mse_loss(connected, teacher) + F.mse_loss(F.linear(connected, weight, bias), logits)


class CRD(nn.Module):
    def __init__(self, student, teacher, count):
        super().__init__()
        self.embed_s = nn.Linear(student, 128)
        self.embed_t = nn.Linear(teacher, 128)
        bound = 1 / math.sqrt(128 / 3)
        for name in ("memory_s", "memory_t"):
            self.register_buffer(name, torch.empty(count, 128).uniform_(-bound, bound))
        for name in ("normalizer_s", "normalizer_t"):
            self.register_buffer(name, torch.tensor([-1.0]))


def crd(module, student, teacher, indices, negatives, temperature=0.07, momentum=0.5):
    """Contrastive representation distillation; sets the normalizers at first use and updates both banks afterwards.

    `negatives` (b x K) are the drawn samples. The normalizers, where they are set here, carry no gradient.
    """
    count = module.memory_s.shape[0]
    noise = negatives.shape[1] / count
    rows = torch.cat([indices[:, None], negatives], 1)
    v_s, v_t = unit(module.embed_s(student)), unit(module.embed_t(teacher))

    def side(vector, memory, normalizer):
        score = ((memory[rows] @ vector[:, :, None]).squeeze(2) / temperature).exp()
        if normalizer < 0:
            normalizer.copy_(count * score.detach().mean())
        x = score / normalizer.clone()
        positive = (x[:, 0] / (x[:, 0] + noise + 1e-7)).log().sum()
        negative = (noise / (x[:, 1:] + noise + 1e-7)).log().sum()
        return -(positive + negative) / len(vector)

    loss = side(v_s, module.memory_t, module.normalizer_s) + side(v_t, module.memory_s, module.normalizer_t)
    with torch.no_grad():
        for memory, vector in ((module.memory_s, v_s), (module.memory_t, v_t)):
            memory[indices] = unit(momentum * memory[indices] + (1 - momentum) * vector)
    return loss
