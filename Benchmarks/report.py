"""Measures Kindred and PyTorch in turn and prints a table for each part. `run.sh` sets everything up and calls this."""

import argparse
import os
import pathlib

import loading_report
import loss_report
import onnx_report
import scale_report
import step_report

PARTS = {
    "step": ("a training step", step_report.report),
    "losses": ("losses", loss_report.report),
    "onnx": ("exported students", onnx_report.report),
    "loading": ("images from folders", loading_report.report),
    "scale": ("several processes", scale_report.report),
}


def sizes(text):
    return [int(number) for number in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(prog="Benchmarks/run.sh", description="Kindred's speed beside PyTorch's.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="only the first pair, with a batch of 128")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs (default 5)")
    parser.add_argument("--steps", type=int, default=6, help="step: measured steps in each run (default 6)")
    parser.add_argument("--warmup", type=int, default=3, help="step: steps before them (default 3)")
    parser.add_argument("--methods", help="losses: names with commas (default: all)")
    parser.add_argument("--batches", type=sizes, help="losses: numbers with commas (default: 64,128)")
    parser.add_argument("--cpu-time", action="store_true", help="losses: time on the processor, for a machine in use")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of either side (default: all)")
    parser.add_argument("--python-only", action="store_true", help="step: leave Kindred out and do not build it")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the report to this file too")
    options = parser.parse_args()
    for name, least in (("rounds", 1), ("steps", 1), ("warmup", 0), ("threads", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}")
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part}, only {', '.join(PARTS)}")
    options.parts = options.parts or (["step"] if options.python_only else list(PARTS))
    if options.python_only and set(options.parts) != {"step"}:
        parser.error("--python-only leaves nothing to compare but the step; leave it out, or run pytorch_losses.py")
    if options.cpu_time and options.threads > 1:
        parser.error("--cpu-time adds up the threads' times; use it with --threads 1")
    if options.markdown and not options.markdown.absolute().parent.is_dir():
        parser.error(f"--markdown: there is no folder {options.markdown.parent}")
    return options


def main():
    options = parse()
    sections = []
    for part in dict.fromkeys(options.parts):
        title, report = PARTS[part]
        lines = report(options)
        print("\n".join(lines), flush=True)
        sections += [f"# Benchmark: {title}", "", *lines, ""]
    if options.markdown:
        options.markdown.write_text("\n".join(sections))


if __name__ == "__main__":
    main()
