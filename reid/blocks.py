"""The two families of convolution blocks: inception (HA-CNN) and shuffle (ShuffleNet V2).

Every block maps (N, in, H, W) to (N, out, H', W') with H' = ceil(H / stride); none has a bias
before its batch norms.

Sources: Li, Zhu, Gong, "Harmonious Attention Network for Person Re-Identification" (CVPR 2018),
figure 3; Ma et al., "ShuffleNet V2" (ECCV 2018), figure 3 (c) and (d), which the paper's figure 5
calls Shuffle-A and Shuffle-B.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import ConvBN


def _divide(name: str, channels: int, parts: int) -> int:
    if channels % parts:
        raise ValueError(f"{name}: expected a width divisible by {parts}, got {channels}")
    return channels // parts


class InceptionA(nn.Module):
    """Four parallel paths of equal width at stride 1: three of 1x1 and 3x3, one pooled."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        quarter = _divide("InceptionA", out_channels, 4)
        self.paths = nn.ModuleList(
            nn.Sequential(ConvBN(in_channels, quarter), ConvBN(quarter, quarter, kernel=3))
            for _ in range(3)
        )
        self.pooled = nn.Sequential(
            nn.AvgPool2d(3, stride=1, padding=1), ConvBN(in_channels, quarter)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, out, H, W)."""
        return torch.cat([*(path(x) for path in self.paths), self.pooled(x)], dim=1)


class InceptionB(nn.Module):
    """Three parallel paths that halve the map: 3x3, twice 3x3, and max pooling (half the width)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        quarter = _divide("InceptionB", out_channels, 4)
        self.short = nn.Sequential(
            ConvBN(in_channels, quarter), ConvBN(quarter, quarter, kernel=3, stride=2)
        )
        self.long = nn.Sequential(
            ConvBN(in_channels, quarter),
            ConvBN(quarter, quarter, kernel=3),
            ConvBN(quarter, quarter, kernel=3, stride=2),
        )
        self.pooled = nn.Sequential(
            nn.MaxPool2d(3, stride=2, padding=1), ConvBN(in_channels, 2 * quarter)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, out, H/2, W/2)."""
        return torch.cat((self.short(x), self.long(x), self.pooled(x)), dim=1)


def interleave_halves(x: Tensor) -> Tensor:
    """Channel shuffle with two groups: channels (a0..an, b0..bn) become (a0, b0, a1, b1, ...)."""
    images, channels, height, width = x.shape
    halves = x.reshape(images, 2, channels // 2, height, width)
    return halves.transpose(1, 2).reshape(images, channels, height, width)


class ShuffleA(nn.Module):
    """Shuffle unit at stride 1: half of the channels pass, the other half is transformed.

    The transform is 1x1, depth-wise 3x3 (no ReLU after it), 1x1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = _divide("ShuffleA", channels, 2)
        self.transform = nn.Sequential(
            ConvBN(half, half),
            ConvBN(half, half, kernel=3, groups=half, relu=False),
            ConvBN(half, half),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H, W)."""
        passed, changed = x.chunk(2, dim=1)  # (N, C/2, H, W) each
        return interleave_halves(torch.cat((passed, self.transform(changed)), dim=1))


class ShuffleB(nn.Module):
    """Shuffle unit that changes width or resolution: both halves of the output are transformed.

    Shortcut: depth-wise 3x3, 1x1. Transform: 1x1, depth-wise 3x3, 1x1. Both read the whole input.
    The transform is ``middle`` wide between its 1x1 convolutions, by default half of the output.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, middle: int | None = None
    ) -> None:
        super().__init__()
        half = _divide("ShuffleB", out_channels, 2)
        middle = half if middle is None else middle
        self.shortcut = nn.Sequential(
            ConvBN(
                in_channels, in_channels, kernel=3, stride=stride, groups=in_channels, relu=False
            ),
            ConvBN(in_channels, half),
        )
        self.transform = nn.Sequential(
            ConvBN(in_channels, middle),
            ConvBN(middle, middle, kernel=3, stride=stride, groups=middle, relu=False),
            ConvBN(middle, half),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, out, ceil(H / stride), ceil(W / stride))."""
        return interleave_halves(torch.cat((self.shortcut(x), self.transform(x)), dim=1))
