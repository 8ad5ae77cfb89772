"""Harmonious attention (Li, Zhu, Gong, CVPR 2018): where to look, softly and by regions.

Soft attention weighs every position and channel of a map; hard attention places a few regions on
it, and ``crop_regions`` cuts them out, differentiably.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import ConvBN, at_least_float32

# Regions at start, as (x, y) in -1..1: four bands from head to feet. Each is as wide as the map and
# a quarter as high; only the centre moves, the scale is fixed.
INITIAL_CENTRES = ((0.0, -0.75), (0.0, -0.25), (0.0, 0.25), (0.0, 0.75))
REGIONS = len(INITIAL_CENTRES)
REGION_SCALE_XY = (1.0, 0.25)


class SoftAttention(nn.Module):
    """Attention in (0, 1) for every channel and position, as spatial times channel attention.

    Parameters
    ----------
    channels : int
        C.
    reduction : int
        How much narrower the bottleneck of the channel attention is.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        if not 1 <= reduction <= channels:
            raise ValueError(f"reduction: expected 1 to {channels}, got {reduction}")
        self.spatial_conv = ConvBN(1, 1, kernel=3, stride=2)
        self.spatial_scale = ConvBN(1, 1)
        self.channel = nn.Sequential(
            ConvBN(channels, channels // reduction), ConvBN(channels // reduction, channels)
        )
        self.mix = ConvBN(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to attention of the same shape."""
        spatial = self.spatial_conv(x.mean(dim=1, keepdim=True))  # (N, 1, H/2, W/2)
        spatial = F.interpolate(spatial, size=x.shape[2:], mode="bilinear", align_corners=False)
        spatial = self.spatial_scale(spatial)  # (N, 1, H, W)
        channel = self.channel(x.mean(dim=(2, 3), keepdim=True))  # (N, C, 1, 1)
        mixed: Tensor = self.mix(spatial * channel)  # (N, C, H, W)
        return mixed.sigmoid()


class HardAttention(nn.Module):
    """Predicts the centres of the regions from the pooled map: (N, C, H, W) to (N, R, 2).

    Starts at ``INITIAL_CENTRES`` for every image: the weights are zero, the bias holds the centres.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.centres = nn.Linear(channels, 2 * REGIONS)
        nn.init.zeros_(self.centres.weight)
        with torch.no_grad():
            # tanh(atanh(c)) = c
            self.centres.bias.copy_(torch.tensor(INITIAL_CENTRES).flatten().atanh())

    def forward(self, x: Tensor) -> Tensor:
        """Centres (x, y) in -1..1, where -1 and 1 are the borders of the map."""
        pooled = x.mean(dim=(2, 3), keepdim=True).flatten(1)
        offsets = at_least_float32(self.centres(pooled))  # (N, 2R)
        return offsets.tanh().reshape(-1, REGIONS, 2)


def _interpolation(centres: Tensor, scale: float, out_size: int, in_size: int) -> Tensor:
    """Matrices (N, R, out, in) that sample ``in_size`` pixels at ``out_size`` places, linearly.

    Places are spread over ``scale`` times the axis around each of the (N, R) centres; what lies
    outside counts as zero.
    """
    targets = torch.arange(out_size, dtype=centres.dtype, device=centres.device)
    pixels = torch.arange(in_size, dtype=centres.dtype, device=centres.device)
    steps = scale * ((2 * targets + 1) / out_size - 1)  # targets around a centre at 0, in -1..1
    from_pixels = ((steps + 1) * in_size - 1)[:, None] / 2 - pixels  # (out, in), in pixels
    distance = (centres[..., None, None] * (in_size / 2) + from_pixels).abs()  # (N, R, out, in)
    return F.relu(1 - distance)  # the two neighbours share a weight of 1


def crop_regions(x: Tensor, centres: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut all regions of all images at once, by bilinear sampling with zeros outside the map.

    The regions are not rotated, so sampling is separable and is one matrix product per axis. That
    equals ``F.grid_sample(align_corners=False)`` but is deterministic on every device, and the
    places are exact in half precision too.

    Parameters
    ----------
    x : (N, C, H, W)
    centres : (N, R, 2)
        (x, y) in -1..1; the extent is ``REGION_SCALE_XY`` of the map.
    size : (height, width)
        Size of a crop in pixels.

    Returns
    -------
    (N * R, C, height, width)
        All regions of the first image, then of the second, and so on.
    """
    images, channels, map_height, map_width = x.shape
    height, width = size
    regions = centres.shape[1]
    scale_x, scale_y = REGION_SCALE_XY
    sample_x = _interpolation(centres[..., 0], scale_x, width, map_width).to(x.dtype)
    sample_y = _interpolation(centres[..., 1], scale_y, height, map_height).to(x.dtype)

    # Channels last throughout, so that in that memory format no step copies.
    rows = x.permute(0, 2, 3, 1).reshape(images, map_height, map_width * channels)
    rows = sample_y.flatten(1, 2) @ rows  # (N, R·h, W·C)
    rows = rows.reshape(images, regions, height, map_width, channels)
    crops = sample_x[:, :, None] @ rows  # (N, R, h, w, C)
    return crops.flatten(0, 1).permute(0, 3, 1, 2)  # (N·R, C, h, w)


class CropRegions(nn.Module):
    """``crop_regions`` as a module, so that hooks (which count operations) see it."""

    def forward(self, x: Tensor, centres: Tensor, size: tuple[int, int]) -> Tensor:
        """See ``crop_regions``."""
        return crop_regions(x, centres, size)
