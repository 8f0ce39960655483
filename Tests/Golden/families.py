"""The other families of networks in PyTorch: VGG, MobileNets, ShuffleNets, ResNet-50 and the ImageNet ResNets.

Structure, parameter names, initialisation and taps are those of RepDistiller (github.com/HobbitLong/RepDistiller) for images
of 32 pixels, of torchvision and timm for those of 224. Every network returns (logits, taps by name). networks.py has the Wide
ResNets and the CIFAR ResNets.

Order of random draws for a network built after `torch.manual_seed(s)`: PyTorch's default initialisation, layer by layer as
they are constructed; then, but for the ShuffleNets, a second pass over `modules()`, which draws
  - every convolution's weight again, normal with deviation sqrt(2 / (outputs * kernel height * kernel width)), bias 0;
    MobileNetV1 divides the outputs by the groups;
  - VGG's and MobileNetV2's linear weight, normal with deviation 0.01, bias 0; MobileNetV1's uniform in +-1/sqrt(classes),
    bias 0; the ResNets keep theirs.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


def conv(inputs, outputs, kernel=1, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


def depthwise(channels, stride=1):
    return conv(channels, channels, 3, stride, channels)


def norm(channels):
    return nn.BatchNorm2d(channels)


def draw_again(network, per_group=False, linear=None):
    """The second pass; `linear` draws a linear layer's weight."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            outputs = module.out_channels // (module.groups if per_group else 1)
            fan_out = outputs * module.kernel_size[0] * module.kernel_size[1]
            nn.init.normal_(module.weight, 0, math.sqrt(2 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear) and linear is not None:
            linear(module.weight)
            nn.init.zeros_(module.bias)


def narrow_normal(weight):
    nn.init.normal_(weight, 0, 0.01)


def ended(taps, last, classifier):
    pooled = last.mean((2, 3))
    return classifier(pooled), taps | {"last": last, "pooled": pooled}


def activated_stage(taps, number, blocks, x, activation=F.relu):
    """A stage whose blocks each end before an activation: its taps after and before the last one."""
    for block in blocks:
        total = block(x)
        x = activation(total)
    taps |= {f"stage{number}": x, f"stage{number}.pre": total}
    return x


class VGG(nn.Module):
    def __init__(self, counts, classes):
        super().__init__()
        inputs = 3
        for group, (count, outputs) in enumerate(zip(counts, (64, 128, 256, 512, 512))):
            layers = []
            for _ in range(count):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), norm(outputs), nn.ReLU()]
                inputs = outputs
            setattr(self, f"block{group}", nn.Sequential(*layers[:-1]))
        self.classifier = nn.Linear(512, classes)
        draw_again(self, linear=narrow_normal)

    def forward(self, x):
        side = x.shape[2]
        x = F.relu(self.block0(x))
        taps = {"stem": x}
        for number in range(1, 5):
            if number < 4 or side >= 64:
                x = F.max_pool2d(x, 2)
            x = activated_stage(taps, number, [getattr(self, f"block{number}")], x)
        return ended(taps, x, self.classifier)


# Expansion, channels and blocks of MobileNetV2's groups: the paper's table 2.
GROUPS = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]


class SmallInvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        middle = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            *(conv(inputs, middle), norm(middle), nn.ReLU()),
            *(depthwise(middle, stride), norm(middle), nn.ReLU()),
            *(conv(middle, outputs), norm(outputs)),
        )

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class SmallMobileNetV2(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        inputs = int(32 * width)
        self.conv1 = nn.Sequential(conv(3, inputs, 3, 2), norm(inputs), nn.ReLU())
        self.blocks = nn.ModuleList()
        for (expansion, channels, count), first in zip(GROUPS, (1, 1, 2, 2, 1, 2, 1)):
            outputs = int(channels * width)
            blocks = []
            for stride in [first] + [1] * (count - 1):
                blocks.append(SmallInvertedResidual(inputs, outputs, expansion, stride))
                inputs = outputs
            self.blocks.append(nn.Sequential(*blocks))
        last = int(1280 * width) if width > 1 else 1280
        self.conv2 = nn.Sequential(conv(inputs, last), norm(last), nn.ReLU())
        self.classifier = nn.Sequential(nn.Linear(last, classes))
        draw_again(self, linear=narrow_normal)

    def forward(self, x):
        x = self.conv1(x)
        taps = {"stem": x}
        for number, groups in enumerate(((0, 1), (2,), (3, 4), (5, 6)), 1):
            for group in groups:
                x = self.blocks[group](x)
            taps |= {f"stage{number}": x, f"stage{number}.pre": x}
        return ended(taps, self.conv2(x), self.classifier)


def divisible(channels):
    """The nearest multiple of 8, at least 8, and not below nine tenths."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def clipped(inputs, outputs, kernel=1, stride=1, groups=1):
    return nn.Sequential(conv(inputs, outputs, kernel, stride, groups), norm(outputs), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        middle = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        layers = [] if expansion == 1 else [clipped(inputs, middle)]
        layers += [clipped(middle, middle, 3, stride, middle), conv(middle, outputs), norm(outputs)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """Torchvision's dropout is not drawn as by PyTorch: its place in `classifier` stays free, and the tests switch it off."""

    def __init__(self, width, classes):
        super().__init__()
        inputs = divisible(32 * width)
        features = [clipped(3, inputs, 3, 2)]
        for (expansion, channels, count), first in zip(GROUPS, (1, 2, 2, 2, 1, 2, 1)):
            outputs = divisible(channels * width)
            for stride in [first] + [1] * (count - 1):
                features.append(InvertedResidual(inputs, outputs, expansion, stride))
                inputs = outputs
        last = divisible(1280 * max(1, width))
        features.append(clipped(inputs, last))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Identity(), nn.Linear(last, classes))
        draw_again(self, linear=narrow_normal)

    def forward(self, x):
        taps = {}
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index == 0:
                taps["stem"] = x
            if index in (3, 6, 13, 17):
                number = (3, 6, 13, 17).index(index) + 1
                taps |= {f"stage{number}": x, f"stage{number}.pre": x}
        return ended(taps, x, self.classifier)


class SeparableConvolution(nn.Module):
    """Up to its last ReLU6."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv_dw = depthwise(inputs, stride)
        self.bn1 = norm(inputs)
        self.conv_pw = conv(inputs, outputs)
        self.bn2 = norm(outputs)

    def forward(self, x):
        return self.bn2(self.conv_pw(F.relu6(self.bn1(self.conv_dw(x)))))


class MobileNetV1(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        inputs = divisible(32 * width)
        self.conv_stem = conv(3, inputs, 3, 2)
        self.bn1 = norm(inputs)
        self.blocks = nn.Sequential()
        for channels, count, first in ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2)):
            outputs = divisible(channels * width)
            stage = nn.Sequential()
            for stride in [first] + [1] * (count - 1):
                stage.append(SeparableConvolution(inputs, outputs, stride))
                inputs = outputs
            self.blocks.append(stage)
        self.classifier = nn.Linear(inputs, classes)
        bound = 1 / math.sqrt(classes)
        draw_again(self, per_group=True, linear=lambda weight: nn.init.uniform_(weight, -bound, bound))

    def forward(self, x):
        x = F.relu6(self.bn1(self.conv_stem(x)))
        taps = {"stem": x}
        for number, stage in enumerate(self.blocks):
            x = activated_stage(taps, number, stage, x, F.relu6)
        del taps["stage0"], taps["stage0.pre"]
        return ended(taps, x, self.classifier)


def shuffle(x, groups):
    n, channels, height, width = x.shape
    return x.view(n, groups, channels // groups, height, width).transpose(1, 2).reshape(x.shape)


class ShuffleUnit(nn.Module):
    """ShuffleNetV1's, up to its last ReLU."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.stride = stride
        self.groups = 1 if inputs == 24 else 3
        own = outputs - inputs if stride == 2 else outputs
        middle = own // 4
        self.conv1 = conv(inputs, middle, groups=self.groups)
        self.bn1 = norm(middle)
        self.conv2 = depthwise(middle, stride)
        self.bn2 = norm(middle)
        self.conv3 = conv(middle, own, groups=3)
        self.bn3 = norm(own)

    def forward(self, x):
        out = shuffle(F.relu(self.bn1(self.conv1(x))), self.groups)
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return torch.cat([out, F.avg_pool2d(x, 3, 2, 1)], 1) if self.stride == 2 else out + x


