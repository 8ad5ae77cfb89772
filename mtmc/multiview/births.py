"""Where somebody new stands: clusters of detections that belong to no track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.trackers.types import BoolArray

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
class Clusters:
    """Groups of detections, each of one place.

    Attributes
    ----------
    rows : (F,) int64
        Rows of the observations that are grouped.
    group : (F,) int64
        Group of each, from 0.
    xy : (G, 2), covariance : (G, 2, 2) float64
        Where each group stands, fused; metres.
    """

    rows: IntArray
    group: IntArray
    xy: FloatArray
    covariance: FloatArray

    def __len__(self) -> int:
        return len(self.xy)

    def __getitem__(self, groups: BoolArray) -> Clusters:
        """Select groups by mask; they are numbered anew."""
        number = np.where(groups, np.cumsum(groups) - 1, -1)[self.group]
        keep = number >= 0
        return Clusters(self.rows[keep], number[keep], self.xy[groups], self.covariance[groups])


def cluster(observations: Observations, free: IntArray, config: BirthConfig) -> Clusters:
    """Group free detections (rows), at most one per camera in a group.

    Groups are taken greedily: the one that most cameras agree on first, and of those the tightest.
    """
    xy, covariance = observations.xy[free], observations.covariance[free]
    camera = observations.camera[free]
    difference = xy[:, None] - xy[None]
    squared, _ = gaussian.squared_mahalanobis(difference, covariance[:, None] + covariance[None])
    fits = (squared <= config.gate) & ((difference**2).sum(axis=2) <= config.reach_m**2)
    fits &= camera[:, None] != camera[None]
    group = _group(np.where(fits, squared, np.inf), camera)
    count = int(group.max(initial=-1)) + 1
    information, vector = np.zeros((count, 2, 2)), np.zeros((count, 2))
    part = gaussian.inverse(covariance)
    np.add.at(information, group, part)
    np.add.at(vector, group, gaussian.apply(part, xy))
    fused = gaussian.inverse(information)
    return Clusters(free, group, gaussian.apply(fused, vector), fused)


def _group(distance: FloatArray, camera: IntArray) -> IntArray:
    """Number of the group of each detection, (F,), from distances (F, F)."""
    group = np.full(len(camera), -1, np.int64)
    paired: BoolArray = np.asarray(np.isfinite(distance).any(axis=1))
    near = _to_cameras(distance, camera)
    count = 0
    while paired.any():
        left = np.where(paired, near, np.inf)
        least = left.min(axis=2)
        agree = np.isfinite(least)
        views = np.where(paired, agree.sum(axis=1), 0)
        if not views.any():
            break
        spread = np.where(agree, least, 0.0).sum(axis=1)
        seed = int(np.lexsort((spread, -views))[0])
        members = np.append(left[seed, agree[seed]].argmin(axis=1), seed)
        group[members] = count
        paired[members] = False
        count += 1
    alone = np.flatnonzero(group < 0)
    group[alone] = np.arange(count, count + len(alone))
    return group


def _to_cameras(distance: FloatArray, camera: IntArray) -> FloatArray:
    """(F, C, F): the distances to the rows of each camera, infinite for the others."""
    cameras = np.unique(camera)
    return np.where(camera[None, None] == cameras[None, :, None], distance[:, None], np.inf)
