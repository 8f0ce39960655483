"""An ONNX file that Kindred wrote, as ONNX Runtime runs it. Without PyTorch, whose import takes longer than all this.

    run_onnx.py FILE IN OUT

Holds FILE against onnx.checker, and writes into OUT its outputs for one and for all of the `images` in IN, as `NAME.COUNT`,
and the number of each operation that ONNX Runtime has made of the file, as `operations.NAME`.
"""

import collections
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file, save_file

path, given, output = sys.argv[1:]
onnx.checker.check_model(path, full_check=True)
options = onnxruntime.SessionOptions()
options.optimized_model_filepath = f"{output}.onnx"
options.log_severity_level = 3
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
images = load_file(given)["images"].astype(np.float32)
results = {}
for count in [1, len(images)]:
    values = session.run(None, {session.get_inputs()[0].name: images[:count]})
    for value, info in zip(values, session.get_outputs()):
        results[f"{info.name}.{count}"] = np.ascontiguousarray(value.astype(np.float32))
for operation, number in collections.Counter(n.op_type for n in onnx.load(f"{output}.onnx").graph.node).items():
    results[f"operations.{operation}"] = np.array(number)
save_file(results, output)