class ShuffleNetV1(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = conv(3, 24)
        self.bn1 = norm(24)
        inputs = 24
        for number, (outputs, count) in enumerate(((240, 4), (480, 8), (960, 4)), 1):
            units = [ShuffleUnit(inputs, outputs, 2)] + [ShuffleUnit(outputs, outputs, 1) for _ in range(count - 1)]
            setattr(self, f"layer{number}", nn.Sequential(*units))
            inputs = outputs
        self.linear = nn.Linear(960, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        taps = {"stem": x}
        for number, layer in enumerate((self.layer1, self.layer2, self.layer3), 1):
            x = activated_stage(taps, number, layer, x)
        return ended(taps, x, self.linear)


class SmallShuffleReduction(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        half = outputs // 2
        self.conv1, self.bn1 = depthwise(inputs, 2), norm(inputs)
        self.conv2, self.bn2 = conv(inputs, half), norm(half)
        self.conv3, self.bn3 = conv(inputs, half), norm(half)
        self.conv4, self.bn4 = depthwise(half, 2), norm(half)
        self.conv5, self.bn5 = conv(half, half), norm(half)

    def forward(self, x):
        left = F.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        right = F.relu(self.bn3(self.conv3(x)))
        right = F.relu(self.bn5(self.conv5(self.bn4(self.conv4(right)))))
        return shuffle(torch.cat([left, right], 1), 2)


class SmallShuffleBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.conv1, self.bn1 = conv(half, half), norm(half)
        self.conv2, self.bn2 = depthwise(half), norm(half)
        self.conv3, self.bn3 = conv(half, half), norm(half)

    def forward(self, x):
        kept, out = x.chunk(2, 1)
        out = self.bn3(self.conv3(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(out)))))))
        self.before = torch.cat([kept, out], 1)
        return shuffle(torch.cat([kept, F.relu(out)], 1), 2)


