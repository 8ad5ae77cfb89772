"""Where somebody new stands: clusters of detections that belong to no track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import FloatArray, IntArray
from . import gaussian
from .observe import Observations


@dataclass(frozen=True)
class BirthConfig:
    """Where a track may begin.

    Attributes
    ----------
    gate : float
        Squared Mahalanobis distance of two detections of one person.
    reach_m : float
        And their distance in metres.
    clearance_m : float
        New people stand at least this far from those already followed, metres.
    """

    gate: float = 9.2
    reach_m: float = 0.9
    clearance_m: float = 0.45

    def __post_init__(self) -> None:
        for name in ("gate", "reach_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        if not self.clearance_m >= 0:
            raise ValueError(f"clearance_m: expected 0 or more, got {self.clearance_m}")


@dataclass(frozen=True, eq=False)
class Cluster:
    """Detections of one place: rows of the observations, at most one per camera."""

    rows: IntArray
    xy: FloatArray
    covariance: FloatArray


def cluster(observations: Observations, free: IntArray, config: BirthConfig) -> list[Cluster]:
    """Group free detections (rows), at most one per camera in a group.

    Groups are taken greedily: the one that most cameras agree on first, and of those the tightest.
    """
    if not len(free):
        return []
    xy, covariance = observations.xy[free], observations.covariance[free]
    camera = observations.camera[free]
    difference = xy[:, None] - xy[None]
    squared, _ = gaussian.squared_mahalanobis(difference, covariance[:, None] + covariance[None])
    fits = (squared <= config.gate) & ((difference**2).sum(axis=2) <= config.reach_m**2)
    fits &= camera[:, None] != camera[None]
    distance = np.where(fits, squared, np.inf)
    left = np.ones(len(free), np.bool_)
    best = _nearest_per_camera(distance, camera)
    clusters = []
    while left.any():
        open_ = np.where(left[None, None] & np.isfinite(best), best, np.inf).min(axis=2)
        agree = np.isfinite(open_)
        spread = np.where(agree, open_, 0.0).sum(axis=1)
        order = np.lexsort((spread, -agree.sum(axis=1), ~left))
        seed = int(order[0])
        members = [seed]
        for row in np.flatnonzero(agree[seed]).tolist():
            members.append(int(np.argmin(np.where(left, best[seed, row], np.inf))))
        rows = np.array(members, np.int64)
        left[rows] = False
        clusters.append(_fused(observations, free[rows]))
    return clusters


def _nearest_per_camera(distance: FloatArray, camera: IntArray) -> FloatArray:
    """(D, C, D): the distances to the rows of each camera, infinite for the others."""
    cameras = np.unique(camera)
    return np.where(camera[None, None] == cameras[None, :, None], distance[:, None], np.inf)


def _fused(observations: Observations, rows: IntArray) -> Cluster:
    information = gaussian.inverse(observations.covariance[rows])
    covariance = gaussian.inverse(information.sum(axis=0))
    total = gaussian.apply(information, observations.xy[rows]).sum(axis=0)
    return Cluster(np.sort(rows), covariance @ total, covariance)
