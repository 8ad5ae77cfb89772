"""Saying that somebody was somebody else, in the order in which sinks can follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ..types import GlobalTrack, Relabel


def relabelled(track: GlobalTrack, identity: int) -> GlobalTrack:
    """The same track under another identity."""
    return replace(track, id=identity)


def renamed(
    moved: Mapping[int, tuple[int, int]], new_identity: Callable[[], int]
) -> Iterator[Relabel]:
    """Events that rename all at once: the first moves aside while the others change places.

    Parameters
    ----------
    moved : mapping of int to (int, int)
        Old identity to the new one, and the frame since when; no new identity twice.
    new_identity : callable
        An identity that nobody has.
    """
    taken = {new for new, _ in moved.values()}
    aside = {old: new_identity() for old in moved if old in taken}
    for old, temporary in aside.items():
        yield Relabel(old, temporary, moved[old][1])
    for old, (new, since) in moved.items():
        yield Relabel(aside.get(old, old), new, since)
