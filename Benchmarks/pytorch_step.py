"""One similarity-preserving distillation run in plain PyTorch, timed step by step: what Kindred is measured against.

The step is the one the public toolkits write: contiguous NCHW batches, an eager teacher in eval() under no_grad, cross
entropy plus gamma times the SP loss at the last stage, SGD with momentum, `loss.item()` in every step. The images are
synthetic 32 x 32 bytes, normalised a batch at a time; there is no augmentation, so that a data loader is not measured.

Variants: `plain` is that step. `tuned` is the same with both networks and the images in channels_last and the teacher
traced, frozen and optimised for inference (batch norms folded where they can be). `bfloat16` is the plain step in
channels_last with both forward passes and the loss under autocast to bfloat16: the rival of Kindred's bfloat16.

Prints one line of JSON (Kindred's own `kindred-bench step --json` prints the same keys):
  engine, variant, torch, teacher, student, batch, threads    what was run, on which version of torch
  seconds             list, one entry for each measured step (the warm-up steps are left out)
  images_per_second   batch over the median of `seconds`
  peak_memory_mb      the process's peak resident memory in MiB
  shares              data, teacher, student, loss, backward, optimiser: each part's median over the measured steps as
                      a fraction of the sum of these medians
  loss                the last step's loss, to show that the step did its work
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Golden"))
import families  # noqa: E402
import networks  # noqa: E402

PARTS = ["data", "teacher", "student", "loss", "backward", "optimiser"]
MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
GAMMA = 3000
NAMES = [*networks.NAMES, *families.SMALL]


def similarity_loss(student, teacher):
    count = student.shape[0]
    student, teacher = student.reshape(count, -1), teacher.reshape(count, -1)
    student = F.normalize(student @ student.t())
    teacher = F.normalize(teacher @ teacher.t())
    return (student - teacher).pow(2).sum() / (count * count)


class WithStages(nn.Module):
    """A network of `families`, which returns its three stages as those of `networks` do."""

    def __init__(self, name):
        super().__init__()
        self.network = families.build(name)

    def forward(self, x):
        logits, taps = self.network(x)
        return logits, (taps["stage1"], taps["stage2"], taps["stage3"])


def build(name):
    return networks.build(name) if name in networks.NAMES else WithStages(name)


class Step:
    """Both networks, the optimiser and the data; `run` makes one step and times its parts."""

    def __init__(self, options):
        torch.manual_seed(1)
        self.batch = options.batch
        self.layout = torch.contiguous_format if options.variant == "plain" else torch.channels_last
        self.is_bfloat16 = options.variant == "bfloat16"
        self.teacher = build(options.teacher).eval().to(memory_format=self.layout)
        self.student = build(options.student).train().to(memory_format=self.layout)
        # A few batches in turn, as bytes in NCHW and labels.
        self.images = torch.randint(0, 256, (4, self.batch, 3, 32, 32), dtype=torch.uint8)
        self.labels = torch.randint(0, 10, (4, self.batch))
        if options.variant == "tuned":
            self.teacher = self.frozen(self.teacher)
        self.cross_entropy = nn.CrossEntropyLoss()
        self.optimiser = torch.optim.SGD(self.student.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)

    def frozen(self, teacher):
        with torch.no_grad():
            traced = torch.jit.trace(teacher, self.normalised(0))
            return torch.jit.optimize_for_inference(torch.jit.freeze(traced))

    def normalised(self, index):
        images = (self.images[index].float() / 255 - MEAN) / DEVIATION
        return images.contiguous(memory_format=self.layout)

    def run(self, number):
        """The seconds of each of `PARTS` and the step's loss."""
        times = [time.perf_counter()]
        index = number % len(self.images)
        images, labels = self.normalised(index), self.labels[index]
        times.append(time.perf_counter())
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.is_bfloat16):
            with torch.no_grad():
                _, teacher_taps = self.teacher(images)
            times.append(time.perf_counter())
            logits, student_taps = self.student(images)
            times.append(time.perf_counter())
            loss = self.cross_entropy(logits, labels) + GAMMA * similarity_loss(student_taps[-1], teacher_taps[-1])
            value = loss.item()
            times.append(time.perf_counter())
        self.optimiser.zero_grad()
        loss.backward()
        times.append(time.perf_counter())
        self.optimiser.step()
        times.append(time.perf_counter())
        return [end - start for start, end in zip(times, times[1:])], value


def peak_memory_mb():
    """The peak since this program started; unlike getrusage's figure it does not count the parent's memory."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM line; peak memory is known on Linux only")


def parse():
    parser = argparse.ArgumentParser(description="Time SP distillation steps in plain PyTorch.")
    parser.add_argument("--teacher", default="wrn-40-2", choices=NAMES)
    parser.add_argument("--student", default="wrn-16-2", choices=NAMES)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--variant", default="plain", choices=["plain", "tuned", "bfloat16"])
    options = parser.parse_args()
    for name, least in (("batch", 2), ("steps", 1), ("warmup", 0), ("threads", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}")
    return options


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    step = Step(options)
    for number in range(options.warmup):
        step.run(number)
    results = [step.run(options.warmup + number) for number in range(options.steps)]
    seconds = [sum(parts) for parts, _ in results]
    medians = [statistics.median(times) for times in zip(*(parts for parts, _ in results))]
    print(
        json.dumps(
            {
                "engine": "pytorch",
                "variant": options.variant,
                "torch": torch.__version__,
                "teacher": options.teacher,
                "student": options.student,
                "batch": options.batch,
                "threads": options.threads,
                "seconds": seconds,
                "images_per_second": options.batch / statistics.median(seconds),
                "peak_memory_mb": peak_memory_mb(),
                "shares": {part: time / sum(medians) for part, time in zip(PARTS, medians)},
                "loss": results[-1][1],
            }
        )
    )


if __name__ == "__main__":
    main()
