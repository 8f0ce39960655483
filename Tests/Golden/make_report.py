"""What a report computes, by other ways: CKA by features in place of similarities, calibration by PyTorch's bins.

    PYTHONPATH="$(Scripts/setup-python.sh)" python3 Tests/Golden/make_report.py

writes Tests/GoldenFiles/Files/report.safetensors.
"""

import os

import numpy as np
import torch
from safetensors.torch import save_file

BINS = 15


def cka(x, y):
    """Kornblith et al., 2019, equation 7, over features: |Y^T X|^2 / (|X^T X| |Y^T Y|)."""
    x, y = (a.reshape(len(a), -1).astype(np.float64) for a in (x, y))
    x, y = x - x.mean(0), y - y.mean(0)
    return np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def calibration_error(confidences, correct):
    """Guo et al., 2017, equation 3: bins are open below and closed above."""
    edges = torch.linspace(0, 1, BINS + 1, dtype=torch.float64)
    bins = torch.bucketize(confidences, edges[1:-1])
    error = torch.zeros((), dtype=torch.float64)
    for index in range(BINS):
        inside = bins == index
        if inside.any():
            distance = correct[inside].mean() - confidences[inside].mean()
            error += inside.double().mean() * distance.abs()
    return error


generator = np.random.default_rng(7)
x = generator.standard_normal((12, 3, 4, 4)).astype(np.float32) + 0.5
mixed = x.reshape(12, -1)[:, :20] @ generator.standard_normal((20, 20))
y = (mixed + 0.7 * generator.standard_normal((12, 20))).astype(np.float32).reshape(12, 5, 2, 2)
confidences = torch.from_numpy(generator.beta(3, 1.5, 500))
# The ends of bins, and of the range.
confidences[:4] = torch.tensor([1.0, 1 / 15, 0.2, 0.6], dtype=torch.float64)
correct = torch.from_numpy((generator.random(500) < confidences.numpy() ** 1.7).astype(np.float64))
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "GoldenFiles", "Files")
save_file(
    {
        "x": torch.from_numpy(x),
        "y": torch.from_numpy(np.ascontiguousarray(y)),
        "cka": torch.tensor([cka(x, y), cka(x, x)], dtype=torch.float64),
        "confidences": confidences,
        "correct": correct,
        "ece": calibration_error(confidences, correct).reshape(1),
    },
    os.path.join(folder, "report.safetensors"),
)
