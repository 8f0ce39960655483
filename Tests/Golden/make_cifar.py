"""Writes two records of CIFAR as its authors' archives for Python hold them, for CIFARReaderTests.

    python3 Tests/Golden/make_cifar.py        # needs numpy

cifar-python2.pickle is written operation by operation as Python 2's cPickle wrote the official files (protocol 2, texts
as `str`); cifar-protocol0.pickle and cifar-protocol4.pickle are what numpy and Python 3 write. Made with numpy 2.4 and
Python 3.11. Each holds `data` [2, 3072], `labels` [3, 9], `fine_labels` [99, 1], `coarse_labels` [19, 0] and
`filenames`. The byte of record r, channel c, row y and column x is (57 r + 101 c + 7 y + 3 x) mod 256.
"""

import pickle
import struct
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "GoldenFiles" / "Files"
r, c, y, x = np.ogrid[:2, :3, :32, :32]
DATA = ((57 * r + 101 * c + 7 * y + 3 * x) % 256).astype(np.uint8).reshape(2, 3072)
LISTS = {"labels": [3, 9], "fine_labels": [99, 1], "coarse_labels": [19, 0]}
NAMES = ["a_s_000001.png", "b_s_000002.png"]


class Python2:
    """The operations of cPickle: every value but numbers goes into the memo."""

    def __init__(self):
        self.bytes, self.count = bytearray(b"\x80\x02"), 0

    def remember(self):
        self.bytes += b"q" + bytes([self.count])
        self.count += 1

    def add(self, operations, remembered=True):
        self.bytes += operations
        if remembered:
            self.remember()

    def string(self, text):
        short = len(text) < 256
        self.add((b"U" + bytes([len(text)]) if short else b"T" + struct.pack("<i", len(text))) + text)

    def list(self, items):
        self.add(b"]")
        self.bytes += b"("
        for item in items:
            if isinstance(item, int):
                self.add(b"K" + bytes([item]), remembered=False)
            else:
                self.string(item.encode())
        self.bytes += b"e"

    def array(self, data):
        self.add(b"cnumpy.core.multiarray\n_reconstruct\n")
        self.add(b"cnumpy\nndarray\n")
        self.add(b"K\x00\x85")
        self.string(b"b")
        self.add(b"\x87")
        self.add(b"R")
        self.add(b"(K\x01K\x02M\x00\x0c\x86")
        self.add(b"cnumpy\ndtype\n")
        self.string(b"u1")
        self.add(b"K\x00K\x01\x87")
        self.add(b"R")
        self.bytes += b"(K\x03"
        self.string(b"|")
        self.add(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t")
        self.bytes += b"b\x89"
        self.string(data.tobytes())
        self.add(b"t")
        self.bytes += b"b"


def python2():
    writer = Python2()
    writer.add(b"}")
    writer.bytes += b"("
    for key, values in LISTS.items():
        writer.string(key.encode())
        writer.list(values)
    writer.string(b"data")
    writer.array(DATA)
    writer.string(b"filenames")
    writer.list(NAMES)
    return bytes(writer.bytes + b"u.")


if __name__ == "__main__":
    read = pickle.loads(python2(), encoding="bytes")
    assert (read[b"data"] == DATA).all() and read[b"fine_labels"] == LISTS["fine_labels"]
    (FOLDER / "cifar-python2.pickle").write_bytes(python2())
    for protocol in (0, 4):
        value = {**LISTS, "data": DATA, "filenames": NAMES}
        (FOLDER / f"cifar-protocol{protocol}.pickle").write_bytes(pickle.dumps(value, protocol))
