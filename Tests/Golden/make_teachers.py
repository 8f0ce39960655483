"""Exports small networks as teachers from elsewhere, with what PyTorch itself computes of them.

To run, from the repository's root:

    PYTHONPATH=$(Scripts/setup-python.sh) python3 Tests/Golden/make_teachers.py           # the committed golden files
    PYTHONPATH=$(Scripts/setup-python.sh) python3 Tests/Golden/make_teachers.py FOLDER    # what the tests make themselves

Without a folder it writes GoldenFiles/Files/teacher.pt, a TorchScript file, and teacher.safetensors (made with torch
2.13.0, CPU). AOTInductor packages are compiled for one machine and one torch, so they are never committed: `swift test`
runs this script with a folder, once, where there is a PyTorch and a C++ compiler. Into the folder go

  dictionary.pt2, tuple.pt2   packages for any number of inputs that is not tiny (exported with 32)
  static.pt2                  a package for 4 inputs exactly, channels-last in memory
  tuple.pt, nested.pt         TorchScript: (logits, early, late); ([early, late], logits), as networks written for
                              RepDistiller return
  inplace.pt                  TorchScript that changes its input
  dropout.pt, statistics.pt   TorchScript exported in training mode: with dropout, with the batch's own statistics
  broken.pt                   TorchScript with a NaN in `late` of each input
  raises.pt                   TorchScript that refuses images by a raise, an assert and an operation, by their height
  two-inputs.pt, number.pt    TorchScript with two inputs; that returns a number beside its tensor
  transposed.pt               TorchScript whose activation has its batch axis last
  weights.pt, program.pt2, empty-archive.pt2   no exported networks: a state_dict, a program that is not compiled, and
                              an archive of PyTorch's without a model
  expected.safetensors        `input` [32,3,32,32] and `logits`, `early`, `late`, `embedding` for it

The network: 3 x 3 convolution to 4 channels, batch norm with uneven statistics, ReLU: `early` [N,4,32,32]; 3 x 3
convolution with stride 2 to 6 channels, ReLU: `late` [N,6,16,16]; its mean over the map: `embedding` [N,6], float16; a
linear layer on that: `logits` [N,7]. Weights after torch.manual_seed(21). teacher.pt returns a dictionary of all four.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn


class Teacher(nn.Module):
    """One module of plain operations: modules and functions of PyTorch's would be files more in the archive."""

    def __init__(self):
        super().__init__()
        self.kernel1 = nn.Parameter(torch.randn(4, 3, 3, 3) * 0.3)
        self.kernel2 = nn.Parameter(torch.randn(6, 4, 3, 3) * 0.3)
        self.linear = nn.Parameter(torch.randn(7, 6))
        self.register_buffer("mean", torch.randn(4) * 0.2)
        self.register_buffer("variance", torch.rand(4) + 0.5)

    def maps(self, x: torch.Tensor):
        map = torch.conv2d(x, self.kernel1, padding=1)
        early = torch.relu(torch.batch_norm(map, None, None, self.mean, self.variance, False, 0.0, 1e-5, False))
        return early, torch.relu(torch.conv2d(early, self.kernel2, stride=2, padding=1))

    def forward(self, x: torch.Tensor):
        early, late = self.maps(x)
        embedding = late.mean((2, 3))
        return {
            "logits": embedding @ self.linear.t(),
            "early": early,
            "late": late,
            "embedding": embedding.to(torch.float16),
        }


class Variant(nn.Module):
    """The same network with another result."""

    def __init__(self, teacher, result):
        super().__init__()
        self.teacher, self.result = teacher, result

    def forward(self, x):
        out = self.teacher(x)
        return self.result(x, out)


class InPlace(nn.Module):
    def forward(self, x):
        x.mul_(0).add_(1)
        return x.mean((2, 3))


class TwoInputs(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor):
        return x + y


class Number(nn.Module):
    def forward(self, x: torch.Tensor):
        return x.mean((2, 3)), 3


