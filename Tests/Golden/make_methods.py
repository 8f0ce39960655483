"""Writes the golden files of the distillation methods, from the formulas in methods.py.

To run, from the repository's root, with PYTHONPATH="$(Scripts/setup-python.sh)":

    python3 -W ignore Tests/Golden/make_methods.py           # writes the files
    python3 -W ignore Tests/Golden/make_methods.py --list    # and prints every case: its loss and how far float32 is off
    python3 -W ignore Tests/Golden/make_methods.py dkd rkd   # only these methods

Tests/GoldenFiles/Files/methods/<method>.safetensors has several cases; <p> is f32 or f64, the type computed in:

  <case>/student/<entry>             inputs, float32 numbers that are exact in float64 too: pooled, logits, activation,
  <case>/teacher/<entry>             activation.1 ... (b x c x h x w, sometimes b x d); the student's int64 labels,
                                     indices, negatives; the teacher's classifier.weight, classifier.bias
  <case>/module/<state>              the method's module before the loss, named as in its state_dict; float32,
                                     num_batches_tracked int64. Absent where a method has none
  <case>/loss.<p>                    the unweighted loss, a scalar
  <case>/gradient/<entry>.<p>        its gradient at every floating entry of the student
  <case>/module-gradient/<state>.<p> and at every parameter of the module
  <case>/after/<state>.<p>           every buffer that the loss has changed: batch norms' statistics (and the int64
                                     num_batches_tracked), CRD's banks and normalizers
  <case>/norm/<i>.weight, .bias      ofd only: the teacher's batch norms, from which margins.<i> was computed

The file's metadata has for each case a JSON text with "settings" (those that differ from the defaults) and "tolerance"
("f32" and "f64"): the largest difference in a tensor, as a part of the largest expected magnitude in it, or absolute
where all that is expected is zero. Gradients that vanish but for rounding are written as exact zeros, so that they are
compared so.

Every value is checked before it is written: all numbers are finite; the loss in float64 agrees with another form of it
(second_forms.py); gradients in float64 agree with central differences, at entries drawn at random from every tensor
(where a gradient is defined by a convention, as at a zero row, it is checked for being zero instead); and float32 is
within a quarter of its tolerance.
"""

import argparse
import copy
import json
import math
import pathlib
import struct
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
import torch
from torch import nn

import methods
import second_forms

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "GoldenFiles/Files/methods"
DTYPES = {"f32": torch.float32, "f64": torch.float64}


@dataclass
class Case:
    name: str
    student: dict
    teacher: dict
    settings: dict = field(default_factory=dict)
    module: nn.Module | None = None
    f32: float = 2e-5
    f64: float = 1e-11
    # Entry -> index of the parts that take no gradient by convention: checked for zero, not by differences.
    still: dict = field(default_factory=dict)
    # Entry or state -> index of the parts where differences say nothing; () for all of it.
    unchecked: dict = field(default_factory=dict)
    # Names of what is zero but for rounding: "loss", "gradient/pooled", "module-gradient/embed.bias".
    vanishes: tuple = ()
    # The loss with its detached parts held, for differences: (student, teacher, module) -> scalar.
    held: Callable | None = None
    extras: dict = field(default_factory=dict)


# How a method takes its entries.


def maps(entries):
    names = [name for name in entries if name.startswith("activation")]
    return [entries[name] for name in sorted(names, key=lambda name: int((name.split(".") + [0])[1]))]


def kd(s, t, module, standardize=False, normalize=False, curriculum=False, weighted=False, **settings):
    student, teacher = s["logits"], t["logits"]
    if standardize:
        return methods.lskd(student, teacher, **settings)
    if normalize:
        return methods.normkd(student, teacher, **settings)
    if curriculum:
        return methods.ctkd(module, student, teacher)
    if weighted:
        return methods.wsld(student, teacher, methods.wsld_weights(student, teacher, s["labels"]), **settings)
    return methods.kd(student, teacher, **settings)


def skd(s, t, module, **settings):
    return methods.skd(s["logits"], t["logits"], ridge=settings.get("lambda", 0.1))


def srrl(s, t, module):
    head = t["classifier.weight"], t["classifier.bias"]
    return methods.srrl(module, s["pooled"], t["pooled"], t["logits"], *head)


def reviewkd(s, t, module):
    return methods.reviewkd(module, *([*maps(side), side["pooled"][:, :, None, None]] for side in (s, t)))


def crd(s, t, module, negatives=None, **settings):
    return methods.crd(module, s["pooled"], t["pooled"], s["indices"], s["negatives"], **settings)


def on_logits(function):
    return lambda s, t, module, **settings: function(s["logits"], t["logits"], **settings)


def on_labels(function):
    return lambda s, t, module, **settings: function(s["logits"], t["logits"], s["labels"], **settings)


def on_pooled(function):
    return lambda s, t, module, **settings: function(s["pooled"], t["pooled"], **settings)


def on_maps(function):
    return lambda s, t, module, **settings: function(maps(s), maps(t), **settings)


