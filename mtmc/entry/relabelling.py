"""Saying that somebody was somebody else, in the order in which sinks can follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ..types import GlobalTrack, Relabel


def relabelled(track: GlobalTrack, identity: int) -> GlobalTrack:
    """The same track under another identity."""
    return replace(track, id=identity)


def consistent(choice: Mapping[int, int], held: Mapping[int, int]) -> dict[int, int]:
    """Leave out choices of an identity whose holder does not give it up.

    Parameters
    ----------
    choice : mapping of int to int
        Identity chosen for each of some people, by key.
    held : mapping of int to int
        Identity that each person has now, by key; those of ``choice`` among them.
    """
    kept = dict(choice)
    while True:
        stays = {held[key] for key in held if kept.get(key, held[key]) == held[key]}
        wrong = [key for key, who in kept.items() if who != held[key] and who in stays]
        if not wrong:
            return kept
        for key in wrong:
            del kept[key]


def together(moved: Mapping[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Those who change places do so in the same frame, the latest of theirs.

    Otherwise two of them would have one identity for a while.
    """
    since = {old: frame for old, (_, frame) in moved.items()}
    for _ in moved:
        for old, (new, _) in moved.items():
            if new in since:
                since[old] = since[new] = max(since[old], since[new])
    return {old: (new, since[old]) for old, (new, _) in moved.items()}


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
