"""Golden cases for the Torch layer: random draws, initialisation, operations with gradients, optimisers, schedules."""

import torch
import torch.nn.functional as F
from torch import nn, optim


def random_draws():
    """All from ONE generator seeded 1, in this order."""
    g = torch.Generator().manual_seed(1)
    return {
        "random/uniform": torch.empty(5).uniform_(-1, 2, generator=g),
        "random/normal": torch.empty(10).normal_(1, 2, generator=g),
        "random/normal-long": torch.empty(37).normal_(0, 1, generator=g),
        "random/uniform-f64": torch.empty(4, dtype=torch.float64).uniform_(0, 1, generator=g),
        "random/normal-f64": torch.empty(20, dtype=torch.float64).normal_(0, 1, generator=g),
        "random/permutation": torch.randperm(20, generator=g),
        "random/integers": torch.randint(0, 1000, (8,), generator=g),
        "random/uniform-last": torch.rand(3, generator=g),
    }


def initialisation():
    torch.manual_seed(7)
    layers = {
        "convolution": nn.Conv2d(3, 8, 3, padding=1),
        "grouped": nn.Conv2d(8, 8, 3, groups=2, bias=False),
        "linear": nn.Linear(10, 5),
        "norm": nn.BatchNorm2d(8),
    }
    return {f"init/{name}.{key}": t for name, layer in layers.items() for key, t in layer.state_dict().items()}


def case(name, function, **inputs):
    """Inputs, output `y`, the fixed weights `r` and `d<input>`, the gradients of sum(y * r)."""
    leaves = {
        key: t.clone().requires_grad_() if t.is_floating_point() and not key.startswith("running") else t.clone()
        for key, t in inputs.items()
    }
    y = function(**leaves)
    r = torch.empty(y.shape).normal_()
    (y * r).sum().backward()
    out = {key: t for key, t in inputs.items()} | {"y": y.detach(), "r": r}
    out |= {"d" + key: t.grad for key, t in leaves.items() if t.requires_grad}
    out |= {key + "-after": t for key, t in leaves.items() if key.startswith("running")}
    return {f"{name}/{key}": t for key, t in out.items()}


def operations():
    torch.manual_seed(2)
    x, vector = torch.randn(2, 4, 7, 6), torch.randn(3, 6)
    # max_pool2d and relu have kinks: distinct, non-zero values keep the gradient unambiguous.
    distinct = (torch.randperm(2 * 3 * 6 * 6).float() - 107.5).reshape(2, 3, 6, 6) / 50
    logits, target = torch.randn(5, 7), torch.tensor([0, 6, 3, 3, 1])
    probabilities = F.softmax(torch.randn(5, 7), dim=1)
    norm = dict(
        input=torch.randn(3, 4, 5, 2) * 2 + 1,
        weight=torch.rand(4) + 0.5,
        bias=torch.randn(4),
        running_mean=torch.randn(4),
        running_var=torch.rand(4) + 0.5,
    )

    def batch_norm(training):
        return lambda input, weight, bias, running_mean, running_var: F.batch_norm(
            input, running_mean, running_var, weight, bias, training=training, momentum=0.1, eps=1e-5
        )

    w3, bias, w_groups, w1 = torch.randn(5, 4, 3, 3), torch.randn(5), torch.randn(6, 2, 3, 3), torch.randn(5, 4, 1, 1)
    cases = [
        case("conv2d", F.conv2d, input=x, weight=w3, bias=bias),
        case("conv2d-strided", lambda **t: F.conv2d(**t, stride=2, padding=1), input=x, weight=w3, bias=bias),
        case("conv2d-grouped", lambda **t: F.conv2d(**t, padding=1, groups=2), input=x, weight=w_groups),
        case("conv2d-1x1", lambda **t: F.conv2d(**t, stride=2), input=x, weight=w1),
        case(
            "conv-transpose2d",
            lambda **t: F.conv_transpose2d(**t, stride=2, padding=1),
            input=torch.randn(2, 3, 3, 3),
            weight=torch.randn(3, 4, 4, 4),
            bias=torch.randn(4),
        ),
        case("batch-norm-train", batch_norm(True), **norm),
        case("batch-norm-eval", batch_norm(False), **norm),
        case("linear", F.linear, input=vector, weight=torch.randn(4, 6), bias=torch.randn(4)),
        case("max-pool", lambda input: F.max_pool2d(input, 2), input=distinct),
        case("max-pool-3-2-1", lambda input: F.max_pool2d(input, 3, stride=2, padding=1), input=distinct),
        case("avg-pool", lambda input: F.avg_pool2d(input, 2), input=x),
        case("avg-pool-3-2-1", lambda input: F.avg_pool2d(input, 3, stride=2, padding=1), input=x),
        case("adaptive-pool-3x2", lambda input: F.adaptive_avg_pool2d(input, (3, 2)), input=x),
        case("adaptive-pool-1x1", lambda input: F.adaptive_avg_pool2d(input, 1), input=x),
        case("relu", F.relu, input=distinct),
        case("softmax", lambda input: F.softmax(input, dim=1), input=vector),
        case("log-softmax", lambda input: F.log_softmax(input, dim=1), input=vector),
        case("cross-entropy", F.cross_entropy, input=logits, target=target),
        case(
            "cross-entropy-smoothed", lambda **t: F.cross_entropy(**t, label_smoothing=0.1), input=logits, target=target
        ),
        case(
            "kl-div",
            lambda input, target: F.kl_div(input, target, reduction="batchmean"),
            input=F.log_softmax(logits, dim=1),
            target=probabilities,
        ),
        case("mse", F.mse_loss, input=logits, target=probabilities),
        case("bilinear", lambda input: F.interpolate(input, (10, 4), mode="bilinear", align_corners=False), input=x),
        case(
            "bilinear-corners",
            lambda input: F.interpolate(input, (10, 4), mode="bilinear", align_corners=True),
            input=x,
        ),
        case("nearest", lambda input: F.interpolate(input, (10, 4), mode="nearest"), input=x),
        case("silu", F.silu, input=x),
        case("gelu", F.gelu, input=x),
        case("gelu-tanh", lambda input: F.gelu(input, approximate="tanh"), input=x),
        case("tanh", torch.tanh, input=x),
        case(
            "layer-norm",
            lambda input, weight, bias: F.layer_norm(input, (7, 6), weight, bias, eps=1e-3),
            input=x, weight=torch.rand(7, 6) + 0.5, bias=torch.randn(7, 6),
        ),
        case("layer-norm-plain", lambda input: F.layer_norm(input, (6,)), input=x),
        case(
            "group-norm",
            lambda input, weight, bias: F.group_norm(input, 2, weight, bias, eps=1e-3),
            input=x, weight=torch.rand(4) + 0.5, bias=torch.randn(4),
        ),
        case("group-norm-plain", lambda input: F.group_norm(input, 4), input=x),
    ]
    return {name: t for tensors in cases for name, t in tensors.items()}


