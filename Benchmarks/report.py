"""Measures Kindred and plain PyTorch in turn and prints one table. `run.sh` sets everything up and calls this.

Each round runs every contender once, in a process of its own, in the same order (A B C, A B C, ...): what disturbs the
machine for a while disturbs them all. A contender's figure is the median of its rounds. The ratio is taken within each
round against plain PyTorch, then the median, the least and the greatest of these are given.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTORCH = [sys.executable, "-W", "ignore", str(ROOT / "Benchmarks/pytorch_step.py")]
KINDRED = [str(ROOT / ".build/release/kindred-bench")]
# RECORDING stands for the folder with the setting's recorded teacher.
STEP = [*KINDRED, "step", "--json"]
RECORDED = ["--signal", "recorded", "--recording", "RECORDING"]
BF16 = ["--precision", "bfloat16"]
CONTENDERS = {
    "PyTorch, plain": [*PYTORCH, "--variant", "plain"],
    "PyTorch, tuned": [*PYTORCH, "--variant", "tuned"],
    "Kindred, live": STEP,
    "Kindred, live int8": [*STEP, "--signal", "live-int8"],
    "Kindred, recorded": [*STEP, *RECORDED],
    "Kindred, live bf16": [*STEP, *BF16],
    "Kindred, recorded bf16": [*STEP, *RECORDED, *BF16],
}
BASELINE = "PyTorch, plain"
PARTS = ["data", "teacher", "student", "loss", "backward", "optimiser"]
STUDENT_PARTS = ["student", "backward", "optimiser"]
PAIRS = [("wrn-40-2", "wrn-16-2"), ("resnet-32x4", "resnet-8x4")]
BATCHES = [64, 128]


def title(setting):
    (teacher, student), batch = setting
    return f"{teacher} to {student}, {batch}"


def arguments(setting, options):
    (teacher, student), batch = setting
    values = dict(teacher=teacher, student=student, batch=batch)
    values |= dict(steps=options.steps, warmup=options.warmup, threads=options.threads)
    return [word for key, value in values.items() for word in (f"--{key}", str(value))]


def run(command):
    """One process to its end: what it printed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: status {done.returncode} from this command:\n  {' '.join(command)}\n{done.stderr.strip()}")
    return done.stdout


def measure(command):
    """One process of one contender: its line of JSON."""
    printed = run(command)
    try:
        return json.loads(printed.strip().splitlines()[-1])
    except (IndexError, ValueError):
        sys.exit(f"bench: this command printed no line of JSON:\n  {' '.join(command)}\n{printed.strip()}")


class Setting:
    """A pair of networks and a batch size: its recording, its contenders' results by round, and its floors."""

    def __init__(self, setting, options, folder):
        self.name = title(setting)
        self.arguments = arguments(setting, options)
        self.recording = str(pathlib.Path(folder) / self.name.replace(" ", "-").replace(",", ""))
        self.contenders = {
            name: [word.replace("RECORDING", self.recording) for word in command]
            for name, command in CONTENDERS.items()
            if name.startswith("PyTorch") or not options.python_only
        }
        self.results = {name: [] for name in self.contenders}
        self.floors = []

    def record(self):
        os.mkdir(self.recording)
        run([*KINDRED, "record", "--out", self.recording, *self.arguments])

    def round(self, with_kindred):
        for name, command in self.contenders.items():
            self.results[name].append(measure(command + self.arguments))
        if with_kindred:
            self.floors.append(measure([*KINDRED, "floor", "--json", *self.arguments]))
        speeds = [f"{name} {results[-1]['images_per_second']:.1f}" for name, results in self.results.items()]
        return f"{', '.join(speeds)} images/s"

    def rows(self):
        """The setting's lines of the table, as words."""
        return [self.row(name, results) for name, results in self.results.items()]

    def row(self, name, own):
        speeds = [result["images_per_second"] for result in own]
        ratios = [speed / base["images_per_second"] for speed, base in zip(speeds, self.results[BASELINE])]
        return [
            self.name,
            name,
            f"{statistics.median(speeds):.1f}",
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})",
            f"{statistics.median(result['peak_memory_mb'] for result in own):.0f}",
            *(part_cell(own, part) for part in PARTS),
            self.floor_cell(own),
        ]

    def floor_cell(self, own):
        """How often the convolutions' floor goes into the student's part of a step."""
        if not self.floors:
            return "-"
        times = [part_seconds(result, part) for result in own for part in STUDENT_PARTS]
        steps = [sum(times[i : i + len(STUDENT_PARTS)]) for i in range(0, len(times), len(STUDENT_PARTS))]
        ratios = [step / floor["seconds"] for step, floor in zip(steps, self.floors)]
        return f"{statistics.median(ratios):.2f}"

    def floor_sentence(self):
        floor = self.floors[0]
        rate = statistics.median(floor["product_rate"] for floor in self.floors)
        seconds = statistics.median(floor["seconds"] for floor in self.floors)
        return (
            f"{self.name}: {floor['multiply_adds'] / 1e9:.1f} G multiply-adds at {rate / 1e9:.0f} G a second"
            f" = {seconds * 1000:.0f} ms."
        )