def with_module(function, entry=None):
    """`function` of a module and an entry, or of a module and lists of maps."""
    take = (lambda side: side[entry]) if entry else maps
    return lambda s, t, module, **settings: function(module, take(s), take(t), **settings)


LOSSES = {
    "sp": on_maps(methods.sp),
    "kd": kd,
    "dkd": on_labels(methods.dkd),
    "dist": on_logits(methods.dist),
    "nkd": on_labels(methods.nkd),
    "ttm": on_logits(methods.ttm),
    "wttm": on_logits(methods.wttm),
    "rkd": on_pooled(methods.rkd),
    "pkt": on_pooled(methods.pkt),
    "nst": on_maps(methods.nst),
    "skd": skd,
    "cka": on_maps(methods.cka),
    "vid": with_module(methods.vid),
    "cc": with_module(methods.cc, "pooled"),
    "cc-paper": on_pooled(methods.cc_paper),
    "ab": with_module(methods.ab),
    "fsp": on_maps(methods.fsp),
    "srrl": srrl,
    "simkd": with_module(methods.simkd, "activation"),
    "itrd": with_module(methods.itrd, "pooled"),
    "ickd": with_module(methods.ickd, "activation"),
    "crd": crd,
    "reviewkd": reviewkd,
    "ofd": with_module(methods.ofd),
}


# The cases. Every method's draws begin from a seed of its own, its place among CASES: a new one goes to the end.

rand = torch.randn


def activations(*tensors):
    return {f"activation.{i}" if i else "activation": x for i, x in enumerate(tensors)}


def zeroed(x, *places):
    for place in places:
        x[place] = 0
    return x


def equal_rows(x, first, second):
    x[second] = x[first]
    return x


def extreme(batch, classes):
    """Logits of which every other row holds nothing but -500, 0 and 500."""
    logits = 3 * rand(batch, classes)
    logits[::2] = 500.0 * torch.randint(-1, 2, (len(logits[::2]), classes))
    return logits


def eighths(*shape):
    """Multiples of 1/8, whose sums and means of four are exact in every order."""
    return torch.randint(-16, 17, shape) / 8


def logits_cases(labels=False, settings=()):
    """What all losses on logits are tried on: (name, student's entries, teacher's entries, settings)."""

    def case(name, student, teacher, choice=None):
        entries = {"logits": student}
        if labels:
            entries["labels"] = torch.randint(0, student.shape[1], (len(student),))
        return Case(name, entries, {"logits": teacher}, choice or {})

    cases = [case("plain", 3 * rand(6, 10), 5 * rand(6, 10))]
    cases += [case(name, 2 * rand(5, 8), 4 * rand(5, 8), choice) for name, choice in settings]
    return cases + [
        case("extreme", extreme(6, 7), extreme(6, 7)),
        case("two-classes", 3 * rand(5, 2), 3 * rand(5, 2)),
        case("batch-of-two", 3 * rand(2, 6), 3 * rand(2, 6)),
        case("zero-rows", zeroed(2 * rand(5, 8), 1), zeroed(3 * rand(5, 8), 3)),
    ]


def sp_cases():
    return [
        Case("pooled", activations(rand(6, 7)), activations(rand(6, 9))),
        Case("logits", activations(3 * rand(7, 10)), activations(5 * rand(7, 10))),
        Case("pairs", activations(rand(5, 3, 4, 4), rand(5, 6)), activations(rand(5, 4, 6, 6), rand(5, 8))),
        Case("extreme", activations(extreme(6, 7)), activations(extreme(6, 7))),
        Case("equal-rows", activations(equal_rows(rand(5, 7), 1, 3)), activations(equal_rows(rand(5, 4), 0, 2))),
        Case("batch-of-two", activations(rand(2, 3, 2, 2)), activations(rand(2, 5, 2, 2))),
        # The zero row takes a gradient from its products with the others, none through its own norm.
        Case("zero-rows", activations(zeroed(rand(5, 3, 4, 4), 1)), activations(zeroed(rand(5, 4, 4, 4), 3)),
             unchecked={"activation": 1}),
    ]  # fmt: skip


