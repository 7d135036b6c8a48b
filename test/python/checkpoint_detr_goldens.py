"""Small weights of RT-DETR, RT-DETRv2 and D-FINE, made by their authors' code, with what PyTorch makes of them.

    pip install torch torchvision
    git clone https://github.com/lyuwenyu/RT-DETR && git clone https://github.com/Peterande/D-FINE
    python test/python/checkpoint_detr_goldens.py src/checkpoint/goldens RT-DETR D-FINE

Both repositories are under Apache-2.0; of their code nothing is kept. Weights are random.

    python test/python/checkpoint_detr_goldens.py OUT RT-DETR D-FINE --published

writes whole networks as published into the folder OUT, which `node bench/checkpoint-variants.js OUT` compares.
"""

import base64
import gzip
import importlib
import io
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch
from torch import nn

EDGE = 32
CLASSES = 3


def package(root, *names):
    """Parts of a repository without what its packages import for training."""
    for name in list(sys.modules):
        if name == "src" or name.startswith("src."):
            del sys.modules[name]
    for name in ("src", "src.core", "src.nn", "src.nn.backbone", "src.zoo", "src.zoo.rtdetr", "src.zoo.dfine"):
        module = types.ModuleType(name)
        module.__path__ = [str(root / name.replace(".", "/"))]
        sys.modules[name] = module
    sys.modules["src.core"].register = lambda *_, **__: lambda cls: cls
    return [importlib.import_module(f"src.{name}") for name in names]


class Detector(nn.Module):
    def __init__(self, backbone, encoder, decoder):
        super().__init__()
        self.backbone, self.encoder, self.decoder = backbone, encoder, decoder

    def forward(self, x):
        found = self.decoder(self.encoder(self.backbone(x)))
        return torch.cat([found["pred_boxes"], found["pred_logits"].sigmoid()], -1)


def disturb(model):
    torch.manual_seed(15)
    for module in model.modules():
        if hasattr(module, "running_var"):
            size = module.weight.shape
            module.weight.data, module.bias.data = 1 + 0.2 * torch.randn(size), 0.2 * torch.randn(size)
            module.running_mean.data, module.running_var.data = 0.1 * torch.randn(size), 1 + 0.3 * torch.rand(size)
    for name, value in model.named_parameters():
        if name.endswith(("lab.scale", "lab.bias")):
            value.data += 0.1 * torch.randn(1)
        elif name.startswith("decoder") and value.numel() > 1 and "denoising" not in name:
            value.data += (0.05 if value.ndim == 1 else 0.3 / value.shape[-1] ** 0.5) * torch.randn(value.shape)
        if "enc_output" in name and name.endswith("bias"):
            # Places at the border are zeros before this layer and equal behind it; they are not to be the best ones.
            value.data.zero_()
        if value.ndim > 1:
            step = float(value.detach().std()) / 2 or 1
            value.data = (value.data / step).round() * step
    return model.eval()


TINY_STAGES = {
    "stage1": [8, 8, 8, 1, False, False, 3, 1],
    "stage2": [8, 8, 16, 1, True, False, 3, 1],
    "stage3": [16, 8, 16, 2, True, True, 5, 1],
    "stage4": [16, 8, 16, 1, True, True, 5, 1],
}
TINY = {"hidden_dim": 16, "dim_feedforward": 16}


def small(rtdetr, dfine):
    """Networks of a few channels; every place of the picture is a query."""
    size, places = [EDGE, EDGE], 21
    share = {"eval_spatial_size": size}
    backbones, encoders, second, first = package(rtdetr, "nn.backbone.presnet", "zoo.rtdetr.hybrid_encoder", "zoo.rtdetr.rtdetrv2_decoder", "zoo.rtdetr.rtdetr_decoder")
    options = {"num_classes": CLASSES, "feat_channels": [16] * 3, "num_queries": places, "num_layers": 2, "num_denoising": 4, **TINY, **share}

    def narrow(depth, width):
        made = backbones.PResNet(depth, return_idx=[1, 2, 3], freeze_norm=False)
        block = backbones.BottleNeck if depth >= 50 else backbones.BasicBlock
        layers = [backbones.Blocks(block, width if i == 0 else width * block.expansion, width, 1 if i else 2, i + 2, variant="d") for i in range(4)]
        made.res_layers = nn.ModuleList(layers)
        made.conv1 = nn.Sequential(*(backbones.ConvNormLayer(a, b, 3, s, act="relu") for a, b, s in ((3, 8, 2), (8, 8, 1), (8, width, 1))))
        return made, [width * block.expansion] * 3

    backbone, widths = narrow(18, 8)
    encoder = encoders.HybridEncoder(in_channels=widths, expansion=0.5, depth_mult=0.34, version="v1", **TINY, **share)
    yield "rtdetr-weights", Detector(backbone, encoder, first.RTDETRTransformer(**options))
    backbone, widths = narrow(50, 4)
    encoder = encoders.HybridEncoder(in_channels=widths, depth_mult=0.34, **TINY, **share)
    yield "rtdetrv2-weights", Detector(backbone, encoder, second.RTDETRTransformerv2(num_points=[2, 1, 2], **options))
    backbones, encoders, decoders = package(dfine, "nn.backbone.hgnetv2", "zoo.dfine.hybrid_encoder", "zoo.dfine.dfine_decoder")
    backbones.HGNetv2.arch_configs["tiny"] = {"stem_channels": [3, 8, 8], "stage_config": TINY_STAGES, "url": ""}
    backbone = backbones.HGNetv2("tiny", use_lab=True, freeze_norm=False, pretrained=False)
    encoder = encoders.HybridEncoder(in_channels=[16] * 3, expansion=0.5, depth_mult=0.34, **TINY, **share)
    yield "dfine-weights", Detector(backbone, encoder, decoders.DFINETransformer(num_points=[1, 2, 1], reg_max=8, **options))


