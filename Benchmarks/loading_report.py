"""The part `loading`: folders of JPEG images to batches, by Kindred and by torchvision's DataLoader.

Each round runs every contender in turn, a process each. torchvision's rate is that of its best number of workers. Ratios are
taken within a round. Both sides use all cores; the folder is read once before, so that no disk is measured.
"""

import pathlib
import statistics
import tempfile

from measuring import BENCHMARKS, KINDRED, Progress, measure, processor, python, spread, table

WORKERS = [0, 1, 2, 3, 4]
PHOTOGRAPHS = BENCHMARKS.parent.parent / "shared/data/dtd-10/images"
HEAD = ["folder", "seen", "views", "Kindred img/s", "decoded before", "torchvision", "uint8", "beside torchvision", "beside uint8"]


def generate(folder, count=640, side=256, classes=10):
    """JPEG images of 256 x 256 pixels with the structure of photographs: noise of every scale."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(1)
    for index in range(count):
        image = np.zeros((side, side, 3))
        for size in (4, 8, 16, 32, 64, 128):
            noise = Image.fromarray(random.integers(0, 256, (size, size, 3), dtype=np.uint8))
            image += np.asarray(noise.resize((side, side), Image.Resampling.BICUBIC), dtype=float) * 4 / size**0.5
        image = (image - image.min()) / (image.max() - image.min()) * 255
        place = folder / f"class-{index % classes}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.astype(np.uint8)).save(place / f"{index:06}.jpg", quality=90)


class Setting:
    """A folder, the size that is seen, and training's or evaluation's views."""

    def __init__(self, name, folder, side, evaluation):
        self.name, self.side, self.evaluation = name, side, evaluation
        common = ["--folder", str(folder), "--side", str(side), *(["--evaluation"] if evaluation else [])]
        self.kindred = [*KINDRED, "loading", *common]
        self.torchvision = [*python("pytorch_loading.py"), *common]
        self.rates = {name: [] for name in ("kindred", "kept", "torchvision", "uint8")}
        self.workers = {}

    def round(self):
        self.rates["kindred"].append(rate(self.kindred))
        self.rates["kept"].append(rate([*self.kindred, "--kept"]))
        for name, flags in (("torchvision", []), ("uint8", ["--uint8"])):
            rates = {count: rate([*self.torchvision, *flags, "--workers", str(count)]) for count in WORKERS}
            best = max(rates, key=rates.get)
            self.rates[name].append(rates[best])
            self.workers.setdefault(name, []).append(best)

    def row(self):
        rates = [f"{statistics.median(values):.0f}" for values in self.rates.values()]
        ratios = [
            spread([own / other for own, other in zip(self.rates["kindred"], self.rates[name])])
            for name in ("torchvision", "uint8")
        ]
        views = "evaluation" if self.evaluation else "training"
        return [self.name, f"{self.side} px", views, *rates, *ratios]


def rate(command):
    result = measure(command)
    return result["images"] / result["seconds"]


def report(options):
    """Measures, and gives the lines of the report."""
    with tempfile.TemporaryDirectory() as name:
        generated = pathlib.Path(name) / "generated"
        generate(generated)
        folders = [("640 JPEG of 256 px", generated, 224)]
        if PHOTOGRAPHS.is_dir() and not options.quick:
            folders.append(("dtd-10, 96 px", PHOTOGRAPHS, 64))
        settings = [
            Setting(name, folder, side, evaluation) for name, folder, side in folders for evaluation in (False, True)
        ]
        progress = Progress(options.rounds * len(settings))
        for number in range(1, options.rounds + 1):
            for setting in settings:
                setting.round()
                progress.report(f"loading, round {number} of {options.rounds}, {setting.name}")
        rows = [setting.row() for setting in settings]
        workers = sorted({count for setting in settings for best in setting.workers.values() for count in best})
    return [
        f"{processor()}, {options.threads} cores; medians of {options.rounds} rounds, all in turn, a process each. "
        f"torchvision with its best number of workers (here {', '.join(map(str, workers))} of 0 to 4). Above 1 Kindred is so "
        "many times as fast.",
        "",
        *table(HEAD, rows, words=3),
    ]
