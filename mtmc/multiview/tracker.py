"""Tracking people on the ground plane, from all cameras' detections at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mtmc.calibration import Camera, HomographyCamera
from mtmc.trackers.types import BoolArray

from ..sites.area import Area
from ..types import FloatArray, GlobalTrack, IntArray, Relabel, View
from . import existence, motion
from .appearance import DistanceScale
from .config import GroundTrackerConfig
from .deciding import Decider
from .events import TrackerEvent
from .exchanges import Exchanges
from .heights import predict_heights, update_heights
from .identity import link
from .matching import Matcher
from .moved import MovedCameras
from .newcomers import Newcomers, in_bounds
from .observe import Observations, heights_at, observe
from .population import Population
from .report import Reports, members_of
from .residuals import CameraResiduals
from .visibility import predicted_boxes, share_inside, share_uncovered


class GroundTracker:
    """Follows everybody on the ground plane; a `GlobalTracker`.

    Every camera's detections are assigned to the predicted positions; then each camera is assigned
    anew against what the *others* say, and the position is updated once with all. A track counts
    while its log odds of existence are high, and is reported in the moments in which it is seen, a
    lag later, when it is decided who it was.

    Parameters
    ----------
    cameras : mapping of str to Camera or HomographyCamera
        All cameras of the site, by name.
    config : GroundTrackerConfig or None
    bounds : Area or None
        Where people can be; None is everywhere.
    region : Area or None
        Where tracks are reported; None is everywhere.

    Raises
    ------
    ValueError
        Without cameras.
    """

    def __init__(
        self,
        cameras: Mapping[str, Camera | HomographyCamera],
        config: GroundTrackerConfig | None = None,
        bounds: Area | None = None,
        region: Area | None = None,
    ) -> None:
        if not cameras:
            raise ValueError("cameras: expected at least one, got none")
        self._cameras = dict(cameras)
        self._names = list(cameras)
        self._list = list(cameras.values())
        self._config = config = config or GroundTrackerConfig()
        self._bounds = bounds
        self._people = Population.empty(len(cameras))
        self._residuals = CameraResiduals(self._list, config.residuals)
        self._moved = MovedCameras(self._cameras, config.moved)
        self._scale = DistanceScale(config.appearance)
        self._matcher = Matcher(len(cameras), config, self._residuals, self._scale)
        self._newcomers = Newcomers(self._list, config, bounds)
        self._decider = Decider(config.identity, self._scale, config.lag_s, len(cameras), bounds)
        self._exchanges = Exchanges(config.exchanges)
        self._reports = Reports(region, config.lag_s)
        self._time_s: float | None = None

    def update(self, views: Sequence[View]) -> list[GlobalTrack | Relabel]:
        """Take the views of one moment, at most one per camera; later than the one before.

        Raises
        ------
        ValueError
            For a camera that is not known, is given twice, or time that does not advance.
        """
        if not views:
            return []
        time_s = float(np.median([view.frame.time_s for view in views]))
        step_s = self._advance(time_s)
        seen = observe(views, self._cameras, time_s, self._config.observe)
        seen = self._residuals.correct(self._moved.trusted(seen))
        people = self._people
        if seen.embedding is not None:
            people.with_embedding_dim(seen.embedding.shape[1])
        watching = np.isin(self._names, [view.frame.camera for view in views])
        watching &= ~self._moved.set_aside
        inside, visible = self._visibility()
        track = self._matcher.match(seen, people, visible)
        self._moved.watch(views, seen, track, len(people), time_s)
        hit = self._look(seen, track, inside, visible, watching, time_s, step_s)
        unmatched = np.where(hit, 0.0, inside)
        self._newcomers.bear(seen, track, people, unmatched, watching, time_s)
        members = members_of(seen, track, people, self._names)
        self._keep(self._alive(time_s))
        self._reports.note(people, views[0].frame.index, time_s, members)
        self._confirm(time_s)
        self._decider.look(people.take(people.id > 0), time_s)
        self._watch_encounters(time_s)
        return self._reports.take(self._decider, self._exchanges, time_s)

    def flush(self) -> list[GlobalTrack | Relabel]:
        """Report the last moments, on what is known."""
        return self._reports.take(self._decider, self._exchanges, np.inf)

    def take_events(self) -> list[TrackerEvent]:
        """Cameras that seem to have moved, and that are back, since the last call."""
        return self._moved.take_events()

    def _advance(self, time_s: float) -> float:
        """Predict everybody to the new time; the step in seconds."""
        if self._time_s is not None and not time_s > self._time_s:
            raise ValueError(f"time_s: expected a time after {self._time_s}, got {time_s}")
        step_s = self._config.existence.memory_s if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        settings, people = self._config.motion, self._people
        people.mean, people.covariance = motion.predict(
            people.mean, people.covariance, step_s, settings.noise, settings.max_speed
        )
        predict_heights(people, step_s, settings.height_drift)
        return step_s

    def _visibility(self) -> tuple[FloatArray, FloatArray]:
        """Share of each track inside each image, and what is left of that by others: (C, T)."""
        people = self._people
        boxes, distance = predicted_boxes(people.xy, people.height, self._list)
        sure = people.id > 0
        free = share_uncovered(boxes, distance, boxes[:, sure], distance[:, sure])
        inside = share_inside(boxes, self._list)
        return inside, inside * free

    def _look(
        self,
        seen: Observations,
        track: IntArray,
        inside: FloatArray,
        visible: FloatArray,
        watching: BoolArray,
        time_s: float,
        step_s: float,
    ) -> BoolArray:
        """Heights, existence, and who was seen when; which camera saw whom, (C, T)."""
        people, config = self._people, self._config
        rows = np.flatnonzero(track >= 0)
        hit = np.zeros((len(self._list), len(people)), np.bool_)
        hit[seen.camera[rows], track[rows]] = True
        explained = existence.explained_by_neighbours(
            people.xy,
            people.xy,
            np.where(hit, 0.0, inside),
            people.serial[:, None] > people.serial[None],
            config.existence,
        )
        change = existence.evidence(hit, visible, explained, watching, config.existence)
        people.log_odds = existence.update(people.log_odds, change, step_s, config.existence)
        found = hit.any(axis=0)
        people.seen_s[found] = time_s
        people.seen_xy[found] = people.xy[found]
        tall = rows[np.isfinite(seen.height[rows])]
        sigma_m, limit = config.observe.height_sigma_m, config.motion.robust_limit
        height = heights_at(seen, tall, people.xy[track[tall]])
        update_heights(people, track[tall], height, sigma_m, limit)
        return hit

    def _alive(self, time_s: float) -> BoolArray:
        """Which tracks go on."""
        people, config = self._people, self._config
        alive = people.log_odds > config.existence.ended
        alive &= time_s - people.seen_s <= config.existence.max_unseen_s
        alive &= in_bounds(people.xy, self._bounds, config.bounds_margin_m)
        return alive

    def _keep(self, rows: BoolArray) -> None:
        """Follow only these tracks on."""
        people = self._people
        self._decider.end(people.take(~rows & (people.id > 0)))
        people.keep(rows)

    def _confirm(self, time_s: float) -> None:
        """Let tracks count that are sure enough; they stand in for those that nobody sees."""
        people = self._people
        sure = (people.id == 0) & (people.log_odds >= self._config.existence.confirmed)
        if not sure.any():
            return
        coasting = np.flatnonzero((people.id > 0) & (people.seen_s < time_s))
        _, replaced = link(
            people.take(sure), people.take(coasting), self._scale, self._config.identity
        )
        people.id[sure] = people.serial[sure]
        alive = np.ones(len(people), np.bool_)
        alive[coasting[replaced]] = False
        self._keep(alive)

    def _watch_encounters(self, time_s: float) -> None:
        """Let encounters begin and end, among those who count and are seen."""
        people, holders = self._people, self._decider.holders
        known = np.isin(people.serial, list(holders))
        rows = np.flatnonzero(known & (people.seen_s == time_s))
        who = np.array([holders[serial] for serial in people.serial[rows].tolist()], np.int64)
        self._exchanges.look(who, people.xy[rows], people.shown_height[rows], time_s)
