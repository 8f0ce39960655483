"""Every distillation method's loss, forward and backward, in plain PyTorch: what Kindred's losses are measured against.

Written the way the public toolkits write them: differences of all pairs as a b x b x d tensor and batched products for
RKD's angles, `index_select` of b x (K + 1) x 128 from both of CRD's banks, functional.normalize, nn.functional. Inputs
are random and have the shapes of a WRN-16-2 taught by a WRN-40-2 on CIFAR-100: maps of 32 x 32 x 32, 64 x 16 x 16 and
128 x 8 x 8 and pooled vectors of 128 in both networks, 100 classes, 50,000 samples. All of the student's inputs require
gradients, as do the methods' own modules; none of the teacher's does.

Which inputs: sp, cka, ickd, simkd the last map; hint the second; at, nst, vid, ab, ofd all three; fsp both neighbours;
reviewkd all three and the pooled vector. No optimiser's step is part of the time.

Prints one line of JSON for each method and batch:
  method, batch   kd's settings as kd-standardize, kd-normalize, kd-curriculum, kd-weighted
  seconds         list, each round's median over as many iterations as take 0.2 seconds (at least three); time on
                  the processor with --cpu-time, for a machine that others use too
  added_memory_mb what the first step needs at its peak beyond what was there before it, in MiB
CRD has four lines: crd (all of a step: draw by the alias method, gather, scores, backward, update of the banks), then
parts of it on their own: crd-draw (that draw), crd-gather (both banks' index_select), and crd-draw-choice (b draws by
numpy.random.choice without replacement from the 49,500 images of other classes: how RepDistiller's data loader draws
when it trains, in its worker processes).
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Golden"))
import losses  # noqa: E402
import methods  # noqa: E402

SHAPES = [(32, 32), (64, 16), (128, 8)]
WIDTH = 128
CLASSES = 100
SAMPLES = 50_000
NEGATIVES = 16_384
SECONDS_PER_ROUND = 0.2
FEWEST_ITERATIONS = 3
LONG_ITERATION = 5  # seconds: one alone is steady enough


class Inputs:
    """What both networks give for one batch."""

    def __init__(self, batch):
        torch.manual_seed(1)
        self.batch = batch
        self.student, self.teacher = self.network(), self.network()
        self.leaves = [*self.student["maps"], self.student["pooled"], self.student["logits"]]
        for leaf in self.leaves:
            leaf.requires_grad_()
        self.labels = torch.randint(0, CLASSES, (batch,))
        self.indices = torch.randperm(SAMPLES)[:batch]
        self.head = torch.randn(CLASSES, WIDTH) / math.sqrt(WIDTH), torch.zeros(CLASSES)

    def network(self):
        return {
            "maps": [torch.randn(self.batch, channels, side, side) for channels, side in SHAPES],
            "pooled": torch.randn(self.batch, WIDTH).relu(),
            "logits": 3 * torch.randn(self.batch, CLASSES),
        }

    def trained(self, module):
        """Takes a method's module in among what gets gradients."""
        self.leaves += module.parameters()
        return module

    def both(self, key):
        return self.student[key], self.teacher[key]


# Losses on logits.


def softened(student, teacher, temperature):
    return F.kl_div(
        F.log_softmax(student / temperature, 1), F.softmax(teacher / temperature, 1), reduction="none"
    ).sum(1)


def kd(student, teacher, temperature=4):
    return softened(student, teacher, temperature).mean() * temperature**2


def z_score(logits):
    return (logits - logits.mean(1, keepdim=True)) / (logits.std(1, keepdim=True) + 1e-7)


def kd_normalize(student, teacher):
    own, other = 2 * student.std(1, keepdim=True), 2 * teacher.std(1, keepdim=True)
    return (softened(student / own, teacher / other, 1) * other.squeeze(1) ** 2).mean()


def kd_weighted(student, teacher, labels):
    with torch.no_grad():
        own, other = (F.cross_entropy(z, labels, reduction="none") for z in (student, teacher))
        weights = 1 - torch.exp(-own / (other + 1e-7))
    soft = -(F.softmax(teacher / 2, 1) * F.log_softmax(student / 2, 1)).sum(1)
    return (weights * soft).mean() * 4


def dkd(student, teacher, labels, temperature=4):
    """With masks: the target class against the rest, then the others with the target pushed out of the softmax."""
    mask = F.one_hot(labels, CLASSES).bool()

    def binary(logits):
        p = F.softmax(logits / temperature, 1)
        return torch.stack([(p * mask).sum(1), (p * ~mask).sum(1)], 1)

    target = F.kl_div(binary(student).log(), binary(teacher), reduction="batchmean")
    own, other = (z / temperature - 1000.0 * mask for z in (student, teacher))
    others = F.kl_div(F.log_softmax(own, 1), F.softmax(other, 1), reduction="batchmean")
    return (target + 8 * others) * temperature**2


