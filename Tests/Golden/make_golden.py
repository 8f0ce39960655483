"""Writes the golden files the Swift tests compare with, from PyTorch.

To run, from the repository's root:

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 safetensors numpy
    venv/bin/python Tests/Golden/make_golden.py           # writes the files
    venv/bin/python Tests/Golden/make_golden.py --list    # and prints every tensor's name, type and shape

The committed files were made with torch 2.13.0 (CPU), safetensors 0.8.0, Python 3.11, one thread, x86-64 with AVX2 or
better. Uniform draws and permutations are the same on every machine; normal draws of 16 and more values may differ in
the last bit where the vector instructions do, so compare them with a tolerance.

All tensors are float32 unless the list says otherwise; no file holds metadata. Gradients are given at all inputs and
parameters. Compare float32 figures with a relative tolerance (1e-5 for single operations, about 1e-3 for the gradients
of whole networks), sums against the sum of absolute values beside them, float64 ones with 1e-10.

GoldenFiles/Files/torch.safetensors
  random/...            draws from ONE generator seeded 1, in this order:
    uniform [5] in -1..2; normal [10] with mean 1, deviation 2; normal-long [37] standard; uniform-f64 [4] in 0..1 and
    normal-f64 [20] standard, both float64; permutation [20] int64 (randperm); integers [8] int64 in 0..<1000;
    uniform-last [3] in 0..1, which is wrong if any draw before it took too much or too little.
  init/...              default initialisation after torch.manual_seed(7), built in this order:
    convolution.weight [8,3,3,3] .bias [8]: Conv2d(3, 8, 3, padding 1); grouped.weight [8,4,3,3]: Conv2d(8, 8, 3,
    groups 2, no bias); linear.weight [5,10] .bias [5]: Linear(10, 5); norm.weight .bias .running_mean .running_var [8]
    .num_batches_tracked [] int64: BatchNorm2d(8).
  <operation>/...       inputs by name, `y` the output, `r` the weights of the sum, `d<input>` gradients of sum(y * r):
    conv2d                 input [2,4,7,6] weight [5,4,3,3] bias [5], stride 1, no padding; y [2,5,5,4]
    conv2d-strided         the same with stride 2, padding 1; y [2,5,4,3]
    conv2d-grouped         input [2,4,7,6] weight [6,2,3,3], groups 2, padding 1, no bias; y [2,6,7,6]
    conv2d-1x1             input [2,4,7,6] weight [5,4,1,1], stride 2, no bias; y [2,5,4,3]
    conv-transpose2d       input [2,3,3,3] weight [3,4,4,4] bias [4], stride 2, padding 1; y [2,4,6,6]
    batch-norm-train       input [3,4,5,2] weight bias running_mean running_var [4], momentum 0.1, eps 1e-5; the
                           statistics after the step: running_mean-after, running_var-after
    batch-norm-eval        the same in evaluation mode (the statistics stay)
    linear                 input [3,6] weight [4,6] bias [4]; y [3,4]
    max-pool, avg-pool     2 x 2; inputs [2,3,6,6] and [2,4,7,6]; y [2,3,3,3] and [2,4,3,3]
    max-pool-3-2-1, avg-pool-3-2-1   3 x 3, stride 2, padding 1 (counted in the average); y [2,3,3,3] and [2,4,4,3]
    adaptive-pool-3x2, adaptive-pool-1x1   average, input [2,4,7,6]; y [2,4,3,2] and [2,4,1,1]
    relu                   input [2,3,6,6]
    softmax, log-softmax   input [3,6], over axis 1
    cross-entropy          input [5,7] target [5] int64, mean; y, r []
    cross-entropy-smoothed the same with label smoothing 0.1
    kl-div                 input [5,7] log-probabilities, target [5,7] probabilities, batchmean; y, r []
    mse                    input, target [5,7], mean; y, r []
    bilinear, bilinear-corners, nearest   input [2,4,7,6] to 10 x 4; y [2,4,10,4]; bilinear has align_corners false,
                           bilinear-corners true
    silu, gelu, gelu-tanh, tanh   input [2,4,7,6]
    layer-norm             input [2,4,7,6] weight bias [7,6], eps 1e-3; layer-norm-plain over the last axis, without either
    group-norm             input [2,4,7,6] weight bias [4], 2 groups, eps 1e-3; group-norm-plain in 4 groups, without either

GoldenFiles/Files/smooth.safetensors       torch_cases.SmoothNetwork: all of these as layers of a network
  images [4,3,6,6], labels [4] int64, logits [4,3] of the network at the start
  start/<key>, gradient/<key>, trained/<key>   state_dict, the first step's gradients, state_dict after three steps of SGD (rate
                                             0.1, momentum 0.9) on the mean cross-entropy of the batch

GoldenFiles/Files/optimisers.safetensors
  start/w [3,4], start/b [4]            both parameters before the first step
  gradients/w [5,3,4], gradients/b [5,4]   the gradient of each of five steps
  <name>.f32/w [5,3,4], <name>.f32/b [5,4], and .f64 in float64: the parameters AFTER each step, for
    sgd, sgd-decay, sgd-momentum, sgd-momentum-decay, sgd-nesterov, sgd-nesterov-decay (rate 0.1; momentum 0.9; decay
    5e-4), sgd-nesterov-rates (the last with rates 0.1, 0.1, 0.02, 0.02, 0.004), adamw (rate 0.01, decay 0.01, betas
    0.9 0.999, eps 1e-8), adamw-tuned (rate 0.01, decay 0.1, betas 0.8 0.95, eps 1e-6);
    in two parameter groups, with the rates of sgd-nesterov-rates: sgd-groups (momentum 0.9, nesterov; w: a tenth of the
    rate, decay 5e-4; b: no decay), adamw-groups (betas 0.8 0.95; w: decay 0.1; b: half of the rate, no decay);
    sgd-clipped: sgd-nesterov-decay after clip_grad_norm_ to 4, whose results are norms [5]
  average.<type>/w, b: the exponential moving average of sgd-nesterov-decay's parameters after each step, counted from 1,
    from start on, decay min(0.3, (1 + step) / (10 + step))
  rates/...  float64, the rate of each epoch from epoch 0, base 0.1:
    steps [10] MultiStepLR([3, 6], gamma 0.2); cosine [11] CosineAnnealingLR(T_max 10) to 0; warmup-steps [14] and
    warmup-cosine [15]: four epochs LinearLR(start factor 0.1, total 4): 0.1 (0.1 + 0.9 e / 4), and from epoch 4 on the
    schedule above counted from there (SequentialLR, milestone 4)

GoldenFiles/Files/training.safetensors
  images [5,6,2,6,6], labels [5,6] int64     the five batches of both epochs
  start/<key>                                TinyNetwork's state_dict before the first step
  trained/<key>, trained-ema/<key>           after two epochs of steps of two batches (two, two and one), and the moving average
                                             of all entries; training.py says with what settings
  frozen/..., frozen-ema/...                 the same with conv1 and bn1 frozen, bn1 in evaluation mode
  trained/norms, frozen/norms [2] float64    each epoch's mean norm of gradients before clip_grad_norm_ to 0.2

GoldenFiles/Files/losses.safetensors
  <case>/student, <case>/teacher        inputs, float32 (exact in float64 too); in `-pairs` cases student.0, student.1,
                                        teacher.0, teacher.1, and the loss is the sum over the pairs, unweighted
  <case>/loss.f32, loss.f64 []          the loss computed in that type
  <case>/gradient.f32, gradient.f64     its gradient at the student (gradient.0.f32 ... in `-pairs` cases)
    sp                  student [6,3,4,5], teacher [6,5,3,2]
    sp-relu             student [8,4,4,4], teacher [8,6,4,4], none negative
    sp-pairs            students [4,2,5,3] [4,3,2,2], teachers [4,5,2,2] [4,7]
    sp-zero             student [5,2,3,3] with image 2 zero, teacher [5,4,2,2] with image 4 zero. gradient.* is what
                        PyTorch's normalize gives: at image 2 it is divided by eps = 1e-12 and so about 1e11.
                        gradient-masked.f32/.f64 has the zero row's own normalised row fixed at zero: the same for the
                        other images, bounded at image 2.
    kd-4, kd-1          logits [7,10] at T = 4, [5,4] at T = 1; T^2 KL(teacher || student), batch mean
    at                  student [4,3,5,5], teacher [4,6,5,5]
    at-large-student    student [4,2,8,8] pooled to the teacher's [4,3,4,4]
    at-large-teacher    teacher [4,3,7,7] pooled to the student's [4,2,3,3] (windows of 3 that overlap)
    at-pairs            students [3,2,6,6] [3,4,3,3], teachers [3,4,6,6] [3,5,3,3]
    at-zero             student [3,2,4,4] with image 1 zero (its gradient is 0), teacher [3,5,4,4]
    hint                student [4,3,5,5], teacher [4,6,5,5]: 1 x 1
    hint-half           student [4,3,8,8], teacher [4,5,4,4]: 3 x 3, stride 2, padding 1
    hint-double         student [4,3,4,4], teacher [4,5,8,8]: transposed 4 x 4, stride 2, padding 1
    hint-shrink         student [4,3,7,7], teacher [4,5,5,5]: 3 x 3, no padding
  The hint cases hold besides:
    adapter.conv.weight, .conv.bias       default initialisation after manual_seed(11, 12, 13, 14 in the order above),
                                          the first draws from that seed
    adapter.bn.weight, .bn.bias           made uneven on purpose (the default is 1 and 0)
    adapter-gradient.<parameter>.f32/.f64 gradients of the adapter in training mode (conv.bias: zero but for rounding)
    after.bn.running_mean.f32/.f64, after.bn.running_var.f32/.f64   the statistics after that one pass

GoldenFiles/Files/networks.safetensors
  input [4,3,32,32] (randn, generator seeded 4), labels [4] int64
  <network>/...  for wrn-16-1, wrn-40-2, resnet-8, resnet-20, resnet-8x4, 10 classes, built after torch.manual_seed(3)
                 (networks.py says in which order the weights are drawn):
    init/<key> [6] float64        every floating state_dict entry as built: sum, sum of absolute values (float64), then
                                  the first four values
    train/logits [4,10], train/loss []   the first pass, in training mode, and its cross entropy with the labels
    gradient/<parameter> [6] float64     that loss's gradients, as init (not for wrn-40-2)
    after/<buffer> [6] float64    running_mean and running_var after that pass, as init (not for wrn-40-2)
    eval/logits [4,10]            then in evaluation mode (running statistics from that one pass, weights unchanged)
    eval/stage1, stage2, stage3 [18] float64   the taps of that pass: sum, sum of absolute values, then 16 values,
                                  number i at (7919 i) mod count in NCHW order
    eval/stage3-first [64,8,8]    the whole last tap of the first image (wrn-16-1 and resnet-8 only)
GoldenFiles/Files/taps.safetensors
  <network>/...  for wrn-16-1, wrn-16-2, resnet-8, resnet-8x4, as above, all taps (stem, stage1, stage1.pre ... last, pooled):
    eval/<tap> [18] float64              after one pass in training mode, in evaluation mode; as in networks.safetensors
    gradient/<parameter> [6] float64     in float64 and training mode, of the logits' cross-entropy plus, of all taps, the
                                         sum of the means of their squares
GoldenFiles/Files/families/<network>.safetensors   for one network or two of each family in families.py
  10 classes, built after torch.manual_seed(3), then all in float64; four images, uniform in -2..2 from a generator seeded 4,
  of 32 pixels, or of 64 for the networks of photographs; labels 3, 0, 9, 3. A row for each entry, in state_dict's order:
    init [n,6]                    every floating entry as built, as in networks.safetensors
    gradient [p,6]                in training mode, of the logits' cross-entropy plus, of all taps, the sum of the means of
                                  their squares; every parameter's
    after [m,6]                   running_mean and running_var after that pass
    train [4,10], eval [4,10]     the logits of that pass, and then in evaluation mode
    eval/<tap> [18]               the taps of the second pass, as in networks.safetensors
GoldenFiles/Files/state-dicts.json
  for every network of networks.py and families.py: {"parameters": count, "multiplyAdds": those of convolutions and
  linear layers for an image of the usual size, "keys": [state_dict keys in order], "shapes": [[...], ...]}, 10 classes

Taps by default, as RepDistiller has them: SP uses stage3; AT stage1, stage2, stage3; the hint stage2. The stages of a
Wide ResNet are taken BEFORE the next norm and relu, those of a ResNet AFTER the stage's last relu.
"""

