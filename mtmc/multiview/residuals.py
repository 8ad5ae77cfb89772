"""What each camera gets wrong: learnt on the run from what the other cameras say.

A box's lower edge is not the middle of the feet, calibrations are off by centimetres, and detectors
differ in how well their boxes fit. Each camera therefore has a bias, along its line of sight and
across, which is learnt from residuals against leave-one-out estimates: only what cameras disagree
about can be seen, and nothing else matters to associate them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtmc.calibration import Camera, HomographyCamera

from ..types import FloatArray, IntArray
from .observe import Observations


@dataclass(frozen=True)
class ResidualConfig:
    """How quickly cameras are corrected, and how far.

    Attributes
    ----------
    prior_count : float
        How many observations the assumption is worth that a camera has no bias.
    memory : float
        How many observations a bias is averaged over, at most.
    max_bias_m : float
        No correction is longer than this, metres; 0 turns corrections off.
    """

    prior_count: float = 40.0
    memory: float = 1000.0
    max_bias_m: float = 0.3

    def __post_init__(self) -> None:
        if not (self.prior_count > 0 and self.memory > 0):
            raise ValueError("prior_count, memory: expected values above 0")
        if not self.max_bias_m >= 0:
            raise ValueError(f"max_bias_m: expected 0 or more, got {self.max_bias_m}")


class CameraResiduals:
    """The bias of every camera."""

    def __init__(
        self, cameras: Sequence[Camera | HomographyCamera], config: ResidualConfig
    ) -> None:
        self._config = config
        self._origin = np.array(
            [[np.nan] * 2 if isinstance(c, HomographyCamera) else c.position[:2] for c in cameras]
        )
        self.bias = np.zeros((len(cameras), 2))
        """(C, 2) metres along the line of sight and to its left; x and y without a position."""
        self._count = np.full(len(cameras), config.prior_count)

    def _axes(self, camera: IntArray, xy: FloatArray) -> FloatArray:
        """Unit vectors along the lines of sight, (M, 2); x where a camera has no position."""
        away = xy - self._origin[camera]
        length = np.sqrt((away * away).sum(axis=1, keepdims=True))
        return np.where(length > 0, away / np.maximum(length, 1e-9), [1.0, 0.0])

    def correct(self, seen: Observations) -> Observations:
        """Observations without what is known of the bias."""
        along = self._axes(seen.camera, seen.xy)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        bias = self.bias[seen.camera]
        moved = seen.xy - bias[:, :1] * along - bias[:, 1:] * across
        height = seen.height + (seen.height_slope * (moved - seen.xy)).sum(axis=1)
        return replace(seen, xy=moved, height=height)

    def learn(self, camera: IntArray, xy: FloatArray, residual: FloatArray) -> None:
        """Take residuals (M, 2) at places (M, 2)."""
        if not len(camera):
            return
        config, cameras = self._config, len(self.bias)
        along = self._axes(camera, xy)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        seen = np.bincount(camera, minlength=cameras)
        for axis, unit in enumerate((along, across)):
            total = np.bincount(camera, (residual * unit).sum(axis=1), minlength=cameras)
            self.bias[:, axis] += total / (self._count + seen)
        np.clip(self.bias, -config.max_bias_m, config.max_bias_m, out=self.bias)
        self._count = np.minimum(self._count + seen, config.memory)
