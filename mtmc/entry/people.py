"""The state of the entry query: who is in the room, and who is not."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..types import FloatArray
from .sightings import CropBuffer


@dataclass
class Present:
    """Somebody whom the tracker underneath follows.

    Attributes
    ----------
    key : int
        Identity that the tracker underneath gave.
    identity : int
        Who it is; tentative while ``waiting``.
    waiting : bool
        Whether it is still to be decided who that is.
    born_frame, born_s, born_xy
        Where this track began.
    seen_s, seen_xy
        Where it was seen last.
    candidates : tuple of int
        Identities that were not in the room when this one came.
    buffer : CropBuffer
        Crops since nothing was in doubt last, not in the gallery yet.
    close : bool
        Whether somebody is too close now to tell them apart.
    partners : dict of int to (float, int)
        Whom this one was too close to since the last time it was looked at: key, least distance in
        metres, and the frame of that.
    doubt_s : float or None
        Since when this one is apart from its partners; None where nothing is in doubt.
    """

    key: int
    identity: int
    waiting: bool
    born_frame: int
    born_s: float
    born_xy: FloatArray
    seen_s: float
    seen_xy: FloatArray
    candidates: tuple[int, ...]
    buffer: CropBuffer
    close: bool = False
    partners: dict[int, tuple[float, int]] = field(default_factory=dict)
    doubt_s: float | None = None


@dataclass(frozen=True, eq=False)
class Absent:
    """An identity that is not seen: when and where it was seen last, and whether that is a way out.

    ``partners`` are the keys of those it was too close to when it was lost, as of `Present`.
    """

    seen_s: float
    seen_xy: FloatArray
    left: bool
    key: int
    partners: dict[int, tuple[float, int]]