import argparse
import copy
import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

import families
import losses
import networks
import torch_cases
import training

TESTS = pathlib.Path(__file__).resolve().parent.parent
DTYPES = {"f32": torch.float32, "f64": torch.float64}


def loss_case(name, function, students, teachers, variants=()):
    """Inputs as float32, then per type the loss and its gradient at each student; more gradients from `variants`.

    Inputs are float32 numbers, exact in float64 too.
    """
    numbered = [""] if len(students) == 1 else [f".{i}" for i in range(len(students))]
    out = {f"{name}/student{n}": t for n, t in zip(numbered, students)}
    out |= {f"{name}/teacher{n}": t for n, t in zip(numbered, teachers)}
    for suffix, dtype in DTYPES.items():
        for label, loss in (("gradient", function), *variants):
            leaves = [t.to(dtype, copy=True).requires_grad_() for t in students]
            value = sum(loss(s, t.to(dtype)) for s, t in zip(leaves, teachers))
            value.backward()
            out |= {f"{name}/{label}{n}.{suffix}": leaf.grad for n, leaf in zip(numbered, leaves)}
        out[f"{name}/loss.{suffix}"] = value.detach()
    return out


def hint_case(name, student, teacher, seed):
    """The adapter (default initialisation, its norm then made uneven), loss, gradients and running statistics."""
    torch.manual_seed(seed)
    adapter = losses.HintAdapter(student.shape, teacher.shape)
    adapter.bn.weight.data.uniform_(0.5, 1.5)
    adapter.bn.bias.data.uniform_(-0.5, 0.5)
    out = {f"{name}/student": student, f"{name}/teacher": teacher}
    out |= {f"{name}/adapter.{key}": p for key, p in adapter.named_parameters()}
    for suffix, dtype in DTYPES.items():
        trained = copy.deepcopy(adapter).to(dtype)
        leaf = student.to(dtype, copy=True).requires_grad_()
        loss = losses.hint_loss(trained, leaf, teacher.to(dtype))
        loss.backward()
        out |= {f"{name}/loss.{suffix}": loss.detach(), f"{name}/gradient.{suffix}": leaf.grad}
        out |= {f"{name}/adapter-gradient.{key}.{suffix}": p.grad for key, p in trained.named_parameters()}
        out |= {f"{name}/after.{key}.{suffix}": b for key, b in trained.named_buffers() if "running" in key}
    return out


