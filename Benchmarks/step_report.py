"""The part `step`: a training step with PyTorch and with Kindred, in turn.

Each round runs every contender once, in a process of its own, in the same order (A B C, A B C, ...): what disturbs the
machine for a while disturbs them all. A contender's figure is the median of its rounds. The ratio is taken within each
round against plain PyTorch, then the median, the least and the greatest of these are given.
"""

import os
import pathlib
import statistics
import tempfile

from measuring import KINDRED, Progress, has_bfloat16, measure, processor, python, run, spread, table

PYTORCH = python("pytorch_step.py")
# RECORDING stands for the folder with the setting's recorded teacher.
STEP = [*KINDRED, "step", "--json"]
RECORDED = ["--signal", "recorded", "--recording", "RECORDING"]
BF16 = ["--precision", "bfloat16"]
CONTENDERS = {
    "PyTorch, plain": [*PYTORCH, "--variant", "plain"],
    "PyTorch, tuned": [*PYTORCH, "--variant", "tuned"],
    "PyTorch, bf16 autocast": [*PYTORCH, "--variant", "bfloat16"],
    "Kindred, live": STEP,
    "Kindred, live int8": [*STEP, "--signal", "live-int8"],
    "Kindred, recorded": [*STEP, *RECORDED],
    "Kindred, live bf16": [*STEP, *BF16],
    "Kindred, recorded bf16": [*STEP, *RECORDED, *BF16],
}
BASELINE = "PyTorch, plain"
PARTS = ["data", "teacher", "student", "loss", "backward", "optimiser"]
STUDENT_PARTS = ["student", "backward", "optimiser"]
# The last one's student is made of depthwise convolutions.
PAIRS = [("wrn-40-2", "wrn-16-2"), ("resnet-32x4", "resnet-8x4"), ("wrn-40-2", "mobilenetv2-0.5")]
BATCHES = [64, 128]


def title(setting):
    (teacher, student), batch = setting
    return f"{teacher} to {student}, {batch}"


def arguments(setting, options):
    (teacher, student), batch = setting
    values = dict(teacher=teacher, student=student, batch=batch)
    values |= dict(steps=options.steps, warmup=options.warmup, threads=options.threads)
    return [word for key, value in values.items() for word in (f"--{key}", str(value))]


class Setting:
    """A pair of networks and a batch size: its recording, its contenders' results by round, and its floors."""

    def __init__(self, setting, options, folder):
        self.name = title(setting)
        self.arguments = arguments(setting, options)
        self.recording = str(pathlib.Path(folder) / self.name.replace(" ", "-").replace(",", ""))
        self.contenders = {
            name: [word.replace("RECORDING", self.recording) for word in command]
            for name, command in CONTENDERS.items()
            if (name.startswith("PyTorch") or not options.python_only) and ("bf16" not in name or has_bfloat16())
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
            spread(ratios),
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


HEAD = ["pair, batch", "", "images/s", "times plain (min..max)", "peak MiB"]
HEAD += [*(f"{part} ms" for part in PARTS), "student / floor"]


def measure_all(settings, options):
    """All rounds of all settings."""
    progress = Progress(options.rounds * len(settings))
    for number in range(1, options.rounds + 1):
        for setting in settings:
            speeds = setting.round(with_kindred=not options.python_only)
            progress.report(f"round {number} of {options.rounds}, {setting.name}: {speeds}")


def lines(settings, options):
    result = [
        f"{processor()}, {options.threads} threads; medians of {options.rounds} rounds of {options.steps} steps after"
        f" {options.warmup} to warm up, contenders in turn, a process each. Method: SP. The parts of a step are given"
        " in milliseconds and as its share.",
        "",
        *table(HEAD, [row for setting in settings for row in setting.rows()], words=2),
        "",
        f"Plain PyTorch is torch {settings[0].results[BASELINE][0]['torch']}.",
    ]
    if not has_bfloat16():
        result.append("Nothing was measured in bfloat16, for which this processor has no instructions.")
    if settings[0].floors:
        result.append(
            "The floor is what the student's convolutions would take, forwards and backwards, at the rate of the faster"
            " of libtorch's two 2048 x 2048 float32 matrix products, measured in the same rounds. "
            + " ".join(s.floor_sentence() for s in settings)
        )
    return result


def report(options):
    """Measures, and gives the lines of the report."""
    choices = [(PAIRS[0], 128)] if options.quick else [(pair, batch) for pair in PAIRS for batch in BATCHES]
    with tempfile.TemporaryDirectory() as folder:
        settings = [Setting(choice, options, folder) for choice in choices]
        if not options.python_only:
            for setting in settings:
                setting.record()
        measure_all(settings, options)
        return lines(settings, options)
