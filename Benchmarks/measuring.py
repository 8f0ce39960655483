"""What the benchmark's parts share: where both sides are, their processes, the machine, and tables."""

import json
import pathlib
import platform
import statistics
import subprocess
import sys
import time

BENCHMARKS = pathlib.Path(__file__).resolve().parent
KINDRED = [str(BENCHMARKS.parent / ".build/release/kindred-bench")]


def python(script):
    """The command that runs one of this folder's scripts."""
    return [sys.executable, "-W", "ignore", str(BENCHMARKS / script)]


def run(command):
    """One process to its end: what it printed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: status {done.returncode} from this command:\n  {' '.join(command)}\n{done.stderr.strip()}")
    return done.stdout


def measure_lines(command):
    """One process: its lines of JSON."""
    printed = run(command)
    try:
        lines = [json.loads(line) for line in printed.strip().splitlines()]
    except ValueError:
        lines = []
    if not lines:
        sys.exit(f"bench: this command printed no lines of JSON:\n  {' '.join(command)}\n{printed.strip()}")
    return lines


def measure(command):
    """One process: its last line of JSON."""
    return measure_lines(command)[-1]


def spread(ratios):
    """The median of ratios, their least and their greatest."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"


def described(key):
    """What Linux says of the processor under a key; nothing elsewhere."""
    path = pathlib.Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == key), "")


def processor():
    """The processor's name, or else the kind of machine."""
    return described("model name") or platform.machine()


def has_bfloat16():
    """Whether the processor has instructions for products in bfloat16; without them they are many times slower."""
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint((described("flags") or described("Features")).split())


def table(head, rows, words):
    """The lines of a Markdown table whose first columns are words, padded so that it reads well on a terminal too."""
    widths = [max(len(cells[i]) for cells in [head, *rows]) for i in range(len(head))]

    def line(cells):
        padded = [cell.ljust(width) for cell, width in zip(cells[:words], widths)]
        padded += [cell.rjust(width) for cell, width in zip(cells[words:], widths[words:])]
        return f"| {' | '.join(padded)} |"

    rule = "".join("-" * (width + 1) + ("-|" if i < words else ":|") for i, width in enumerate(widths))
    return [line(head), f"|{rule}", *map(line, rows)]


class Progress:
    """Says on standard error what was measured, and how long the rest will take."""

    def __init__(self, total):
        self.start, self.total, self.done = time.monotonic(), total, 0

    def report(self, what):
        self.done += 1
        left = (time.monotonic() - self.start) / self.done * (self.total - self.done)
        print(f"{what}; about {left / 60:.0f} min left", file=sys.stderr, flush=True)