def loss_cases():
    torch.manual_seed(9)
    rand = torch.randn

    def logits(temperature):
        return lambda s, t: losses.logits_loss(s, t, temperature)

    zero_student, zero_teacher = rand(5, 2, 3, 3), rand(5, 4, 2, 2)
    zero_student[2] = 0
    zero_teacher[4] = 0
    zero_map = rand(3, 2, 4, 4)
    zero_map[1] = 0
    sp, at = losses.similarity_loss, losses.attention_loss
    masked = [("gradient-masked", losses.masked_similarity_loss)]
    return (
        loss_case("sp", sp, [rand(6, 3, 4, 5)], [rand(6, 5, 3, 2)])
        | loss_case("sp-relu", sp, [rand(8, 4, 4, 4).relu()], [rand(8, 6, 4, 4).relu()])
        | loss_case("sp-pairs", sp, [rand(4, 2, 5, 3), rand(4, 3, 2, 2)], [rand(4, 5, 2, 2), rand(4, 7)])
        | loss_case("sp-zero", sp, [zero_student], [zero_teacher], masked)
        | loss_case("kd-4", logits(4), [rand(7, 10) * 3], [rand(7, 10) * 5])
        | loss_case("kd-1", logits(1), [rand(5, 4)], [rand(5, 4) * 2])
        | loss_case("at", at, [rand(4, 3, 5, 5)], [rand(4, 6, 5, 5)])
        | loss_case("at-large-student", at, [rand(4, 2, 8, 8)], [rand(4, 3, 4, 4)])
        | loss_case("at-large-teacher", at, [rand(4, 2, 3, 3)], [rand(4, 3, 7, 7)])
        | loss_case("at-pairs", at, [rand(3, 2, 6, 6), rand(3, 4, 3, 3)], [rand(3, 4, 6, 6), rand(3, 5, 3, 3)])
        | loss_case("at-zero", at, [zero_map], [rand(3, 5, 4, 4)])
        | hint_case("hint", rand(4, 3, 5, 5), rand(4, 6, 5, 5).relu(), 11)
        | hint_case("hint-half", rand(4, 3, 8, 8), rand(4, 5, 4, 4).relu(), 12)
        | hint_case("hint-double", rand(4, 3, 4, 4), rand(4, 5, 8, 8).relu(), 13)
        | hint_case("hint-shrink", rand(4, 3, 7, 7), rand(4, 5, 5, 5).relu(), 14)
    )


