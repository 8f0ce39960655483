"""Images from a folder to batches by torchvision's DataLoader: images and seconds, as JSON.

torchvision's reference for ImageNet: a random part of the image, scaled and flipped, as a normalised tensor. `--uint8` scales
tensors of bytes instead of Pillow's images.
"""

import argparse
import json
import resource
import time

import torch

# torchvision's wheel may be built for another build of PyTorch: its own operators are not there then, and loading uses none.
_library = torch.library.Library("torchvision", "DEF")
for _name in ["nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"]:
    _library.define(f"{_name}(Tensor a) -> Tensor")
    _library.define(f"_{_name}_backward(Tensor a) -> Tensor")

import torchvision  # noqa: E402
from torchvision.transforms import v2  # noqa: E402


def transform(side, uint8, evaluation):
    resize = [v2.Resize((side * 8 + 3) // 7), v2.CenterCrop(side)]
    crop = resize if evaluation else [v2.RandomResizedCrop(side, antialias=True), v2.RandomHorizontalFlip()]
    normal = [v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    if uint8:
        return v2.Compose([v2.PILToTensor(), *crop, *normal])
    return v2.Compose([*crop, v2.PILToTensor(), *normal])


def main():
    parser = argparse.ArgumentParser(description="Time the loading of a folder.")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--uint8", action="store_true")
    parser.add_argument("--evaluation", action="store_true")
    options = parser.parse_args()
    images = torchvision.datasets.ImageFolder(
        options.folder, transform(options.side, options.uint8, options.evaluation)
    )
    loader = torch.utils.data.DataLoader(
        images,
        batch_size=options.batch,
        shuffle=not options.evaluation,
        drop_last=not options.evaluation,
        num_workers=options.workers,
        persistent_workers=options.workers > 0,
    )
    next(iter(loader))  # The workers are there before time is taken.
    count, start = 0, time.perf_counter()
    for _ in range(options.epochs):
        for batch, _ in loader:
            count += len(batch)
    seconds = time.perf_counter() - start
    own, workers = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"images": count, "seconds": seconds, "peak_memory_mb": own + options.workers * workers}))


if __name__ == "__main__":
    main()
