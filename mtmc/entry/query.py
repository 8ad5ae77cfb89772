"""The entry query: whoever comes in is compared with everybody who is *not* there now.

Section 5.1 of Robust-ReID (Lawen et al., 2019): "We used ReID each time a person enters the room by
comparing it to several images per person that is currently not tracked inside the room."

The tracker underneath errs: it loses people in mid-room, and exchanges people who meet. So tracks
are cut into stretches in which nobody can have been mixed up with anybody, and of every stretch is
asked who it is: somebody who is absent, one of those whom it could have been mixed up with, the one
that the tracker goes on with, or somebody new. Looks decide, place and time are added to their
distances, and those who are asked about at once are answered one-to-one. Only crops of a stretch
that was answered enter the gallery, and none that is taken while people are close.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtmc.reid.distances import DistanceStatistics
from mtmc.reid.gallery import Gallery

from ..multiview.events import TellsEvents, TrackerEvent
from ..sites.area import Area
from ..types import Detections, GlobalTrack, GlobalTracker, Relabel, View
from .config import EntryConfig
from .evidence import evidence
from .judge import Answer, Question, judge
from .people import Absent, Present, Stretch
from .places import Places
from .relabelling import consistent, relabelled, renamed, together
from .sightings import CropBuffer, Sighting, sightings

GONE_S = 1.0
"""A track that is not reported for so long is not there."""
LEFT_S = 0.4
"""And one that was seen last where people leave has left: the next one there is somebody else."""
HISTORY = 512
"""Moments whose detections are kept for tracks that are reported late."""


class EntryQuery:
    """Gives the people of a ground tracker the identities they had on earlier visits.

    A `GlobalTracker` around another one, whose identities are taken as stretches of tracking:
    tentative identities come out at once, and `Relabel` events once it is known who that is.

    Parameters
    ----------
    tracker : GlobalTracker
        The tracker underneath.
    cameras : sequence of str
        Names of the cameras.
    config : EntryConfig or None
    statistics : DistanceStatistics or None
        Of the appearance model.
    entries : sequence of Area
        Where people come in and go out; none means anywhere.
    """

    def __init__(
        self,
        tracker: GlobalTracker,
        cameras: Sequence[str],
        config: EntryConfig | None = None,
        statistics: DistanceStatistics | None = None,
        entries: Sequence[Area] = (),
    ) -> None:
        self._tracker = tracker
        self._cameras = {name: number for number, name in enumerate(cameras)}
        self._config = config or EntryConfig()
        self._statistics = statistics
        self._places = Places(entries, self._config)
        self._events: list[TrackerEvent] = []
        self._gallery: Gallery | None = None
        self._present: dict[int, Present] = {}
        self._absent: dict[int, Absent] = {}
        self._views: dict[int, tuple[float, dict[str, Detections]]] = {}
        self._apart: set[tuple[int, int]] = set()
        self._newest = 0
        self._asked_s = -np.inf
        self._next_id = 1
        self._next_tracklet = 1

    @property
    def gallery(self) -> Gallery | None:
        """What is kept of everybody; None before anybody was seen clearly."""
        return self._gallery

    def forget(self, identity: int) -> bool:
        """Delete what is kept of somebody; False when nothing is. Tracks are left as they are."""
        self._absent.pop(identity, None)
        self._apart = {pair for pair in self._apart if identity not in pair}
        return self._gallery is not None and self._gallery.forget(identity)

    def update(self, views: Sequence[View]) -> list[GlobalTrack | Relabel]:
        """Take the views of one moment; see `GlobalTracker`."""
        found = self._tracker.update(views)
        if views:
            frame = views[0].frame
            people = {view.frame.camera: view.detections for view in views}
            self._views[frame.index] = (float(frame.time_s), people)
            while len(self._views) > HISTORY:
                self._views.pop(next(iter(self._views)))
        return self._process(found)

    def flush(self) -> list[GlobalTrack | Relabel]:
        """Decide what is still open."""
        answer = self._process(self._tracker.flush())
        end = max((time_s for time_s, _ in self._views.values()), default=0.0)
        return answer + self._ask(list(self._present.values()), end, self._newest, last=True)

    def take_events(self) -> list[TrackerEvent]:
        """Decisions with their evidence since the last call, and what the other tracker tells."""
        events, self._events = self._events, []
        if isinstance(self._tracker, TellsEvents):
            events = [*self._tracker.take_events(), *events]
        return events

    def _process(self, found: Sequence[GlobalTrack | Relabel]) -> list[GlobalTrack | Relabel]:
        """Events first, for they speak of what came out before; then the tracks."""
        by_frame: dict[int, list[GlobalTrack]] = {}
        for one in found:
            if isinstance(one, GlobalTrack):
                by_frame.setdefault(one.frame_index, []).append(one)
        answer: list[GlobalTrack | Relabel] = []
        for frame in sorted(by_frame):
            if frame not in self._views:
                continue
            if frame > self._newest:
                self._newest = frame
                answer += self._moment(frame, by_frame[frame])
            else:  # tracks are reported from where they began, once they count
                for track in by_frame[frame]:
                    if track.id not in self._present:
                        self._begin(track, self._views[frame][0])
        known = {key: one.identity for key, one in self._present.items()}
        tracks = [t for frame in sorted(by_frame) for t in by_frame[frame] if t.id in known]
        return [*answer, *(relabelled(track, known[track.id]) for track in tracks)]

    def _moment(self, frame: int, tracks: Sequence[GlobalTrack]) -> list[GlobalTrack | Relabel]:
        time_s, people = self._views[frame]
        answer = self._retire(time_s, frame)
        for sighting in sightings(tracks, people, self._cameras):
            if sighting.track.id not in self._present:
                self._begin(sighting.track, time_s)
            self._see(self._present[sighting.track.id], sighting, time_s, frame)
        if time_s - self._asked_s >= self._config.sample_s - 1e-9:
            answer += self._ask(list(self._present.values()), time_s, frame)
            self._learn_apart()
            self._asked_s = time_s
        return answer

    def _begin(self, track: GlobalTrack, time_s: float) -> None:
        """Somebody new to the tracker underneath."""
        xy = np.array(track.ground_xy or (np.nan, np.nan))
        stretch = Stretch(track.frame_index, time_s, True, xy, self._new_buffer())
        self._present[track.id] = Present(
            track.id, self._new_identity(), stretch, track.frame_index, time_s, xy
        )

    def _see(self, person: Present, sighting: Sighting, time_s: float, frame: int) -> None:
        person.seen_frame, person.seen_s = frame, time_s
        person.seen_xy = np.array(sighting.track.ground_xy or (np.nan, np.nan))
        near = [
            (key, gap)
            for key, gap in zip(sighting.near, sighting.gaps_m, strict=True)
            if gap < self._config.apart_m
        ]
        if near:
            if not person.close:
                self._commit(person)
            for key, gap in near:
                if gap < person.close.get(key, (np.inf,))[0]:
                    person.close[key] = (gap, frame, time_s)
            return
        if person.close:
            self._part(person)
        config = self._config
        person.stretch.buffer.take(
            sighting, time_s, config.sample_s, config.gallery.guard.max_overlap
        )

    def _part(self, person: Present) -> None:
        """Begin a new stretch after somebody was too close."""
        old = person.stretch
        _, frame, time_s = min(person.close.values())
        partners = set(person.close) | (set() if old.decided else old.partners)
        if old.decided:
            person.stretch = Stretch(
                frame, time_s, False, person.seen_xy, self._new_buffer(), partners
            )
        elif old.born:  # nothing is known of who came in
            old.partners, old.buffer = partners, self._new_buffer()
        else:
            old.partners, old.buffer = partners, self._new_buffer()
        person.close = {}

    def _commit(self, person: Present) -> None:
        """What is known to be this person goes into the gallery."""
        buffer = person.stretch.buffer
        if not person.stretch.decided or not len(buffer):
            return
        if self._closer(person) is not None:  # too late to ask, but not to keep the gallery clean
            buffer.clear()
            return
        gallery = self._the_gallery(buffer)
        gallery.add(person.identity, buffer.crops())
        gallery.refine(whole=[(person.identity, buffer.tracklet)])
        buffer.clear()

    def _ask(
        self, people: Sequence[Present], time_s: float, frame: int, last: bool = False
    ) -> list[GlobalTrack | Relabel]:
        """The query itself, of all who can be answered now."""
        for person in people:
            if person.stretch.decided and len(person.stretch.buffer) >= self._config.min_crops:
                self._check(person)
        asked = [p for p in people if not p.stretch.decided and self._ready(p, time_s, last)]
        if not asked:
            return []
        identities, question = self._question(asked, time_s)
        answer = judge(question)
        sure = [
            row
            for row, person in enumerate(asked)
            if last or self._over(person, time_s) or self._sure(person, answer, row)
        ]
        return self._answer(asked, sure, identities, question, answer, time_s, frame)

    def _ready(self, person: Present, time_s: float, last: bool) -> bool:
        if person.close and not last:
            return False
        enough = len(person.stretch.buffer) >= self._config.min_crops
        return enough or last or self._over(person, time_s)

    def _over(self, person: Present, time_s: float) -> bool:
        """Whether the time to wait is over."""
        began = person.stretch.buffer.first_s
        return time_s - (began if began is not None else person.seen_s) >= self._config.max_wait_s

    def _sure(self, person: Present, answer: Answer, row: int) -> bool:
        if answer.column[row] < 0 and self._places.mid_room(person.stretch.xy):
            return False  # nobody new begins in mid-room: somebody may yet be found to be lost
        return bool(answer.lead[row] >= self._config.doubtful)

    def _question(self, asked: Sequence[Present], time_s: float) -> tuple[list[int], Question]:
        """Distances and priors of those asked about, to all whom they could be."""
        identities = list(self._absent)
        identities += [p.identity for p in asked if p.identity not in identities]
        column = {who: number for number, who in enumerate(identities)}
        prior = np.full((len(asked), len(identities)), np.inf)
        own = np.full(len(asked), -1, np.int64)
        for row, person in enumerate(asked):
            for who, absent in self._absent.items():
                prior[row, column[who]] = self._places.prior(person.stretch, absent)
            for other in asked:
                if other.key in person.stretch.partners and not other.stretch.born:
                    prior[row, column[other.identity]] = 0.0
            if not person.stretch.born:
                own[row] = column[person.identity]
                prior[row, own[row]] = -self._config.keep
        unknown, threshold = 1.0, np.ones(len(asked))
        distance = np.full(prior.shape, np.nan)
        if self._gallery is not None:
            queries = [self._vectors(person) for person in asked]
            distance = self._gallery.distances(queries, np.array(identities, np.int64))
            candidates = np.isfinite(prior).sum(axis=1)
            scale = self._gallery.scale
            threshold = np.array([scale.threshold(int(count)) for count in candidates])
            unknown = scale.different.mean
        # of whom nothing is seen clearly, place alone says who was lost there
        blind = np.isnan(distance) & (prior < 0)
        distance = np.where(blind, threshold[:, None], distance)
        return identities, Question(distance, prior, own, threshold, unknown)

    def _answer(
        self, asked: Sequence[Present], sure: Sequence[int], identities: Sequence[int],
        question: Question, answer: Answer, time_s: float, frame: int,
    ) -> list[GlobalTrack | Relabel]:  # fmt: skip
        """Carry out what was decided about those that are sure."""
        choice = {
            asked[row].key: (
                asked[row].identity if answer.column[row] < 0 else identities[answer.column[row]]
            )
            for row in sure
        }
        choice = consistent(choice, {key: p.identity for key, p in self._present.items()})
        moved: dict[int, tuple[int, int]] = {}
        for row in sure:
            person = asked[row]
            if person.key not in choice:
                continue
            identity = choice[person.key]
            told = evidence(person, row, identity, identities, question, answer)
            moment = {"frame": frame, "time_s": round(time_s, 3)}
            self._events.append(TrackerEvent("identity", moment | told))
            person.stretch.decided = True
            if identity != person.identity:
                absent = self._absent.get(identity)
                seen = 0 if absent is None else absent.seen_frame + 1
                moved[person.identity] = (identity, max(person.stretch.since_frame, seen))
        moved = together(moved)
        holders = {p.identity: p for p in self._present.values()}
        for old, (new, since) in moved.items():
            person = holders[old]
            self._absent.pop(new, None)
            if not person.stretch.born and all(old != other for other, _ in moved.values()):
                # the tracker went over to another person, and the one it followed was lost
                stretch = person.stretch
                self._absent[old] = Absent(since - 1, stretch.since_s, stretch.xy, False, -since)
            person.identity = new
        for row in sure:
            self._commit(asked[row])
        return list(renamed(moved, self._new_identity))

    def _check(self, person: Present) -> None:
        """Do the latest crops still show that person? Then they are kept; else ask anew."""
        closer = self._closer(person)
        if closer is None:
            self._commit(person)
            return
        buffer = person.stretch.buffer
        began = buffer.first_s if buffer.first_s is not None else person.seen_s
        frame = min((f for f, (t, _) in self._views.items() if t >= began), default=self._newest)
        person.stretch = Stretch(frame, began, False, person.seen_xy, buffer)
        for other in self._present.values():
            if other.identity == closer and other.stretch.decided:
                person.stretch.partners.add(other.key)
                other.stretch = Stretch(
                    frame, began, False, other.seen_xy, self._new_buffer(), {person.key}
                )

    def _closer(self, person: Present) -> int | None:
        """Somebody else whom the crops since the last answer show rather than this one."""
        gallery = self._gallery
        if gallery is None or not gallery.crops_of(person.identity):
            return None
        others = gallery.identities[gallery.identities != person.identity]
        if not len(others):
            return None
        identities = np.concatenate([[person.identity], others])
        distance = gallery.distances([self._vectors(person)], identities)[0]
        best = int(distance[1:].argmin())
        if distance[0] - distance[1 + best] > self._config.recheck:
            return int(others[best])
        return None

    def _retire(self, time_s: float, frame: int) -> list[GlobalTrack | Relabel]:
        """Those who are not reported any more are not there."""
        answer: list[GlobalTrack | Relabel] = []
        for key, person in list(self._present.items()):
            at_door = self._places.at_entry(person.seen_xy)
            if time_s - person.seen_s <= (LEFT_S if at_door else GONE_S):
                continue
            if not person.stretch.decided and len(person.stretch.buffer):
                answer += self._ask([person], time_s, frame, last=True)
            self._commit(person)
            undecided = person.stretch.born and not person.stretch.decided
            self._absent[person.identity] = Absent(
                person.seen_frame, person.seen_s, person.seen_xy, at_door, key,
                person.stretch.since_frame if undecided else None,
            )  # fmt: skip
            del self._present[key]
        return answer

    def _learn_apart(self) -> None:
        """People who are there at once are different: what that says of distances."""
        if self._gallery is None:
            return
        known = set(self._gallery.identities.tolist())
        there = sorted(
            p.identity
            for p in self._present.values()
            if p.stretch.decided and not p.close and p.identity in known
        )
        pairs = {(a, b) for i, a in enumerate(there) for b in there[i + 1 :]} - self._apart
        if pairs:
            self._gallery.refine(apart=sorted(pairs))
            self._apart |= pairs

    def _vectors(self, person: Present) -> Any:
        if not len(person.stretch.buffer) and self._gallery is not None:
            return np.zeros((0, self._gallery.embedding_dim), np.float32)
        return person.stretch.buffer.vectors(self._config.query_crops)

    def _the_gallery(self, buffer: CropBuffer) -> Gallery:
        if self._gallery is None:
            dim = buffer.vectors(1).shape[1]
            self._gallery = Gallery(dim, self._config.gallery, self._statistics)
        return self._gallery

    def _new_identity(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _new_buffer(self) -> CropBuffer:
        self._next_tracklet += 1
        return CropBuffer(self._next_tracklet - 1)
