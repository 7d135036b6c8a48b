"""YOLOX as its paper and weights describe it, for goldens: names of parts as in published checkpoints.

https://arxiv.org/abs/2107.08430
"""

import torch
from torch import nn


class Filter(nn.Module):
    def __init__(self, inputs, outputs, size=1, stride=1, groups=1, act=nn.SiLU):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)
        self.act = act()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Separable(nn.Module):
    def __init__(self, inputs, outputs, size, stride=1):
        super().__init__()
        self.dconv = Filter(inputs, inputs, size, stride, inputs)
        self.pconv = Filter(inputs, outputs)

    def forward(self, x):
        return self.pconv(self.dconv(x))


class Bottleneck(nn.Module):
    def __init__(self, width, shortcut, make):
        super().__init__()
        self.conv1, self.conv2, self.shortcut = Filter(width, width), make(width, width, 3), shortcut

    def forward(self, x):
        y = self.conv2(self.conv1(x))
        return y + x if self.shortcut else y


class Stage(nn.Module):
    def __init__(self, inputs, outputs, count, shortcut, make):
        super().__init__()
        half = outputs // 2
        self.conv1, self.conv2, self.conv3 = Filter(inputs, half), Filter(inputs, half), Filter(2 * half, outputs)
        self.m = nn.Sequential(*(Bottleneck(half, shortcut, make) for _ in range(count)))

    def forward(self, x):
        return self.conv3(torch.cat([self.m(self.conv1(x)), self.conv2(x)], 1))


