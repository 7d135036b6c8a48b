"""Small checkpoints of every class that src/checkpoint knows, with what PyTorch makes of them.

    pip install torch ultralytics
    python test/python/checkpoint_goldens.py src/checkpoint/goldens [NAME ...]

With names, only those are made and the others are left as they are. Each network is a few layers with random weights, saved as Ultralytics' trainer saves, and packed with gzip. The
picture is made by a formula, so that it needs no file. Weights are random; nothing was trained on anything.
"""

import base64
import copy
import gzip
import io
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch
from torch import nn
from ultralytics.nn import tasks
from ultralytics.nn.modules import block, conv, head, transformer

from yolox_networks import Yolox

EDGE = 32
WIDTH = 16
CLASSES = 3
SEED = torch.Generator().manual_seed(15)


def picture(edge=EDGE):
    """Values 0 to 1 by Knuth's multiplicative hash of their place."""
    places = np.arange(3 * edge * edge, dtype=np.uint64) * 2654435761 % 2**32
    return torch.from_numpy((places / 2**32).astype(np.float32).reshape(1, 3, edge, edge))


def disturb(model):
    """Statistics and parameters that differ from channel to channel; weights of few values, which pack well."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            size = module.weight.shape
            module.weight.data = 1 + 0.2 * torch.randn(size, generator=SEED)
            module.bias.data = 0.2 * torch.randn(size, generator=SEED)
            module.running_mean = 0.1 * torch.randn(size, generator=SEED)
            module.running_var = 1 + 0.3 * torch.rand(size, generator=SEED)
    for name, value in model.named_parameters():
        if value.ndim > 1:
            step = float(value.std()) / 2
            value.data = (value.data / step).round() * step
        elif "bn" not in name:
            value.data = value.data + 0.1 * torch.randn(value.shape, generator=SEED)


def small_detect(channels, levels=1, kind=head.Detect, bins=1, **options):
    """A head whose branches are as narrow as the rest."""
    made = kind(CLASSES, *options.pop("args", ()), reg_max=bins, end2end=options.pop("end2end", False), ch=(channels,) * levels)
    made.stride = torch.tensor([2.0 * 2**i for i in range(levels)])
    return made


def network(layers, model=tasks.DetectionModel):
    """Layers in order; each may come with the numbers of those that it takes."""
    yaml = {"nc": CLASSES, "backbone": [[-1, 1, "Conv", [8, 3, 2]]] * 4, "head": [[[0, 1, 2], 1, "Detect", ["nc"]]]}
    if model is tasks.ClassificationModel:
        yaml["head"] = [[-1, 1, "Classify", ["nc"]]]
    result = model(yaml, ch=3, verbose=False) if model is not tasks.DetectionModel else tasks.DetectionModel(yaml, ch=3, nc=CLASSES, verbose=False)
    sequence, save = [], []
    for index, layer in enumerate(layers):
        module, sources = layer if isinstance(layer, tuple) else (layer, -1)
        if isinstance(module, head.Detect) and sources == -1:
            sources = [-1]
        module.f, module.i, module.type, module.np = sources, index, type(module).__name__, 0
        save += [place for place in (sources if isinstance(sources, list) else [sources]) if place != -1]
        sequence.append(module)
    result.model, result.save = nn.Sequential(*sequence), sorted(set(save))
    result.names = {0: "d'or é", 1: "thing 1", 2: "thing 2"}
    result.yaml = {}
    return result


def stem(channels=WIDTH):
    return conv.Conv(3, channels, 3, 2)


def with_activation(activation):
    made = conv.Conv(WIDTH, WIDTH, 3)
    made.act = activation
    return made


def detector(*blocks):
    return network([stem(), *blocks, small_detect(WIDTH)])


def levels(count, make):
    """A pyramid of `count` levels and the head over it."""
    layers = [stem()] + [conv.Conv(WIDTH, WIDTH, 3, 2) for _ in range(count - 1)]
    return network([*layers, (make(count), list(range(count)))], tasks.DetectionModel)


def pyramid():
    """The strides of a real detector: 8, 16 and 32."""
    made = small_detect(WIDTH, 3, bins=4)
    made.stride = torch.tensor([8.0, 16.0, 32.0])
    layers = [stem(), *(conv.Conv(WIDTH, WIDTH, 3, 2) for _ in range(4))]
    return network([*layers, (made, [2, 3, 4])])


def anchor_free(kind, bins=1, end2end=False, args=(), **rest):
    return levels(2, lambda count: small_detect(WIDTH, count, kind, bins, end2end=end2end, args=args))


def dual_detect(count):
    """The head of YOLOv9 of its own repository, where the classes lie in `models.yolo`: two heads, of which the second counts."""
    aside, main = (small_detect(WIDTH, count, bins=4) for _ in range(2))

    class DualDDetect(nn.Module):
        def __init__(self):
            super().__init__()
            self.nc, self.reg_max, self.no, self.stride = main.nc, main.reg_max, main.no, main.stride
            self.cv2, self.cv3, self.cv4, self.cv5 = aside.cv2, aside.cv3, main.cv2, main.cv3
            self.dfl, self.dfl2 = aside.dfl, main.dfl

        def forward(self, maps):
            made = small_detect(WIDTH, count, bins=4).eval()
            made.cv2, made.cv3, made.dfl, made.export, made.format = self.cv4, self.cv5, self.dfl2, True, "onnx"
            return made(list(maps[count:]))

    DualDDetect.__module__, DualDDetect.__qualname__ = "models.yolo", "DualDDetect"
    sys.modules.update({"models": types.ModuleType("models"), "models.yolo": types.ModuleType("models.yolo")})
    sys.modules["models.yolo"].DualDDetect = DualDDetect
    return DualDDetect()


def goldens():
    w = WIDTH
    yield "stages", detector(
        block.C1(w, w, 1), block.C2(w, w, 1), block.C2f(w, w, 2, True), block.C3(w, w, 1), block.C3x(w, w, 1),
        block.C3k2(w, w, 1, False), block.C3k2(w, w, 1, True), block.RepC3(w, w, 1), block.RepCSP(w, w, 1), block.C3f(w, w, 1),
    )
    yield "ghosts", detector(
        conv.Focus(w, w, 1), nn.Upsample(None, 2, "nearest"), conv.DWConv(w, w, 3), conv.GhostConv(w, w), block.GhostBottleneck(w, w),
        block.GhostBottleneck(w, w, 3, 2), nn.Upsample(None, 2, "nearest"), block.C3Ghost(w, w, 1), conv.LightConv(w, w, 3),
    )
    yield "pools", network([
        stem(), block.SPP(w, w, (3, 5)), block.SPPF(w, w, 3), block.SPPELAN(w, w, 8, 3), block.AConv(w, w), nn.Upsample(None, 2, "nearest"),
        block.ADown(w, w), nn.ConvTranspose2d(w, w, 2, 2), block.SCDown(w, w, 3, 2), nn.Upsample(None, 2, "nearest"),
        nn.ZeroPad2d([0, 1, 0, 1]), nn.MaxPool2d(2, 1, 0), (conv.Concat(1), [-1, 0]), conv.Conv(2 * w, w), small_detect(w),
    ])
    yield "attention", network([
        stem(64), conv.DWConv(64, 64, 3, 2), block.PSABlock(64, 0.5, 1), block.A2C2f(64, 64, 1, True, 4, False),
        block.A2C2f(64, 64, 1, True, 1, True), nn.Upsample(None, 2, "nearest"), conv.Conv(64, w), small_detect(w),
    ])
    yield "psa", network([stem(128), block.C2PSA(128, 128, 1), block.PSA(128, 128), conv.Conv(128, w), small_detect(w)])
    yield "rebuilt", detector(
        conv.RepConv(w, w, bn=True), conv.RepConv(w, w), block.RepVGGDW(w), block.C2fCIB(w, w, 1, True, True), block.CIB(w, w),
        block.RepNCSPELAN4(w, w, w, 8, 1), block.ELAN1(w, w, w, 8), block.RepBottleneck(w, w),
    )
    yield "levels", network([
        stem(), conv.Conv(w, w, 3, 2), (block.CBLinear(w, [w, w]), 1), (block.CBFuse([1]), [2, 0]), small_detect(w),
    ])
    yield "hgnet", network([block.HGStem(3, 8, w), block.HGBlock(w, 8, w, 3, 2, False, True), block.HGBlock(w, 8, w, 3, 2, True, False),
                            block.ResNetLayer(w, 4, 1, False, 1), nn.Upsample(None, 2, "nearest"), small_detect(w)])
    yield "activations", detector(*map(with_activation, (
        nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.1), nn.Hardswish(), nn.Sigmoid(), nn.Mish(), nn.GELU(), nn.Tanh(), nn.Identity())))
    yield "detect-bins", anchor_free(head.Detect, 16)
    yield "detect-two-heads", anchor_free(head.Detect, 1, True)
    yield "v10detect", levels(2, lambda count: v10(count))
    yield "segment", anchor_free(head.Segment, 4, args=(8, 8))
    yield "segment26", anchor_free(head.Segment26, 1, True, args=(8, 8))
    yield "pose", anchor_free(head.Pose, 4, args=((3, 3),))
    yield "pose26", anchor_free(head.Pose26, 1, True, args=((3, 3),))
    yield "obb", anchor_free(head.OBB, 4, args=(1,))
    yield "obb26", anchor_free(head.OBB26, 1, True, args=(1,))
    yield "classify", classifier()
    yield "rtdetr", rtdetr()
    yield "dual-detect", network([stem(), conv.Conv(WIDTH, WIDTH, 3, 2), (dual_detect(2), [0, 1, 0, 1])])
    yield "yolox", Yolox(CLASSES, 4, 1)
    yield "yolox-depthwise", Yolox(CLASSES, 4, 1, depthwise=True)
    yield "yolox-darknet", Yolox(CLASSES, 2, 1, darknet=(1, 1, 1, 1))
    yield "more-activations", detector(*map(with_activation, (
        nn.Hardtanh(-0.5, 0.75), nn.Hardsigmoid(), nn.ELU(0.5), nn.CELU(0.7), nn.SELU(), nn.PReLU(), nn.PReLU(w, 0.1), nn.Softplus(),
        nn.Softsign(), nn.GELU("tanh"))))
    yield "plain-layers", detector(nn.AvgPool2d(3, 1, 1), nn.BatchNorm2d(w), nn.Dropout2d(), nn.Conv2d(w, w, 3, padding=1, groups=4), nn.ReLU())
    yield "pyramid", pyramid()


def v10(count):
    made = head.v10Detect(CLASSES, (WIDTH,) * count)
    made.stride = torch.tensor([2.0 * 2**i for i in range(count)])
    return made


def classifier():
    made = head.Classify(WIDTH, CLASSES)
    made.conv, made.linear = conv.Conv(WIDTH, 24), nn.Linear(24, CLASSES)
    return network([stem(), made], tasks.ClassificationModel)


def rtdetr():
    decoder = head.RTDETRDecoder(CLASSES, (WIDTH, WIDTH), hd=32, nq=20, ndp=2, nh=4, ndl=2, d_ffn=32)
    result = levels(2, lambda count: decoder)
    first = transformer.AIFI(WIDTH, 32, 4)
    first.f, first.i, first.type = -1, 1, "AIFI"
    layers = list(result.model)
    layers.insert(1, first)
    for index, layer in enumerate(layers):
        layer.i = index
    layers[-1].f = [1, 2]
    result.model, result.save = nn.Sequential(*layers), [1, 2]
    for name, value in decoder.named_parameters():
        if value.ndim == 2:
            value.data = value.data + 0.1 * torch.randn(value.shape, generator=SEED)
    return result


def run(model, one_to_one):
    """All outputs of the head in the form of an export."""
    if not isinstance(model, tasks.BaseModel):
        with torch.no_grad():
            return [model(picture()).contiguous()]
    last = model.model[-1]
    last.export, last.format = not isinstance(last, head.RTDETRDecoder), "onnx"
    x, kept = picture(), []
    with torch.no_grad():
        for layer in model.model:
            if layer.f != -1:
                x = kept[layer.f] if isinstance(layer.f, int) else [x if place == -1 else kept[place] for place in layer.f]
            if layer is last and one_to_one is not None:
                last.end2end = one_to_one
            x = layer(x)
            kept.append(x)
    if isinstance(last, head.RTDETRDecoder):
        boxes, scores = x[1][0], x[1][1]
        return [torch.cat([boxes[-1], scores[-1].sigmoid()], -1)]
    outputs = []

    def flatten(value):
        if isinstance(value, torch.Tensor):
            outputs.append(value)
        elif isinstance(value, (list, tuple)):
            for item in value:
                flatten(item)

    flatten(x)
    return outputs[:1] if isinstance(last, head.Classify) else outputs


def saved(model):
    if not isinstance(model, tasks.BaseModel):
        file = io.BytesIO()
        torch.save({"start_epoch": 1, "model": model.state_dict(), "optimizer": None, "best_ap": 0.25}, file)
        return file.getvalue(), model
    half = copy.deepcopy(model).half()
    for value in half.parameters():
        value.requires_grad = False
    file = io.BytesIO()
    torch.save({"epoch": -1, "model": half, "ema": None, "train_args": {"imgsz": EDGE}, "version": "8.4.190",
                "license": "AGPL-3.0", "date": "2026-12-01", "train_metrics": {"metrics/mAP50(B)": 0.5}}, file)
    return file.getvalue(), half.float()


def main(folder, *only):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "expected.json"
    expected = json.loads(kept.read_text()) if only else {}
    for name, model in goldens():
        disturb(model)
        model.eval()
        if only and name not in only:
            continue
        file, rounded = saved(model)
        rounded.eval()
        heads = [False, True] if not isinstance(model, Yolox) and hasattr(model.model[-1], "one2one_cv2") else [None]
        (folder / f"{name}.pt.gz").write_bytes(gzip.compress(file, 9, mtime=0))
        expected[name] = [
            {"oneToOne": one, "outputs": [{"shape": list(value.shape), "data": base64.b64encode(value.numpy().astype("<f4").tobytes()).decode()}
                                           for value in run(copy.deepcopy(rounded), one)]}
            for one in heads
        ]
        print(name, len(gzip.compress(file)), [[out["shape"] for out in each["outputs"]] for each in expected[name]], flush=True)
    kept.write_text(json.dumps(expected, indent=1) + "\n")


main(*sys.argv[1:])