def correlation(u, v):
    u, v = u - u.mean(1, keepdim=True), v - v.mean(1, keepdim=True)
    return ((u * v).sum(1) / (u.norm(dim=1) * v.norm(dim=1) + 1e-8)).mean()


def dist(student, teacher, temperature=4):
    p, q = F.softmax(student / temperature, 1), F.softmax(teacher / temperature, 1)
    return temperature**2 * (2 - correlation(p, q) - correlation(p.t(), q.t()))


def nkd(student, teacher, labels, gamma=1.5):
    target = labels[:, None]
    mask = torch.ones_like(student).scatter_(1, target, 0).bool()
    first = -(F.softmax(teacher, 1).gather(1, target) * F.log_softmax(student, 1).gather(1, target)).mean()
    own, other = student[mask].view(len(student), -1), teacher[mask].view(len(student), -1)
    return first - gamma * (F.softmax(other, 1) * F.log_softmax(own, 1)).sum(1).mean()


def transformed(teacher, gamma):
    powers = F.softmax(teacher, 1) ** gamma
    return powers / powers.sum(1, keepdim=True), powers.sum(1)


def ttm(student, teacher):
    return F.kl_div(F.log_softmax(student, 1), transformed(teacher, 0.1)[0], reduction="batchmean")


def wttm(student, teacher):
    target, weights = transformed(teacher, 0.2)
    return (weights * F.kl_div(F.log_softmax(student, 1), target, reduction="none").sum(1)).mean()


def skd(student, teacher):
    own, other = F.normalize(student, dim=1), F.normalize(teacher, dim=1)
    difference = own @ own.t() - other @ other.t()
    covariance = torch.cov(difference.t()) + 0.1 * torch.eye(len(difference))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(covariance))
    return (torch.einsum("bi,ij,bj->b", difference, inverse, difference) + 1e-12).sqrt().mean()


# Losses on pooled vectors.


def rkd(student, teacher):
    def distances(f):
        squares = f.square().sum(1)
        gaps = (squares[:, None] + squares[None] - 2 * f @ f.t()).clamp(min=1e-12).sqrt()
        gaps = gaps * (1 - torch.eye(len(f)))
        return gaps / gaps[gaps > 0].mean()

    def angles(f):
        directions = F.normalize(f[None] - f[:, None], dim=2)
        return torch.bmm(directions, directions.transpose(1, 2)).view(-1)

    with torch.no_grad():
        wanted_distances, wanted_angles = distances(teacher), angles(teacher)
    return 25 * F.smooth_l1_loss(distances(student), wanted_distances) + 50 * F.smooth_l1_loss(
        angles(student), wanted_angles
    )


def pkt(student, teacher):
    def probabilities(f):
        f = f / (f.norm(dim=1, keepdim=True) + 1e-7)
        kernel = (f @ f.t() + 1) / 2
        return kernel / kernel.sum(1, keepdim=True)

    p, q = probabilities(student), probabilities(teacher)
    return (q * torch.log((q + 1e-7) / (p + 1e-7))).mean()


def cc_paper(student, teacher, gamma=0.4):
    def kernel(f):
        products = F.normalize(f, dim=1) @ F.normalize(f, dim=1).t()
        terms = [math.exp(-2 * gamma) * (2 * gamma) ** p / math.factorial(p) * products**p for p in range(3)]
        return torch.stack(terms).sum(0)

    return (kernel(student) - kernel(teacher)).square().sum() / len(student) ** 2


def itrd(module, student, teacher):
    embedded = module.embed(student)
    own = (embedded - embedded.mean(0)) / embedded.std(0)
    other = (teacher - teacher.mean(0)) / (teacher.std(0) + 1e-7)
    alike = torch.einsum("bx,bx->x", own, other) / len(student)
    first = torch.log2(((alike - 1).abs() ** 2).pow(1.01).sum())
    own, other = F.normalize(student), F.normalize(teacher)
    own, other = torch.einsum("bx,dx->bd", own, own), torch.einsum("bx,dx->bd", other, other)
    joint = own * other
    own, joint = own / torch.trace(own), joint / torch.trace(joint)
    return 2 * first + 0.05 * (own.square() - joint.square()).sum()