def kd_cases():
    def case(name, student, teacher, module=None, **settings):
        entries = {"logits": student}
        if settings.get("weighted"):
            entries["labels"] = torch.randint(0, student.shape[1], (len(student),))
        return Case(name, entries, {"logits": teacher}, settings, module)

    def constant(batch, row, value):
        logits = 3 * rand(batch, 8)
        logits[row] = value
        return logits

    flat = constant(5, 1, 3.0), constant(5, 3, -2.0)
    cases = [
        case("extreme", extreme(6, 7), extreme(6, 7)),
        case("standardize", 3 * rand(6, 10), 5 * rand(6, 10), standardize=True),
        case("standardize-4", 2 * rand(5, 8), 4 * rand(5, 8), standardize=True, temperature=4.0),
        case("standardize-extreme", extreme(6, 7), extreme(6, 7), standardize=True),
        case("standardize-constant", *flat, standardize=True),
        case("normalize", 3 * rand(6, 10), 5 * rand(6, 10), normalize=True),
        case("normalize-1.5", 2 * rand(5, 8), 4 * rand(5, 8), normalize=True, temperature=1.5),
        case("normalize-extreme", extreme(6, 7), extreme(6, 7), normalize=True),
        case("normalize-constant", *flat, normalize=True),
        case("curriculum", 3 * rand(6, 10), 5 * rand(6, 10), methods.CTKD(), curriculum=True),
        case("curriculum-cold", 2 * rand(5, 8), 4 * rand(5, 8), methods.CTKD(-2.5), curriculum=True),
        case("curriculum-extreme", extreme(6, 7), extreme(6, 7), methods.CTKD(), curriculum=True),
        case("weighted", 3 * rand(6, 10), 5 * rand(6, 10), weighted=True),
        case("weighted-4", 2 * rand(5, 8), 4 * rand(5, 8), weighted=True, temperature=4.0),
        case("weighted-extreme", extreme(6, 7), extreme(6, 7), weighted=True),
        case("weighted-two", 3 * rand(2, 2), 3 * rand(2, 2), weighted=True),
    ]
    for this in cases:
        if this.name.endswith("constant"):
            this.still = {"logits": 1}
        if this.name.startswith("curriculum"):  # at T = 15.6 all classes are alike and KL is a small difference
            this.f32 = 1e-4
        if this.name == "weighted-two":  # the weights are small differences from 1
            this.f32 = 1e-4
        if "labels" in this.student:
            this.held = weights_held(this)
    return cases


def weights_held(case):
    weights = methods.wsld_weights(
        case.student["logits"].double(), case.teacher["logits"].double(), case.student["labels"]
    )
    temperature = case.settings.get("temperature", 2.0)
    return lambda s, t, module: methods.wsld(s["logits"], t["logits"], weights, temperature)


def dkd_cases():
    cases = logits_cases(
        True,
        [
            ("settings", {"alpha": 0.5, "beta": 2.0, "temperature": 1.0}),
            ("standardize", {"standardize": True}),
        ],
    )
    constant = Case(
        "standardize-constant",
        {"logits": zeroed(2 * rand(5, 8), 1), "labels": torch.tensor([0, 7, 3, 3, 5])},
        {"logits": zeroed(3 * rand(5, 8), 3)},
        {"standardize": True, "temperature": 2.0},
        still={"logits": 1},
    )
    return [*cases, constant]


def dist_cases():
    cases = logits_cases(False, [("settings", {"beta": 2.0, "gamma": 0.5, "temperature": 1.0})])
    for case in cases:
        if case.name == "zero-rows":  # its row of equal probabilities has no correlation: a convention
            case.unchecked = {"logits": 1}
    same = 2 * rand(2, 6)
    # Every column is constant over the two equal rows: only the rows' correlations remain.
    same[1] = same[0]
    return [*cases, Case("two-equal-rows", {"logits": same}, {"logits": rand(2, 6)}, unchecked={"logits": ()})]


def nkd_cases():
    return logits_cases(True, [("settings", {"gamma": 0.7, "temperature": 3.0})])


def ttm_cases():
    return logits_cases(False, [("settings", {"gamma": 0.5})])


def rkd_cases():
    def pooled(student, teacher, name, **options):
        return Case(name, {"pooled": student}, {"pooled": teacher}, **options)

    same = rand(2, 7)
    return [
        pooled(rand(6, 7), rand(6, 9), "plain"),
        pooled(rand(7, 5).relu(), rand(7, 5).relu(), "relu"),
        pooled(rand(5, 7), rand(5, 4), "distance", settings={"angle": 0.0, "distance": 3.0}),
        pooled(rand(5, 7), rand(5, 4), "angle", settings={"angle": 2.0, "distance": 0.0}),
        pooled(300 * rand(5, 7), 0.001 * rand(5, 9), "scales"),
        pooled(zeroed(rand(5, 7), 1), zeroed(rand(5, 9), 3), "zero-rows"),
        # Between equal rows nothing is differentiable.
        pooled(equal_rows(rand(6, 7), 1, 3), equal_rows(rand(6, 9), 0, 2), "equal-rows",
               unchecked={"pooled": [1, 3]}),
        # Two rows have one distance, which is its own mean, and one direction.
        pooled(rand(2, 7), rand(2, 9), "batch-of-two", vanishes=("loss", "gradient/pooled")),
        pooled(equal_rows(same, 0, 1), rand(2, 9), "two-equal-rows", still={"pooled": [0, 1]}),
    ]  # fmt: skip


