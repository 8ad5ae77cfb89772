"""Exact inference graphs: the same function with fewer and cheaper operations.

* Batch norms disappear into the convolution or linear layer before them.
* Channel shuffles disappear into the weights around them, see ``unshuffle``.
* The 1x1 convolution of the soft attention reads spatial times channel attention, a map of rank
  one: ``W (s c) = s (W c)`` needs one product per channel instead of one per channel and pixel.
* GeM's powers, and where regions sample at rest, are constants.

What comes out equals the network in eval mode but for rounding.
"""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn import functional as F

from .attention import (
    REGION_SCALE_XY,
    CropRegions,
    SoftAttention,
    sample_regions,
    sampling_matrices,
    sampling_offsets,
)
from .layers import GEM_EPS, GEM_MIN_POWER, ConvBN, GeM, LinearBN
from .models.descriptor import ReIDNet
from .models.harmonious import HarmoniousNet
from .unshuffle import unshuffle


def fold_for_inference(model: ReIDNet) -> ReIDNet:
    """A copy of ``model`` for inference: same interface, same descriptors, faster.

    The copy is in eval mode and its parameters need no gradient. It takes images of its config's
    input size only, cannot be trained or folded again, and its weights do not fit ``model``.
    ``model`` is left as it was.
    """
    folded = copy.deepcopy(model).eval().requires_grad_(False)
    if isinstance(folded, HarmoniousNet) and folded.config.block == "shuffle":
        unshuffle(folded)
    if isinstance(folded, HarmoniousNet):
        _fix_crops(folded)
    _replace_below(folded)
    return folded.requires_grad_(False)


def _replace_below(module: nn.Module) -> None:
    """Put folded layers in the place of those below ``module``."""
    for name, child in module.named_children():
        if isinstance(child, ConvBN | LinearBN):
            setattr(module, name, fold_batch_norm(child))
        elif isinstance(child, GeM):
            setattr(module, name, FixedGeM(child))
        elif isinstance(child, SoftAttention):
            setattr(module, name, FoldedSoftAttention(child))
        else:
            _replace_below(child)


def fold_batch_norm(unit: ConvBN | LinearBN) -> nn.Sequential:
    """A layer with bias, and the ReLU if there is one, that does what ``unit`` does in eval mode.

    The weights are computed in float64.
    """
    layer, norm, *activation = unit
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    weight = layer.weight.double() * scale.reshape(-1, *[1] * (layer.weight.dim() - 1))
    bias = norm.bias.double() - norm.running_mean.double() * scale
    if layer.bias is not None:
        bias = bias + layer.bias.double() * scale
    folded = copy.deepcopy(layer)
    folded.weight = nn.Parameter(weight.to(layer.weight.dtype).contiguous())
    folded.bias = nn.Parameter(bias.to(layer.weight.dtype))
    return nn.Sequential(folded, *activation)


def _fix_crops(net: HarmoniousNet) -> None:
    height, width = net.config.input_size
    for stage, crop in enumerate(net.crops):
        assert isinstance(crop, CropRegions)
        map_size = (height >> stage + 1, width >> stage + 1)  # after the stem and earlier stages
        net.crops[stage] = FixedCrop(crop, map_size)


class FixedCrop(nn.Module):
    """``CropRegions`` for maps of one size."""

    along_y: Tensor
    along_x: Tensor

    def __init__(self, crop: CropRegions, map_size: tuple[int, int]) -> None:
        super().__init__()
        scale_x, scale_y = REGION_SCALE_XY
        along_y = sampling_offsets(scale_y, crop.size[0], map_size[0])
        along_x = sampling_offsets(scale_x, crop.size[1], map_size[1])
        self.register_buffer("along_y", along_y.float())
        self.register_buffer("along_x", along_x.float())
        self.map_size = map_size

    def forward(self, x: Tensor, centres: Tensor) -> Tensor:
        """Crops (N * R, C, height, width) of (N, C, H, W) at (N, R, 2) centres."""
        if tuple(x.shape[2:]) != self.map_size:
            raise ValueError(f"map: expected {self.map_size}, got {tuple(x.shape[2:])}")
        sample_y = sampling_matrices(centres[..., 1], self.along_y)
        sample_x = sampling_matrices(centres[..., 0], self.along_x)
        return sample_regions(x, sample_y, sample_x)


class FixedGeM(nn.Module):
    """GeM with its powers as constants: (N, C, H, W) to (N, C)."""

    power: Tensor

    def __init__(self, gem: GeM) -> None:
        super().__init__()
        self.register_buffer("power", gem.p.detach().clamp(min=GEM_MIN_POWER)[:, None])

    def forward(self, x: Tensor) -> Tensor:
        """Generalised mean of every channel."""
        log_x = x.flatten(2).clamp(min=GEM_EPS).log()  # (N, C, HW)
        peak = log_x.amax(dim=2, keepdim=True)  # relative to the largest, no power overflows
        mean = ((log_x - peak) * self.power).exp().mean(dim=2, keepdim=True)
        return (mean.log() / self.power + peak).exp().flatten(1)


class FoldedSoftAttention(nn.Module):
    """``SoftAttention`` with the mixing convolution applied to the channel attention alone."""

    bias: Tensor

    def __init__(self, attention: SoftAttention) -> None:
        super().__init__()
        self.spatial_conv = fold_batch_norm(attention.spatial_conv)
        self.spatial_scale = fold_batch_norm(attention.spatial_scale)
        mix = fold_batch_norm(attention.mix)[0]
        assert isinstance(mix, nn.Conv2d)
        assert mix.bias is not None
        self.register_buffer("bias", mix.bias.detach()[:, None, None])
        mix.bias = None
        self.channel = attention.channel
        _replace_below(self.channel)
        self.channel.append(mix)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to attention of the same shape."""
        spatial = self.spatial_conv(x.mean(dim=1, keepdim=True))  # (N, 1, H/2, W/2)
        spatial = F.interpolate(spatial, size=x.shape[2:], mode="bilinear", align_corners=False)
        spatial = self.spatial_scale(spatial)  # (N, 1, H, W)
        channel = self.channel(x.mean(dim=(2, 3), keepdim=True))  # (N, C, 1, 1)
        mixed: Tensor = spatial * channel + self.bias  # (N, C, H, W)
        return mixed.relu().sigmoid()