class CRD:
    """Both banks and the alias tables of uniform draws. The parts of a step can be run on their own."""

    def __init__(self, inputs):
        self.inputs = inputs
        self.embeds = [inputs.trained(nn.Linear(WIDTH, 128)) for _ in range(2)]
        bound = 1 / math.sqrt(128 / 3)
        self.banks = [torch.empty(SAMPLES, 128).uniform_(-bound, bound) for _ in range(2)]
        self.share, self.alias = torch.ones(SAMPLES), torch.zeros(SAMPLES, dtype=torch.long)
        self.normalizers = [None, None]
        self.drawn = self.draw()
        classes = np.arange(SAMPLES) % CLASSES
        self.others = [np.flatnonzero(classes != label) for label in range(CLASSES)]

    def draw(self):
        count = self.inputs.batch * (NEGATIVES + 1)
        first = torch.zeros(count, dtype=torch.long).random_(0, SAMPLES)
        keeps = torch.bernoulli(self.share.index_select(0, first)).long()
        drawn = (first * keeps + self.alias.index_select(0, first) * (1 - keeps)).view(self.inputs.batch, -1)
        drawn.select(1, 0).copy_(self.inputs.indices)
        return drawn

    def draw_by_choice(self):
        rows = [np.random.choice(self.others[label], NEGATIVES, replace=False) for label in self.inputs.labels.tolist()]
        return torch.from_numpy(np.stack(rows))

    def gather(self, bank, drawn):
        return bank.index_select(0, drawn.view(-1)).view(self.inputs.batch, NEGATIVES + 1, 128)

    def gather_both(self):
        return [self.gather(bank, self.drawn) for bank in self.banks]

    def contrast(self, side, vector, drawn):
        """The loss of a side's vectors against the other side's bank."""
        scores = torch.bmm(self.gather(self.banks[1 - side], drawn), vector[:, :, None]).squeeze(2)
        scores = torch.exp(scores / 0.07)
        if self.normalizers[side] is None:
            self.normalizers[side] = scores.mean().item() * SAMPLES
        scores = scores / self.normalizers[side]
        noise = NEGATIVES / SAMPLES
        positive = torch.log(scores[:, 0] / (scores[:, 0] + noise + 1e-7))
        negative = torch.log(noise / (scores[:, 1:] + noise + 1e-7))
        return -(positive.sum() + negative.sum()) / self.inputs.batch

    def __call__(self):
        drawn = self.draw()
        vectors = [F.normalize(embed(x)) for embed, x in zip(self.embeds, self.inputs.both("pooled"))]
        loss = sum(self.contrast(side, vector, drawn) for side, vector in enumerate(vectors))
        with torch.no_grad():
            for bank, vector in zip(self.banks, vectors):
                rows = bank.index_select(0, self.inputs.indices) * 0.5 + vector * 0.5
                bank.index_copy_(0, self.inputs.indices, F.normalize(rows))
        return loss


# Losses on maps.


def cka(student, teacher):
    def relation(x):
        x = x.flatten(1)
        x = x - x.mean(0)
        return x @ x.t()

    own, other = relation(student), relation(teacher)
    return 1 - (own * other).sum() / (own.norm() * other.norm())


def nst(students, teachers):
    def single(s, t):
        s, t = F.normalize(s.flatten(2), dim=2), F.normalize(t.flatten(2), dim=2)
        with torch.no_grad():
            wanted = torch.bmm(t, t.transpose(1, 2)).square().mean()
        own = torch.bmm(s, s.transpose(1, 2)).square().mean()
        return wanted + own - 2 * torch.bmm(t, s.transpose(1, 2)).square().mean()

    return sum(single(s, t) for s, t in zip(students, teachers))


def ickd(module, student, teacher):
    def relation(x):
        x = x.flatten(2)
        return F.normalize(torch.bmm(x, x.transpose(1, 2)), dim=2)

    return (relation(module(student)) - relation(teacher)).square().sum() / (student.shape[0] * teacher.shape[1])


# The methods: each is given the inputs and returns what to time, a function that returns a loss (or none).


def on(function, key, *more):
    return lambda inputs: lambda: function(*inputs.both(key), *(getattr(inputs, name) for name in more))


def with_module(function, make, key, place=None):
    """`function` of a module and one map of both networks, or all of `key`."""

    def prepare(inputs):
        module = inputs.trained(make(inputs))
        sides = [side if place is None else side[place] for side in inputs.both(key)]
        return lambda: function(module, *sides)

    return prepare


def last(function):
    return lambda inputs: lambda: function(*(maps[-1] for maps in inputs.both("maps")))


def curriculum(inputs):
    module = inputs.trained(methods.CTKD())
    return lambda: methods.ctkd(module, *inputs.both("logits"))


def srrl(inputs):
    module = inputs.trained(methods.Connector(WIDTH, WIDTH))
    return lambda: methods.srrl(module, *inputs.both("pooled"), inputs.teacher["logits"], *inputs.head)


def reviewkd(inputs):
    channels = [channels for channels, _ in SHAPES] + [WIDTH]
    module = inputs.trained(methods.ReviewKD(channels, channels))

    def levels(side):
        return [*side["maps"], side["pooled"][:, :, None, None]]

    return lambda: methods.reviewkd(module, levels(inputs.student), levels(inputs.teacher))


def map_shapes(inputs):
    return [(inputs.batch, channels, side, side) for channels, side in SHAPES]


