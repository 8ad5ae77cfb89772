"""A polygon on the ground plane."""

from __future__ import annotations

from dataclasses import dataclass

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

    def __post_init__(self) -> None:
        corners = np.asarray(self.corners, np.float64)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            raise ValueError(f"area: expected three or more corners (x, y), got {self.corners}")
        if not np.isfinite(corners).all():
            raise ValueError(f"area: expected finite corners, got {self.corners}")

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
        x, y = np.asarray(xy, np.float64).reshape(-1, 2).T
        inside = np.zeros(len(x), np.bool_)
        border = np.zeros(len(x), np.bool_)
        for (ax, ay), (bx, by) in zip(
            self.corners, self.corners[1:] + self.corners[:1], strict=True
        ):
            cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
            within = (min(ax, bx) <= x) & (x <= max(ax, bx)) & (min(ay, by) <= y)
            border |= (cross == 0) & within & (y <= max(ay, by))
            # even-odd rule: a ray to the right crosses the edge
            inside ^= ((ay <= y) != (by <= y)) & ((cross > 0) == (by > ay))
        return (inside | border) & np.isfinite(x) & np.isfinite(y)

    def distance(self, xy: npt.ArrayLike) -> FloatArray:
        """How far outside the points (N, 2) lie, metres: (N,); 0 inside, NaN for NaN."""
        points = np.asarray(xy, np.float64).reshape(-1, 2)
        starts = np.asarray(self.corners, np.float64)
        edges = np.roll(starts, -1, axis=0) - starts
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