class Raises(nn.Module):
    """Refuses every size but one, in words of its own, from within another module."""

    def forward(self, x: torch.Tensor):
        if x.size(2) == 32:
            raise ValueError("wrong size:\n  expected 224, got {}".format(x.size(2)))
        assert x.size(2) != 33, "RuntimeError: images of 33 are odd"
        assert x.size(2) != 34
        return x.flatten(1).matmul(torch.zeros(10, 3))


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Raises()

    def forward(self, x: torch.Tensor):
        return self.inner(x)


def network():
    torch.manual_seed(21)
    return Teacher().eval()


def images(count):
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(22))


def values(teacher, count):
    with torch.no_grad():
        x = images(count)
        return {"input": x, **teacher(x)}


def trace(module, path):
    torch.jit.trace(module.eval(), images(2), strict=False).save(str(path))


def package(module, path, x, dynamic=True):
    shapes = ({0: torch.export.Dim("batch", max=4096)},) if dynamic else None
    with torch.no_grad():
        program = torch.export.export(module.eval(), (x,), dynamic_shapes=shapes)
        torch._inductor.aoti_compile_and_package(program, package_path=str(path))


def write_golden(folder):
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "teacher.pt"
        torch.jit.script(network()).save(str(whole))
        copy_without_debugging(whole, folder / "teacher.pt")
    save_file(values(network(), 3), str(folder / "teacher.safetensors"))


def copy_without_debugging(source, target):
    """Leaves out where the source code lay on the machine that exported it."""
    reader, writer = torch._C.PyTorchFileReader(str(source)), torch._C.PyTorchFileWriter(str(target))
    for name in reader.get_all_records():
        if name.endswith(".debug_pkl") or name in ("version", ".data/serialization_id"):
            continue
        record = reader.get_record(name)
        writer.write_record(name, record, len(record))
    writer.write_end_of_file()


def write_scripts(folder, teacher):
    trace(Variant(teacher, lambda x, out: (out["logits"], out["early"], out["late"])), folder / "tuple.pt")
    trace(Variant(teacher, lambda x, out: ([out["early"], out["late"]], out["logits"])), folder / "nested.pt")
    trace(Variant(teacher, lambda x, out: out["late"].permute(1, 2, 3, 0)), folder / "transposed.pt")
    trace(InPlace(), folder / "inplace.pt")
    late = lambda change: Variant(teacher, lambda x, out: {"logits": out["logits"], "late": change(out["late"])})
    trace(late(lambda maps: nn.functional.dropout(maps, 0.1, training=True)), folder / "dropout.pt")
    trace(late(lambda maps: nn.functional.batch_norm(maps, None, None, training=True)), folder / "statistics.pt")
    trace(late(lambda maps: torch.cat([maps[:, :5], maps[:, 5:] * float("nan")], 1)), folder / "broken.pt")
    torch.jit.script(Outer()).save(str(folder / "raises.pt"))
    torch.jit.script(TwoInputs()).save(str(folder / "two-inputs.pt"))
    torch.jit.script(Number()).save(str(folder / "number.pt"))


def write_strangers(folder, teacher):
    torch.save(teacher.state_dict(), folder / "weights.pt")
    torch.export.save(torch.export.export(teacher, (images(2),)), str(folder / "program.pt2"))
    writer = torch._C.PyTorchFileWriter(str(folder / "empty-archive.pt2"))
    writer.write_record("notes.txt", b"nothing", 7)
    writer.write_end_of_file()


def write_packages(folder, teacher):
    package(teacher, folder / "dictionary.pt2", images(32))
    as_tuple = Variant(teacher, lambda x, out: (out["logits"], out["early"], out["late"]))
    package(as_tuple, folder / "tuple.pt2", images(32))
    package(teacher, folder / "static.pt2", images(4).to(memory_format=torch.channels_last), dynamic=False)


if __name__ == "__main__":
    # TorchScript and parts of torch.export announce their end with every call.
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if len(sys.argv) == 1:
        write_golden(Path(__file__).parents[1] / "GoldenFiles" / "Files")
    else:
        target = Path(sys.argv[1])
        save_file(values(network(), 32), str(target / "expected.safetensors"))
        for write in [write_scripts, write_strangers, write_packages]:
            write(target, network())
