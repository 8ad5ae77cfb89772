"""The truth of a LAB-like world: who is where, how they stand, at every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.trackers.types import BoolArray

from ..types import FloatArray, IntArray
from .lab_room import ONE_DOOR, REGION_Y, Door


@dataclass(frozen=True, eq=False)
class LabWorld:
    """People in the room of :mod:`.lab_room`; P identities over F frames.

    Attributes
    ----------
    time_s : (F,) float64
    xy : (F, P, 2) float64
        Metres; NaN while a person is away.
    heading : (F, P) float64
        Which way the body faces, radians from the x axis; NaN while away.
    walked_m : (F, P) float64
        Way walked so far: drives the gait.
    seated : (F, P) float64
        0 is standing, 1 is seated, between is sitting down or standing up.
    visit : (F, P) int64
        Number of the visit, from 1, over all people, those before the recording too; 0 while
        away.
    height_m : (P,) float64
    doors : tuple of Door
        Where people come in and go out.
    """

    time_s: FloatArray
    xy: FloatArray
    heading: FloatArray
    walked_m: FloatArray
    seated: FloatArray
    visit: IntArray
    height_m: FloatArray
    doors: tuple[Door, ...] = ONE_DOOR

    def __post_init__(self) -> None:
        frames, people = self.visit.shape
        for name, shape in (
            ("time_s", (frames,)),
            ("xy", (frames, people, 2)),
            ("heading", (frames, people)),
            ("walked_m", (frames, people)),
            ("seated", (frames, people)),
            ("height_m", (people,)),
        ):
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"LabWorld.{name}: expected {shape}, got {getattr(self, name).shape}"
                )

    @property
    def inside(self) -> BoolArray:
        """Who is in the region where people count, (F, P); see `lab_room.REGION`."""
        return (self.visit > 0) & (self.xy[..., 1] >= REGION_Y)

    def returns(self, least_s: float) -> int:
        """Visits of people who were there before; both of at least so many seconds in the room."""
        inside = np.where(self.inside, self.visit, 0)
        step_s = float(self.time_s[1] - self.time_s[0]) if len(self.time_s) > 1 else 0.0
        count = 0
        for own in inside.T:
            _, frames = np.unique(own[own > 0], return_counts=True)
            count += max(0, int((frames * step_s >= least_s).sum()) - 1)
        return count

    def present(self, frame: int) -> IntArray:
        """People (columns) who are there in one frame (row)."""
        return np.flatnonzero(self.visit[frame] > 0)
