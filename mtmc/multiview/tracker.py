"""Tracking people on the ground plane, from all cameras' detections at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mtmc.calibration import Camera, HomographyCamera
from mtmc.trackers.types import BoolArray

from ..sites.area import Area
from ..types import FloatArray, GlobalTrack, IntArray, Relabel, View
from . import existence, motion
from .appearance import AppearanceConfig, DistanceScale, distances, remember
from .associate import AssociateConfig, assign, height_cost, hidden_cost, position_cost
from .births import BirthConfig, Clusters, cluster
from .existence import ExistenceConfig
from .fusion import Estimate, Information, inflated
from .identity import IdentityConfig, Lost, link
from .observe import Observations, ObserveConfig, observe
from .population import Population
from .residuals import CameraResiduals, ResidualConfig
from .visibility import predicted_boxes, share_inside, share_uncovered


@dataclass(frozen=True)
class MotionConfig:
    """How people walk.

    Attributes
    ----------
    noise : float
        Spectral density of the white acceleration, m²/s³.
    start_sigma : float
        Standard deviation of a new person's velocity, m/s.
    max_speed : float
        Nobody is predicted to walk faster, m/s.
    height_m, height_sigma_m : float
        How tall people are, metres.
    robust_limit : float
        No observation pulls harder than one at this many standard deviations.
    """

    noise: float = 0.4
    start_sigma: float = 1.0
    max_speed: float = 3.5
    height_m: float = 1.70
    height_sigma_m: float = 0.12
    robust_limit: float = 1.5

    def __post_init__(self) -> None:
        for name in ("noise", "start_sigma", "max_speed", "height_m", "height_sigma_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        if not self.robust_limit > 0:
            raise ValueError(f"robust_limit: expected a value above 0, got {self.robust_limit}")


@dataclass(frozen=True)
class GroundTrackerConfig:
    """All settings of `GroundTracker`; those of the site itself are its arguments.

    Attributes
    ----------
    observe, motion, associate, appearance, existence, births, residuals, identity
        Settings of the parts.
    lag_s : float
        How far back a decision may reach, seconds: tracks are reported from where they began once
        they count, if that is not longer ago. 0 is purely online.
    rounds : int
        How often every camera is assigned anew, against what the other cameras say.
    bounds_margin_m : float
        Measurements err: people are followed up to this far outside the bounds, metres.
    """

    observe: ObserveConfig = field(default_factory=ObserveConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    associate: AssociateConfig = field(default_factory=AssociateConfig)
    appearance: AppearanceConfig = field(default_factory=AppearanceConfig)
    existence: ExistenceConfig = field(default_factory=ExistenceConfig)
    births: BirthConfig = field(default_factory=BirthConfig)
    residuals: ResidualConfig = field(default_factory=ResidualConfig)
    identity: IdentityConfig = field(default_factory=IdentityConfig)
    lag_s: float = 2.0
    rounds: int = 1
    bounds_margin_m: float = 0.3

    def __post_init__(self) -> None:
        if self.rounds < 0:
            raise ValueError(f"rounds: expected 0 or more, got {self.rounds}")
        if not self.bounds_margin_m >= 0:
            raise ValueError(f"bounds_margin_m: expected 0 or more, got {self.bounds_margin_m}")


@dataclass(frozen=True, eq=False)
class GroundTrack(GlobalTrack):
    """A `GlobalTrack` that says how sure its place is.

    Attributes
    ----------
    covariance : tuple of three floats
        xx, xy and yy of the position, m².
    """

    covariance: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class _Note:
    """What was seen of a track at one moment."""

    time_s: float
    index: int
    xy: FloatArray
    covariance: FloatArray
    members: tuple[tuple[str, int], ...]

    def as_track(self, identity: int) -> GroundTrack:
        x, y = self.xy.tolist()
        (xx, xy), (_, yy) = self.covariance.tolist()
        return GroundTrack(identity, self.index, (x, y), self.members, (xx, xy, yy))


class GroundTracker:
    """Follows everybody on the ground plane; a `GlobalTracker`.

    Every camera's detections are assigned to the predicted positions; then each camera is assigned
    anew against what the *others* say, and the position is updated once with all. A track counts
    while its log odds of existence are high, and is reported in the moments in which it is seen.

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
        self._config = config or GroundTrackerConfig()
        self._bounds, self._region = bounds, region
        self._people = Population.empty(len(cameras))
        self._lost = Lost(len(cameras), self._config.identity)
        self._notes: dict[int, list[_Note]] = {}
        self._scale = DistanceScale(self._config.appearance)
        self._residuals = CameraResiduals(self._list, self._config.residuals)
        self._time_s: float | None = None
        self._next_serial = 1
        self._next_id = 1

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
        seen = self._residuals.correct(seen)
        if seen.embedding is not None:
            self._people.with_embedding_dim(seen.embedding.shape[1])
        watching = np.isin(self._names, [view.frame.camera for view in views])
        inside, visible = self._visibility()
        track = self._associate(seen, visible)
        hit = self._look(seen, track, inside, visible, watching, time_s, step_s)
        self._bear(seen, track, np.where(hit, 0.0, inside), watching, time_s)
        members = _members(seen, track, self._people, self._names)
        self._end(time_s)
        self._note(views[0].frame.index, time_s, members)
        self._name(time_s)
        return self._report()

    def flush(self) -> list[GlobalTrack | Relabel]:
        """Nothing is left open."""
        return []

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
        return step_s

    def _visibility(self) -> tuple[FloatArray, FloatArray]:
        """Share of each track inside each image, and what is left of that by others: (C, T)."""
        people = self._people
        boxes, distance = predicted_boxes(people.xy, people.height, self._list)
        sure = people.id > 0
        free = share_uncovered(boxes, distance, boxes[:, sure], distance[:, sure])
        inside = share_inside(boxes, self._list)
        return inside, inside * free

    def _associate(self, seen: Observations, visible: FloatArray) -> IntArray:
        """Track (row) of every detection, or -1."""
        people, config = self._people, self._config
        if not len(people) or not len(seen):
            return np.full(len(seen), -1, np.int64)
        settings = config.associate
        fixed = height_cost(
            seen.height,
            config.observe.height_sigma_m,
            people.height,
            people.height_variance,
            settings,
        )
        fixed += hidden_cost(visible, settings)[seen.camera]
        looks = distances(seen, people)
        if looks is not None:
            fixed += settings.appearance_weight * self._scale.cost(looks)
        prior = Estimate(people.xy, people.covariance[:, :2, :2])
        velocity = people.mean[:, 2:]
        expected = prior
        for _ in range(config.rounds + 1):
            cost = position_cost(seen, velocity, expected, settings.gate) + fixed
            track = assign(cost, seen.starts, settings.miss_cost)
            information = self._information(seen, track, prior, expected)
            expected = information.without_each_camera()
        final = self._information(seen, track, prior, expected).estimate()
        self._learn_residuals(seen, track, expected)
        people.mean, people.covariance = motion.condition_on_position(
            people.mean, people.covariance, final.xy, final.covariance
        )
        if looks is not None and seen.embedding is not None:
            rows = np.flatnonzero(track >= 0)
            clear = visible[seen.camera[rows], track[rows]] >= config.appearance.min_visible
            self._scale.learn(looks[rows[clear]], track[rows[clear]])
            remember(
                people, seen.camera[rows], track[rows], seen.embedding[rows], clear,
                config.appearance,
            )  # fmt: skip
        return track

    def _learn_residuals(self, seen: Observations, track: IntArray, others: Estimate) -> None:
        """From people whom at least two cameras see."""
        people = self._people
        rows = np.flatnonzero(track >= 0)
        views = np.bincount(track[rows], minlength=len(people))
        rows = rows[(views[track[rows]] >= 2) & (people.id[track[rows]] > 0)]
        who, camera = track[rows], seen.camera[rows]
        residual = seen.xy[rows] - seen.lead_s[rows, None] * people.mean[who, 2:]
        residual = residual - others.xy[camera, who]
        self._residuals.learn(camera, seen.xy[rows], residual)

    def _information(
        self, seen: Observations, track: IntArray, prior: Estimate, expected: Estimate
    ) -> Information:
        rows = np.flatnonzero(track >= 0)
        who, camera = track[rows], seen.camera[rows]
        place = seen.xy[rows] - seen.lead_s[rows, None] * self._people.mean[who, 2:]
        at = (camera, who) if expected.xy.ndim == 3 else (who,)
        reference = Estimate(expected.xy[at], expected.covariance[at])
        covariance = inflated(place, seen, rows, reference, self._config.motion.robust_limit)
        return Information(prior, len(self._list), camera, who, place, covariance)

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
        _update_heights(people, track[tall], seen.height[tall], config)
        return hit

    def _bear(
        self,
        seen: Observations,
        track: IntArray,
        unmatched: FloatArray,
        watching: BoolArray,
        time_s: float,
    ) -> None:
        """Begin tracks where free detections agree; ``track`` learns of them."""
        config, people = self._config, self._people
        free = np.flatnonzero(track < 0)
        if not len(free):
            return
        found = cluster(seen, free, config.births)
        possible = self._in_bounds(found.xy)
        if len(people):
            gap = ((found.xy[:, None] - people.xy[None]) ** 2).sum(axis=2).min(axis=1)
            possible &= gap >= config.births.clearance_m**2
        if not possible.any():
            return
        found = found[possible]
        log_odds = self._first_odds(seen, found, unmatched, watching)
        chosen = log_odds >= config.existence.tentative
        found = found[chosen]
        track[found.rows] = len(people) + found.group
        people.extend(self._newborn(found, log_odds[chosen], time_s))

    def _first_odds(
        self, seen: Observations, found: Clusters, unmatched: FloatArray, watching: BoolArray
    ) -> FloatArray:
        """Log odds that somebody stands at each of some places, (G,)."""
        config, people = self._config, self._people
        height = np.full(len(found), config.motion.height_m)
        boxes, distance = predicted_boxes(found.xy, height, self._list)
        sure = people.id > 0
        others, other_distance = predicted_boxes(people.xy[sure], people.height[sure], self._list)
        visible = share_inside(boxes, self._list) * share_uncovered(
            boxes, distance, others, other_distance
        )
        hit = np.zeros((len(self._list), len(found)), np.bool_)
        hit[seen.camera[found.rows], found.group] = True
        elder = np.ones((len(found), len(people)), np.bool_)
        explained = existence.explained_by_neighbours(
            found.xy, people.xy, unmatched, elder, config.existence
        )
        return config.existence.birth + existence.evidence(
            hit, visible, explained, watching, config.existence
        )

    def _newborn(self, found: Clusters, log_odds: FloatArray, time_s: float) -> Population:
        config, count = self._config, len(found)
        cameras, dim = self._people.gallery.shape[1:]
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

    def _end(self, time_s: float) -> None:
        people, config = self._people, self._config
        alive = people.log_odds > config.existence.ended
        alive &= time_s - people.seen_s <= config.existence.max_unseen_s
        alive &= self._in_bounds(people.xy)
        ended = people.take(~alive & (people.id > 0))
        self._lost.add(ended, time_s)
        people.keep(alive)

    def _in_bounds(self, xy: FloatArray) -> BoolArray:
        if self._bounds is None:
            return np.ones(len(xy), np.bool_)
        return np.asarray(self._bounds.distance(xy) <= self._config.bounds_margin_m)

    def _note(
        self, index: int, time_s: float, members: dict[int, tuple[tuple[str, int], ...]]
    ) -> None:
        """Keep what is seen now of each track, until it can be reported."""
        people = self._people
        serials = people.serial.tolist()
        self._notes = {serial: self._notes.get(serial, []) for serial in serials}
        shown = people.seen_s == time_s
        if self._region is not None:
            shown &= self._region.contains(people.xy)
        earliest = time_s - self._config.lag_s
        for row in np.flatnonzero(shown).tolist():
            notes = self._notes[serials[row]]
            while notes and notes[0].time_s < earliest:
                notes.pop(0)
            xy, covariance = people.xy[row], people.covariance[row, :2, :2]
            notes.append(_Note(time_s, index, xy.copy(), covariance, members[serials[row]]))

    def _name(self, time_s: float) -> None:
        """Give identities to those who are now sure enough, new ones or those they had before."""
        people = self._people
        sure = (people.id == 0) & (people.log_odds >= self._config.existence.confirmed)
        if not sure.any():
            return
        new, rows = people.take(sure), np.flatnonzero(sure)
        coasting = np.flatnonzero((people.id > 0) & (people.seen_s < time_s))
        lost = people.take(coasting)
        lost.extend(self._lost.people)
        mine, theirs = link(new, lost, self._scale, self._config.identity)
        people.id[rows[mine]] = lost.id[theirs]
        back = theirs >= len(coasting)
        self._lost.remove(theirs[back] - len(coasting))
        strangers = np.setdiff1d(rows, rows[mine])
        people.id[strangers] = np.arange(self._next_id, self._next_id + len(strangers))
        self._next_id += len(strangers)
        alive = np.ones(len(people), np.bool_)
        alive[coasting[theirs[~back]]] = False
        people.keep(alive)

    def _report(self) -> list[GlobalTrack | Relabel]:
        """What is known of confirmed tracks and not reported yet."""
        people = self._people
        found: list[GlobalTrack | Relabel] = []
        for row in np.flatnonzero(people.id > 0).tolist():
            notes = self._notes[int(people.serial[row])]
            found += [note.as_track(int(people.id[row])) for note in notes]
            notes.clear()
        return found


