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


def interleave(first: Tensor, second: Tensor) -> Tensor:
    """Channel shuffle with two groups: (a0..an) and (b0..bn) become (a0, b0, a1, b1, ...).

    (N, C, H, W) twice to (N, 2C, H, W), in the memory format of ``second``: a change of format
    would cost every layer after it, forward and backward, a copy.
    """
    if not second.is_contiguous(memory_format=torch.channels_last):
        return torch.stack((first, second), dim=2).flatten(1, 2)
    first, second = first.permute(0, 2, 3, 1), second.permute(0, 2, 3, 1)  # (N, H, W, C)
    pairable = first.dtype == second.dtype and second.dtype in (torch.float32, torch.float64)
    if pairable and second.requires_grad and second.device.type == "cpu":
        pairs: Tensor = _Pairs.apply(first, second)  # type: ignore[no-untyped-call]
    else:
        pairs = torch.stack((first, second), dim=4)
    return pairs.flatten(3).permute(0, 3, 1, 2)


class _Pairs(torch.autograd.Function):
    """``torch.stack(..., dim=-1)`` of two maps, several times as fast on a CPU.

    A complex number is a pair side by side, and making complex numbers is one pass over memory.
    """

    @staticmethod
    def forward(ctx: object, first: Tensor, second: Tensor) -> Tensor:
        return torch.view_as_real(torch.complex(first, second))

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        first, second = gradients[0].unbind(dim=-1)
        return first.contiguous(), second.contiguous()


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
        return interleave(passed, self.transform(changed))


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
        return interleave(self.shortcut(x), self.transform(x))