class Pools(nn.Module):
    def __init__(self, inputs, outputs, act=nn.SiLU):
        super().__init__()
        self.conv1, self.conv2 = Filter(inputs, inputs // 2, act=act), Filter(inputs * 2, outputs, act=act)

    def forward(self, x):
        x = self.conv1(x)
        pooled = [nn.functional.max_pool2d(x, size, 1, size // 2) for size in (5, 9, 13)]
        return self.conv2(torch.cat([x, *pooled], 1))


class Stem(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.conv = Filter(12, outputs, 3)

    def forward(self, x):
        parts = [x[..., row::2, column::2] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
        return self.conv(torch.cat(parts, 1))


class Backbone(nn.Module):
    def __init__(self, width, depth, make):
        super().__init__()
        self.stem = Stem(width)
        for i, times in ((2, 1), (3, 3), (4, 3)):
            inputs = width * 2 ** (i - 2)
            setattr(self, f"dark{i}", nn.Sequential(make(inputs, 2 * inputs, 3, 2), Stage(2 * inputs, 2 * inputs, depth * times, True, make)))
        self.dark5 = nn.Sequential(make(8 * width, 16 * width, 3, 2), Pools(16 * width, 16 * width), Stage(16 * width, 16 * width, depth, False, make))

    def forward(self, x):
        fine = self.dark3(self.dark2(self.stem(x)))
        middle = self.dark4(fine)
        return fine, middle, self.dark5(middle)


class Pyramid(nn.Module):
    def __init__(self, width, depth, make):
        super().__init__()
        self.backbone = Backbone(width, depth, make)
        fine, middle, coarse = 4 * width, 8 * width, 16 * width
        self.lateral_conv0, self.C3_p4 = Filter(coarse, middle), Stage(2 * middle, middle, depth, False, make)
        self.reduce_conv1, self.C3_p3 = Filter(middle, fine), Stage(2 * fine, fine, depth, False, make)
        self.bu_conv2, self.C3_n3 = make(fine, fine, 3, 2), Stage(2 * fine, middle, depth, False, make)
        self.bu_conv1, self.C3_n4 = make(middle, middle, 3, 2), Stage(2 * middle, coarse, depth, False, make)

    def forward(self, x):
        fine, middle, coarse = self.backbone(x)
        top = self.lateral_conv0(coarse)
        second = self.reduce_conv1(self.C3_p4(torch.cat([doubled(top), middle], 1)))
        finest = self.C3_p3(torch.cat([doubled(second), fine], 1))
        next_ = self.C3_n3(torch.cat([self.bu_conv2(finest), second], 1))
        return finest, next_, self.C3_n4(torch.cat([self.bu_conv1(next_), top], 1))


def doubled(x):
    return nn.functional.interpolate(x, scale_factor=2, mode="nearest")


class Head(nn.Module):
    def __init__(self, classes, widths, inner, make):
        super().__init__()
        self.stems = nn.ModuleList(make(width, inner, 1) for width in widths) if make is leaky else nn.ModuleList(Filter(width, inner) for width in widths)
        self.cls_convs, self.reg_convs = (nn.ModuleList(nn.Sequential(make(inner, inner, 3), make(inner, inner, 3)) for _ in widths) for _ in range(2))
        self.cls_preds, self.reg_preds, self.obj_preds = (nn.ModuleList(nn.Conv2d(inner, n, 1) for _ in widths) for n in (classes, 4, 1))

    def forward(self, maps):
        rows = []
        for i, x in enumerate(maps):
            x = self.stems[i](x)
            classes, boxes = self.cls_convs[i](x), self.reg_convs[i](x)
            parts = [self.reg_preds[i](boxes), self.obj_preds[i](boxes).sigmoid(), self.cls_preds[i](classes).sigmoid()]
            rows.append(torch.cat(parts, 1).flatten(2))
        return torch.cat(rows, 2).permute(0, 2, 1)


def leaky(inputs, outputs, size, stride=1):
    return Filter(inputs, outputs, size, stride, act=lambda: nn.LeakyReLU(0.1))


class Shortcut(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer1, self.layer2 = leaky(width, width // 2, 1), leaky(width // 2, width, 3)

    def forward(self, x):
        return x + self.layer2(self.layer1(x))


class Darknet(nn.Module):
    def __init__(self, width, counts):
        super().__init__()
        def group(inputs, count):
            return [leaky(inputs, 2 * inputs, 3, 2), *(Shortcut(2 * inputs) for _ in range(count))]
        self.stem = nn.Sequential(leaky(3, width, 3), *group(width, 1))
        for i, count in enumerate(counts[:3]):
            setattr(self, f"dark{i + 2}", nn.Sequential(*group(width * 2 ** (i + 1), count)))
        wide = 16 * width
        self.dark5 = nn.Sequential(
            *group(wide, counts[3]), leaky(2 * wide, wide, 1), leaky(wide, 2 * wide, 3),
            Pools(2 * wide, wide, lambda: nn.LeakyReLU(0.1)), leaky(wide, 2 * wide, 3), leaky(2 * wide, wide, 1))

    forward = Backbone.forward


class DarknetPyramid(nn.Module):
    def __init__(self, width, counts):
        super().__init__()
        self.backbone = Darknet(width, counts)
        def chain(inputs, narrow):
            sizes = [(inputs, narrow, 1), (narrow, 2 * narrow, 3), (2 * narrow, narrow, 1), (narrow, 2 * narrow, 3), (2 * narrow, narrow, 1)]
            return nn.Sequential(*(leaky(*size) for size in sizes))
        self.out1_cbl, self.out1 = leaky(16 * width, 8 * width, 1), chain(24 * width, 8 * width)
        self.out2_cbl, self.out2 = leaky(8 * width, 4 * width, 1), chain(12 * width, 4 * width)

    def forward(self, x):
        fine, middle, coarse = self.backbone(x)
        second = self.out1(torch.cat([doubled(self.out1_cbl(coarse)), middle], 1))
        return self.out2(torch.cat([doubled(self.out2_cbl(second)), fine], 1)), second, coarse


class Yolox(nn.Module):
    """`width` is that of the first layer; published: 16 and depthwise (Nano), 24, 32, 48, 64, 80."""

    def __init__(self, classes, width, depth, depthwise=False, darknet=None):
        super().__init__()
        make = Separable if depthwise else Filter
        self.backbone = Pyramid(width, depth, make) if darknet is None else DarknetPyramid(width, darknet)
        widths = [4 * width, 8 * width, 16 * width]
        self.head = Head(classes, widths, 4 * width, make) if darknet is None else Head(classes, widths, 8 * width, leaky)

    def forward(self, x):
        return self.head(self.backbone(x))