CHANNELS = [(channels, channels) for channels, _ in SHAPES]
METHODS = {
    "sp": last(losses.similarity_loss),
    "kd": on(kd, "logits"),
    "kd-standardize": on(lambda s, t: kd(z_score(s), z_score(t), 2), "logits"),
    "kd-normalize": on(kd_normalize, "logits"),
    "kd-curriculum": curriculum,
    "kd-weighted": on(kd_weighted, "logits", "labels"),
    "at": on(lambda s, t: sum(map(losses.attention_loss, s, t)), "maps"),
    "hint": with_module(
        losses.hint_loss, lambda inputs: losses.HintAdapter(map_shapes(inputs)[1], map_shapes(inputs)[1]), "maps", 1
    ),
    "dkd": on(dkd, "logits", "labels"),
    "dist": on(dist, "logits"),
    "nkd": on(nkd, "logits", "labels"),
    "ttm": on(ttm, "logits"),
    "wttm": on(wttm, "logits"),
    "rkd": on(rkd, "pooled"),
    "pkt": on(pkt, "pooled"),
    "nst": on(nst, "maps"),
    "skd": on(skd, "logits"),
    "cka": last(cka),
    "vid": with_module(methods.vid, lambda inputs: methods.VID(CHANNELS), "maps"),
    "cc": with_module(methods.cc, lambda inputs: methods.CC(WIDTH, WIDTH), "pooled"),
    "cc-paper": on(cc_paper, "pooled"),
    "ab": on(lambda s, t: methods.ab(None, s, t), "maps"),
    "fsp": on(methods.fsp, "maps"),
    "srrl": srrl,
    "simkd": with_module(methods.simkd, lambda inputs: methods.SimKD(WIDTH, WIDTH), "maps", -1),
    "itrd": with_module(itrd, lambda inputs: methods.ITRD(WIDTH, WIDTH), "pooled"),
    "ickd": with_module(ickd, lambda inputs: methods.Connector(WIDTH, WIDTH), "maps", -1),
    "crd": CRD,
    "crd-draw": lambda inputs: CRD(inputs).draw,
    "crd-draw-choice": lambda inputs: CRD(inputs).draw_by_choice,
    "crd-gather": lambda inputs: CRD(inputs).gather_both,
    "reviewkd": reviewkd,
    "ofd": with_module(
        methods.ofd,
        lambda inputs: methods.OFD(CHANNELS, [-torch.rand(channels) for channels, _ in SHAPES]),
        "maps",
    ),
}


def step(function, leaves, clock):
    """The seconds of one forward and, where there is a loss, backward."""
    for leaf in leaves:
        leaf.grad = None
    start = clock()
    loss = function()
    if isinstance(loss, torch.Tensor) and loss.requires_grad:
        loss.backward()
    return clock() - start


def rounds(function, leaves, count, clock):
    """Each round's median; a round lasts as long as several iterations need for `SECONDS_PER_ROUND`, or a long one."""
    medians = []
    for _ in range(count):
        times = []
        while sum(times) < LONG_ITERATION and (len(times) < FEWEST_ITERATIONS or sum(times) < SECONDS_PER_ROUND):
            times.append(step(function, leaves, clock))
        medians.append(statistics.median(times))
    return medians


def memory(key):
    """What Linux says of this process's memory, in MiB."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key + ":"))


def warm_up(function, leaves, clock):
    """A step, and another one where that is short: what the first needs at its peak beyond what was there, in MiB."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # begins the peak anew
    before = memory("VmRSS")
    seconds = step(function, leaves, clock)
    added = memory("VmHWM") - before
    if seconds < LONG_ITERATION:
        step(function, leaves, clock)
    return added


def parse():
    parser = argparse.ArgumentParser(description="Time distillation losses, forward and backward, in plain PyTorch.")
    parser.add_argument("--methods", default=",".join(METHODS), help="names with commas; all by default")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--cpu-time", action="store_true", help="count the process's time on the processor")
    options = parser.parse_args()
    options.methods = options.methods.split(",")
    if "crd" in options.methods:
        parts = [name for name in METHODS if name.startswith("crd-") and name not in options.methods]
        options.methods += parts
    unknown = [name for name in options.methods if name not in METHODS]
    if unknown:
        parser.error(f"no method {', '.join(unknown)}; there are {', '.join(METHODS)}")
    for name, least in (("batch", 2), ("rounds", 1), ("threads", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}")
    return options


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.cpu_time else time.perf_counter
    for name in options.methods:
        inputs = Inputs(options.batch)
        function = METHODS[name](inputs)
        line = {"method": name, "batch": options.batch}
        line["added_memory_mb"] = warm_up(function, inputs.leaves, clock)
        line["seconds"] = rounds(function, inputs.leaves, options.rounds, clock)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
