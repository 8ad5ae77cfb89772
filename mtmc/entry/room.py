"""Who is in the room, who is not, and where a stretch of tracking ends."""

from __future__ import annotations

import numpy as np

from ..types import FloatArray, GlobalTrack, Relabel
from .config import EntryConfig
from .memory import Memory
from .people import Absent, Present, Stretch
from .presence import Presence
from .sightings import CropBuffer, Sighting


class Room:
    """The state of the entry query, and what every sighting changes in it.

    Parameters
    ----------
    config : EntryConfig
    memory : Memory
        Takes the crops of stretches that end.
    """

    def __init__(self, config: EntryConfig, memory: Memory) -> None:
        self._config, self._memory = config, memory
        self._next_id = 1
        self._next_tracklet = 1
        self.present: dict[int, Present] = {}
        """By the identity that the tracker underneath gave."""
        self.absent: dict[int, Absent] = {}
        """By identity."""
        self.tracklets = Presence()
        """The frames of every stretch, by the number of its tracklet."""

    @property
    def held(self) -> dict[int, int]:
        """Identities of those who are there, by key."""
        return {key: person.identity for key, person in self.present.items()}

    def new_identity(self) -> int:
        """An identity that nobody has."""
        self._next_id += 1
        return self._next_id - 1

    def new_buffer(self) -> CropBuffer:
        """For the crops of another stretch."""
        self._next_tracklet += 1
        return CropBuffer(self._next_tracklet - 1)

    def begin(self, track: GlobalTrack, time_s: float) -> None:
        """Somebody new to the tracker underneath."""
        xy = _place(track)
        stretch = Stretch(track.frame_index, time_s, True, xy, self.new_buffer())
        self.present[track.id] = Present(
            track.id, self.new_identity(), stretch, track.frame_index, time_s, xy
        )

    def see(self, sighting: Sighting, time_s: float, frame: int) -> None:
        """Note where somebody is, who is close, and what can be seen."""
        person, config = self.present[sighting.track.id], self._config
        person.seen_frame, person.seen_s = frame, time_s
        person.seen_xy = _place(sighting.track)
        near = [
            (key, gap)
            for key, gap in zip(sighting.near, sighting.gaps_m, strict=True)
            if gap < config.apart_m
        ]
        if near:
            if not person.close:
                self._memory.keep(person)
            for key, gap in near:
                if gap < person.close.get(key, (np.inf,))[0]:
                    person.close[key] = (gap, frame, time_s)
            return
        if person.close:
            self._part(person)
        person.stretch.buffer.take(
            sighting, time_s, config.sample_s, config.gallery.guard.max_overlap
        )

    def doubt(self, person: Present, closer: int, frame: int, began_s: float) -> None:
        """Somebody looks like ``closer`` since a moment: both are asked about anew."""
        person.stretch = Stretch(frame, began_s, False, person.seen_xy, person.stretch.buffer)
        for other in self.present.values():
            if other.identity == closer and other.stretch.decided:
                person.stretch.partners.add(other.key)
                before, buffer = other.stretch.buffer.tracklet, self.new_buffer()
                other.stretch = Stretch(frame, began_s, False, other.seen_xy, buffer, {person.key})
                self.tracklets.relabel(Relabel(before, buffer.tracklet, frame))

    def leave(self, person: Present, by_door: bool) -> None:
        """Somebody is not there any more."""
        self._memory.keep(person)
        self.absent[person.identity] = Absent(
            person.seen_frame, person.seen_s, person.seen_xy, by_door, person.key
        )
        del self.present[person.key]

    def merge(self, younger: int, older: int) -> None:
        """Two identities are one; at most one of them is there."""
        gone = self.absent.pop(younger, None)
        before = self.absent.get(older)
        for person in self.present.values():
            if person.identity == younger:
                person.identity = older
                self.absent.pop(older, None)
        if gone is not None and before is not None and gone.seen_frame > before.seen_frame:
            self.absent[older] = gone

    def _part(self, person: Present) -> None:
        """Begin a new stretch after somebody was too close."""
        old = person.stretch
        _, frame, time_s = min(person.close.values())
        partners = set(person.close) | (set() if old.decided else old.partners)
        before, buffer = old.buffer.tracklet, self.new_buffer()
        if old.decided:
            person.stretch = Stretch(frame, time_s, False, person.seen_xy, buffer, partners)
        else:  # nothing is known yet of who that is
            old.partners, old.buffer = partners, buffer
        since = person.stretch.since_frame
        self.tracklets.relabel(Relabel(before, buffer.tracklet, since))
        person.close = {}


def _place(track: GlobalTrack) -> FloatArray:
    return np.array(track.ground_xy or (np.nan, np.nan))
