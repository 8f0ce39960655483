"""What torchvision and PyTorch make of images and batches: augmentations.safetensors, for ColorOperationTests and BatchMixerTests.

`MODE/OPERATION` holds an image after one of RandAugment's operations, on Pillow's images, for the magnitudes in `magnitudes`,
those of both signs one after the other; `MODE/image` the image itself. `mixup/...` and `cutmix/...` hold batches that
torchvision's MixUp and CutMix have mixed by the shares and boxes in their names, and the cross-entropies of `logits` with their
soft labels, with a smoothing of 0 and of 0.1, in float64. Prints what the tests of random erasing compare with.
"""

import pathlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy

# torchvision's wheel is built for another build of PyTorch: its own operators are not there, and no transform uses them.
_library = torch.library.Library("torchvision", "DEF")
for _name in ["nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"]:
    _library.define(f"{_name}(Tensor a) -> Tensor")
    _library.define(f"_{_name}_backward(Tensor a) -> Tensor")

from torchvision.transforms import InterpolationMode, RandAugment, RandomErasing, v2  # noqa: E402
from torchvision.transforms.autoaugment import _apply_op  # noqa: E402

MAGNITUDES = [0, 1, 9, 16, 30]
tensors = {"magnitudes": torch.tensor(MAGNITUDES)}


def images():
    """A smooth scene with noise and a part without light, and a dull one: in colour and in grey."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:22, 0:27]
    scene = np.stack([110 + 90 * np.sin(x / 4 + c) * np.cos(y / 5 - c) + rng.normal(0, 25, x.shape) for c in range(3)], -1)
    scene[:5, :9] = 0
    dull = 120 + rng.integers(0, 20, (18, 18, 3))
    for name, pixels in [("scene", scene), ("dull", dull)]:
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        yield f"{name}/colour", image
        yield f"{name}/grey", image.convert("L")


def bytes_of(image):
    return torch.from_numpy(np.array(image).reshape(image.height, image.width, -1))


for name, image in images():
    tensors[f"{name}/image"] = bytes_of(image)
    space = RandAugment()._augmentation_space(31, (image.height, image.width))
    for operation, (amounts, is_signed) in space.items():
        results = []
        for magnitude in MAGNITUDES:
            amount = float(amounts[magnitude]) if amounts.ndim > 0 else 0.0
            for sign in [1, -1] if is_signed else [1]:
                results.append(bytes_of(_apply_op(image, operation, sign * amount, InterpolationMode.NEAREST, None)))
        tensors[f"{name}/{operation}"] = torch.stack(results)


class Fixed:
    def __init__(self, value):
        self.value = value

    def sample(self, _):
        return torch.tensor(self.value)


def mixed(name, transform, share, centre=None):
    """A batch mixed by a share, of CutMix around a pixel, and what it comes to."""
    transform._dist = Fixed(share)
    places = iter(centre or [])
    randint, torch.randint = torch.randint, lambda _, size: torch.tensor([next(places)])
    result, soft = transform(batch, labels)
    torch.randint = randint
    tensors[f"{name}/batch"] = result
    for smoothing in [0, 0.1]:
        # The sum and not the mean's soft form of every PyTorch: one mean over the batch.
        loss = cross_entropy(logits, soft.double(), label_smoothing=smoothing)
        tensors[f"{name}/cross-entropy/{smoothing}"] = loss


torch.manual_seed(3)
batch, labels, logits = torch.randn(5, 3, 8, 12), torch.tensor([2, 0, 1, 1, 3]), 3 * torch.randn(5, 4).double()
tensors |= {"batch": batch, "labels": labels, "logits": logits}
for share in [0.8125, 0.28125, 1.0]:
    mixed(f"mixup/{share}", v2.MixUp(num_classes=4), share)
for share, x, y in [(0.5, 6, 4), (0.1875, 0, 7), (0.75, 11, 1), (1.0, 3, 3), (0.0, 5, 5)]:
    mixed(f"cutmix/{share}/{x}/{y}", v2.CutMix(num_classes=4), share, [x, y])

output = pathlib.Path(__file__).parent / "../GoldenFiles/Files/augmentations.safetensors"
save_file({k: v.contiguous() for k, v in tensors.items()}, output)

shape = torch.zeros(1, 32, 48)
drawn = [RandomErasing.get_params(shape, (0.02, 0.33), (0.3, 3.3), [0.0])[:4] for _ in range(60_000)]
shares = torch.tensor([h * w / (32 * 48) for _, _, h, w in drawn if (h, w) != (32, 48)], dtype=torch.float64)
ratios = torch.tensor([h / w for _, _, h, w in drawn if (h, w) != (32, 48)], dtype=torch.float64).log()
print("random erasing of 32 x 48: mean share", shares.mean(), "log ratio", ratios.mean(), "deviation", ratios.std())
