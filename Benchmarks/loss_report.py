"""The part `losses`: every method's forward and backward with PyTorch and with Kindred, in turn.

Each round runs both sides for each batch, in a process each, which goes through all methods. Ratios are taken within a
round. Both sides compute in each step what they need of the teacher, as with a live teacher.
"""

import statistics
import sys

from measuring import KINDRED, Progress, measure_lines, processor, python, spread, table

BATCHES = [64, 128]
SIDES = {"PyTorch": python("pytorch_losses.py"), "Kindred": [*KINDRED, "losses"]}
NOTE = (
    "crd-draw: a step's negatives, without replacement and of other classes with Kindred; of all samples by the alias"
    " method with PyTorch. crd-draw-choice: the same draw of Kindred beside numpy.random.choice, which draws as Kindred"
    " does, in RepDistiller's data loader. crd-gather: both banks' vectors of the negatives with PyTorch; with Kindred"
    " their scores, a product with each bank of which the drawn entries are taken."
)


class Batch:
    """A batch size, and both sides' seconds and peaks of memory by method, one for each round."""

    def __init__(self, size, options):
        self.size = size
        self.arguments = ["--batch", str(size), "--rounds", "1", "--threads", str(options.threads)]
        if options.cpu_time:
            self.arguments.append("--cpu-time")
        if options.methods:
            self.arguments += ["--methods", options.methods]
        self.seconds = {side: {} for side in SIDES}
        self.memory = {side: {} for side in SIDES}

    def round(self):
        for side, command in SIDES.items():
            for line in measure_lines(command + self.arguments):
                self.seconds[side].setdefault(line["method"], []).extend(line["seconds"])
                self.memory[side].setdefault(line["method"], []).append(line["added_memory_mb"])
        own, other = (set(seconds) for seconds in self.seconds.values())
        if own != other:
            sys.exit(f"bench: only one side measures {', '.join(sorted(own ^ other))}; add it to the other")

    def ratios(self, name):
        """PyTorch's time over Kindred's, one for each round."""
        return [other / own for other, own in zip(self.seconds["PyTorch"][name], self.seconds["Kindred"][name])]

    def row(self, name):
        milliseconds = [f"{1000 * statistics.median(seconds[name]):.3f}" for seconds in self.seconds.values()]
        megabytes = [f"{statistics.median(memory[name]):.0f}" for memory in self.memory.values()]
        return [name, str(self.size), *milliseconds, spread(self.ratios(name)), *megabytes]

    def rows(self):
        return [self.row(name) for name in self.seconds["PyTorch"]]

    def slower(self):
        medians = {name: statistics.median(self.ratios(name)) for name in self.seconds["PyTorch"]}
        return [f"{name} at {self.size} ({ratio:.2f})" for name, ratio in medians.items() if ratio < 1]


def report(options):
    """Measures, and gives the lines of the report."""
    sizes = options.batches or ([128] if options.quick else BATCHES)
    batches = [Batch(size, options) for size in sizes]
    progress = Progress(options.rounds * len(batches))
    for number in range(1, options.rounds + 1):
        for batch in batches:
            batch.round()
            progress.report(f"losses, round {number} of {options.rounds}, batch {batch.size}")
    slower = [name for batch in batches for name in batch.slower()]
    return [
        f"{processor()}, {options.threads} threads; medians of {options.rounds} rounds, both sides in turn, a process"
        f" each{', its time on the processor' if options.cpu_time else ''}. Forward and backward on WRN-16-2's and"
        " WRN-40-2's shapes; above 1 Kindred is so many times as fast. MiB:"
        " what the first step adds to the process at its peak.",
        "",
        *table(
            [
                "method",
                "batch",
                "PyTorch ms",
                "Kindred ms",
                "PyTorch / Kindred (min..max)",
                "PyTorch MiB",
                "Kindred MiB",
            ],
            [row for batch in batches for row in batch.rows()],
            words=1,
        ),
        "",
        NOTE,
        "",
        f"Slower than PyTorch: {', '.join(slower) if slower else 'none'}.",
    ]