def fingerprint(tensor):
    """Sum and sum of absolute values, both in float64, then the first four values."""
    flat = tensor.detach().double().flatten()
    return torch.cat([flat.sum()[None], flat.abs().sum()[None], flat[:4]])


def tap_fingerprint(tensor):
    """Sum and sum of absolute values, then 16 values: number i at (7919 i) mod count, counted in NCHW order."""
    flat = tensor.detach().double().flatten()
    return torch.cat([flat.sum()[None], flat.abs().sum()[None], flat[torch.arange(16) * 7919 % flat.numel()]])


FULL_CASES = ["wrn-16-1", "resnet-8", "resnet-20", "resnet-8x4"]


def network_case(name, inputs, labels):
    torch.manual_seed(3)
    network = networks.build(name).train()
    out = {f"init/{key}": fingerprint(t) for key, t in network.state_dict().items() if t.is_floating_point()}
    logits, _ = network(inputs)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    out |= {"train/logits": logits.detach(), "train/loss": loss.detach()}
    if name in FULL_CASES:
        out |= {f"gradient/{key}": fingerprint(p.grad) for key, p in network.named_parameters()}
        out |= {f"after/{key}": fingerprint(b) for key, b in network.named_buffers() if "running" in key}
    with torch.no_grad():
        logits, taps = network.eval()(inputs)
    out["eval/logits"] = logits
    for i, tap in enumerate(taps, 1):
        out[f"eval/stage{i}"] = tap_fingerprint(tap)
    if name in ("wrn-16-1", "resnet-8"):
        out["eval/stage3-first"] = taps[2][0]
    return {f"{name}/{key}": t for key, t in out.items()}


