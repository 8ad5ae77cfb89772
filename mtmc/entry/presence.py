"""Who was there when: the frames in which each identity was shown, after all late decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..types import Relabel

GAP = 15
"""Frames without a sight that do not end a span."""

Span = tuple[int, int]
"""First and last frame."""


class Presence:
    """Spans of frames by identity; they take part in what is said later, as written rows do."""

    def __init__(self) -> None:
        self._spans: dict[int, list[Span]] = {}

    def see(self, identity: int, frame: int) -> None:
        """An identity was shown in a frame, which may lie back."""
        spans = self._spans.setdefault(identity, [])
        if spans and spans[-1][0] <= frame <= spans[-1][1] + GAP:
            spans[-1] = (spans[-1][0], max(spans[-1][1], frame))
        else:
            self._spans[identity] = _joined([*spans, (frame, frame)])

    def relabel(self, event: Relabel) -> None:
        """What was shown as one identity from a frame on is another one's."""
        old = self._spans.pop(event.old_id, [])
        since = event.from_frame
        before = [(start, min(end, since - 1)) for start, end in old if start < since]
        after = [(max(start, since), end) for start, end in old if end >= since]
        if before:
            self._spans[event.old_id] = before
        if after:
            self._spans[event.new_id] = _joined([*self._spans.get(event.new_id, []), *after])

    def follow(self, events: Iterable[Relabel]) -> None:
        """Take late decisions over, in their order; see `relabel`."""
        for event in events:
            self.relabel(event)

    def forget(self, identity: int) -> None:
        """Nothing is kept of an identity."""
        self._spans.pop(identity, None)

    def first(self, identity: int) -> int | None:
        """The frame in which an identity was first shown; None if it never was."""
        spans = self._spans.get(identity)
        return spans[0][0] if spans else None

    def frames(self, identity: int) -> int:
        """In how many frames it was shown."""
        return length(self._spans.get(identity, []))

    def spans(self, identity: int) -> list[Span]:
        """When it was shown, in order."""
        return list(self._spans.get(identity, ()))

    def together(self, one: int, other: int) -> list[Span]:
        """Spans in which both were shown at once."""
        return common(self.spans(one), self.spans(other))

    def share_together(self, one: int, other: int) -> float:
        """Frames with both of them over those of whoever was there less; 0 without any."""
        least = min(self.frames(one), self.frames(other))
        return length(self.together(one, other)) / least if least else 0.0


def common(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """Spans that two lists of spans share, in order."""
    both = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return sorted((start, end) for start, end in both if start <= end)


def length(spans: Sequence[Span]) -> int:
    """In how many frames they are."""
    return sum(end - start + 1 for start, end in spans)


def _joined(spans: list[Span]) -> list[Span]:
    """The same frames in order, and in as few spans as gaps allow."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + GAP:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
