"""Prints Tests/FilesTests/PythonsPickles.swift: one value in every protocol that Pickle.swift reads.

    python3 Tests/Golden/make_pickles.py > Tests/FilesTests/PythonsPickles.swift
"""

import base64
import collections
import pickle

inner = [1]
VALUE = {
    "none": None,
    "flags": [True, False],
    "numbers": (0, 255, 65535, -1, -(2**31), 2**63 - 1, 1.5, -0.0),
    "huge": 2**70,
    "text": "ä\\\n'\U0001f600",
    "bytes": bytes([0, 255, 10, 39, 92]),
    "shared": [inner, inner],
    "ordered": collections.OrderedDict(k=7),
    "set": {3},
}

print("// Made by Tests/Golden/make_pickles.py: one value as Python 3.11 pickles it.\n")
print("import Foundation\n")
print("enum PythonsPickles {")
print("  /// In protocol 0, 1, 2, 3 and 4.")
print("  static let all: [Data] = [")
for protocol in range(5):
    text = base64.b64encode(pickle.dumps(VALUE, protocol)).decode()
    lines = [text[i : i + 100] for i in range(0, len(text), 100)]
    print("    \"\"\"\n" + "".join(f"    {line}\\\n" for line in lines)[:-2] + "\n    \"\"\",")
print("  ].map { Data(base64Encoded: $0) ?? Data() }")
print("}")
