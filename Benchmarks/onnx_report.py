"""The part `onnx`: students as Kindred exports them, in float32 and in int8, in ONNX Runtime.

Each round runs both files in turn, a process each, for every batch and number of threads. Ratios are taken within a round.
The weights are random: what they are changes no file's size and no time.
"""

import pathlib
import statistics
import tempfile

from measuring import KINDRED, Progress, described, measure, processor, python, run, spread, table

NETWORKS = [("wrn-16-2", 32), ("mobilenetv2-0.5", 32), ("resnet18", 224)]
BATCHES = [1, 32]
THREADS = [1, 2]
FILES = ["float32", "int8"]
HEAD = ["network", "threads", "batch", "float32 ms", "int8 ms", "float32 / int8 (min..max)", "float32 MB", "int8 MB"]


class Setting:
    """A network's two files, a batch size and a number of threads: seconds by file, one for each round."""

    def __init__(self, network, folder, threads, batch):
        self.network, self.folder, self.threads, self.batch = network, folder, threads, batch
        self.seconds = {file: [] for file in FILES}

    def round(self):
        for file, seconds in self.seconds.items():
            command = [*python("onnx_run.py"), str(self.folder / f"{file}.onnx")]
            result = measure([*command, "--batch", str(self.batch), "--threads", str(self.threads)])
            seconds.append(result["seconds"])
        return result["onnxruntime"]

    def row(self):
        ratios = [wide / narrow for wide, narrow in zip(self.seconds["float32"], self.seconds["int8"])]
        milliseconds = [f"{1000 * statistics.median(self.seconds[file]):.2f}" for file in FILES]
        sizes = [f"{(self.folder / f'{file}.onnx').stat().st_size / 1e6:.2f}" for file in FILES]
        return [self.network, str(self.threads), str(self.batch), *milliseconds, spread(ratios), *sizes]


def write(network, side, folder):
    folder.mkdir()
    run([*KINDRED, "onnx", "--network", network, "--side", str(side), "--out", str(folder)])
    return folder


def instructions():
    """Which of the instructions that decide over int8 the processor has."""
    flags = described("flags").split()
    return ", ".join(name for name in ["avx2", "avx_vnni", "avx512f", "avx512_vnni"] if name in flags) or "none known"


def report(options):
    """Measures, and gives the lines of the report."""
    networks = NETWORKS[:1] if options.quick else NETWORKS
    with tempfile.TemporaryDirectory() as name:
        folders = {network: write(network, side, pathlib.Path(name) / network) for network, side in networks}
        settings = [
            Setting(network, folder, threads, batch)
            for network, folder in folders.items()
            for threads in THREADS
            for batch in BATCHES
        ]
        progress = Progress(options.rounds * len(settings))
        for number in range(1, options.rounds + 1):
            for setting in settings:
                version = setting.round()
                what = f"{setting.network}, {setting.threads} threads, batch {setting.batch}"
                progress.report(f"onnx, round {number} of {options.rounds}, {what}")
        rows = [setting.row() for setting in settings]
    return [
        f"{processor()} ({instructions()}), ONNX Runtime {version}; medians of {options.rounds} rounds, both files in turn,"
        " a process each. Above 1 the int8 file is so many times as fast.",
        "",
        *table(HEAD, rows, words=1),
    ]
