"""Building blocks that every network here shares: convolution units, pooling, normalisation.

Tensors are (N, C, H, W). Nothing here keeps state beyond its parameters.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GEM_EPS = 1e-6  # smallest activation GeM sees; its logarithm must be finite in float32
GEM_MIN_POWER = 1e-2  # keeps 1/p finite should an optimiser ever drive p towards 0
NORM_EPS = 1e-6  # vectors shorter than this are not scaled up to unit length


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 pass through."""
    return x if x.dtype == torch.float64 else x.float()


def l2_normalize(x: Tensor) -> Tensor:
    """Rows of (N, D) scaled to unit length, computed and returned in at least float32."""
    return F.normalize(at_least_float32(x), dim=1, eps=NORM_EPS)


class ConvBN(nn.Sequential):
    """Convolution without bias, batch norm, and a ReLU unless ``relu=False``.

    ``padding`` keeps the size at stride 1 (odd kernels).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
            ),
            nn.BatchNorm2d(out_channels),
        ]
        if relu:
            layers.append(nn.ReLU())
        super().__init__(*layers)


class LinearBN(nn.Sequential):
    """Linear layer, batch norm, and a ReLU unless ``relu=False``: (N, C) to (N, D)."""

    def __init__(self, in_features: int, out_features: int, relu: bool = True) -> None:
        layers: list[nn.Module] = [
            nn.Linear(in_features, out_features),
            nn.BatchNorm1d(out_features),
        ]
        if relu:
            layers.append(nn.ReLU())
        super().__init__(*layers)


class GlobalAveragePool(nn.Module):
    """(N, C, H, W) to (N, C): mean over the map."""

    def forward(self, x: Tensor) -> Tensor:
        """Mean of every channel."""
        return x.mean(dim=(2, 3))


class GlobalMaxPool(nn.Module):
    """(N, C, H, W) to (N, C): maximum over the map."""

    def forward(self, x: Tensor) -> Tensor:
        """Maximum of every channel."""
        return x.amax(dim=(2, 3))


class AverageMaxPool(nn.Module):
    """(N, C, H, W) to (N, 2C): average and maximum, concatenated."""

    def forward(self, x: Tensor) -> Tensor:
        """Averages in the first C columns, maxima in the last."""
        return torch.cat((x.mean(dim=(2, 3)), x.amax(dim=(2, 3))), dim=1)


class GeM(nn.Module):
    """Generalised-mean pooling with one trainable power per channel: (N, C, H, W) to (N, C).

    Equation (6) of the paper, after Radenovic et al. (TPAMI 2018): ``(mean x^p)^(1/p)``, which is
    average pooling at p = 1 and approaches max pooling as p grows. It is evaluated as
    ``exp((logsumexp(p ln x) - ln n) / p)``, the same value without overflow for any p, and in at
    least float32 also under autocast.

    Parameters
    ----------
    channels : int
        C.
    power : float
        Initial p of every channel.
    """

    def __init__(self, channels: int, power: float = 3.0) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((channels,), power))

    def forward(self, x: Tensor) -> Tensor:
        """Generalised mean of every channel; activations below ``GEM_EPS`` count as that."""
        with torch.autocast(x.device.type, enabled=False):
            p = at_least_float32(self.p).clamp(min=GEM_MIN_POWER)
            log_x = at_least_float32(x).flatten(2).clamp(min=GEM_EPS).log()  # (N, C, HW)
            log_sum = torch.logsumexp(p[:, None] * log_x, dim=2)  # (N, C)
            log_count = math.log(log_x.shape[2])
            return ((log_sum - log_count) / p).exp()


POOLINGS = ("average", "max", "gem", "average_max")


def make_pooling(name: str, channels: int) -> tuple[nn.Module, int]:
    """The pooling called ``name`` (one of ``POOLINGS``) and the width of what it returns."""
    if name == "average":
        return GlobalAveragePool(), channels
    if name == "max":
        return GlobalMaxPool(), channels
    if name == "gem":
        return GeM(channels), channels
    if name == "average_max":
        return AverageMaxPool(), 2 * channels
    raise ValueError(f"pooling: expected one of {', '.join(POOLINGS)}, got {name!r}")


def init_weights(module: nn.Module) -> None:
    """Kaiming-normal convolutions and linear layers, batch norms at identity (use with ``apply``).

    A linear layer whose weight is all zero is left alone: it starts at its bias on purpose.
    """
    starts_at_bias = isinstance(module, nn.Linear) and not bool(module.weight.any())
    if isinstance(module, nn.Conv2d | nn.Linear) and not starts_at_bias:
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
