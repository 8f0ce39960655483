"""The part `scale`: one batch over one and two processes, with Kindred and with PyTorch's DDP over Gloo, in turn.

A process alone has one thread or two; two processes have one each. Efficiency is taken within a round: two processes of one
thread beside one process of two threads, which has the same cores, and beside twice one process of one thread.
"""

import json
import os
import socket
import statistics
import subprocess
import sys

from measuring import KINDRED, Progress, processor, python, spread, table

SIDES = {"PyTorch": python("pytorch_scale.py"), "Kindred": [*KINDRED, "scale", "--json"]}
WAYS = {"1 of 1 thread": (1, 1), "1 of 2 threads": (1, 2), "2 of 1 thread": (2, 1)}


def ranks(command, count):
    """What each of several processes printed last."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    world = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **({**world, "RANK": str(rank)} if count > 1 else {})},
        )
        for rank in range(count)
    ]
    printed = [process.communicate() for process in processes]
    for process, (_, errors) in zip(processes, printed):
        if process.returncode != 0:
            sys.exit(f"bench: status {process.returncode} from this command:\n  {' '.join(command)}\n{errors.strip()}")
    return [json.loads(output.strip().splitlines()[-1]) for output, _ in printed]


def report(options):
    """Measures, and gives the lines of the report."""
    batches = [128] if options.quick else [64, 128]
    progress = Progress(options.rounds * len(batches) * len(SIDES) * len(WAYS))
    rates, kindred = {}, {}
    for number in range(1, options.rounds + 1):
        for batch in batches:
            for way, (count, threads) in WAYS.items():
                for side, command in SIDES.items():
                    arguments = ["--batch", str(batch), "--threads", str(threads)]
                    arguments += ["--steps", str(options.steps), "--warmup", str(options.warmup)]
                    found = ranks(command + arguments, count)
                    rates.setdefault((batch, side, way), []).append(min(one["images_per_second"] for one in found))
                    if side == "Kindred" and count > 1:
                        kindred.setdefault(batch, []).append(found)
                    progress.report(f"scale, round {number} of {options.rounds}, {side}, batch {batch}, {way}")
    one, cores, two = WAYS

    def ratios(batch, side, other, factor=1):
        pairs = zip(rates[batch, side, two], rates[batch, side, other])
        return [shared / (factor * alone) for shared, alone in pairs]

    rows, lines = [], []
    for batch in batches:
        for side in SIDES:
            cells = [f"{statistics.median(rates[batch, side, way]):.0f}" for way in WAYS]
            rows.append(
                [str(batch), side, *cells, spread(ratios(batch, side, cores)), spread(ratios(batch, side, one, 2))]
            )
        found = [one for ranks in kindred[batch] for one in ranks]
        waiting = statistics.median(one["waiting"] for one in found)
        beside = [own / other for own, other in zip(rates[batch, "Kindred", two], rates[batch, "PyTorch", two])]
        lines.append(
            f"Batch {batch}: each of Kindred's two processes puts {found[0]['bytes'] / 1e6:.2f} MB into sums and gathers in a"
            f" step and waits for them for {100 * waiting:.1f} % of its time; it is {spread(beside)} times as fast as DDP."
        )
    return [
        f"{processor()}; medians of {options.rounds} rounds, both sides in turn; WRN-40-2 -> WRN-16-2, images a second.",
        "",
        *table(
            ["batch", "", *WAYS, "2 of 1 / 1 of 2 (min..max)", "2 of 1 / twice 1 of 1 (min..max)"],
            rows,
            words=2,
        ),
        "",
        *lines,
    ]