def published(rtdetr, dfine):
    """RT-DETRv2 on ResNet-18 and -50, RT-DETR on ResNet-18, D-FINE N, S and X."""
    share = {"eval_spatial_size": [640, 640]}
    backbones, encoders, second, first = package(rtdetr, "nn.backbone.presnet", "zoo.rtdetr.hybrid_encoder", "zoo.rtdetr.rtdetrv2_decoder", "zoo.rtdetr.rtdetr_decoder")
    thin = {"in_channels": [128, 256, 512], "expansion": 0.5}
    for name, depth, encoder, decoder, layers in (
        ("rtdetrv2-r18", 18, thin, second.RTDETRTransformerv2, 3),
        ("rtdetrv2-r50", 50, {}, second.RTDETRTransformerv2, 6),
        ("rtdetr-r18", 18, {**thin, "version": "v1"}, first.RTDETRTransformer, 3),
    ):
        backbone = backbones.PResNet(depth, return_idx=[1, 2, 3], freeze_norm=False)
        yield name, Detector(backbone, encoders.HybridEncoder(**encoder, **share), decoder(feat_channels=[256] * 3, num_layers=layers, **share))
    backbones, encoders, decoders = package(dfine, "nn.backbone.hgnetv2", "zoo.dfine.hybrid_encoder", "zoo.dfine.dfine_decoder")
    two = {"feat_strides": [16, 32]}
    for name, backbone, encoder, decoder in (
        ("dfine-n", {"name": "B0", "return_idx": [2, 3], "use_lab": True},
         {"in_channels": [512, 1024], "hidden_dim": 128, "use_encoder_idx": [1], "dim_feedforward": 512, "expansion": 0.34, "depth_mult": 0.5, **two},
         {"feat_channels": [128] * 2, "hidden_dim": 128, "dim_feedforward": 512, "num_levels": 2, "num_layers": 3, "num_points": [6, 6], **two}),
        ("dfine-s", {"name": "B0", "use_lab": True}, {"in_channels": [256, 512, 1024], "depth_mult": 0.34, "expansion": 0.5},
         {"feat_channels": [256] * 3, "num_layers": 3, "num_points": [3, 6, 3]}),
        ("dfine-x", {"name": "B5"}, {"hidden_dim": 384, "dim_feedforward": 2048},
         {"feat_channels": [384] * 3, "reg_scale": 8, "num_points": [3, 6, 3]}),
    ):
        made = backbones.HGNetv2(pretrained=False, freeze_norm=False, **backbone)
        yield name, Detector(made, encoders.HybridEncoder(**encoder, **share), decoders.DFINETransformer(**decoder, **share))


def saved(model):
    weights = model.state_dict()
    file = io.BytesIO()
    torch.save({"date": "2026-12-01", "last_epoch": 1, "model": None, "ema": {"module": weights, "updates": 1}}, file)
    return file.getvalue()


def picture(edge):
    """Values 0 to 1 by Knuth's multiplicative hash of their place."""
    places = np.arange(3 * edge * edge, dtype=np.uint64) * 2654435761 % 2**32
    return torch.from_numpy((places / 2**32).astype(np.float32).reshape(1, 3, edge, edge))


def write_goldens(folder, models):
    kept = folder / "expected.json"
    expected = json.loads(kept.read_text())
    for name, model in models:
        with torch.no_grad():
            rows = disturb(model)(picture(EDGE))
        file = gzip.compress(saved(model), 9, mtime=0)
        (folder / f"{name}.pt.gz").write_bytes(file)
        data = base64.b64encode(rows.numpy().astype("<f4").tobytes()).decode()
        expected[name] = [{"oneToOne": None, "outputs": [{"shape": list(rows.shape), "data": data}]}]
        print(name, len(file), list(rows.shape), rows[0, :, :4].std(0).tolist(), flush=True)
    kept.write_text(json.dumps(expected, indent=1) + "\n")


def write_published(folder, models):
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "input-640.npy", picture(640).numpy())
    for name, model in models:
        with torch.no_grad():
            rows = disturb(model)(picture(640))
        (folder / f"{name}.pt").write_bytes(saved(model))
        np.save(folder / f"{name}.raw.output0.npy", rows.numpy())
        print(name, list(rows.shape), rows[0, :, :4].std(0).tolist(), flush=True)


folder, rtdetr, dfine = map(Path, sys.argv[1:4])
rtdetr = rtdetr / "rtdetrv2_pytorch"
if "--published" in sys.argv:
    write_published(folder, published(rtdetr, dfine))
else:
    write_goldens(folder, small(rtdetr, dfine))
