"""ONNX files as PyTorch writes them, with inputs and logits.

    make_onnx.py golden                    the committed golden files: small networks, for machines without Python
    make_onnx.py make FOLDER               networks of torchvision and of our own, by both exporters

The networks have random weights and batch statistics. NAME.onnx is by the exporter that traces with torch.export, NAME-ts.onnx
by the older one, NAME-train.onnx for training; NAME.safetensors holds `images`, `logits` and, for a training step, the
gradients in float64 as `gradient.ENTRY` and the running statistics after it as `after.ENTRY`, of the cross-entropy with `labels`.
`int8` and `float16` are the small network as ONNX Runtime quantises it, with logits of the operations one by one, and as
PyTorch computes it in float16.
"""

import copy
import logging
import pathlib
import sys
import warnings

import torch
from safetensors.torch import save_file
from torch import nn

from torch_cases import smooth_network

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

# torchvision's wheel is built for another build of PyTorch: its own operators are not there, and no classifier uses them.
_library = torch.library.Library("torchvision", "DEF")
for _name in ["nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"]:
    _library.define(f"{_name}(Tensor a) -> Tensor")
    _library.define(f"_{_name}_backward(Tensor a) -> Tensor")

import torchvision  # noqa: E402

INFERENCE = [
    "resnet18", "mobilenet_v2", "shufflenet_v2_x0_5", "mobilenet_v3_small", "squeezenet1_1", "densenet121",
    "regnet_y_400mf", "convnext_tiny",
]
TRAINED = ["resnet18", "mobilenet_v2"]


def network(name, classes=10):
    torch.manual_seed(1)
    net = torchvision.models.get_model(name, weights=None, num_classes=classes)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.running_mean, 0, 0.2)
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return net


def vit():
    torch.manual_seed(1)
    net = torchvision.models.VisionTransformer(
        image_size=64, patch_size=16, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64, num_classes=10)
    nn.init.normal_(net.heads.head.weight)
    return net


def export(net, images, path, **options):
    names = {"input_names": ["images"], "output_names": ["logits"]}
    if options.pop("traced", False):
        shapes = ({0: torch.export.Dim("batch")},)
        torch.onnx.export(
            net, (images,), path, dynamo=True, external_data=False, verbose=False, dynamic_shapes=shapes, **names,
            **options)
    else:
        axes = {"images": {0: "batch"}, "logits": {0: "batch"}}
        torch.onnx.export(net, (images,), path, dynamo=False, dynamic_axes=axes, **names, **options)


def make(folder):
    for name in INFERENCE + ["vit"]:
        net = (vit() if name == "vit" else network(name)).eval()
        images = torch.randn(3, 3, 64, 64)
        export(net, images, f"{folder}/{name}-ts.onnx")
        if name in ["resnet18", "mobilenet_v2", "vit"]:
            export(net, images, f"{folder}/{name}.onnx", traced=True)
        with torch.no_grad():
            save_file({"images": images, "logits": net(images)}, f"{folder}/{name}.safetensors")
    make_smooth(folder)
    for name in TRAINED:
        train(network(name).train(), f"{folder}/{name}-train")
    tied = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4))
    tied = nn.Sequential(*tied, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)).eval()
    export(
        tied, torch.randn(2, 3, 9, 9), f"{folder}/shared.onnx", training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False)
    static = network("shufflenet_v2_x0_5").eval()
    torch.onnx.export(static, (torch.randn(1, 3, 64, 64),), f"{folder}/static.onnx", dynamo=False)


def make_smooth(folder):
    """Norms and activations that exporters write in their own operations from some opset on, and in several before."""
    net, images = smooth_network().eval(), torch.randn(3, 3, 6, 6)
    export(net, images, f"{folder}/smooth-ts.onnx")
    for opset in [18, 20, 21]:
        export(net, images, f"{folder}/smooth-{opset}.onnx", traced=True, opset_version=opset)
    with torch.no_grad():
        save_file({"images": images, "logits": net(images)}, f"{folder}/smooth.safetensors")


