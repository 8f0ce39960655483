"""Every 37th image of a folder as torchvision's reference evaluates it, scaled by Pillow: make_views.py FOLDER OUTPUT."""

import os
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

folder, output = sys.argv[1:]
size, side = 64, 73
paths = [os.path.join(folder, c, f) for c in sorted(os.listdir(folder)) for f in sorted(os.listdir(os.path.join(folder, c)))]
views = []
for path in [p for p in paths if p.endswith(".jpg")][::37]:
    image = Image.open(path).convert("RGB")
    width, height = image.size
    short, long = min(width, height), max(width, height)
    scaled = (side, side * long // short) if width == short else (side * long // short, side)
    image = image.resize(scaled, Image.Resampling.BILINEAR)
    left, top = round((scaled[0] - size) / 2.0), round((scaled[1] - size) / 2.0)
    views.append(np.asarray(image.crop((left, top, left + size, top + size))))
save_file({"views": torch.from_numpy(np.stack(views))}, output)
