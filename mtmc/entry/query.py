"""The entry query: whoever comes in is compared with everybody who is *not* there now.

Section 5.1 of Robust-ReID (Lawen et al., 2019): "We used ReID each time a person enters the room by
comparing it to several images per person that is currently not tracked inside the room."

The tracker underneath errs: it loses people in mid-room, and exchanges people who meet. So tracks
are cut into stretches in which nobody can have been mixed up with anybody, and of every stretch is
asked who it is: somebody who is absent, one of those whom it could have been mixed up with, the one
that the tracker goes on with, or somebody new. Looks decide, place and time are added to their
distances, and those who are asked about at once are answered one-to-one. Only crops of a stretch
that was answered enter the gallery, and none that is taken while people are close.

What comes later says more than a few seconds' crops: see `second_thoughts`.
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
from .asking import over, question_of, ready, sure
from .config import EntryConfig
from .evidence import evidence
from .judge import Answer, Question, judge
from .memory import Memory
from .people import Absent, Present
from .places import Places
from .presence import Presence
from .relabelling import consistent, relabelled, renamed, together
from .room import Room
from .second_thoughts import SecondThoughts
from .sightings import sightings

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
        self._places = Places(entries, self._config)
        self._memory = Memory(self._config, statistics)
        self._room = Room(self._config, self._memory)
        self._presence = Presence()
        self._second_thoughts = SecondThoughts(
            self._config, self._room, self._memory, self._presence
        )
        self._events: list[TrackerEvent] = []
        self._views: dict[int, tuple[float, dict[str, Detections]]] = {}
        self._newest = 0
        self._asked_s = -np.inf

    @property
    def gallery(self) -> Gallery | None:
        """What is kept of everybody; None before anybody was seen clearly."""
        return self._memory.gallery

    def forget(self, identity: int) -> bool:
        """Delete what is kept of somebody; False when nothing is. Tracks are left as they are."""
        self._room.absent.pop(identity, None)
        self._presence.forget(identity)
        return self._memory.forget(identity)

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
        answer += self._ask(list(self._room.present.values()), end, self._newest, last=True)
        return answer + self._reconsider(end, self._newest)

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
                    if track.id not in self._room.present:
                        self._room.begin(track, self._views[frame][0])
        for frame in sorted(by_frame):
            for track in by_frame[frame]:
                person = self._room.present.get(track.id)
                if person is not None:
                    answer.append(relabelled(track, person.identity))
                    self._presence.see(person.identity, frame)
                    self._room.tracklets.see(person.stretch.buffer.tracklet, frame)
        return answer

    def _moment(self, frame: int, tracks: Sequence[GlobalTrack]) -> list[GlobalTrack | Relabel]:
        time_s, people = self._views[frame]
        answer = self._retire(time_s, frame)
        for sighting in sightings(tracks, people, self._cameras):
            if sighting.track.id not in self._room.present:
                self._room.begin(sighting.track, time_s)
            self._room.see(sighting, time_s, frame)
        if time_s - self._asked_s >= self._config.sample_s - 1e-9:
            present = list(self._room.present.values())
            answer += self._ask(present, time_s, frame)
            answer += self._reconsider(time_s, frame)
            self._memory.learn_apart(present)
            self._asked_s = time_s
        return answer

    def _ask(
        self, people: Sequence[Present], time_s: float, frame: int, last: bool = False
    ) -> list[GlobalTrack | Relabel]:
        """The query itself, of all who can be answered now."""
        config = self._config
        for person in people:
            if person.stretch.decided and len(person.stretch.buffer) >= config.min_crops:
                self._check(person)
        asked = [p for p in people if not p.stretch.decided and (last or ready(p, time_s, config))]
        if not asked:
            return []
        identities, question = question_of(
            asked, self._room.absent, self._places, self._memory, config
        )
        answer = judge(question)
        rows = [
            row
            for row, person in enumerate(asked)
            if last
            or over(person, time_s, config)
            or sure(person, answer, row, self._places, config)
        ]
        return self._answer(asked, rows, identities, question, answer, time_s, frame)

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
        choice = consistent(choice, self._room.held)
        moved: dict[int, tuple[int, int]] = {}
        for row in sure:
            person = asked[row]
            if person.key not in choice:
                continue
            identity = choice[person.key]
            self._tell(time_s, frame, evidence(person, row, identity, identities, question, answer))
            person.stretch.decided = True
            if identity != person.identity:
                absent = self._room.absent.get(identity)
                seen = 0 if absent is None else absent.seen_frame + 1
                moved[person.identity] = (identity, max(person.stretch.since_frame, seen))
        moved = together(moved)
        self._rename(moved)
        for row in sure:
            self._memory.keep(asked[row])
        events = list(renamed(moved, self._room.new_identity))
        self._presence.follow(events)
        return [*events]

    def _rename(self, moved: dict[int, tuple[int, int]]) -> None:
        """People are somebody else: identity to the new one, and the frame since when."""
        room = self._room
        holders = {p.identity: p for p in room.present.values()}
        for old, (new, since) in moved.items():
            person = holders[old]
            room.absent.pop(new, None)
            if not person.stretch.born and all(old != other for other, _ in moved.values()):
                # the tracker went over to another person, and the one it followed was lost
                stretch = person.stretch
                room.absent[old] = Absent(since - 1, stretch.since_s, stretch.xy, False, -since)
            person.identity = new

    def _check(self, person: Present) -> None:
        """Do the latest crops still show that person? Then they are kept; else ask anew."""
        closer = self._memory.closer(person)
        if closer is None:
            self._memory.keep(person, checked=True)
            return
        began = person.stretch.buffer.first_s
        began = began if began is not None else person.seen_s
        frame = min((f for f, (t, _) in self._views.items() if t >= began), default=self._newest)
        self._room.doubt(person, closer, frame, began)

    def _reconsider(self, time_s: float, frame: int) -> list[GlobalTrack | Relabel]:
        """What later crops say of earlier answers."""
        answer: list[GlobalTrack | Relabel] = []
        for told, events in self._second_thoughts():
            self._tell(time_s, frame, told)
            answer += events
        return answer

    def _retire(self, time_s: float, frame: int) -> list[GlobalTrack | Relabel]:
        """Those who are not reported any more are not there."""
        answer: list[GlobalTrack | Relabel] = []
        for person in list(self._room.present.values()):
            if time_s - person.seen_s <= LEFT_S:
                continue
            at_door = self._places.at_entry(person.seen_xy)
            if not at_door and time_s - person.seen_s <= GONE_S:
                continue
            if not person.stretch.decided and len(person.stretch.buffer):
                answer += self._ask([person], time_s, frame, last=True)
            self._room.leave(person, at_door)
        return answer

    def _tell(self, time_s: float, frame: int, told: dict[str, Any]) -> None:
        moment = {"frame": frame, "time_s": round(time_s, 3)}
        self._events.append(TrackerEvent("identity", moment | told))