class Small(nn.Module):
    """Every kind of convolution and pooling, a sum, a concatenation and halves."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4)
        self.depthwise, self.bn2 = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False), nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(8, 6, (1, 3), padding=(0, 1))
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = x + nn.functional.relu6(self.bn2(self.depthwise(x)))
        left, right = x.chunk(2, 1)
        pooled = nn.functional.max_pool2d(right, 3, 1, 1), nn.functional.avg_pool2d(left, 3, 1, 1)
        x = torch.cat([x, *pooled], 1)
        x = nn.functional.hardswish(self.conv2(x)) * torch.sigmoid(self.conv2(x))
        return self.head(x.mean([2, 3]))


def golden():
    folder = pathlib.Path(__file__).parent.parent / "GoldenFiles/Files/onnx"
    folder.mkdir(exist_ok=True)
    torch.manual_seed(1)
    small = Small().train()
    for _ in range(2):
        small(torch.randn(8, 3, 12, 10))
    attention = torchvision.models.VisionTransformer(
        image_size=12, patch_size=6, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=8, num_classes=3)
    nn.init.normal_(attention.heads.head.weight)
    for name, net, size, traced in [("small", small.eval(), (12, 10), False), ("attention", attention.eval(), (12, 12), True)]:
        images = torch.randn(3, 3, *size)
        options = {} if traced else {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
        export(net, images, str(folder / f"{name}.onnx"), traced=traced, **options)
        forget(folder / f"{name}.onnx")
        with torch.no_grad():
            save_file({"images": images, "logits": net(images)}, folder / f"{name}.safetensors")
    reduced(small, folder)


def reduced(small, folder):
    """The small network in fewer bits."""
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Batches(CalibrationDataReader):
        def __init__(self):
            self.batches = iter([{"images": torch.randn(8, 3, 12, 10).numpy()}] * 2)

        def get_next(self):
            return next(self.batches, None)

    images, path = torch.randn(3, 3, 12, 10), folder / "int8.onnx"
    export(small, images, str(path))
    quantize_static(path, path, Batches(), quant_format=QuantFormat.QDQ, per_channel=True)
    forget(path)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    logits = onnxruntime.InferenceSession(path, options).run(None, {"images": images.numpy()})[0]
    save_file({"images": images, "logits": torch.from_numpy(logits)}, folder / "int8.safetensors")
    half, path = copy.deepcopy(small).half(), folder / "float16.onnx"
    export(half, images.half(), str(path))
    forget(path)
    with torch.no_grad():
        save_file({"images": images, "logits": half(images.half()).float()}, folder / "float16.safetensors")


def forget(path):
    """Takes out what the exporters tell of where the network was written: lines of code, and their files."""
    import onnx

    model = onnx.load(path)
    for part in [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    for tensor in model.graph.initializer:
        tensor.ClearField("doc_string")
        tensor.ClearField("metadata_props")
    onnx.save(model, path)


def train(net, path):
    images, labels = torch.randn(4, 3, 64, 64), torch.tensor([1, 2, 3, 4])
    export(
        net, images, f"{path}.onnx", training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False)
    # Exporting has run the network in training mode: the file has the statistics after that.
    exact = copy.deepcopy(net).double()
    logits = exact(images.double())
    nn.functional.cross_entropy(logits, labels).backward()
    result = {"images": images, "labels": labels, "logits": logits.detach()}
    result |= {f"gradient.{key}": value.grad for key, value in exact.named_parameters()}
    result |= {f"after.{key}": value for key, value in exact.named_buffers() if "running" in key}
    save_file({key: value.contiguous() for key, value in result.items()}, f"{path}.safetensors")


if __name__ == "__main__":
    {"golden": golden, "make": make}[sys.argv[1]](*sys.argv[2:])
