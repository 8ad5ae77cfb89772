"""Late decisions, once more is known of people: who is one person, and what was whose.

An entry query has to answer within seconds, from the crops of these seconds. What comes later says
more: two identities that look the same and were never there at once are one person; and where two
who look alike were there at once, what was seen of them then is certain, so that what was seen at
other times can be compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mtmc.reid.gallery_tracklets import Misplaced

from ..types import Relabel
from .config import EntryConfig
from .evidence import evidence_of_double, evidence_of_misplaced
from .memory import Double, Memory
from .merging import merged, reassigned
from .presence import GAP, Presence, Span, common, length
from .room import Room

AT_ONCE = 2 * GAP
"""So many frames at once with somebody tell that a stretch is not that one's: a track outlives its
person for less."""

Thought = tuple[dict[str, Any], list[Relabel]]
"""Evidence, and the events that follow from it."""


class SecondThoughts:
    """Goes over what is kept of people.

    Parameters
    ----------
    config : EntryConfig
    room : Room
    memory : Memory
    presence : Presence
        Follows the events that are yielded.
    """

    def __init__(self, config: EntryConfig, room: Room, memory: Memory, presence: Presence) -> None:
        self._config, self._room = config, room
        self._memory, self._presence = memory, presence

    def __call__(self) -> Iterator[Thought]:
        """Decisions about those of whom more is known than at the last call."""
        for identity in self._memory.take_changed():
            for double in self._memory.alike(identity):
                if self._apart(identity, double.identity):
                    yield from self._sort_out(identity, double.identity)
                elif double.distance <= double.threshold:
                    yield self._merge(identity, double)
                    break

    def _apart(self, one: int, other: int) -> bool:
        """Whether two were there at once, for longer than errors explain."""
        there = self._room.held.values()
        return (one in there and other in there) or (
            self._presence.share_together(one, other) > self._config.together
        )

    def _merge(self, identity: int, double: Double) -> Thought:
        pair = (identity, double.identity)
        older, younger = sorted(pair, key=lambda who: (self._presence.first(who) or 0, who))
        since = self._presence.first(younger) or 0
        events = merged(older, younger, self._presence, self._room.new_identity)
        self._presence.follow(events)
        self._memory.merge(younger, older)
        self._room.merge(younger, older)
        return evidence_of_double(older, younger, since, double), events

    def _sort_out(self, one: int, other: int) -> Iterator[Thought]:
        """Stretches of either of two that are the other one's, by those that are certain."""
        gallery = self._memory.gallery
        if gallery is None:
            return
        pair = one, other
        sure, free = zip(
            self._sure_and_free(one, other), self._sure_and_free(other, one), strict=True
        )
        for found in gallery.misplaced(pair, sure, free):
            yield self._reassign(found)

    def _sure_and_free(self, one: int, other: int) -> tuple[list[int], list[int]]:
        """Tracklets of one that are certainly not the other's, and those that may be."""
        gallery = self._memory.gallery
        in_use = {person.stretch.buffer.tracklet for person in self._room.present.values()}
        sure, free = [], []
        for tracklet in gallery.tracklets_of(one) if gallery is not None else ():
            at_once = length(common(self._spans(tracklet, one), self._presence.spans(other)))
            if at_once >= AT_ONCE:
                sure.append(tracklet)
            elif not at_once and tracklet not in in_use:
                free.append(tracklet)
        return sure, free

    def _reassign(self, found: Misplaced) -> Thought:
        old, new = found.identity, found.other
        spans = self._spans(found.tracklet, old)
        events = reassigned(spans, old, new, self._room.new_identity)
        self._presence.follow(events)
        self._memory.move(found.tracklet, old, new)
        return evidence_of_misplaced(found, spans[0][0] if spans else 0), events

    def _spans(self, tracklet: int, identity: int) -> list[Span]:
        return common(self._room.tracklets.spans(tracklet), self._presence.spans(identity))
