"""A polygon on the ground plane."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mtmc.trackers.types import BoolArray

from ..types import FloatArray


@dataclass(frozen=True)
class Area:
    """A simple polygon, its border included.

    Attributes
    ----------
    corners : tuple of (x, y)
        Metres, at least three, in order around the polygon.

    Raises
    ------
    ValueError
        On fewer than three corners, or corners that are not finite.
    """

    corners: tuple[tuple[float, float], ...]
    _starts: FloatArray = field(init=False, repr=False, compare=False)
    _edges: FloatArray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        corners = np.asarray(self.corners, np.float64)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            raise ValueError(f"area: expected three or more corners (x, y), got {self.corners}")
        if not np.isfinite(corners).all():
            raise ValueError(f"area: expected finite corners, got {self.corners}")
        object.__setattr__(self, "_starts", corners)
        object.__setattr__(self, "_edges", np.roll(corners, -1, axis=0) - corners)

    @classmethod
    def rectangle(cls, left: float, bottom: float, right: float, top: float) -> Area:
        """Axis-parallel rectangle, metres.

        Raises
        ------
        ValueError
            When it is empty or not finite.
        """
        if not (left < right and bottom < top):
            raise ValueError(
                f"area: expected x0 < x1 and y0 < y1, got {[left, bottom, right, top]}"
            )
        return cls(((left, bottom), (right, bottom), (right, top), (left, top)))

    def contains(self, xy: npt.ArrayLike) -> BoolArray:
        """Which of the points (N, 2) lie inside or on the border: (N,); NaN is outside."""
        points = np.asarray(xy, np.float64).reshape(-1, 1, 2)
        start, end = self._starts, self._starts + self._edges
        offset = points - start
        cross = self._edges[:, 0] * offset[..., 1] - self._edges[:, 1] * offset[..., 0]
        within = (np.minimum(start, end) <= points) & (points <= np.maximum(start, end))
        border = (within.all(axis=2) & (cross == 0)).any(axis=1)
        # even-odd rule: how many edges does a ray to the right cross
        spans = (start[:, 1] <= points[..., 1]) != (end[:, 1] <= points[..., 1])
        crossed = spans & ((cross > 0) == (self._edges[:, 1] > 0))
        inside = crossed.sum(axis=1) % 2 == 1
        return np.asarray((inside | border) & np.isfinite(points).all(axis=(1, 2)))

    def distance(self, xy: npt.ArrayLike) -> FloatArray:
        """How far outside the points (N, 2) lie, metres: (N,); 0 inside, NaN for NaN."""
        points = np.asarray(xy, np.float64).reshape(-1, 2)
        starts, edges = self._starts, self._edges
        offset = points[:, None] - starts[None]
        share = (offset * edges).sum(axis=2) / np.maximum((edges * edges).sum(axis=1), 1e-12)
        nearest = starts + np.clip(share, 0.0, 1.0)[:, :, None] * edges
        distance = np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1)
        return np.where(self.contains(points), 0.0, distance)

    @property
    def box(self) -> FloatArray:
        """Smallest rectangle around it: (left, bottom, right, top), metres."""
        corners = np.asarray(self.corners, np.float64)
        return np.concatenate([corners.min(axis=0), corners.max(axis=0)])