def network_cases():
    g = torch.Generator().manual_seed(4)
    out = {"input": torch.randn(4, 3, 32, 32, generator=g), "labels": torch.tensor([3, 0, 9, 3])}
    for name in [*FULL_CASES, "wrn-40-2"]:
        out |= network_case(name, out["input"], out["labels"])
    return out


def tap_case(name, inputs, labels):
    def build():
        torch.manual_seed(3)
        return networks.build(name).train()

    network = build().double()
    logits, taps = network.all_taps(inputs.double())
    loss = F.cross_entropy(logits, labels) + sum(tap.square().mean() for tap in taps.values())
    loss.backward()
    out = {f"{name}/gradient/{key}": fingerprint(p.grad) for key, p in network.named_parameters()}

    network = build()
    network(inputs)
    with torch.no_grad():
        _, taps = network.eval().all_taps(inputs)
    return out | {f"{name}/eval/{key}": tap_fingerprint(tap) for key, tap in taps.items()}


def tap_cases():
    g = torch.Generator().manual_seed(4)
    inputs, labels = torch.randn(4, 3, 32, 32, generator=g), torch.tensor([3, 0, 9, 3])
    cases = [tap_case(name, inputs, labels) for name in ("wrn-16-1", "wrn-16-2", "resnet-8", "resnet-8x4")]
    return {key: t for case in cases for key, t in case.items()}


