"""Writes Tests/GoldenFiles/Files/checkpoints: checkpoints as PyTorch and people write them, and what is in them.

    PYTHONPATH="$(Scripts/setup-python.sh)" python3 -W ignore Tests/Golden/make_checkpoints.py

Each NAME.pth has the tensors that NAME.safetensors says in its state dictionary.
"""

import argparse
import collections
import pathlib
import warnings

import torch
from safetensors.torch import save_file

warnings.simplefilter("ignore")
FOLDER = pathlib.Path(__file__).parent.parent / "GoldenFiles/Files/checkpoints"
torch.manual_seed(3)


def write(name, value, tensors, **options):
    torch.save(value, FOLDER / f"{name}.pth", **options)
    save_file({key: tensor.detach().clone().contiguous() for key, tensor in tensors.items()}, FOLDER / f"{name}.safetensors")


network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(12, 4))
state = network.state_dict()
for legacy in (False, True):
    kind = "legacy" if legacy else "zip"
    options = {"_use_new_zipfile_serialization": not legacy}
    write(f"plain-{kind}", state, state, **options)

    # As a training script saves it: the optimiser's own tensors, settings and lists beside the weights.
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.randn(2, 2, 4, 4)).sum().backward()
    optimizer.step()
    state = network.state_dict()
    run = {
        "epoch": 7, "model": {f"module.{key}": value for key, value in state.items()}, "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1, name="ä", layers=[1, 2]), "best": torch.tensor(0.5), "history": [(1, 0.25)],
    }
    write(f"run-{kind}", run, run["model"], **options)

    # Every type; views: transposed, of one storage with others, expanded, of an offset; a number; nothing at all.
    base = torch.arange(24, dtype=torch.float32)
    odd = collections.OrderedDict(
        half=torch.randn(3).half(), bfloat16=torch.randn(5).bfloat16(), double=torch.randn(2, 2).double(),
        bytes=torch.tensor([0, 255], dtype=torch.uint8), small=torch.tensor([-128, 127], dtype=torch.int8),
        short=torch.tensor([-3], dtype=torch.int16), int=torch.tensor([-5], dtype=torch.int32),
        long=torch.tensor([2**40, -1]), flags=torch.tensor([True, False]), base=base,
        transposed=base.view(4, 6).t(), channels_last=base.view(1, 2, 3, 4).to(memory_format=torch.channels_last),
        middle=base[5:11], every_third=base[1::3], expanded=torch.tensor([1.5, 2.5])[:, None].expand(2, 3),
        number=torch.tensor(4.25), empty=torch.empty(0, 3), parameter=torch.nn.Parameter(torch.randn(2)),
    )
    write(f"odd-{kind}", odd, odd, **options)

write("two-sets", {"model": state, "model_ema": {key: value * 0 for key, value in state.items()}}, state)
torch.save(network, FOLDER / "whole-model.pth")
torch.save({"epoch": 3, "losses": [0.1]}, FOLDER / "no-weights.pth")


class View:
    """Pickled as a tensor over one number, with a shape and strides that need not be possible."""

    def __init__(self, shape, strides, offset=0):
        self.arguments = offset, shape, strides, False, collections.OrderedDict()

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, (ONE._typed_storage(), *self.arguments)


ONE = torch.ones(1)
for name, views in {
    "hostile-lengths": [View((2**62, 4, 0), (0, 0, 0))],
    "hostile-offset": [View((1,), (1,), 2**62)],
    "hostile-stride": [View((2, 2), (2**62, 2**62))],
    "hostile-negative": [View((-1,), (1,))],
    "hostile-count": [View((2**40,), (0,))],
    "hostile-copies": [View((2**20,), (0,)) for _ in range(20)],
}.items():
    torch.save({f"weight{index}": view for index, view in enumerate(views)}, FOLDER / f"{name}.pth")
