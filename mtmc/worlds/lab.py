"""The LAB-like world: presets, and the way from a seed to the truth.

It stands in for the LAB sequence (Hu, Messelodi and Lanz, CVIU 2015), which cannot be had: a room
of 5 by 6 metres, four cameras in its corners, at most 7 people at once who enter, walk, sit, queue
and leave by one door. It is another data set, and is never called LAB.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .lab_motion import walk_through
from .lab_visits import VisitStatistics, draw_visits
from .lab_world import LabWorld

PRESETS: dict[str, VisitStatistics] = {
    "lab": VisitStatistics(
        people=(7, 9), visits=(20, 32), longest_share=(0.56, 0.60),
        stay_s=(12.0, 120.0), absence_s=(8.0, 60.0), regulars=0.5,
    ),
    "lab-hard": VisitStatistics(
        people=(9, 12), visits=(57, 66), longest_share=(0.34, 0.37),
        stay_s=(12.0, 45.0), absence_s=(8.0, 60.0), regulars=0.35,
    ),
    "lab-brief": VisitStatistics(
        people=(5, 6), visits=(9, 12), longest_share=(0.5, 0.9),
        stay_s=(5.5, 1.5), absence_s=(1.0, 1.0), regulars=0.2,
    ),
}  # fmt: skip
"""``lab`` has the paper's IDF1 without ReID, ``lab-hard`` more than twice as many returns; of
``lab-brief``, 20 seconds show everything."""

DURATION_S: dict[str, float] = {"lab": 750.0, "lab-hard": 750.0, "lab-brief": 20.0}
"""The length that a preset's statistics belong to, seconds."""

MOST_AT_ONCE = 7


@dataclass(frozen=True)
class LabConfig:
    """Settings of the LAB-like world.

    Attributes
    ----------
    preset : str
        A name of `PRESETS`.
    seed : int
        Same seed, same world.
    duration_s : float or None
        Length of the recording, seconds; None is the preset's own, `DURATION_S`. Other lengths
        have visits in proportion, and returns as they come.
    frame_rate : float
        Frames per second of all cameras.
    """

    preset: str = "lab"
    seed: int = 1
    duration_s: float | None = None
    frame_rate: float = 15.0

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f"preset: expected one of {', '.join(PRESETS)}, got {self.preset!r}")
        if self.seed < 0:
            raise ValueError(f"seed: expected 0 or more, got {self.seed}")
        if self.duration_s is not None and not 2 <= self.duration_s <= 36_000:
            raise ValueError(f"duration_s: expected 2 to 36000, got {self.duration_s}")
        if not 1 <= self.frame_rate <= 60:
            raise ValueError(f"frame_rate: expected 1 to 60, got {self.frame_rate}")

    @property
    def frames(self) -> int:
        """Length in frames."""
        return round(self.length_s * self.frame_rate)

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return DURATION_S[self.preset] if self.duration_s is None else self.duration_s


def _scaled(wanted: VisitStatistics, factor: float) -> VisitStatistics:
    """For a recording that is ``factor`` times as long."""
    low, high = wanted.visits
    visits = (max(1, math.floor(low * factor * 0.6)), math.ceil(high * factor * 1.4) + 2)
    return replace(wanted, visits=visits, longest_share=(0.0, 1.0))


def simulate_lab(config: LabConfig, on_frame: Callable[[], None] = lambda: None) -> LabWorld:
    """The truth of a world: everybody's place and posture at every frame."""
    rng = np.random.default_rng(config.seed)
    wanted = PRESETS[config.preset]
    if config.length_s != DURATION_S[config.preset]:
        wanted = _scaled(wanted, config.length_s / DURATION_S[config.preset])
    visits = draw_visits(rng, wanted, config.length_s, MOST_AT_ONCE)
    people = 1 + max(visit.person for visit in visits)
    height_m = np.clip(rng.normal(1.72, 0.09, people), 1.5, 1.95)
    return walk_through(
        visits, height_m, config.frames, config.frame_rate, config.seed, MOST_AT_ONCE, on_frame
    )
