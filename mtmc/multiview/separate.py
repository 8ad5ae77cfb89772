"""One identity across cameras that do not overlap: joining what each camera's tracker found.

::

    tracker = SeparateTracker(["hall", "door"], travel=[TravelTime("hall", "door", 5, 10, 40)])
    for views in moments:                      # each View with the Tracks of its camera's tracker
        for one in tracker.update(views):      # GlobalTrack, or Relabel for a late decision
            ...
    tracker.flush()

A tracklet waits until enough of it is seen; then it is compared with everybody who can be there:
who is not somewhere else at that time, and had time to come. Those of whom no two can be the same
person are decided together. Neither calibration nor, where travel times are known, appearance is
required.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mtmc.reid.distances import DistanceStatistics
from mtmc.reid.gallery import GalleryConfig, ScaleConfig

from ..sites.travel import TravelTime
from ..types import Float32Array, FloatArray, GlobalTrack, Relabel, View
from .events import TrackerEvent
from .separate_joining import PlaceConfig, assign, explain, rivals, stay_evidence
from .separate_looks import Looks
from .separate_tracklets import Tracklet, covered_share
from .travel import TravelConfig, TravelTimes


def _gallery() -> GalleryConfig:
    return GalleryConfig(per_identity=30, scale=ScaleConfig(prior_count=10.0))


def _within() -> ScaleConfig:
    """Roughly half of what is usual across cameras."""
    return ScaleConfig(
        prior_count=10.0, same=0.15, same_sigma=0.05, different=0.35, different_sigma=0.09
    )


@dataclass(frozen=True)
class SeparateConfig:
    """All settings of `SeparateTracker`; travel times are its arguments.

    Attributes
    ----------
    crops : int
        With so many clean crops a tracklet is decided about.
    crop_step_s : float
        Crops of a tracklet are at least this far apart, seconds: closer ones say the same.
    wait_s : float
        A tracklet is decided about at the latest when it is this old, seconds.
    pause_s : float
        A tracklet that was not seen for this long is over, seconds.
    lag_s : float
        Tracks are held back until they are decided, but not longer, seconds. Later decisions are
        reported as `Relabel`. 0 is purely online.
    learn_evidence : float
        Travel times are learnt from people whom appearance alone makes this sure; natural logarithm
        of odds.
    gallery : GalleryConfig
        What is stored of identities. Its false-match rate sets how alike people have to be.
    within : ScaleConfig
        What distances of appearance within one camera mean before anything is known of the site;
        ``gallery.scale`` says it for two cameras.
    place : PlaceConfig
    travel : TravelConfig
    """

    crops: int = 8
    crop_step_s: float = 0.2
    wait_s: float = 3.0
    pause_s: float = 1.0
    lag_s: float = 2.0
    learn_evidence: float = 2.0
    gallery: GalleryConfig = field(default_factory=_gallery)
    within: ScaleConfig = field(default_factory=_within)
    place: PlaceConfig = field(default_factory=PlaceConfig)
    travel: TravelConfig = field(default_factory=TravelConfig)

    def __post_init__(self) -> None:
        if self.crops < 1:
            raise ValueError(f"crops: expected a number from 1, got {self.crops}")
        if not self.pause_s > 0:
            raise ValueError(f"pause_s: expected a value above 0, got {self.pause_s}")
        for name in ("crop_step_s", "wait_s", "lag_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")


class SeparateTracker:
    """Joins tracklets of cameras that do not overlap; a `GlobalTracker`.

    Every view needs the tracks of its camera's own tracker. Tracks are reported without a place on
    the ground.

    Parameters
    ----------
    cameras : sequence of str
        Names of all cameras.
    config : SeparateConfig or None
    travel : iterable of TravelTime
        Where they are known.
    overlaps : iterable of pairs of str
        Cameras that may see a person at the same time after all.
    statistics : DistanceStatistics or None
        Of the appearance model.

    Raises
    ------
    ValueError
        Without cameras, or when a travel time or an overlap names another one.
    """

    def __init__(
        self,
        cameras: Sequence[str],
        config: SeparateConfig | None = None,
        travel: Iterable[TravelTime] = (),
        overlaps: Iterable[Sequence[str]] = (),
        statistics: DistanceStatistics | None = None,
    ) -> None:
        if not cameras:
            raise ValueError("cameras: expected at least one, got none")
        times, pairs = list(travel), [tuple(pair) for pair in overlaps]
        named = {name for time in times for name in (time.from_camera, time.to_camera)}
        for name in sorted(named.union(*pairs) - set(cameras)):
            raise ValueError(f"camera {name!r}: expected one of {', '.join(cameras)}")
        self._config = config or SeparateConfig()
        self._position = {name: position for position, name in enumerate(cameras)}
        self._travel = TravelTimes(times, pairs, self._config.travel)
        self._looks = Looks(len(cameras), self._config.gallery, self._config.within, statistics)
        self._embeds, self._dim = False, 0
        self._current: dict[tuple[str, int], Tracklet] = {}
        self._pending: list[Tracklet] = []
        self._stays: dict[int, list[Tracklet]] = {}
        self._events: list[TrackerEvent] = []
        self._time_s = -math.inf
        self._next_number = self._next_id = 1

    def update(self, views: Sequence[View]) -> list[GlobalTrack | Relabel]:
        """Take the views of one moment, at most one per camera; later than the one before.

        Raises
        ------
        ValueError
            For a view without tracks, of an unknown camera, two of one, or time that does not
            advance.
        """
        if not views:
            return []
        names = [view.frame.camera for view in views]
        for name in names:
            if name not in self._position:
                known = ", ".join(self._position)
                raise ValueError(f"view: expected one of the cameras {known}, got {name}")
            if names.count(name) > 1:
                raise ValueError(f"view: expected one per camera, got two of {name}")
        time_s = max(view.frame.time_s for view in views)
        if not time_s > self._time_s:
            raise ValueError(f"time_s: expected a time after {self._time_s}, got {time_s}")
        self._time_s = time_s
        for view in sorted(views, key=lambda view: self._position[view.frame.camera]):
            self._see(view)
        found = self._settle(finish=False)
        self._drop_old()
        return found

    def flush(self) -> list[GlobalTrack | Relabel]:
        """Decide about everybody who is still open."""
        return self._settle(finish=True)

    def take_events(self) -> list[TrackerEvent]:
        """The decisions since the last call, with their evidence."""
        events, self._events = self._events, []
        return events

    def _see(self, view: View) -> None:
        """Take what one camera's tracker says."""
        tracks, frame, config = view.tracks, view.frame, self._config
        if tracks is None:
            raise ValueError(f"view of {frame.camera}: expected tracks of its own tracker")
        matched = tracks.det_index >= 0
        rows = tracks.det_index[matched].tolist()
        vectors = view.detections.embeddings
        if vectors is not None:
            self._embeds, self._dim = True, vectors.shape[1]
        overlap = covered_share(view, rows)
        for local_id, row, share in zip(tracks.ids[matched].tolist(), rows, overlap, strict=True):
            tracklet = self._tracklet(view, local_id, view.detections.xyxy[row])
            tracklet.see(frame.index, frame.time_s, row, view.detections.xyxy[row])
            if vectors is None or frame.time_s - tracklet.last_crop_s < config.crop_step_s:
                continue
            if np.isfinite(vectors[row]).all() and share <= config.gallery.guard.max_overlap:
                tracklet.look(frame.time_s, vectors[row], share)
                if tracklet.identity:
                    self._store(tracklet)

    def _tracklet(self, view: View, local_id: int, xyxy: FloatArray) -> Tracklet:
        """The tracklet of a local track: a new one if its identity has gone elsewhere meanwhile."""
        frame = view.frame
        known = self._current.get((frame.camera, local_id))
        if known is not None and not self._is_elsewhere(known, frame.time_s):
            return known
        tracklet = Tracklet(
            self._next_number, frame.camera, local_id, frame.time_s, frame.time_s, frame.index,
            xyxy, xyxy,
        )  # fmt: skip
        self._next_number += 1
        self._current[frame.camera, local_id] = tracklet
        self._pending.append(tracklet)
        return tracklet

    def _is_elsewhere(self, tracklet: Tracklet, time_s: float) -> bool:
        """Whether its identity was seen since by a camera that has no view in common."""
        return any(
            stay is not tracklet
            and stay.last_s > tracklet.last_s
            and stay.first_s < time_s
            and not self._travel.may_overlap(stay.camera, tracklet.camera)
            for stay in self._stays.get(tracklet.identity, ())
        )

    def _settle(self, finish: bool) -> list[GlobalTrack | Relabel]:
        """Decide about whoever is ready, and report what can be."""
        ready = [one for one in self._pending if finish or self._is_ready(one)]
        late: list[Relabel] = []
        while ready:
            group = rivals(ready, self._travel, self._config.place)
            self._decide(group)
            for one in group:
                ready.remove(one)
                self._pending.remove(one)
                if one.shown not in (0, one.identity):
                    late.append(Relabel(one.shown, one.identity, one.first_frame))
                one.shown = one.identity
        for one in self._pending:
            if not one.shown and self._time_s - one.first_s >= self._config.lag_s:
                one.shown = self._new_id()
        return [*self._report(), *late]

    def _is_ready(self, one: Tracklet) -> bool:
        config = self._config
        return (
            not self._embeds  # there is nothing to wait for
            or len(one.vectors) >= config.crops
            or self._time_s - one.first_s >= config.wait_s
            or self._time_s - one.last_s > config.pause_s
        )

    def _decide(self, group: Sequence[Tracklet]) -> None:
        """Give identities to tracklets of whom no two are the same person."""
        config, identities = self._config, sorted(self._stays)
        travel = np.full((len(group), len(identities)), -np.inf)
        for row, one in enumerate(group):
            for column, who in enumerate(identities):
                stays = self._stays[who]
                travel[row, column] = stay_evidence(one, stays, self._travel, config.place)
        queries, places = zip(*(self._query(one) for one in group), strict=True)
        distance, is_within = self._looks.distances(queries, places, identities)
        candidates = np.isfinite(travel).sum(axis=1)
        looks, threshold = self._looks.log_odds(distance, is_within, candidates)
        score = looks + travel
        chosen = assign(score)
        for row, (one, column) in enumerate(zip(group, chosen.tolist(), strict=True)):
            if column >= 0:
                one.identity = identities[column]
                if looks[row, column] >= config.learn_evidence:
                    self._learn_travel(one)
            else:
                one.identity = one.shown or self._new_id()
            details = explain(
                one, column, identities, distance[row], travel[row], score[row],
                threshold[row], config.gallery.decision.told_candidates,
            )  # fmt: skip
            self._events.append(TrackerEvent("decision", details))
        for one in group:
            self._stays.setdefault(one.identity, []).append(one)
            self._store(one)
        for one in group:
            self._learn_apart(one)

    def _query(self, one: Tracklet) -> tuple[Float32Array, int]:
        """Crops of a tracklet, and the number of its camera."""
        crops = np.stack(one.vectors) if one.vectors else np.zeros((0, self._dim), np.float32)
        return crops, self._position[one.camera]

    def _store(self, one: Tracklet) -> None:
        """Put the crops of a tracklet into the gallery of its identity."""
        if one.vectors:
            self._looks.add(one.identity, one.take_crops(self._position[one.camera]))

    def _learn_travel(self, one: Tracklet) -> None:
        before = [stay for stay in self._stays[one.identity] if stay.last_s < one.first_s]
        if before:
            last = max(before, key=lambda stay: stay.last_s)
            self._travel.learn(last.camera, one.camera, one.first_s - last.last_s)

    def _learn_apart(self, one: Tracklet) -> None:
        """Who is seen at once, and not by cameras with a common view, is two people."""
        for other in self._current.values():
            if other.identity in (0, one.identity):
                continue
            at_once = one.first_s <= other.last_s and other.first_s <= one.last_s
            if at_once and not self._travel.may_overlap(one.camera, other.camera):
                place, other_place = self._position[one.camera], self._position[other.camera]
                self._looks.learn_apart(one.identity, place, other.identity, other_place)

    def _report(self) -> list[GlobalTrack]:
        """What is seen of those who have a name, and was not reported yet."""
        members: dict[tuple[int, int], list[tuple[str, int]]] = {}
        for one in self._current.values():
            if one.shown:
                for row in one.rows:
                    key = (row.frame_index, one.shown)
                    members.setdefault(key, []).append((one.camera, row.detection))
                one.rows.clear()
        return [
            GlobalTrack(identity, index, None, tuple(members[index, identity]))
            for index, identity in sorted(members)
        ]

    def _drop_old(self) -> None:
        """Delete whoever was not seen for too long, and what is stored of them."""
        earliest = self._time_s - self._config.travel.max_gap_s
        self._current = {key: one for key, one in self._current.items() if one.last_s >= earliest}
        for identity in list(self._stays):
            recent = [stay for stay in self._stays[identity] if stay.last_s >= earliest]
            self._stays[identity] = recent
            if not recent:
                del self._stays[identity]
                self._looks.forget(identity)

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1