class SmallShuffleNetV2(nn.Module):
    def __init__(self, widths, classes):
        super().__init__()
        *stages, last = widths
        self.conv1, self.bn1 = conv(3, 24), norm(24)
        inputs = 24
        for number, (outputs, count) in enumerate(zip(stages, (3, 7, 3)), 1):
            blocks = [SmallShuffleReduction(inputs, outputs)] + [SmallShuffleBlock(outputs) for _ in range(count)]
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
            inputs = outputs
        self.conv2, self.bn2 = conv(inputs, last), norm(last)
        self.linear = nn.Linear(last, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        taps = {"stem": x}
        for number, layer in enumerate((self.layer1, self.layer2, self.layer3), 1):
            taps[f"stage{number}"] = x = layer(x)
            taps[f"stage{number}.pre"] = layer[-1].before
        return ended(taps, F.relu(self.bn2(self.conv2(x))), self.linear)


class ShuffleBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        half = outputs // 2
        own = inputs if stride == 2 else half
        self.branch1 = nn.Sequential()
        if stride == 2:
            self.branch1 = nn.Sequential(
                depthwise(inputs, 2), norm(inputs), conv(inputs, half), norm(half), nn.ReLU()
            )
        self.branch2 = nn.Sequential(
            *(conv(own, half), norm(half), nn.ReLU()),
            *(depthwise(half, stride), norm(half)),
            *(conv(half, half), norm(half), nn.ReLU()),
        )

    def forward(self, x):
        left, right = (x, x) if len(self.branch1) else x.chunk(2, 1)
        left, right = self.branch1(left), self.branch2[:-1](right)
        self.before = torch.cat([left, right], 1)
        return shuffle(torch.cat([left, self.branch2[-1](right)], 1), 2)


class ShuffleNetV2(nn.Module):
    def __init__(self, widths, classes):
        super().__init__()
        *stages, last = widths
        self.conv1 = nn.Sequential(conv(3, 24, 3, 2), norm(24), nn.ReLU())
        inputs = 24
        for number, (outputs, count) in enumerate(zip(stages, (4, 8, 4)), 2):
            blocks = [ShuffleBlock(inputs, outputs, 2)] + [ShuffleBlock(outputs, outputs, 1) for _ in range(count - 1)]
            setattr(self, f"stage{number}", nn.Sequential(*blocks))
            inputs = outputs
        self.conv5 = nn.Sequential(conv(inputs, last), norm(last), nn.ReLU())
        self.fc = nn.Linear(last, classes)

    def forward(self, x):
        x = self.conv1(x)
        taps = {"stem": x}
        x = F.max_pool2d(x, 3, 2, 1)
        for number, stage in enumerate((self.stage2, self.stage3, self.stage4), 1):
            taps[f"stage{number}"] = x = stage(x)
            taps[f"stage{number}.pre"] = stage[-1].before
        return ended(taps, self.conv5(x), self.fc)


class BasicBlock(nn.Module):
    """Up to its last ReLU, as the bottleneck."""

    expansion = 1
    shortcut_name = "downsample"

    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.make_convolutions(inputs, channels, stride)
        outputs = channels * self.expansion
        changes = stride != 1 or inputs != outputs
        layers = [conv(inputs, outputs, 1, stride), norm(outputs)] if changes else []
        setattr(self, self.shortcut_name, nn.Sequential(*layers))

    def make_convolutions(self, inputs, channels, stride):
        self.conv1, self.bn1 = conv(inputs, channels, 3, stride), norm(channels)
        self.conv2, self.bn2 = conv(channels, channels, 3), norm(channels)

    def convolved(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return self.convolved(x) + getattr(self, self.shortcut_name)(x)


class Bottleneck(BasicBlock):
    expansion = 4

    def make_convolutions(self, inputs, channels, stride):
        self.conv1, self.bn1 = conv(inputs, channels), norm(channels)
        self.conv2, self.bn2 = conv(channels, channels, 3, stride), norm(channels)
        self.conv3, self.bn3 = conv(channels, channels * 4), norm(channels * 4)

    def convolved(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return self.bn3(self.conv3(F.relu(self.bn2(self.conv2(out)))))


class SmallBottleneck(Bottleneck):
    shortcut_name = "shortcut"


class ResNet(nn.Module):
    """Of four stages. The second pass makes the order of construction within a block indifferent."""

    def __init__(self, block, counts, classes, small=False):
        super().__init__()
        self.small = small
        self.conv1 = conv(3, 64, 3) if small else conv(3, 64, 7, 2)
        self.bn1 = norm(64)
        inputs = 64
        for number, count in enumerate(counts, 1):
            blocks = nn.Sequential()
            for index in range(count):
                channels = 32 << number
                blocks.append(block(inputs, channels, 2 if index == 0 and number > 1 else 1))
                inputs = channels * block.expansion
            setattr(self, f"layer{number}", blocks)
        setattr(self, "linear" if small else "fc", nn.Linear(inputs, classes))
        draw_again(self)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        taps = {"stem": x}
        if not self.small:
            x = F.max_pool2d(x, 3, 2, 1)
        for number, layer in enumerate((self.layer1, self.layer2, self.layer3, self.layer4), 1):
            x = activated_stage(taps, number, layer, x)
        return ended(taps, x, self.linear if self.small else self.fc)


SMALL = {
    "vgg-8": lambda c: VGG([1, 1, 1, 1, 1], c),
    "vgg-11": lambda c: VGG([1, 1, 2, 2, 2], c),
    "vgg-13": lambda c: VGG([2, 2, 2, 2, 2], c),
    "vgg-16": lambda c: VGG([2, 2, 3, 3, 3], c),
    "vgg-19": lambda c: VGG([2, 2, 4, 4, 4], c),
    "mobilenetv2-0.35": lambda c: SmallMobileNetV2(0.35, c),
    "mobilenetv2-0.5": lambda c: SmallMobileNetV2(0.5, c),
    "mobilenetv2-1.0": lambda c: SmallMobileNetV2(1.0, c),
    "shufflenetv1": ShuffleNetV1,
    "shufflenetv2-0.5": lambda c: SmallShuffleNetV2((48, 96, 192, 1024), c),
    "shufflenetv2-1": lambda c: SmallShuffleNetV2((116, 232, 464, 1024), c),
    "shufflenetv2-1.5": lambda c: SmallShuffleNetV2((176, 352, 704, 1024), c),
    "shufflenetv2-2": lambda c: SmallShuffleNetV2((224, 488, 976, 2048), c),
    "resnet-50-cifar": lambda c: ResNet(SmallBottleneck, (3, 4, 6, 3), c, small=True),
}
LARGE = {
    "resnet18": lambda c: ResNet(BasicBlock, (2, 2, 2, 2), c),
    "resnet34": lambda c: ResNet(BasicBlock, (3, 4, 6, 3), c),
    "resnet50": lambda c: ResNet(Bottleneck, (3, 4, 6, 3), c),
    "mobilenetv1_025": lambda c: MobileNetV1(0.25, c),
    "mobilenetv1_050": lambda c: MobileNetV1(0.5, c),
    "mobilenetv1_100": lambda c: MobileNetV1(1.0, c),
    "mobilenet_v2-0.35": lambda c: MobileNetV2(0.35, c),
    "mobilenet_v2-0.5": lambda c: MobileNetV2(0.5, c),
    "mobilenet_v2-1.0": lambda c: MobileNetV2(1.0, c),
    "mobilenet_v2-1.4": lambda c: MobileNetV2(1.4, c),
    "shufflenet_v2_x0_5": lambda c: ShuffleNetV2((48, 96, 192, 1024), c),
    "shufflenet_v2_x1_0": lambda c: ShuffleNetV2((116, 232, 464, 1024), c),
    "shufflenet_v2_x2_0": lambda c: ShuffleNetV2((244, 488, 976, 2048), c),
}
NAMES = [*SMALL, *LARGE]


def build(name, classes=10):
    """The network of that name; it returns (logits, {tap: activation})."""
    return (SMALL | LARGE)[name](classes)
