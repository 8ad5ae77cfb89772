"""Harmonious attention (Li, Zhu, Gong, CVPR 2018): where to look, softly and by regions.

Soft attention weighs every position and channel of a map; hard attention places a few regions on
it, and ``CropRegions`` cuts them out, differentiably.
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


def sampling_offsets(scale: float, out_size: int, in_size: int) -> Tensor:
    """Where a region samples an axis: (out, in) float64 distances to every pixel, in pixels.

    For a region in the middle of the axis that spans ``scale`` times its length.
    """
    targets = torch.arange(out_size, dtype=torch.float64)
    steps = scale * ((2 * targets + 1) / out_size - 1)  # centres of the target pixels in -1..1
    positions = ((steps + 1) * in_size - 1) / 2  # in pixels; the borders are -1/2 and in - 1/2
    return positions[:, None] - torch.arange(in_size, dtype=torch.float64)


def sampling_matrices(centres: Tensor, offsets: Tensor) -> Tensor:
    """Linear interpolation of an axis at (N, R) centres in -1..1: matrices (N, R, out, in).

    The two neighbours of a place share a weight of 1; what lies outside counts as zero.
    """
    shift = centres[..., None, None] * (offsets.shape[1] / 2)
    return F.relu(1 - (shift + offsets).abs())


def sample_regions(x: Tensor, sample_y: Tensor, sample_x: Tensor) -> Tensor:
    """(N, C, H, W) to (N * R, C, h, w), by matrices (N, R, h, H) and (N, R, w, W)."""
    images, channels, map_height, map_width = x.shape
    regions, height = sample_y.shape[1:3]
    # Channels last throughout, so that in that memory format no step copies.
    rows = x.permute(0, 2, 3, 1).reshape(images, map_height, map_width * channels)
    rows = sample_y.flatten(1, 2) @ rows  # (N, R·h, W·C)
    rows = rows.reshape(images, regions, height, map_width, channels)
    crops = sample_x[:, :, None] @ rows  # (N, R, h, w, C)
    return crops.flatten(0, 1).permute(0, 3, 1, 2)  # (N·R, C, h, w)


class CropRegions(nn.Module):
    """Cuts all regions of all images at once, by bilinear sampling with zeros outside the map.

    The regions are not rotated, so sampling is separable and is one matrix product per axis. That
    equals ``F.grid_sample(align_corners=False)`` but is deterministic on every device, and the
    places are exact in half precision too. A region extends over ``REGION_SCALE_XY`` of the map.

    Parameters
    ----------
    size : (height, width)
        Size of a crop in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor, centres: Tensor) -> Tensor:
        """Crops (N * R, C, height, width) of (N, C, H, W) at (N, R, 2) centres (x, y) in -1..1.

        All regions of the first image come first, then those of the second, and so on.
        """
        along_y, along_x = (
            sampling_offsets(scale, size, pixels).to(centres)
            for scale, size, pixels in zip(
                reversed(REGION_SCALE_XY), self.size, x.shape[2:], strict=True
            )
        )
        sample_x = sampling_matrices(centres[..., 0], along_x).to(x.dtype)
        sample_y = sampling_matrices(centres[..., 1], along_y).to(x.dtype)
        return sample_regions(x, sample_y, sample_x)