def _update_heights(
    people: Population, track: IntArray, height: FloatArray, config: GroundTrackerConfig
) -> None:
    """Scalar Kalman update with the mean of what the cameras show, limited as positions are."""
    if not len(track):
        return
    count = np.bincount(track, minlength=len(people))
    known = np.flatnonzero(count)
    mean = np.bincount(track, height, minlength=len(people))[known] / count[known]
    noise = config.observe.height_sigma_m**2 / count[known]
    prior = people.height_variance[known]
    difference = mean - people.height[known]
    total = prior + noise
    limit = config.motion.robust_limit
    total = total * np.maximum(difference**2 / (total * limit**2), 1.0)
    gain = prior / total
    people.height[known] += gain * difference
    people.height_variance[known] = (1.0 - gain) * prior


def _members(
    seen: Observations, track: IntArray, people: Population, names: list[str]
) -> dict[int, tuple[tuple[str, int], ...]]:
    """Camera and detection row of what was matched with each track, by serial number."""
    found: dict[int, list[tuple[str, int]]] = {}
    for row in np.flatnonzero(track >= 0).tolist():
        serial = int(people.serial[track[row]])
        found.setdefault(serial, []).append((names[seen.camera[row]], int(seen.row[row])))
    return {serial: tuple(pairs) for serial, pairs in found.items()}
