"""Two identities that turn out to be one person, or stretches of one that were another's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..types import Relabel
from .presence import Presence, Span


def merged(
    older: int, younger: int, presence: Presence, new_identity: Callable[[], int]
) -> list[Relabel]:
    """Events after which what was shown as ``younger`` is ``older``.

    Where both were shown at once, as when a track outlives its person for a moment, the younger one
    becomes an identity of its own: nobody is in two places.

    Parameters
    ----------
    older, younger : int
    presence : Presence
    new_identity : callable
        An identity that nobody has.
    """
    first = presence.first(younger)
    if first is None:
        return []
    common = presence.together(older, younger)
    turns = {first: older}
    if common:
        aside = new_identity()
        turns |= {end + 1: older for _, end in common}
        turns |= {start: aside for start, _ in common}
    # The latest first: each event speaks of what is still called ``younger`` from there on.
    return [Relabel(younger, turns[frame], frame) for frame in sorted(turns, reverse=True)]


def reassigned(
    spans: Sequence[Span], old: int, new: int, new_identity: Callable[[], int]
) -> list[Relabel]:
    """Events after which what was shown as ``old`` in some spans of frames is ``new``.

    An event speaks of all frames from one on, so what comes after a span steps aside meanwhile.
    """
    events = []
    for start, end in spans:
        aside = new_identity()
        events += [
            Relabel(old, aside, end + 1),
            Relabel(old, new, start),
            Relabel(aside, old, end + 1),
        ]
    return events
