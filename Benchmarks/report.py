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

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTORCH = [sys.executable, "-W", "ignore", str(ROOT / "Benchmarks/pytorch_step.py")]
KINDRED = [str(ROOT / ".build/release/kindred-bench"), "step", "--signal", "live", "--json"]
CONTENDERS = {
    "PyTorch, plain": [*PYTORCH, "--variant", "plain"],
    "PyTorch, tuned": [*PYTORCH, "--variant", "tuned"],
    "Kindred": KINDRED,
}
BASELINE = "PyTorch, plain"
PARTS = ["data", "teacher", "student", "loss", "backward", "optimiser"]
FIRST_PAIR = ("wrn-40-2", "wrn-16-2")
PAIRS = [FIRST_PAIR, ("resnet-32x4", "resnet-8x4")]


def run(command, setting, options):
    """One process of one contender: its line of JSON."""
    (teacher, student), batch = setting
    arguments = dict(teacher=teacher, student=student, batch=batch)
    arguments |= dict(steps=options.steps, warmup=options.warmup, threads=options.threads)
    full = command + [word for key, value in arguments.items() for word in (f"--{key}", str(value))]
    done = subprocess.run(full, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: status {done.returncode} from this command:\n  {' '.join(full)}\n{done.stderr.strip()}")
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        sys.exit(f"bench: this command printed no line of JSON:\n  {' '.join(full)}\n{done.stdout.strip()}")


def measure(setting, options):
    """Each contender's results, one for each round."""
    contenders = {name: command for name, command in CONTENDERS.items() if name != "Kindred" or not options.python_only}
    results = {name: [] for name in contenders}
    for number in range(1, options.rounds + 1):
        speeds = []
        for name, command in contenders.items():
            results[name].append(run(command, setting, options))
            speeds.append(f"{name} {results[name][-1]['images_per_second']:.1f}")
        print(f"  round {number} of {options.rounds}: {', '.join(speeds)} images/s", file=sys.stderr, flush=True)
    return results


def part_cell(results, part):
    """A part's milliseconds and share of a step, medians over the rounds."""
    shares = [result["shares"][part] for result in results]
    times = [share * statistics.median(result["seconds"]) for share, result in zip(shares, results)]
    return f"{statistics.median(times) * 1000:.1f} ({statistics.median(shares) * 100:.1f} %)"


def row(name, results):
    """A contender's line of the table, as words."""
    own = results[name]
    speeds = [result["images_per_second"] for result in own]
    ratios = [speed / base["images_per_second"] for speed, base in zip(speeds, results[BASELINE])]
    return [
        name,
        f"{statistics.median(speeds):.1f}",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})",
        f"{statistics.median(result['peak_memory_mb'] for result in own):.0f}",
        *(part_cell(own, part) for part in PARTS),
    ]


def table(results):
    """The lines of a Markdown table, padded so that it reads well on a terminal too."""
    head = ["", "images/s", "times plain (min..max)", "peak MiB", *(f"{part} ms" for part in PARTS)]
    rows = [head, *(row(name, results) for name in results)]
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(head))]
    lines = []
    for name, *figures in rows:
        cells = [name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(figures, widths[1:]))]
        lines.append(f"| {' | '.join(cells)} |")
    rule = f"|{'-' * (widths[0] + 2)}|{''.join('-' * (width + 1) + ':|' for width in widths[1:])}"
    return [lines[0], rule, *lines[1:]]


def processor():
    """The processor's name on Linux, else the kind of machine."""
    path = pathlib.Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def parse():
    parser = argparse.ArgumentParser(prog="Benchmarks/run.sh", description="Kindred's training step beside PyTorch's.")
    parser.add_argument("--all", action="store_true", help="both pairs of networks, with batches of 64 and of 128")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs (default 5)")
    parser.add_argument("--steps", type=int, default=6, help="measured steps in each run (default 6)")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them (default 3)")
    parser.add_argument("--batch", type=int, default=128, help="batch size without --all (default 128)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of either side (default: all)")
    parser.add_argument("--python-only", action="store_true", help="leave Kindred out and do not build it")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the report to this file too")
    options = parser.parse_args()
    for name, least in (("rounds", 1), ("steps", 1), ("warmup", 0), ("batch", 2), ("threads", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}")
    if options.markdown and not options.markdown.absolute().parent.is_dir():
        parser.error(f"--markdown: there is no folder {options.markdown.parent}")
    return options


def main():
    options = parse()
    settings = [(FIRST_PAIR, options.batch)]
    if options.all:
        settings = [(pair, batch) for pair in PAIRS for batch in (64, 128)]
    report = [
        f"{processor()}, {options.threads} threads; medians of {options.rounds} rounds of {options.steps} steps after"
        f" {options.warmup} to warm up, contenders in turn, a process each. The parts of a step are given in"
        " milliseconds and as its share.",
    ]
    for setting in settings:
        (teacher, student), batch = setting
        title = f"SP, {teacher} to {student}, batch {batch}"
        print(title, file=sys.stderr, flush=True)
        results = measure(setting, options)
        report += ["", f"### {title}", "", *table(results)]
    report += ["", f"Plain PyTorch is torch {results[BASELINE][0]['torch']}."]
    print("\n".join(report))
    if options.markdown:
        options.markdown.write_text("\n".join(["# Benchmark: a training step", "", *report, ""]))


if __name__ == "__main__":
    main()