FAMILY_CASES = [
    *("vgg-8", "mobilenetv2-0.5", "shufflenetv1", "shufflenetv2-0.5", "resnet-50-cifar"),
    *("resnet18", "resnet50", "mobilenetv1_025", "mobilenet_v2-0.35", "shufflenet_v2_x0_5"),
]


def family_case(name):
    torch.manual_seed(3)
    network = families.build(name).train()
    init = [fingerprint(t) for t in network.state_dict().values() if t.is_floating_point()]
    side = 64 if name in families.LARGE else 32
    images = torch.empty(4, 3, side, side).uniform_(-2, 2, generator=torch.Generator().manual_seed(4)).double()
    network.double()
    logits, taps = network(images)
    loss = F.cross_entropy(logits, torch.tensor([3, 0, 9, 3])) + sum(tap.square().mean() for tap in taps.values())
    loss.backward()
    out = {
        "init": torch.stack(init),
        "gradient": torch.stack([fingerprint(p.grad) for p in network.parameters()]),
        "after": torch.stack([fingerprint(b) for key, b in network.named_buffers() if "running" in key]),
        "train": logits.detach(),
    }
    with torch.no_grad():
        out["eval"], taps = network.eval()(images)
    return out | {f"eval/{key}": tap_fingerprint(tap) for key, tap in taps.items()}


def multiply_adds(network, side):
    """Of convolutions and linear layers: each output is a sum over the weights of one filter."""
    count = 0

    def add(module, _, output):
        nonlocal count
        count += output[0].numel() * module.weight[0].numel()

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(add)
    network.eval()(torch.empty(1, 3, side, side, device="meta"))
    return count


def state_dicts():
    """Every network's state_dict keys, their shapes and its costs, for 10 classes."""
    out = {}
    for module in (networks, families):
        for name in module.NAMES:
            with torch.device("meta"):
                network = module.build(name)
            state = network.state_dict()
            out[name] = {
                "parameters": sum(p.numel() for p in network.parameters()),
                "multiplyAdds": multiply_adds(network, 224 if name in families.LARGE else 32),
                "keys": list(state),
                "shapes": [list(t.shape) for t in state.values()],
            }
    return out


def save(tensors, name, shows):
    path = TESTS / "GoldenFiles/Files" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: t.detach().contiguous().clone() for key, t in tensors.items()}, path)
    print(f"{path.relative_to(TESTS.parent)}: {len(tensors)} tensors, {path.stat().st_size} bytes")
    if shows:
        for key, t in tensors.items():
            print(f"  {key}  {str(t.dtype).removeprefix('torch.')} {list(t.shape)}")


def main():
    parser = argparse.ArgumentParser(description="Write the golden files of the Swift tests.")
    parser.add_argument("--list", action="store_true", help="print every tensor's name, type and shape")
    shows = parser.parse_args().list
    torch.set_num_threads(1)

    layer = torch_cases.random_draws() | torch_cases.initialisation() | torch_cases.operations()
    save(layer, "torch.safetensors", shows)
    save(torch_cases.smooth_training(), "smooth.safetensors", shows)
    save(torch_cases.optimisers() | torch_cases.schedules(), "optimisers.safetensors", shows)
    save(training.runs(), "training.safetensors", shows)
    save(loss_cases(), "losses.safetensors", shows)
    save(network_cases(), "networks.safetensors", shows)
    save(tap_cases(), "taps.safetensors", shows)
    for name in FAMILY_CASES:
        save(family_case(name), f"families/{name}.safetensors", shows)

    path = TESTS / "GoldenFiles/Files/state-dicts.json"
    lines = [f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in state_dicts().items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path.relative_to(TESTS.parent)}: {len(lines)} networks, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
