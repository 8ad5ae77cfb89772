"""Saying that somebody was somebody else, in the order in which sinks can follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ..types import GlobalTrack, Relabel


def relabelled(track: GlobalTrack, identity: int) -> GlobalTrack:
    """The same track under another identity."""
    return replace(track, id=identity)


def exchange(
    mapping: Mapping[int, int], from_frame: int, new_identity: Callable[[], int]
) -> Iterator[Relabel]:
    """Events that rename all at once: the first moves aside while the others change places.

    Parameters
    ----------
    mapping : mapping of int to int
        Old identity to new one; both sides without repetition.
    from_frame : int
    new_identity : callable
        An identity that nobody has.
    """
    aside = {old: new_identity() for old in mapping if old in mapping.values()}
    for old, temporary in aside.items():
        yield Relabel(old, temporary, from_frame)
    for old, new in mapping.items():
        yield Relabel(aside.get(old, old), new, from_frame)