class SmoothNetwork(nn.Module):
    """Every smooth activation, and norms of groups, of maps, of a map's channels and of vectors."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm1 = nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(4, 8)
        self.stage1 = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.GroupNorm(2, 8, affine=False), nn.GELU(), nn.Conv2d(8, 6, 1),
            nn.LayerNorm([6, 6, 6]), nn.GELU(approximate="tanh"),
        )
        self.channels = nn.LayerNorm(6, eps=1e-6)
        self.norm = nn.Sequential(nn.LayerNorm(6, elementwise_affine=False), nn.LayerNorm(6, bias=False))
        self.dropout, self.fc = nn.Dropout(0.0), nn.Linear(6, 3)

    def forward(self, x):
        x = self.stage1(F.silu(self.norm1(self.stem(x))))
        x = torch.tanh(self.channels(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return self.fc(self.dropout(self.norm(F.adaptive_avg_pool2d(x, 1).flatten(1))))


def smooth_network():
    """With norms that do something; and what three steps of SGD make of it."""
    torch.manual_seed(5)
    net = SmoothNetwork()
    for key, parameter in net.named_parameters():
        if "norm" in key or "channels" in key or "stage1.4" in key:
            nn.init.uniform_(parameter, 0.5, 1.5)
    return net


def smooth_training():
    net, out = smooth_network(), {}
    images, labels = torch.randn(4, 3, 6, 6), torch.tensor([0, 2, 1, 2])
    out |= {"images": images, "labels": labels, "logits": net(images)}
    out |= {f"start/{key}": t.clone() for key, t in net.state_dict().items()}
    optimiser = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for step in range(3):
        optimiser.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        if step == 0:
            out |= {f"gradient/{key}": p.grad.clone() for key, p in net.named_parameters()}
        optimiser.step()
    return out | {f"trained/{key}": t for key, t in net.state_dict().items()}


OPTIMISERS = {
    "sgd": (optim.SGD, dict(lr=0.1)),
    "sgd-decay": (optim.SGD, dict(lr=0.1, weight_decay=5e-4)),
    "sgd-momentum": (optim.SGD, dict(lr=0.1, momentum=0.9)),
    "sgd-momentum-decay": (optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=5e-4)),
    "sgd-nesterov": (optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True)),
    "sgd-nesterov-decay": (optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)),
    "sgd-nesterov-rates": (optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)),
    "adamw": (optim.AdamW, dict(lr=0.01, weight_decay=0.01)),
    "adamw-tuned": (optim.AdamW, dict(lr=0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
}
RATES = [0.1, 0.1, 0.02, 0.02, 0.004]
# Parameter groups: what the rate is multiplied by, and the decay, of each parameter.
GROUPS = {
    "sgd-groups": (optim.SGD, dict(momentum=0.9, nesterov=True), RATES, {"w": (0.1, 5e-4), "b": (1, 0)}),
    "adamw-groups": (optim.AdamW, dict(betas=(0.8, 0.95)), RATES, {"w": (1, 0.1), "b": (0.5, 0)}),
}
LARGEST_NORM = 4.0
DECAY = 0.3


def optimisers():
    g = torch.Generator().manual_seed(5)
    start = {"w": torch.randn(3, 4, generator=g), "b": torch.randn(4, generator=g)}
    gradients = {"w": torch.randn(5, 3, 4, generator=g), "b": torch.randn(5, 4, generator=g)}
    out = {f"start/{key}": t for key, t in start.items()} | {f"gradients/{key}": t for key, t in gradients.items()}
    for dtype, suffix in ((torch.float32, "f32"), (torch.float64, "f64")):
        for name, (kind, options) in OPTIMISERS.items():
            rates = RATES if name.endswith("-rates") else [options["lr"]] * 5
            for key, steps in trajectory(kind, options, rates, start, gradients, dtype).items():
                out[f"{name}.{suffix}/{key}"] = steps
        for name, (kind, options, rates, groups) in GROUPS.items():
            for key, steps in trajectory(kind, options, rates, start, gradients, dtype, groups).items():
                out[f"{name}.{suffix}/{key}"] = steps
        kind, options = OPTIMISERS["sgd-nesterov-decay"]
        norms = []
        clipped = trajectory(kind, options, [0.1] * 5, start, gradients, dtype, norms=norms)
        out |= {f"sgd-clipped.{suffix}/{key}": steps for key, steps in clipped.items()}
        out[f"sgd-clipped.{suffix}/norms"] = torch.stack(norms)
        for key in start:
            out[f"average.{suffix}/{key}"] = average(start[key].to(dtype), out[f"sgd-nesterov-decay.{suffix}/{key}"])
    return out


def average(start, steps):
    """The exponential moving average after every step, by its formula: d a + (1 - d) w."""
    mean, out = start, []
    for step, weights in enumerate(steps, 1):
        decay = min(DECAY, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * weights
        out.append(mean)
    return torch.stack(out)


def trajectory(kind, options, rates, start, gradients, dtype, groups=None, norms=None):
    """Both parameters after every step, stacked along the first axis; gradients are clipped where norms are asked for."""
    parameters = {key: t.to(dtype, copy=True).requires_grad_() for key, t in start.items()}
    whole, factors = [{"params": parameters.values()}], [1]
    if groups:
        whole = [{"params": [parameters[key]], "weight_decay": decay} for key, (_, decay) in groups.items()]
        factors = [factor for factor, _ in groups.values()]
    optimiser = kind(whole, **options)
    steps = {key: [] for key in parameters}
    for i, rate in enumerate(rates):
        for group, factor in zip(optimiser.param_groups, factors):
            group["lr"] = rate * factor
        for key, parameter in parameters.items():
            parameter.grad = gradients[key][i].to(dtype, copy=True)
        if norms is not None:
            norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), LARGEST_NORM))
        optimiser.step()
        for key, parameter in parameters.items():
            steps[key].append(parameter.detach().clone())
    return {key: torch.stack(values) for key, values in steps.items()}


def schedules():
    """The learning rate of every epoch, base rate 0.1, the scheduler stepped once after each epoch."""
    lr = optim.lr_scheduler

    def rates(make, epochs):
        optimiser = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        schedule, out = make(optimiser), []
        for _ in range(epochs):
            out.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        return torch.tensor(out, dtype=torch.float64)

    def steps(optimiser):
        return lr.MultiStepLR(optimiser, milestones=[3, 6], gamma=0.2)

    def cosine(optimiser):
        return lr.CosineAnnealingLR(optimiser, T_max=10)

    def warm(then):
        def make(optimiser):
            warmup = lr.LinearLR(optimiser, start_factor=0.1, total_iters=4)
            return lr.SequentialLR(optimiser, [warmup, then(optimiser)], milestones=[4])

        return make

    return {
        "rates/steps": rates(steps, 10),
        "rates/cosine": rates(cosine, 11),
        "rates/warmup-steps": rates(warm(steps), 14),
        "rates/warmup-cosine": rates(warm(cosine), 15),
    }