def pooled_cases():
    """What all relations of pooled vectors are tried on."""
    return [
        Case("plain", {"pooled": rand(6, 7)}, {"pooled": rand(6, 9)}),
        Case("relu", {"pooled": rand(7, 5).relu()}, {"pooled": rand(7, 5).relu()}),
        Case("scales", {"pooled": 300 * rand(5, 7)}, {"pooled": 0.001 * rand(5, 4)}),
        Case("equal-rows", {"pooled": equal_rows(rand(5, 7), 1, 3)}, {"pooled": equal_rows(rand(5, 4), 0, 2)}),
        Case("opposite-rows", {"pooled": torch.cat([row := rand(2, 6), -row])}, {"pooled": rand(4, 5)}),
        Case("batch-of-two", {"pooled": rand(2, 7)}, {"pooled": rand(2, 4)}),
        Case("zero-rows", {"pooled": zeroed(rand(5, 7), 1)}, {"pooled": zeroed(rand(5, 4), 3)},
             still={"pooled": 1}),
    ]  # fmt: skip


def pkt_cases():
    cases = pooled_cases()
    for case in cases:
        if case.name == "opposite-rows":
            # Their probability is 1e-7, which float32 cannot tell from zero and which bends the logarithm.
            case.f32, case.f64, case.unchecked = 0.2, 1e-8, {"pooled": ()}
    return cases


def cc_paper_cases():
    other = Case("gamma", {"pooled": rand(6, 7)}, {"pooled": rand(6, 9)}, {"gamma": 0.9})
    return [*pooled_cases(), other]


def nst_cases():
    return [
        Case("plain", activations(rand(4, 3, 4, 4)), activations(rand(4, 5, 4, 4))),
        Case("larger-student", activations(rand(3, 3, 8, 8)), activations(rand(3, 5, 4, 4))),
        Case("larger-teacher", activations(rand(3, 3, 3, 3)), activations(rand(3, 5, 7, 7))),
        Case("pairs", activations(rand(3, 2, 6, 6), rand(3, 4, 3, 3)), activations(rand(3, 4, 6, 6), rand(3, 6, 3, 3))),
        Case("zero-maps", activations(zeroed(rand(4, 3, 4, 4), (1, 2), 3)),
             activations(zeroed(rand(4, 5, 4, 4), (1, 0), 2)),
             still={"activation": ([1, 3, 3, 3], [2, 0, 1, 2])}),
        Case("batch-of-two", activations(rand(2, 3, 2, 2)), activations(rand(2, 3, 2, 2))),
    ]  # fmt: skip


def skd_cases():
    cases = logits_cases(False, [("settings", {"lambda": 0.01})])
    for case in cases:
        if case.name == "zero-rows":
            case.still = {"logits": 1}
    same = 3 * rand(5, 6)
    # The difference of the Gram matrices is zero: all under the root is 1e-12.
    equal = Case("equal-networks", {"logits": same}, {"logits": same.clone()}, vanishes=("gradient/logits",))
    equal.unchecked = {"logits": ()}  # the root bends within 1e-6
    return [*cases, equal]


def cka_cases():
    collapsed = eighths(1, 3, 2, 2).repeat(4, 1, 1, 1)
    return [
        Case("plain", activations(rand(6, 3, 4, 4)), activations(rand(6, 5, 3, 3))),
        Case("pooled", activations(rand(6, 7).relu()), activations(rand(6, 9).relu())),
        Case("pairs", activations(rand(5, 3, 4, 4), rand(5, 6)), activations(rand(5, 4, 6, 6), rand(5, 8))),
        Case("extreme", activations(extreme(6, 7)), activations(extreme(6, 7))),
        Case("zero-rows", activations(zeroed(rand(5, 7), 1)), activations(zeroed(rand(5, 4), 3))),
        # All rows are the same: nothing remains when they are centred, and the loss is 1.
        Case("equal-rows", activations(collapsed), activations(eighths(4, 5)), still={"activation": ()}),
        # Of two rows only the sign of a difference remains.
        Case("batch-of-two", activations(rand(2, 7)), activations(rand(2, 4)),
             vanishes=("loss", "gradient/activation")),
    ]  # fmt: skip


def vid_cases():
    def case(name, students, teachers, log_scale=None):
        module = methods.VID([(s.shape[1], t.shape[1]) for s, t in zip(students, teachers)])
        for i, pair in enumerate(module.pairs):
            noise = rand(pair.log_scale.shape)
            pair.log_scale.data = noise if log_scale is None else torch.tensor(log_scale[i])
        return Case(name, activations(*students), activations(*teachers), module=module)

    initial = case("initial", [rand(4, 3, 4, 4)], [rand(4, 5, 4, 4)])
    initial.module = methods.VID([(3, 5)])
    zero = case("zero-maps", [zeroed(rand(4, 3, 4, 4), 1)], [zeroed(rand(4, 5, 4, 4), 2)])
    zero.still = {"activation": 1}  # without biases a zero map meets both ReLUs at zero, where they pass no gradient
    return [
        initial,
        case("larger-student", [rand(3, 3, 8, 8)], [rand(3, 4, 4, 4)]),
        case("larger-teacher", [rand(3, 3, 3, 3)], [rand(3, 4, 7, 7)]),
        case("pairs", [rand(3, 2, 6, 6), rand(3, 4, 3, 3)], [rand(3, 4, 6, 6).relu(), rand(3, 6, 3, 3).relu()]),
        case("scales", [rand(3, 3, 4, 4)], [rand(3, 4, 4, 4)], [[-40.0, 40.0, -8.0, 0.0]]),
        zero,
    ]


