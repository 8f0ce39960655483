"""Whole runs in PyTorch, with what recipes offer beside the optimiser: accumulated and clipped gradients, parameter groups,
a frozen stage, and the moving average of the weights."""

import copy

import torch
import torch.nn.functional as F
from torch import nn, optim

BATCHES, EPOCHS = 5, 2
CASES = {"trained": False, "frozen": True}


class Tiny(nn.Module):
    """TinyNetwork of the Swift tests, with two channels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(2)
        self.conv2 = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.bn2 = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.fc(F.relu(self.bn2(self.conv2(x))).mean((2, 3)))


def runs():
    torch.manual_seed(6)
    start = Tiny()
    images, labels = torch.randn(BATCHES, 6, 2, 6, 6), torch.randint(3, (BATCHES, 6))
    with torch.no_grad():  # Uneven statistics, so that a frozen norm differs from one that is not.
        start.bn1.running_mean.uniform_(-0.5, 0.5)
        start.bn1.running_var.uniform_(0.5, 1.5)
    out = {"images": images, "labels": labels} | {f"start/{key}": t for key, t in start.state_dict().items()}
    for name, is_frozen in CASES.items():
        network, average, norms = run(copy.deepcopy(start), images, labels, is_frozen)
        out |= {f"{name}/{key}": t for key, t in network.state_dict().items()}
        out |= {f"{name}-ema/{key}": t for key, t in average.items()}
        out[f"{name}/norms"] = torch.stack(norms).double().view(EPOCHS, -1).mean(1)
    return out


def run(network, images, labels, is_frozen, accumulate=2):
    """SGD (rate 0.05, a fifth of it in the second epoch; 0.5 of it for all but fc; decay 0.05 on matrices and filters)."""
    network.train()
    if is_frozen:
        for parameter in [*network.conv1.parameters(), *network.bn1.parameters()]:
            parameter.requires_grad = False
        network.bn1.eval()
    groups = []
    for key, parameter in network.named_parameters():
        if parameter.requires_grad:
            factor, decay = (1 if key.startswith("fc.") else 0.5), (0.05 if parameter.ndim > 1 else 0)
            groups.append({"params": [parameter], "factor": factor, "weight_decay": decay})
    optimiser = optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True)
    average = {key: t.clone() for key, t in network.state_dict().items()}
    step, norms = 0, []
    for epoch in range(EPOCHS):
        for group in optimiser.param_groups:
            group["lr"] = 0.05 * 0.2**epoch * group["factor"]
        for first in range(0, BATCHES, accumulate):
            members = range(first, min(first + accumulate, BATCHES))
            for i in members:
                (F.cross_entropy(network(images[i]), labels[i]) / len(members)).backward()
            norms.append(nn.utils.clip_grad_norm_(network.parameters(), 0.2))
            optimiser.step()
            optimiser.zero_grad()
            step += 1
            decay = min(0.35, (1 + step) / (10 + step))
            for key, t in network.state_dict().items():
                average[key] = decay * average[key] + (1 - decay) * t if t.is_floating_point() else t.clone()
    return network, average, norms
