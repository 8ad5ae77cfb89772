"""New tracks, where detections that belong to nobody make it likely that somebody stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtmc.calibration import Camera, HomographyCamera
from mtmc.trackers.types import BoolArray

from ..sites.area import Area
from ..types import FloatArray, IntArray
from . import existence
from .births import Clusters, cluster
from .config import GroundTrackerConfig
from .observe import Observations
from .population import Population
from .visibility import predicted_boxes, share_inside, share_uncovered


class Newcomers:
    """Begins tracks, and numbers them.

    Parameters
    ----------
    cameras : sequence of Camera or HomographyCamera
    config : GroundTrackerConfig
    bounds : Area or None
        Where people can be.
    """

    def __init__(
        self,
        cameras: Sequence[Camera | HomographyCamera],
        config: GroundTrackerConfig,
        bounds: Area | None,
    ) -> None:
        self._cameras, self._config, self._bounds = cameras, config, bounds
        self._next_serial = 1

    def bear(
        self,
        seen: Observations,
        track: IntArray,
        people: Population,
        unmatched: FloatArray,
        watching: BoolArray,
        time_s: float,
    ) -> None:
        """Begin tracks where free detections agree; ``track`` and ``people`` learn of them.

        Parameters
        ----------
        seen : Observations
        track : (D,) int64
            Row of the track of every detection, or -1 where it is free.
        people : Population
        unmatched : (C, T)
            Share of each track inside each image that has no box of it.
        watching : (C,) bool
            Which cameras delivered a frame.
        time_s : float
        """
        config = self._config
        free = np.flatnonzero(track < 0)
        if not len(free):
            return
        found = cluster(seen, free, config.births)
        possible = in_bounds(found.xy, self._bounds, config.bounds_margin_m)
        if len(people):
            gap = ((found.xy[:, None] - people.xy[None]) ** 2).sum(axis=2).min(axis=1)
            possible &= gap >= config.births.clearance_m**2
        if not possible.any():
            return
        found = found[possible]
        log_odds = self._first_odds(seen, found, people, unmatched, watching)
        chosen = log_odds >= config.existence.tentative
        found = found[chosen]
        track[found.rows] = len(people) + found.group
        people.extend(self._newborn(found, people, log_odds[chosen], time_s))

    def _first_odds(
        self,
        seen: Observations,
        found: Clusters,
        people: Population,
        unmatched: FloatArray,
        watching: BoolArray,
    ) -> FloatArray:
        """Log odds that somebody stands at each of some places, (G,)."""
        config = self._config
        height = np.full(len(found), config.motion.height_m)
        boxes, distance = predicted_boxes(found.xy, height, self._cameras)
        sure = people.id > 0
        others, other_distance = predicted_boxes(
            people.xy[sure], people.height[sure], self._cameras
        )
        visible = share_inside(boxes, self._cameras) * share_uncovered(
            boxes, distance, others, other_distance
        )
        hit = np.zeros((len(self._cameras), len(found)), np.bool_)
        hit[seen.camera[found.rows], found.group] = True
        elder = np.ones((len(found), len(people)), np.bool_)
        explained = existence.explained_by_neighbours(
            found.xy, people.xy, unmatched, elder, config.existence
        )
        return config.existence.birth + existence.evidence(
            hit, visible, explained, watching, config.existence
        )

    def _newborn(
        self, found: Clusters, people: Population, log_odds: FloatArray, time_s: float
    ) -> Population:
        config, count = self._config, len(found)
        cameras, dim = people.gallery.shape[1:]
        new = Population.empty(cameras, dim, count)
        new.serial[:] = np.arange(self._next_serial, self._next_serial + count)
        self._next_serial += count
        new.mean[:, :2] = new.born_xy[:] = new.seen_xy[:] = found.xy
        new.covariance[:, :2, :2] = found.covariance
        new.covariance[:, [2, 3], [2, 3]] = config.motion.start_sigma**2
        new.height[:] = config.motion.height_m
        new.height_variance[:] = config.motion.height_sigma_m**2
        new.log_odds[:] = np.minimum(log_odds, config.existence.ceiling)
        new.born_s[:] = new.seen_s[:] = time_s
        return new


def in_bounds(xy: FloatArray, bounds: Area | None, margin_m: float) -> BoolArray:
    """Which places (N, 2) lie inside, or at most a margin outside."""
    if bounds is None:
        return np.ones(len(xy), np.bool_)
    return np.asarray(bounds.distance(xy) <= margin_m)
