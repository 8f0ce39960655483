"""One ONNX file in ONNX Runtime: seconds a run, as JSON."""

import argparse
import json
import time

import numpy as np
import onnxruntime


def main():
    parser = argparse.ArgumentParser(description="Time an ONNX file in ONNX Runtime on the CPU.")
    parser.add_argument("file")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long to run after warming up (default 1)")
    options = parser.parse_args()
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = options.threads
    session_options.log_severity_level = 3
    session = onnxruntime.InferenceSession(options.file, session_options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    images = np.random.default_rng(1).standard_normal((options.batch, *given.shape[1:]), dtype=np.float32)
    for _ in range(3):
        session.run(None, {given.name: images})
    runs, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < options.seconds or runs < 3:
        session.run(None, {given.name: images})
        runs += 1
    print(json.dumps({"seconds": taken / max(runs, 1), "onnxruntime": onnxruntime.__version__}))


if __name__ == "__main__":
    main()