def part_seconds(result, part):
    return result["shares"][part] * statistics.median(result["seconds"])


def part_cell(results, part):
    """A part's milliseconds and share of a step, medians over the rounds."""
    times = [part_seconds(result, part) for result in results]
    shares = [result["shares"][part] for result in results]
    return f"{statistics.median(times) * 1000:.1f} ({statistics.median(shares) * 100:.1f} %)"


def table(settings):
    """The lines of a Markdown table, padded so that it reads well on a terminal too."""
    head = ["pair, batch", "", "images/s", "times plain (min..max)", "peak MiB"]
    head += [*(f"{part} ms" for part in PARTS), "student / floor"]
    rows = [head, *(row for setting in settings for row in setting.rows())]
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(head))]
    lines = []
    for pair, name, *figures in rows:
        cells = [pair.ljust(widths[0]), name.ljust(widths[1])]
        cells += [cell.rjust(width) for cell, width in zip(figures, widths[2:])]
        lines.append(f"| {' | '.join(cells)} |")
    left = "".join(f"|{'-' * (width + 2)}" for width in widths[:2])
    rule = f"{left}|{''.join('-' * (width + 1) + ':|' for width in widths[2:])}"
    return [lines[0], rule, *lines[1:]]


def processor():
    """The processor's name on Linux, else the kind of machine."""
    path = pathlib.Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def parse():
    parser = argparse.ArgumentParser(prog="Benchmarks/run.sh", description="Kindred's training step beside PyTorch's.")
    parser.add_argument("--quick", action="store_true", help="only the first pair, with a batch of 128")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs (default 5)")
    parser.add_argument("--steps", type=int, default=6, help="measured steps in each run (default 6)")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them (default 3)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of either side (default: all)")
    parser.add_argument("--python-only", action="store_true", help="leave Kindred out and do not build it")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the report to this file too")
    options = parser.parse_args()
    for name, least in (("rounds", 1), ("steps", 1), ("warmup", 0), ("threads", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}")
    if options.markdown and not options.markdown.absolute().parent.is_dir():
        parser.error(f"--markdown: there is no folder {options.markdown.parent}")
    return options


def measure_all(settings, options):
    """All rounds of all settings, with what is left on standard error."""
    start = time.monotonic()
    total = options.rounds * len(settings)
    for number in range(1, options.rounds + 1):
        for index, setting in enumerate(settings, 1):
            speeds = setting.round(with_kindred=not options.python_only)
            done = (number - 1) * len(settings) + index
            left = (time.monotonic() - start) / done * (total - done)
            print(
                f"round {number} of {options.rounds}, {setting.name}: {speeds}; about {left / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )


def report(settings, options):
    lines = [
        f"{processor()}, {options.threads} threads; medians of {options.rounds} rounds of {options.steps} steps after"
        f" {options.warmup} to warm up, contenders in turn, a process each. Method: SP. The parts of a step are given in"
        " milliseconds and as its share.",
        "",
        *table(settings),
        "",
        f"Plain PyTorch is torch {settings[0].results[BASELINE][0]['torch']}.",
    ]
    if settings[0].floors:
        lines.append(
            "The floor is what the student's convolutions would take, forwards and backwards, at the rate of the faster of"
            " libtorch's two 2048 x 2048 float32 matrix products, measured in the same rounds. " + " ".join(s.floor_sentence() for s in settings)
        )
    return lines


def main():
    options = parse()
    choices = [(PAIRS[0], 128)] if options.quick else [(pair, batch) for pair in PAIRS for batch in BATCHES]
    with tempfile.TemporaryDirectory() as folder:
        settings = [Setting(choice, options, folder) for choice in choices]
        if not options.python_only:
            for setting in settings:
                setting.record()
        measure_all(settings, options)
        lines = report(settings, options)
    print("\n".join(lines))
    if options.markdown:
        options.markdown.write_text("\n".join(["# Benchmark: a training step", "", *lines, ""]))


if __name__ == "__main__":
    main()
