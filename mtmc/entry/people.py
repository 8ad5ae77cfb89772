"""The state of the entry query: who is in the room, and who is not."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..types import FloatArray
from .sightings import CropBuffer


@dataclass
class Stretch:
    """A stretch of tracking in which nobody can have been mixed up with anybody.

    Attributes
    ----------
    since_frame, since_s
        Where it began; after two people were too close, the moment in which they were closest.
    born : bool
        Whether nobody is known whom it continues.
    xy : (2,) float64
        Where it began.
    buffer : CropBuffer
        Crops that are not in the gallery yet.
    partners : set of int
        Keys of those whom this one was too close to before.
    decided : bool
        Whether it is known who that is.
    """

    since_frame: int
    since_s: float
    born: bool
    xy: FloatArray
    buffer: CropBuffer
    partners: set[int] = field(default_factory=set)
    decided: bool = False


@dataclass
class Present:
    """Somebody whom the tracker underneath follows.

    Attributes
    ----------
    key : int
        Identity that the tracker underneath gave.
    identity : int
        Who it is, as far as is known.
    stretch : Stretch
    seen_frame, seen_s, seen_xy
        When and where it was seen last.
    close : dict of int to (float, int, float)
        While somebody is too close: key, least distance in metres, and the frame and time of that.
    """

    key: int
    identity: int
    stretch: Stretch
    seen_frame: int
    seen_s: float
    seen_xy: FloatArray
    close: dict[int, tuple[float, int, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Absent:
    """An identity that is not seen.

    Attributes
    ----------
    seen_frame, seen_s, seen_xy
        When and where it was seen last.
    left : bool
        Whether that is a way out.
    key : int
        What the tracker underneath called it.
    """

    seen_frame: int
    seen_s: float
    seen_xy: FloatArray
    left: bool
    key: int
