"""The entry query: whoever comes in is compared with everybody who is *not* there now.

Section 5.1 of Robust-ReID (Lawen et al., 2019): "We used ReID each time a person enters the room by
comparing it to several images per person that is currently not tracked inside the room."
Around it is what keeps the stored images right: none are taken while people are close or cover each
other; after two were close enough to be mixed up, both are compared with both galleries and
exchanged where that fits better; and whoever is lost in mid-room is taken up again by place and
time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mtmc.reid.distances import DistanceStatistics
from mtmc.reid.gallery import Decision, Entrant, Gallery

from ..sites.area import Area
from ..types import Detections, FloatArray, GlobalTrack, GlobalTracker, Relabel, View
from .config import EntryConfig
from .people import Absent, Present
from .relabelling import exchange, relabelled
from .sightings import CropBuffer, Sighting, sightings
from .swaps import best_exchange, groups

GONE_S = 1.0
"""A track that is not reported for so long is not there."""
LEFT_S = 0.4
"""And one that was seen last where people leave has left: the next one there is somebody else."""
HISTORY = 512
"""Moments whose detections are kept for tracks that are reported late."""

Journal = Callable[[Mapping[str, Any]], None]


class EntryQuery:
    """Gives the people of a ground tracker the identities they had on earlier visits.

    A `GlobalTracker` around another one, whose identities are taken as stretches of tracking:
    tentative identities come out at once, and `Relabel` events once it is known who that is.
    Without embeddings the identities of the tracker underneath come out.

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
    journal : callable
        Called with every decision and its evidence, as plain values.
    """

    def __init__(
        self,
        tracker: GlobalTracker,
        cameras: Sequence[str],
        config: EntryConfig | None = None,
        statistics: DistanceStatistics | None = None,
        entries: Sequence[Area] = (),
        journal: Journal = lambda _: None,
    ) -> None:
        self._tracker = tracker
        self._cameras = {name: number for number, name in enumerate(cameras)}
        self._config = config or EntryConfig()
        self._statistics, self._entries, self._journal = statistics, tuple(entries), journal
        self._gallery: Gallery | None = None
        self._present: dict[int, Present] = {}
        self._absent: dict[int, Absent] = {}
        self._views: dict[int, tuple[float, dict[str, Detections]]] = {}
        self._apart: set[tuple[int, int]] = set()
        self._newest = 0
        self._asked_s = -np.inf
        self._next_id = 1
        self._next_tracklet = 1

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
        answer += self._ask(end + self._config.max_wait_s + GONE_S, self._newest, force=True)
        return answer

    def _process(self, found: Sequence[GlobalTrack | Relabel]) -> list[GlobalTrack | Relabel]:
        by_frame: dict[int, list[GlobalTrack]] = {}
        for one in found:
            if isinstance(one, GlobalTrack):
                by_frame.setdefault(one.frame_index, []).append(one)
        answer: list[GlobalTrack | Relabel] = []
        for frame in sorted(by_frame):
            if frame in self._views and frame > self._newest:
                continue
            self._backdate(by_frame[frame])
        for frame in sorted(frame for frame in by_frame if frame > self._newest):
            self._newest = frame
            if frame in self._views:
                answer += self._moment(frame, by_frame[frame])
        known = {key: one.identity for key, one in self._present.items()}
        tracks = [t for frame in sorted(by_frame) for t in by_frame[frame] if t.id in known]
        return [*answer, *(relabelled(track, known[track.id]) for track in tracks)]

    def _backdate(self, tracks: Sequence[GlobalTrack]) -> None:
        """Tracks that are reported from where they began, once they count."""
        for track in tracks:
            if track.id not in self._present and track.frame_index in self._views:
                time_s = self._views[track.frame_index][0]
                self._begin(track, time_s)

    def _moment(self, frame: int, tracks: Sequence[GlobalTrack]) -> list[GlobalTrack | Relabel]:
        time_s, people = self._views[frame]
        seen = sightings(tracks, people, self._cameras)
        answer = self._retire(time_s, frame)
        for sighting in seen:
            if sighting.track.id not in self._present:
                self._begin(sighting.track, time_s)
        for sighting in seen:
            self._see(sighting, time_s, frame)
        answer += self._settle(time_s, frame)
        if time_s - self._asked_s >= self._config.sample_s - 1e-9:
            answer += self._ask(time_s, frame)
            self._learn_apart()
            self._asked_s = time_s
        return answer

    def _begin(self, track: GlobalTrack, time_s: float) -> None:
        """Somebody new to the tracker underneath."""
        xy = np.array(track.ground_xy or (np.nan, np.nan))
        person = Present(
            key=track.id, identity=0, waiting=True, born_frame=track.frame_index, born_s=time_s,
            born_xy=xy, seen_s=time_s, seen_xy=xy, candidates=(), buffer=self._new_buffer(),
        )  # fmt: skip
        back = self._lost_here(xy, time_s)
        if back is not None:
            absent = self._absent.pop(back)
            person.identity, person.waiting = back, False
            person.partners = {k: v for k, v in absent.partners.items() if k in self._present}
            person.doubt_s = time_s if person.partners else None
            for key in person.partners:
                other = self._present[key]
                if absent.key in other.partners:
                    other.partners[track.id] = other.partners.pop(absent.key)
            self._tell("relinked", person, time_s, track.frame_index,
                       reason="lost here a moment ago", gap_s=time_s - absent.seen_s)  # fmt: skip
        else:
            person.identity = self._new_identity()
            person.candidates = self._candidates(xy)
        self._present[track.id] = person

    def _lost_here(self, xy: FloatArray, time_s: float) -> int | None:
        """Who was lost nearby in mid-room a moment ago: the nearest."""
        config, nearest, best = self._config, None, np.inf
        for identity, absent in self._absent.items():
            gap_s = time_s - absent.seen_s
            distance = float(np.linalg.norm(xy - absent.seen_xy))
            reach = config.relink_start_m + config.relink_speed * gap_s
            if absent.left or not 0 < gap_s <= config.relink_gap_s:
                continue
            if distance <= reach and distance / reach < best:
                nearest, best = identity, distance / reach
        return nearest

    def _candidates(self, xy: FloatArray) -> tuple[int, ...]:
        """Who that can be. Nobody enters in mid-room: there it is somebody who was lost there."""
        everybody = tuple(self._absent)
        if not self._entries or self._at_entry(xy):
            return everybody
        inside = tuple(who for who, absent in self._absent.items() if not absent.left)
        return inside or everybody

    def _see(self, sighting: Sighting, time_s: float, frame: int) -> None:
        person = self._present[sighting.track.id]
        person.seen_s = time_s
        person.seen_xy = np.array(sighting.track.ground_xy or (np.nan, np.nan))
        near = [
            (key, gap)
            for key, gap in zip(sighting.near, sighting.gaps_m, strict=True)
            if gap < self._config.apart_m
        ]
        if near:
            if not person.close and not person.waiting:
                self._commit(person)
            person.close = True
            for key, gap in near:
                least = person.partners.get(key)
                if least is None or gap < least[0]:
                    person.partners[key] = (gap, frame)
            return
        if person.close:
            person.close = False
            if person.waiting:
                # the crops before are of whoever came in: too few, and one begins again
                if len(person.buffer) < self._config.gallery.decision.min_crops:
                    person.buffer = self._new_buffer()
                person.partners.clear()
            else:
                person.buffer, person.doubt_s = self._new_buffer(), time_s
        person.buffer.take(sighting, time_s, self._config.sample_s,
                           self._config.gallery.guard.max_overlap)  # fmt: skip
        if len(person.buffer) >= self._config.query_crops:
            self._commit(person)

    def _commit(self, person: Present) -> None:
        """What is known to be this person goes into the gallery."""
        if person.doubt_s is not None or person.waiting or not len(person.buffer):
            return
        gallery = self._the_gallery(person.buffer)
        gallery.add(person.identity, person.buffer.crops())
        gallery.refine(whole=[(person.identity, person.buffer.tracklet)])
        person.buffer.clear()

    def _settle(self, time_s: float, frame: int) -> list[GlobalTrack | Relabel]:
        """Look anew at those who were close to others and are apart now."""
        if self._gallery is None:
            return []
        config = self._config
        answer: list[GlobalTrack | Relabel] = []
        for group in groups(self._present):
            members = [self._present[key] for key in group]
            late = [time_s - (m.doubt_s or time_s) >= config.settle_s for m in members]
            ready = [len(m.buffer) >= config.settle_crops for m in members]
            if any(m.close and not m.waiting for m in members) and not any(late):
                continue
            if not all(enough or old for enough, old in zip(ready, late, strict=True)):
                continue
            looked = [m for m, r in zip(members, ready, strict=True) if r and not m.close]
            answer += self._exchange(looked, members, time_s, frame)
            for member in looked:
                member.doubt_s = None
                member.partners.clear()
                self._commit(member)
            for member, is_late in zip(members, late, strict=True):
                if is_late and member not in looked and not member.close:
                    member.doubt_s = None
                    member.partners.clear()
                    member.buffer = self._new_buffer()
        return answer

    def _exchange(
        self, looked: Sequence[Present], members: Sequence[Present], time_s: float, frame: int
    ) -> list[GlobalTrack | Relabel]:
        gallery = self._gallery
        if gallery is None or not looked:
            return []
        own = [person.identity for person in looked]
        lost = self._lost_among(looked)
        identities = np.array(own + lost, np.int64)
        queries = [p.buffer.vectors(self._config.query_crops) for p in looked]
        distance = gallery.distances(queries, identities)
        chosen = best_exchange(distance, self._config.swap_margin, gallery.scale.different.mean)
        if (chosen == np.arange(len(own))).all():
            return []
        pairs = [(p, int(identities[c])) for p, c in zip(looked, chosen.tolist(), strict=True)]
        moved = [(p, who) for p, who in pairs if p.identity != who]
        since = max((f for p, _ in moved for _, f in p.partners.values()), default=frame)
        for person, who in moved:
            column = int(np.flatnonzero(identities == who)[0])
            row = looked.index(person)
            self._tell(
                "exchanged", person, time_s, frame, since=since, new=who,
                distance=round(float(distance[row, column]), 4),
                own_distance=round(float(distance[row, row]), 4),
                reason="closer to that gallery, after the two were too close to tell apart",
            )  # fmt: skip
        mapping = {person.identity: who for person, who in moved}
        freed = set(mapping) - set(mapping.values())
        for who in set(mapping.values()) - set(mapping):
            self._absent.pop(who, None)
        for identity in freed:  # the one who was lost is the other
            last = next(p for p, _ in moved if p.identity == identity)
            self._absent[identity] = Absent(last.seen_s, last.seen_xy, False, -1, {})
        for person, who in moved:
            person.identity = who
        return list(exchange(mapping, since, self._new_identity))

    def _lost_among(self, looked: Sequence[Present]) -> list[int]:
        """Identities that were lost while they were close to some of these."""
        keys = {key for person in looked for key in person.partners}
        return [who for who, absent in self._absent.items() if absent.key in keys]

    def _ask(self, time_s: float, frame: int, force: bool = False) -> list[GlobalTrack | Relabel]:
        """The query itself, for all who wait."""
        config = self._config
        waiting = [p for p in self._present.values() if p.waiting]
        entrants = []
        for person in waiting:
            free = [who for who in person.candidates if who in self._absent]
            final = force or time_s - person.born_s >= config.max_wait_s
            vectors = person.buffer.vectors(config.query_crops)
            if not len(vectors) and self._gallery is not None:
                vectors = np.zeros((0, self._gallery.embedding_dim), np.float32)
            entrants.append(Entrant(vectors, np.array(free, np.int64), final))
        if not waiting:
            return []
        if self._gallery is None:
            dims = [e.embeddings.shape[1] for e in entrants if len(e.embeddings)]
            if not dims:
                return self._without_looks(waiting, entrants)
            self._gallery = Gallery(dims[0], config.gallery, self._statistics)
        dim = self._gallery.embedding_dim
        entrants = [
            e if e.embeddings.shape[1] == dim
            else Entrant(np.zeros((0, dim), np.float32), e.candidates, e.final)
            for e in entrants
        ]  # fmt: skip
        answer: list[GlobalTrack | Relabel] = []
        for person, decision in zip(waiting, self._gallery.decide(entrants), strict=True):
            answer += self._decided(person, decision, time_s, frame)
        return answer

    def _without_looks(
        self, waiting: Sequence[Present], entrants: Sequence[Entrant]
    ) -> list[GlobalTrack | Relabel]:
        """Without any embedding everybody is new."""
        for person, entrant in zip(waiting, entrants, strict=True):
            person.waiting = not entrant.final
        return []

    def _decided(
        self, person: Present, decision: Decision, time_s: float, frame: int
    ) -> list[GlobalTrack | Relabel]:
        if decision.kind == "wait":
            return []
        person.waiting = False
        tentative = person.identity
        self._tell("decided", person, time_s, frame, **asdict(decision))
        answer: list[GlobalTrack | Relabel] = []
        if decision.kind == "known" and decision.identity is not None:
            person.identity = decision.identity
            self._absent.pop(decision.identity, None)
            answer.append(Relabel(tentative, decision.identity, person.born_frame))
        self._commit(person)
        return answer

    def _retire(self, time_s: float, frame: int) -> list[GlobalTrack | Relabel]:
        """Those who are not reported any more are not there."""
        answer: list[GlobalTrack | Relabel] = []
        for key, person in list(self._present.items()):
            at_door = self._at_entry(person.seen_xy)
            if time_s - person.seen_s <= (LEFT_S if at_door else GONE_S):
                continue
            if person.waiting:
                answer += self._last_word(person, time_s, frame)
            self._commit(person)
            self._absent[person.identity] = Absent(
                person.seen_s, person.seen_xy, at_door, key, person.partners
            )
            del self._present[key]
        return answer

    def _last_word(self, person: Present, time_s: float, frame: int) -> list[GlobalTrack | Relabel]:
        """Decide about one who left before it was decided."""
        person.waiting = False
        vectors = person.buffer.vectors(self._config.query_crops)
        if self._gallery is None or not len(vectors):
            return []
        free = np.array([who for who in person.candidates if who in self._absent], np.int64)
        decision = self._gallery.decide([Entrant(vectors, free, True)])[0]
        person.waiting = True
        return self._decided(person, decision, time_s, frame)

    def _learn_apart(self) -> None:
        """People who are there at once are different: what that says of distances."""
        if self._gallery is None:
            return
        known = self._gallery.identities
        there = sorted(
            p.identity
            for p in self._present.values()
            if not p.waiting and p.doubt_s is None and p.identity in known
        )
        pairs = {(a, b) for i, a in enumerate(there) for b in there[i + 1 :]} - self._apart
        if pairs:
            self._gallery.refine(apart=sorted(pairs))
            self._apart |= pairs

    def _at_entry(self, xy: FloatArray) -> bool:
        if not self._entries:
            return False
        return any(bool(area.contains(xy[None])[0]) for area in self._entries)

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

    def _tell(self, event: str, person: Present, time_s: float, frame: int, **more: Any) -> None:
        self._journal(
            {"event": event, "frame": frame, "time_s": round(time_s, 3), "track": person.identity,
             "since_frame": person.born_frame, **more}
        )  # fmt: skip
