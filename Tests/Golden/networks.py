"""The CIFAR Wide ResNets and ResNets in PyTorch, as the common distillation benchmark defines them.

Parameter names, the order of random draws and the taps are those of RepDistiller (github.com/HobbitLong/RepDistiller),
so weights travel between it, these networks and Kindred's. The golden files and the benchmark both use this module.

Order of random draws for a network built after `torch.manual_seed(s)`:
  1. PyTorch's default initialisation, layer by layer as the layers are constructed: a convolution draws its weight
     (uniform, no bias here), the classifier `fc` draws its weight, then its bias (both uniform in +-1/sqrt(inputs));
     batch normalisation draws nothing. In a ResNet's block the shortcut `downsample.0` is constructed BEFORE the
     block's `conv1` and `conv2`; in a Wide ResNet's block `convShortcut` comes AFTER them.
  2. A second pass over all convolutions in state_dict order draws every convolution's weight again,
     normal with mean 0 and deviation sqrt(2 / (outputs * kernel height * kernel width)). In a ResNet's block that
     order is conv1, conv2, downsample.0; in a Wide ResNet's conv1, conv2, convShortcut.
  `fc.weight` keeps its first draw in both families. `fc.bias` keeps its own in a ResNet and is set to zero in a
  Wide ResNet. Batch normalisation has weight 1 and bias 0.
"""

import math

import torch.nn.functional as F
from torch import nn


def conv(inputs, outputs, kernel, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


class WideBlock(nn.Module):
    """bn1, relu, conv1, bn2, relu, conv2, plus the input (or a 1 x 1 convolution of relu(bn1))."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = conv(outputs, outputs, 3)
        self.convShortcut = None if inputs == outputs else conv(inputs, outputs, 1, stride)

    def forward(self, x):
        return self.convolved(F.relu(self.bn1(x), inplace=True), x)

    def convolved(self, active, x):
        residual = x if self.convShortcut is None else self.convShortcut(active)
        out = F.relu(self.bn2(self.conv1(active)), inplace=True)
        return residual + self.conv2(out)


class WideStage(nn.Module):
    """A stage of blocks; the field `layer` is there for the parameter names."""

    def __init__(self, blocks, inputs, outputs, stride):
        super().__init__()
        self.layer = nn.Sequential(
            WideBlock(inputs, outputs, stride), *(WideBlock(outputs, outputs, 1) for _ in range(blocks - 1))
        )

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    """WRN depth-width. Taps: each stage's output, BEFORE the next batch normalisation and relu."""

    def __init__(self, depth, width, classes):
        super().__init__()
        blocks = (depth - 4) // 6
        channels = [16, 16 * width, 32 * width, 64 * width]
        self.conv1 = conv(3, channels[0], 3)
        self.block1 = WideStage(blocks, channels[0], channels[1], 1)
        self.block2 = WideStage(blocks, channels[1], channels[2], 2)
        self.block3 = WideStage(blocks, channels[2], channels[3], 2)
        self.bn1 = nn.BatchNorm2d(channels[3])
        self.fc = nn.Linear(channels[3], classes)
        draw_convolutions_again(self)
        nn.init.zeros_(self.fc.bias)

    def forward(self, x):
        stage1 = self.block1(self.conv1(x))
        stage2 = self.block2(stage1)
        stage3 = self.block3(stage2)
        pooled = F.avg_pool2d(F.relu(self.bn1(stage3), inplace=True), 8).flatten(1)
        return self.fc(pooled), (stage1, stage2, stage3)

    def all_taps(self, x):
        """The logits, and every tap by name. RepDistiller's pre-activations are its norms' outputs before their relu."""
        out = self.conv1(x)
        taps = {"stem": out}
        out = self.block1(out)
        for i, following in enumerate((self.block2, self.block3), 1):
            normalized = following.layer[0].bn1(out)
            taps |= {f"stage{i}": out, f"stage{i}.pre": normalized}
            out = following.layer[1:](following.layer[0].convolved(F.relu(normalized), out))
        normalized = self.bn1(out)
        taps |= {"stage3": out, "stage3.pre": normalized}
        return with_end(self, taps, F.relu(normalized))


class ResidualBlock(nn.Module):
    """conv1, bn1, relu, conv2, bn2, plus the input (or its 1 x 1 convolution and bn), relu."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        # Constructed first, registered last: the draws come in one order and the names in the other.
        downsample = None
        if stride != 1 or inputs != outputs:
            downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = conv(outputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = downsample

    def forward(self, x):
        return F.relu(self.sum(x))

    def sum(self, x):
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return out


class ResNet(nn.Module):
    """CIFAR ResNet. Taps: each stage's output, AFTER its last relu."""

    def __init__(self, depth, channels, classes):
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = conv(3, channels[0], 3)
        self.bn1 = nn.BatchNorm2d(channels[0])
        self.layer1 = self.stage(blocks, channels[0], channels[1], 1)
        self.layer2 = self.stage(blocks, channels[1], channels[2], 2)
        self.layer3 = self.stage(blocks, channels[2], channels[3], 2)
        self.fc = nn.Linear(channels[3], classes)
        draw_convolutions_again(self)

    @staticmethod
    def stage(blocks, inputs, outputs, stride):
        first = ResidualBlock(inputs, outputs, stride)
        return nn.Sequential(first, *(ResidualBlock(outputs, outputs, 1) for _ in range(blocks - 1)))

    def forward(self, x):
        stage1 = self.layer1(F.relu(self.bn1(self.conv1(x)), inplace=True))
        stage2 = self.layer2(stage1)
        stage3 = self.layer3(stage2)
        pooled = F.avg_pool2d(stage3, 8).flatten(1)
        return self.fc(pooled), (stage1, stage2, stage3)

    def all_taps(self, x):
        """The logits, and every tap by name. RepDistiller's pre-activations are the stages' last sums."""
        out = F.relu(self.bn1(self.conv1(x)))
        taps = {"stem": out}
        for i, stage in enumerate((self.layer1, self.layer2, self.layer3), 1):
            total = stage[-1].sum(stage[:-1](out))
            out = F.relu(total)
            taps |= {f"stage{i}": out, f"stage{i}.pre": total}
        return with_end(self, taps, out)


def with_end(network, taps, last):
    pooled = last.mean((2, 3))
    return network.fc(pooled), taps | {"last": last, "pooled": pooled}


def draw_convolutions_again(network):
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
            module.weight.data.normal_(0, math.sqrt(2 / fan_out))


WIDE = [f"wrn-{name}" for name in ("16-1", "40-1", "16-2", "40-2", "16-4", "40-4", "16-8", "28-10")]
PLAIN = [f"resnet-{depth}" for depth in (8, 14, 20, 32, 44, 56, 110)] + ["resnet-8x4", "resnet-32x4"]
NAMES = WIDE + PLAIN


def build(name, classes=10):
    """The network of that name; it returns (logits, (stage1, stage2, stage3))."""
    if name not in NAMES:
        raise ValueError(f"no network named {name}; there are {', '.join(NAMES)}")
    family, _, rest = name.partition("-")
    if family == "wrn":
        depth, width = rest.split("-")
        return WideResNet(int(depth), int(width), classes)
    depth, wide, _ = rest.partition("x4")
    return ResNet(int(depth), [32, 64, 128, 256] if wide else [16, 16, 32, 64], classes)
