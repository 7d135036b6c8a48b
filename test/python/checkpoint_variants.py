"""Checkpoints of every variant that Ultralytics can build, at full width, with what PyTorch makes of them.

    pip install torch ultralytics
    python test/python/checkpoint_variants.py OUT [--edge 256] [NAME ...]
    node bench/checkpoint-variants.js OUT

A NAME is that of a configuration, `yolo11s-seg`; without names all below are made (several gigabytes). Each is built with random weights and
disturbed batch-norm statistics and saved as the trainer saves: in half precision, without an optimizer.
"""

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from torch import nn
from ultralytics import YOLO, __version__

TASKS = ("", "-seg", "-pose", "-obb", "-cls")
NAMES = [
    *(f"yolov8{size}" for size in "nsmlx"), *(f"yolov8n{task}" for task in TASKS[1:]), "yolov8n-p2", "yolov8n-p6", "yolov8n-ghost",
    "yolov8n-ghost-p2", "yolov8n-ghost-p6", "yolov8n-seg-p6", "yolov8n-pose-p6",
    *(f"yolo11{size}{task}" for size in "n" for task in TASKS), *(f"yolo11{size}" for size in "smlx"), "yolo11m-cls",
    *(f"yolo12{size}" for size in "nsmlx"), *(f"yolo12n{task}" for task in TASKS[1:]),
    *(f"yolo26{size}" for size in "nsmlx"), *(f"yolo26n{task}" for task in TASKS[1:]), "yolo26n-p2", "yolo26n-p6",
    *(f"yolov9{size}" for size in "tsmce"), "yolov9c-seg", "yolov9e-seg", *(f"yolov10{size}" for size in "nsmblx"),
    *(f"yolov5{size}u" for size in "nsmlx"), "yolov5n-p6", "yolov6n", "yolov6s", "yolov3", "yolov3-spp", "yolov3-tiny", "rtdetr-l", "rtdetr-x",
]


def disturb(model, seed=15):
    """Statistics that fit a random picture, so that values neither die nor explode, then differ from channel to channel."""
    torch.manual_seed(seed)
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.5
    # The backbone alone: a head in training wants pictures with boxes.
    with torch.no_grad():
        for _ in range(3):
            kept = []
            x = torch.rand(2, 3, 128, 128)
            for layer in model.model[:-1]:
                if layer.f != -1:
                    x = kept[layer.f] if isinstance(layer.f, int) else [x if place == -1 else kept[place] for place in layer.f]
                x = layer(x)
                kept.append(x)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data *= 1 + 0.1 * torch.randn_like(module.weight)
            module.bias.data += 0.1 * torch.randn_like(module.bias)
            module.momentum = 0.03
    return model.eval()


def outputs(model, picture, one_to_one):
    """Tensors that an export would give, in order."""
    model = copy.deepcopy(model).float().eval()
    head = model.model[-1]
    is_query = type(head).__name__ == "RTDETRDecoder"
    if hasattr(head, "one2one_cv2"):
        head.end2end = one_to_one
    elif one_to_one:
        return []
    head.export, head.format = not is_query, "onnx"
    with torch.no_grad():
        found = model(picture)
    if is_query:
        boxes, scores = found[1][0], found[1][1]
        return [torch.cat([boxes[-1], scores[-1].sigmoid()], -1)]
    found = [found] if isinstance(found, torch.Tensor) else list(found)
    return found[:1] if type(head).__name__ == "Classify" else [value for value in found if isinstance(value, torch.Tensor)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--edge", type=int, default=256)
    call = parser.parse_args()
    call.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    picture = torch.rand(1, 3, call.edge, call.edge)
    np.save(call.folder / f"input-{call.edge}.npy", picture.numpy())
    for name in call.names or NAMES:
        model = disturb(YOLO(f"{name}.yaml").model)
        half = copy.deepcopy(model).half()
        for value in half.parameters():
            value.requires_grad = False
        torch.save({"epoch": -1, "model": None, "ema": half, "optimizer": None, "train_args": {"imgsz": call.edge}, "version": __version__,
                    "license": "AGPL-3.0", "date": "2026-12-01", "train_metrics": {"metrics/mAP50(B)": 0.5}}, call.folder / f"{name}.pt")
        for form, one_to_one in (("raw", False), ("e2e", True)):
            found = outputs(half, picture, one_to_one)
            for i, value in enumerate(found):
                np.save(call.folder / f"{name}.{form}.output{i}.npy", value.float().numpy())
            print(name, form, [list(value.shape) for value in found], flush=True)


main()
