"""Who looks like whom: one mean vector per track and camera, and what a distance is worth.

Networks differ in how far apart the same and different people lie. Both are estimated on the run:
matches that other cues make certain are the same person, and people whom one camera sees at once
are different.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mtmc.trackers.types import BoolArray

from ..types import Float32Array, FloatArray, IntArray
from .observe import Observations
from .population import Population


@dataclass(frozen=True)
class AppearanceConfig:
    """How appearance is remembered and compared.

    Attributes
    ----------
    momentum : float
        Share of the old mean that an update keeps, 0 to 1.
    min_visible : float
        People of whom a camera sees less are not looked at, 0 to 1.
    same, different : float
        Cosine distance that one camera's views of one person, and of two, are taken to have before
        anything is known of the model.
    prior_count : float
        How many observations that is worth.
    span : float
        Cost between the two distances, in units of twice a log likelihood.
    """

    momentum: float = 0.9
    min_visible: float = 0.6
    same: float = 0.15
    different: float = 0.45
    prior_count: float = 50.0
    span: float = 5.0

    def __post_init__(self) -> None:
        if not (0 <= self.momentum < 1 and 0 <= self.min_visible <= 1):
            raise ValueError("momentum, min_visible: expected 0 to 1")
        if not 0 <= self.same < self.different <= 2:
            raise ValueError(
                f"same, different: expected 0 <= same < different, got {self.same}, "
                f"{self.different}"
            )
        if not (self.prior_count > 0 and self.span >= 0):
            raise ValueError("prior_count: expected a value above 0, and span 0 or more")


class DistanceScale:
    """Mean cosine distances of the same and of different people, estimated on the run."""

    def __init__(self, config: AppearanceConfig) -> None:
        self._config = config
        self._sum = np.array([config.same, config.different]) * config.prior_count
        self._count = np.full(2, config.prior_count)

    @property
    def same(self) -> float:
        """Mean distance to one's own gallery."""
        return float(self._sum[0] / self._count[0])

    @property
    def different(self) -> float:
        """Mean distance to the galleries of others."""
        return float(self._sum[1] / self._count[1])

    def learn(self, distance: FloatArray, track: IntArray) -> None:
        """Take distances (M, T) of matched detections, and the track (M,) of each; NaN is none."""
        own = np.arange(distance.shape[1])[None] == track[:, None]
        known = np.isfinite(distance)
        for position, pairs in enumerate((own & known, ~own & known)):
            self._sum[position] += distance[pairs].sum()
            self._count[position] += pairs.sum()

    def cost(self, distance: FloatArray) -> FloatArray:
        """Costs of distances, 0 at the mean of the same person; NaN costs half the span."""
        span = max(self.different - self.same, 0.02)
        share = (distance - self.same) / span
        return self._config.span * np.nan_to_num(np.clip(share, -0.5, 1.5), nan=0.5)


def distances(observations: Observations, population: Population) -> FloatArray | None:
    """Cosine distances (D, T) of detections to the galleries of their own camera; NaN unknown.

    Where a track has no gallery in that camera, the mean over the other cameras' stands in.
    """
    if observations.embedding is None or not len(population):
        return None
    vectors = observations.embedding.astype(np.float32)
    result = np.full((len(observations), len(population)), np.nan)
    seen = population.has_gallery
    count = np.maximum(seen.sum(axis=1), 1)[:, None]
    overall = population.gallery.sum(axis=1) / count
    overall /= np.maximum(np.linalg.norm(overall, axis=1, keepdims=True), 1e-6)
    bounds = observations.starts.tolist()
    for camera, (start, stop) in enumerate(pairwise(bounds)):
        if start == stop:
            continue
        own = np.where(seen[:, camera, None], population.gallery[:, camera], overall)
        result[start:stop] = 1.0 - vectors[start:stop] @ own.T
    result[:, ~seen.any(axis=1)] = np.nan
    return result


def remember(
    population: Population,
    camera: IntArray,
    track: IntArray,
    vectors: Float32Array,
    clear: BoolArray,
    config: AppearanceConfig,
) -> None:
    """Update the galleries with matched vectors (M, E) that are ``clear`` (M,)."""
    usable = clear & np.isfinite(vectors).all(axis=1)
    camera, track, vectors = camera[usable], track[usable], vectors[usable]
    known = population.has_gallery[track, camera][:, None]
    old = population.gallery[track, camera]
    mixed = np.where(known, config.momentum * old + (1 - config.momentum) * vectors, vectors)
    mixed /= np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-6)
    population.gallery[track, camera] = mixed
    population.has_gallery[track, camera] = True