def cc_cases():
    def case(name, student, teacher):
        module = methods.CC(student.shape[1], teacher.shape[1])
        return Case(name, {"pooled": student}, {"pooled": teacher}, module=module)

    return [
        case("plain", rand(6, 4), rand(6, 5)),
        case("relu", rand(5, 4).relu(), rand(5, 4).relu()),
        case("zero-rows", zeroed(rand(5, 3), 1), zeroed(rand(5, 4), 3)),
        case("batch-of-two", rand(2, 3), rand(2, 4)),
    ]


def uneven(module):
    """Moves batch norms away from their initial values, as if they had been trained."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data.uniform_(0.5, 1.5)
            layer.bias.data.uniform_(-0.5, 0.5)
            layer.running_mean.uniform_(-0.5, 0.5)
            layer.running_var.uniform_(0.5, 1.5)
            layer.num_batches_tracked.fill_(3)
    return module


def ab_cases():
    def case(name, students, teachers, **settings):
        module = uneven(methods.AB([(s.shape, t.shape) for s, t in zip(students, teachers)]))
        module = module if len(module.connectors) else None
        return Case(name, activations(*students), activations(*teachers), settings, module)

    return [
        case("same-shapes", [rand(4, 3, 4, 4)], [rand(4, 3, 4, 4)]),
        case("channels", [2 * rand(4, 3, 4, 4)], [rand(4, 5, 4, 4)]),
        case("half", [rand(4, 3, 8, 8)], [rand(4, 5, 4, 4)]),
        case("half-same-channels", [rand(2, 3, 6, 6)], [rand(2, 3, 3, 3)]),
        case("pairs", [rand(3, 2, 4, 4), rand(3, 4, 3, 3), rand(3, 4, 2, 2)],
             [rand(3, 2, 4, 4), rand(3, 6, 3, 3), rand(3, 4, 2, 2)]),
        case("margin", [3 * rand(4, 3, 4, 4)], [rand(4, 3, 4, 4)], margin=2.5),
        case("zero-maps", [zeroed(rand(4, 3, 3, 3), 1)], [zeroed(rand(4, 3, 3, 3), 2)]),
    ]  # fmt: skip


def fsp_cases():
    def case(name, students, teachers):
        return Case(name, activations(*students), activations(*teachers))

    return [
        case("plain", [rand(4, 3, 4, 4), rand(4, 5, 4, 4)], [rand(4, 3, 4, 4), rand(4, 5, 4, 4)]),
        case("stages", [rand(3, 2, 8, 8), rand(3, 4, 4, 4), rand(3, 5, 2, 2)],
             [rand(3, 2, 8, 8), rand(3, 4, 4, 4), rand(3, 5, 2, 2)]),
        case("other-sizes", [rand(3, 2, 6, 6), rand(3, 4, 3, 3)], [rand(3, 2, 7, 7), rand(3, 4, 5, 5)]),
        case("growing", [rand(3, 2, 3, 3), rand(3, 4, 5, 5)], [rand(3, 2, 4, 4), rand(3, 4, 8, 8)]),
        case("zero-maps", [zeroed(rand(4, 3, 4, 4), 1), rand(4, 2, 4, 4)],
             [zeroed(rand(4, 3, 4, 4), 2), rand(4, 2, 4, 4)]),
    ]  # fmt: skip


def srrl_cases():
    def case(name, student, teacher, classes):
        head = {"classifier.weight": 0.5 * rand(classes, teacher.shape[1]), "classifier.bias": 0.5 * rand(classes)}
        logits = nn.functional.linear(teacher, *head.values())
        module = uneven(methods.Connector(student.shape[1], teacher.shape[1]))
        return Case(name, {"pooled": student}, {"pooled": teacher, "logits": logits, **head}, module=module)

    return [
        case("plain", rand(6, 7), rand(6, 9).relu(), 10),
        case("same-width", rand(8, 6).relu(), rand(8, 6).relu(), 5),
        case("two-classes", rand(5, 7), rand(5, 4).relu(), 2),
        case("extreme", rand(6, 7), 400 * rand(6, 4).relu(), 5),
        case("zero-rows", zeroed(rand(5, 7), 1), zeroed(rand(5, 4).relu(), 3), 5),
    ]


def simkd_cases():
    def case(name, student, teacher, **options):
        module = uneven(methods.SimKD(student.shape[1], teacher.shape[1]))
        return Case(name, activations(student), activations(teacher.relu()), module=module, **options)

    return [
        case("plain", rand(4, 3, 4, 4), rand(4, 6, 4, 4)),
        case("odd-channels", rand(3, 4, 3, 3), rand(3, 7, 3, 3)),
        case("larger-student", rand(3, 3, 8, 8), rand(3, 6, 4, 4)),
        case("larger-teacher", rand(3, 3, 3, 3), rand(3, 4, 7, 7), f32=1e-4),  # norms over 27 values, three in a row
        case("zero-maps", zeroed(rand(4, 3, 4, 4), 1), zeroed(rand(4, 4, 4, 4), 2)),
    ]


def itrd_cases():
    def case(name, student, teacher, **options):
        module = methods.ITRD(student.shape[1], teacher.shape[1])
        if student.shape == teacher.shape:  # the bias is seen by the correlation term alone, which takes off the mean
            options["vanishes"] = ("module-gradient/embed.bias",)
        else:  # the bias's small gradient from the other term is all that remains beside what cancels
            options["f32"] = 2e-4
        return Case(name, {"pooled": student}, {"pooled": teacher}, module=module, **options)

    dead = case("dead-columns", rand(8, 5), zeroed(rand(8, 6).relu(), (slice(None), 4)))
    # A column of the embedding that is constant, and exactly so in float32; then its weights take no gradient there.
    dead.module.embed.weight.data[2] = 0
    dead.module.embed.bias.data[2] = 0.5
    dead.unchecked = {"embed.weight": 2}
    return [
        case("plain", rand(6, 7), rand(6, 9)),
        case("same-width", rand(7, 6), rand(7, 6)),
        case("relu", rand(8, 6).relu(), rand(8, 5).relu()),
        case("settings", rand(6, 5), rand(6, 7), settings={"correlation": 1.0, "mutual": 1.0, "alpha": 1.5}),
        case("correlation", rand(6, 7), rand(6, 7), settings={"mutual": 0.0}),
        dead,
        case("zero-rows", zeroed(rand(7, 6), 1), zeroed(rand(7, 6), 3), unchecked={"pooled": 1}),
    ]


def ickd_cases():
    def case(name, student, teacher):
        module = uneven(methods.Connector(student.shape[1], teacher.shape[1]))
        return Case(name, activations(student), activations(teacher), module=module)

    return [
        case("plain", rand(4, 3, 4, 4), rand(4, 6, 4, 4)),
        case("relu", rand(4, 5, 4, 4).relu(), rand(4, 5, 4, 4).relu()),
        case("other-sizes", rand(4, 3, 6, 6), rand(4, 4, 3, 3)),
        case("zero-maps", zeroed(rand(4, 3, 4, 4), 1), zeroed(rand(4, 5, 4, 4), 2, (1, 3))),
        case("batch-of-two", rand(2, 3, 3, 3), rand(2, 4, 3, 3)),
    ]


def crd_cases():
    """Two batches in turn through one module, and a batch with a zero vector; 7 samples of three classes."""
    classes = torch.tensor([0, 0, 0, 1, 1, 2, 2])

    def entries(indices, student, negatives):
        labels = classes[indices]
        others = [torch.nonzero(classes != label).flatten() for label in labels]
        drawn = torch.stack([other[torch.randperm(len(other))[:negatives]] for other in others])
        return {"pooled": student, "labels": labels, "indices": indices, "negatives": drawn}

    def case(name, module, student, teacher, **settings):
        settings["negatives"] = student["negatives"].shape[1]
        return Case(name, student, {"pooled": teacher}, settings, copy.deepcopy(module))

    module = methods.CRD(3, 4, 7)
    first = case("first-batch", module, entries(torch.tensor([6, 0, 3, 5]), rand(4, 3), 4), rand(4, 4))
    first.held = normalizers_held(first)
    methods.crd(module, *(x["pooled"] for x in (first.student, first.teacher)), *picked(first.student))
    second = case("second-batch", module, entries(torch.tensor([0, 6, 4]), rand(3, 3), 3), rand(3, 4))

    zero = methods.CRD(2, 3, 7)
    zero.embed_s.bias.data.zero_()
    zero.normalizer_s.fill_(7.0)
    zero.normalizer_t.fill_(9.0)
    student = entries(torch.tensor([1, 4]), zeroed(rand(2, 2), 1), 4)
    zero = case("zero-row", zero, student, rand(2, 3), temperature=0.2, momentum=0.7)
    zero.still, zero.unchecked = {"pooled": 1}, {"embed_s.bias": ()}
    return [first, second, zero]


def picked(student):
    return student["indices"], student["negatives"]


def normalizers_held(case):
    """The normalizers of the given batch, set beforehand: where they are set they carry no gradient."""
    used = copy.deepcopy(case.module).double()
    LOSSES["crd"]({k: wide(v) for k, v in case.student.items()}, {k: wide(v) for k, v in case.teacher.items()}, used)

    def loss(s, t, module):
        module.normalizer_s.copy_(used.normalizer_s)
        module.normalizer_t.copy_(used.normalizer_t)
        return LOSSES["crd"](s, t, module)

    return loss


def reviewkd_cases():
    def case(name, students, teachers):
        sides = (students, teachers)
        module = uneven(methods.ReviewKD(*([x.shape[1] for x in side] for side in sides)))
        entries = [{**activations(*maps), "pooled": pooled} for *maps, pooled in sides]
        return Case(name, *entries, module=module, f32=5e-5)  # two or three batch norms in a row at every level

    return [
        case("plain", [rand(4, 3, 8, 8), rand(4, 4, 4, 4), rand(4, 4)],
             [rand(4, 4, 8, 8), rand(4, 5, 4, 4), rand(4, 5)]),
        case("larger-teacher", [rand(4, 3, 4, 4), rand(4, 4)], [rand(4, 5, 7, 7), rand(4, 6)]),
        case("larger-student", [rand(4, 2, 6, 6), rand(4, 3, 5, 5), rand(4, 5)],
             [rand(4, 3, 4, 4), rand(4, 4, 2, 2), rand(4, 4)]),
        case("zero-maps", [zeroed(rand(4, 3, 4, 4), 1), rand(4, 4)], [zeroed(rand(4, 4, 4, 4), 2), rand(4, 5)]),
    ]  # fmt: skip


def ofd_cases():
    def case(name, students, teachers, norms=None):
        norms = norms or [(rand(t.shape[1]), rand(t.shape[1])) for t in teachers]
        margins = [methods.ofd_margins(w.double(), b.double()).float() for w, b in norms]
        module = uneven(methods.OFD([(s.shape[1], t.shape[1]) for s, t in zip(students, teachers)], margins))
        extras = {f"{i}.{key}": x for i, pair in enumerate(norms) for key, x in zip(("weight", "bias"), pair)}
        return Case(name, activations(*students), activations(*teachers), module=module, extras=extras)

    # In turn: ordinary, of negative weight, never negative, just so, constant below, at and above zero.
    branches = torch.tensor([[1.0, 0.5], [-0.8, -0.3], [0.5, 2.0], [0.5, 1.5], [0.0, -0.5], [0.0, 0.0], [0.0, 0.5]])
    return [
        case("plain", [rand(4, 3, 4, 4)], [rand(4, 5, 4, 4)]),
        case("pairs", [rand(3, 2, 4, 4), rand(3, 4, 3, 3), rand(3, 4, 2, 2)],
             [rand(3, 3, 4, 4), rand(3, 6, 3, 3), rand(3, 4, 2, 2)]),
        case("margins", [rand(4, 3, 3, 3)], [rand(4, 7, 3, 3)], [tuple(branches.t().contiguous())]),
        case("zero-maps", [zeroed(rand(4, 3, 4, 4), 1)], [zeroed(rand(4, 4, 4, 4), 2)]),
    ]  # fmt: skip


CASES = {
    "sp": sp_cases, "kd": kd_cases, "dkd": dkd_cases, "dist": dist_cases, "nkd": nkd_cases, "ttm": ttm_cases,
    "wttm": ttm_cases, "rkd": rkd_cases, "pkt": pkt_cases, "nst": nst_cases, "skd": skd_cases, "cka": cka_cases,
    "vid": vid_cases, "cc": cc_cases, "cc-paper": cc_paper_cases, "ab": ab_cases, "fsp": fsp_cases, "srrl": srrl_cases,
    "simkd": simkd_cases, "itrd": itrd_cases, "ickd": ickd_cases, "crd": crd_cases, "reviewkd": reviewkd_cases,
    "ofd": ofd_cases,
}  # fmt: skip


# Computing and checking.


def wide(x, dtype=torch.float64):
    return x.to(dtype) if x.is_floating_point() else x


def evaluate(method, case, dtype):
    """Loss, gradients and changed buffers in one type, by the names that the file uses (without the type)."""
    student = {key: wide(x, dtype).clone() for key, x in case.student.items()}
    leaves = {key: x.requires_grad_() for key, x in student.items() if x.is_floating_point()}
    module = copy.deepcopy(case.module).to(dtype) if case.module else None
    loss = LOSSES[method](student, {key: wide(x, dtype) for key, x in case.teacher.items()}, module, **case.settings)
    loss.backward()
    out = {"loss": loss.detach()} | {f"gradient/{key}": x.grad for key, x in leaves.items()}
    if module:
        out |= {f"module-gradient/{key}": x.grad for key, x in module.named_parameters()}
        before = dict(case.module.named_buffers())
        changed = {key: x for key, x in module.named_buffers() if not torch.equal(x, before[key].to(x.dtype))}
        out |= {f"after/{key}": x for key, x in changed.items()}
    return out


def check_gradients(method, case, gradients):
    """Central differences in float64 at two random entries of every tensor."""
    loss = case.held or (lambda s, t, module: LOSSES[method](s, t, module, **case.settings))
    teacher = {key: wide(x) for key, x in case.teacher.items()}

    def value(group, key, place, step):
        student = {name: wide(x).clone() for name, x in case.student.items()}
        module = copy.deepcopy(case.module).double() if case.module else None
        target = student[key] if group == "gradient" else dict(module.named_parameters())[key]
        with torch.no_grad():
            target.view(-1)[place] += step
            return loss(student, teacher, module).item()

    scale = abs(value("gradient", next(iter(case.student)), 0, 0))
    for name, gradient in gradients.items():
        group, _, key = name.partition("/")
        if group not in ("gradient", "module-gradient"):
            continue
        checked = torch.ones_like(gradient, dtype=torch.bool)
        for skipped in (case.still, case.unchecked):
            if key in skipped:
                checked[skipped[key]] = False
        places = checked.flatten().nonzero().flatten()
        for place in places[torch.randperm(len(places))[:2]].tolist():
            step = 1e-5
            wanted = (value(group, key, place, step) - value(group, key, place, -step)) / (2 * step)
            if key == "theta":  # reversed
                wanted = -wanted
            found = gradient.flatten()[place].item()
            slack = 1e-6 * gradient.abs().max().item() + 1e-14 * scale / step + 1e-12
            assert abs(found - wanted) < slack, (method, case.name, name, place, found, wanted)


def check(method, case, results):
    """All that must hold before a case is written. Returns how far float32 is off, as a part of its tolerance."""
    narrow, precise = results["f32"], results["f64"]
    for result in results.values():
        for name, x in result.items():
            assert x is not None and x.isfinite().all(), (method, case.name, name)
    for key, place in case.still.items():
        assert all((result[f"gradient/{key}"][place] == 0).all() for result in results.values()), (method, case.name)
    check_gradients(method, case, precise)

    arrays = [{key: wide(x).numpy() for key, x in side.items()} for side in (case.student, case.teacher)]
    state = {key: wide(x).numpy() for key, x in case.module.state_dict().items()} if case.module else {}
    wanted = float(second_forms.FORMS[method](*arrays, state, case.settings))
    found = precise["loss"].item()
    assert math.isclose(found, wanted, rel_tol=1e-10, abs_tol=1e-12), (method, case.name, found, wanted)

    worst, where = 0, ""
    for name, x in precise.items():
        if name in case.vanishes:
            assert x.abs().max() < 1e-9 and narrow[name].abs().max() < case.f32, (method, case.name, name)
            results["f32"][name], results["f64"][name] = torch.zeros_like(narrow[name]), torch.zeros_like(x)
        elif x.is_floating_point() and x.abs().max() > 0:
            part = ((narrow[name] - x).abs().max() / x.abs().max()).item() / case.f32
            worst, where = max((worst, where), (part, name))
    assert worst < 0.25, (method, case.name, where, f"float32 is off by {worst:.2f} of its tolerance")
    return worst


def tensors_of(method, case, results):
    out = {f"{case.name}/student/{key}": x for key, x in case.student.items()}
    out |= {f"{case.name}/teacher/{key}": x for key, x in case.teacher.items()}
    out |= {f"{case.name}/norm/{key}": x for key, x in case.extras.items()}
    if case.module:
        out |= {f"{case.name}/module/{key}": x for key, x in case.module.state_dict().items()}
    for suffix, result in results.items():
        out |= {f"{case.name}/{name}.{suffix}": x for name, x in result.items()}
    return out


def save(path, tensors, metadata):
    """A safetensors file whose bytes do not depend on a hash table's order, as those of the package's do."""
    names = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}
    header, blocks, end = {"__metadata__": metadata}, [], 0
    # The widest types first, so that every tensor is aligned.
    for key, x in sorted(tensors.items(), key=lambda pair: (-pair[1].element_size(), pair[0])):
        block = np.ascontiguousarray(x.detach().numpy()).tobytes()
        header[key] = {"dtype": names[x.dtype], "shape": list(x.shape), "data_offsets": [end, end + len(block)]}
        blocks.append(block)
        end += len(block)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def write(method, shows):
    torch.manual_seed(100 + list(CASES).index(method))
    tensors, metadata = {}, {}
    for case in CASES[method]():
        results = {suffix: evaluate(method, case, dtype) for suffix, dtype in DTYPES.items()}
        worst = check(method, case, results)
        tensors |= tensors_of(method, case, results)
        tolerance = {"f32": case.f32, "f64": case.f64}
        metadata[case.name] = json.dumps({"settings": case.settings, "tolerance": tolerance})
        if shows:
            loss = results["f64"]["loss"].item()
            print(f"  {case.name:22} loss {loss:<22} float32 off by {worst:.3f} of {case.f32:g}")
    path = FOLDER / f"{method}.safetensors"
    save(path, tensors, metadata)
    print(f"{path.name}: {len(metadata)} cases, {len(tensors)} tensors, {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description="Write the golden files of the distillation methods.")
    parser.add_argument("methods", nargs="*", help="the methods; all by default")
    parser.add_argument("--list", action="store_true", help="print every case")
    options = parser.parse_args()
    unknown = set(options.methods) - set(CASES)
    if unknown:
        parser.error(f"no method {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    torch.set_num_threads(1)
    for method in options.methods or CASES:
        write(method, options.list)


if __name__ == "__main__":
    main()
