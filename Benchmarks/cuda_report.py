"""Distillation steps on a GPU beside plain PyTorch's: Kindred's command and a loop over the same networks, in one run.

    cuda_report.py KINDRED [--epochs N]

KINDRED is a `kindred` that was built with libtorch's CUDA build. Its figures are those of a run's own log, augmentation and
all, the first epoch left out; PyTorch's loop has no augmentation, and its images lie on the device. Both compute in float32
(convolutions in TF32, as PyTorch has them by default) or in bfloat16 autocast, channels-last. Prints images a second as
medians, and Kindred's as a multiple of PyTorch's.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Tests/Golden"))
import networks  # noqa: E402

PAIRS = [("wrn-40-2", "wrn-16-2"), ("resnet-32x4", "resnet-8x4")]
BATCH = 128
CONFIGURATION = f"""
data: {{set: textures, train_images: 5000, test_images: 100}}
training: {{batch_size: {BATCH}, device: cuda, optimizer: {{learning_rate: 0.02}}}}
"""


def kindred(command, folder, teacher, student, settings, epochs):
    """The images a second of each epoch after the first."""
    out = folder / f"{student}-{len(list(folder.iterdir()))}"
    network = f"{{network: {teacher}, weights: {teacher}}}"
    words = ["distill", "student.yaml", "--out", out, "--quiet", "--set", f"student.network={student}"]
    words += ["--set", f"teacher={network}", "--set", f"training.epochs={epochs}"]
    for setting in settings:
        words += ["--set", setting]
    subprocess.run([command, *map(str, words)], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["imagesPerSecond"] for line in lines][1:]


def similarity(activation):
    activation = activation.flatten(1)
    return F.normalize(activation @ activation.T)


class Loop:
    """KD and SP as in the configuration."""

    def __init__(self, teacher, student, bfloat16):
        self.teacher, self.student = (networks.build(name).cuda() for name in (teacher, student))
        for network in (self.teacher, self.student):
            network.to(memory_format=torch.channels_last)
        self.teacher.eval()
        self.optimizer = torch.optim.SGD(
            self.student.parameters(), 0.02, momentum=0.9, nesterov=True, weight_decay=5e-4)
        self.images = torch.randn(BATCH, 3, 32, 32, device="cuda").contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(0, 10, (BATCH,), device="cuda")
        self.bfloat16 = bfloat16

    def step(self):
        with torch.autocast("cuda", torch.bfloat16, enabled=self.bfloat16):
            with torch.no_grad():
                teacher, taught = self.teacher(self.images)
            logits, learnt = self.student(self.images)
        teacher, logits = teacher.float(), logits.float()
        divergence = F.kl_div(F.log_softmax(logits / 4, 1), F.softmax(teacher / 4, 1), reduction="batchmean") * 16
        distance = (similarity(learnt[2].float()) - similarity(taught[2].float())).square().mean()
        loss = 0.1 * F.cross_entropy(logits, self.labels) + 0.9 * divergence + 100 * distance
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def speeds(self, rounds, steps=200):
        for _ in range(30):
            self.step()
        result = []
        for _ in range(rounds):
            torch.cuda.synchronize()
            begin = time.perf_counter()
            for _ in range(steps):
                self.step()
            torch.cuda.synchronize()
            result.append(steps * BATCH / (time.perf_counter() - begin))
        return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kindred")
    parser.add_argument("--epochs", type=int, default=9)
    arguments = parser.parse_args()
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, batch {BATCH}, KD and SP", flush=True)
    print("| teacher, student | precision | PyTorch | Kindred, step captured | Kindred, not captured |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "student.yaml").write_text(CONFIGURATION + "student: {network: resnet-8}\n" + "losses: {kd: {}, sp: {weight: 100}}\n")
        (folder / "teacher.yaml").write_text(CONFIGURATION + "student: {network: resnet-8}\n")
        for teacher, student in PAIRS:
            words = ["train", "teacher.yaml", "--out", teacher, "--quiet", "--set", f"student.network={teacher}"]
            words += ["--set", "training.epochs=1"]
            subprocess.run([arguments.kindred, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            for precision in ("float32", "bfloat16"):
                theirs = statistics.median(Loop(teacher, student, precision == "bfloat16").speeds(5))
                cells = [f"{theirs:,.0f}"]
                for graph in ("true", "false"):
                    settings = [f"training.precision={precision}", f"training.cuda_graph={graph}"]
                    own = statistics.median(
                        kindred(arguments.kindred, folder, teacher, student, settings, arguments.epochs))
                    cells.append(f"{own:,.0f} ({own / theirs:.2f})")
                print(f"| {teacher}, {student} | {precision} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
