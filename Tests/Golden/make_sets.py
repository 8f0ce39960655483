"""Writes tiny sets in the layouts that their publishers use, for PublishedSetTests.

    PYTHONPATH=$(Scripts/setup-python.sh) python3 Tests/Golden/make_sets.py     # needs numpy, scipy and Pillow

SciPy writes the MATLAB files, Pillow the images, Python the archives. The byte of image r, channel c, row y and column x is
(57 r + 101 c + 7 y + 3 x) mod 256 in files that keep pixels as they are, and 20 r + 30 c + y + x (no more than 255) in JPEG
files, which are smooth so that they come back within a few grey levels. Made with numpy 2.4, scipy 1.17 and Pillow 13.
"""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

FOLDER = Path(__file__).parents[1] / "GoldenFiles" / "Files" / "sets"
CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()


def pixels(first, count, height, width):
    """count x height x width x 3 bytes of images that are numbered from `first`."""
    r, y, x, c = np.ogrid[first : first + count, :height, :width, :3]
    return ((57 * r + 101 * c + 7 * y + 3 * x) % 256).astype(np.uint8)


def encoded(image, kind):
    file = io.BytesIO()
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {"optimize": True}
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def png(number):
    return encoded(pixels(number, 1, 32, 32)[0], "PNG")


def smooth(number, height, width):
    y, x, c = np.ogrid[:height, :width, :3]
    return np.minimum(20 * number + 30 * c + y + x, 255).astype(np.uint8)


def jpeg(number, height, width):
    return encoded(smooth(number, height, width), "JPEG")


def tar(name, files):
    """A compressed archive of files by their names, with folders before them as tar writes them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folders = sorted({str(p) for name in files for p in list(Path(name).parents)[:-1]})
        for folder in folders:
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    (FOLDER / name).write_bytes(gzip.compress(packed.getvalue(), 9, mtime=0))


def svhn(split, first, digits, **options):
    """Images r x c x channel x number; MATLAB's own arrays are in this order as well."""
    images = pixels(first, len(digits), 32, 32).transpose(1, 2, 3, 0)
    content = {"X": images, "y": np.array(digits, options.pop("type", np.uint8))[:, None]}
    file = io.BytesIO()
    savemat(file, content, do_compression=options.pop("compressed", True), **options)
    # The date stands in the text before everything.
    bytes = b"MATLAB 5.0 MAT-file, made for tests".ljust(116) + file.getvalue()[116:]
    (FOLDER / f"{split}_32x32.mat").write_bytes(bytes)


def stl10():
    files = {"stl10_binary/class_names.txt": "\n".join("airplane bird car cat deer dog horse monkey ship truck".split()).encode()}
    for part, first, labels in [("train", 0, [1, 10, 4]), ("test", 3, [2, 9]), ("unlabeled", 5, None)]:
        images = pixels(first, len(labels or [0, 0]), 96, 96)
        files[f"stl10_binary/{part}_X.bin"] = images.transpose(0, 3, 2, 1).tobytes()
        if labels:
            files[f"stl10_binary/{part}_y.bin"] = bytes(labels)
    tar("stl10_binary.tar.gz", files)


def tiny_imagenet():
    """Two classes, which wnids.txt has in the other order; a grey image, as ImageNet has some."""
    grey = encoded(smooth(2, 64, 64)[..., 0], "JPEG")
    files = {
        "wnids.txt": b"n02124075\nn01443537\n",
        "words.txt": b"n01443537\tgoldfish, Carassius auratus\nn02124075\tEgyptian cat\n",
        "val/val_annotations.txt": b"val_0.JPEG\tn02124075\t0\t32\t44\t62\nval_1.JPEG\tn01443537\t0\t0\t63\t63\n",
        "val/images/val_0.JPEG": jpeg(4, 64, 64),
        "val/images/val_1.JPEG": jpeg(5, 64, 64),
        "test/images/test_0.JPEG": jpeg(0, 64, 64),
    }
    for wnid, first in [("n01443537", 0), ("n02124075", 2)]:
        files[f"train/{wnid}/{wnid}_boxes.txt"] = f"{wnid}_0.JPEG\t0\t10\t63\t58\n".encode()
        for index in range(2):
            content = grey if first + index == 2 else jpeg(first + index, 64, 64)
            files[f"train/{wnid}/images/{wnid}_{index}.JPEG"] = content
    with zipfile.ZipFile(FOLDER / "tiny-imagenet-200.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"tiny-imagenet-200/{name}"), content, zipfile.ZIP_DEFLATED)


def dtd():
    """Two classes of three images, of sizes of their own; two splits, and a file beside the images as the archive has one."""
    files, names = {"dtd/images/banded/.directory": b"[Dolphin]\n"}, {}
    for label, name in enumerate(["banded", "zigzagged"]):
        names[name] = [f"{name}/{name}_{index:04}.jpg" for index in range(3)]
        for index, path in enumerate(names[name]):
            number = 3 * label + index
            files[f"dtd/images/{path}"] = jpeg(number, 300 + 8 * number, 340)
    for split, order in [(1, [0, 1, 2]), (2, [1, 2, 0])]:
        for part, index in zip(["train", "val", "test"], order):
            lines = [paths[index] for paths in names.values()]
            files[f"dtd/labels/{part}{split}.txt"] = "".join(f"{line}\n" for line in lines).encode()
    tar("dtd-r1.0.1.tar.gz", files)


def cinic10():
    """An image of each class in each part, at the archive's root."""
    files = {"README.md": b"# CINIC-10\n"}
    for place, part in enumerate(["train", "valid", "test"]):
        for label, name in enumerate(CLASSES):
            files[f"{part}/{name}/n0{label}_{place}.png"] = png(10 * place + label)
    tar("CINIC-10.tar.gz", files)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    svhn("train", 0, [1, 10, 5, 9])
    svhn("test", 4, [3, 10, 2])
    # What MATLAB itself may write: labels as double, and variables that are not compressed.
    svhn("plain", 4, [3, 10, 2], type=np.float64, compressed=False)
    stl10()
    tiny_imagenet()
    dtd()
    cinic10()
    sizes = {path.name: path.stat().st_size for path in sorted(FOLDER.iterdir())}
    print(sizes, sum(sizes.values()))
