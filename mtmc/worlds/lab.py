"""The LAB-like world: presets, and the way from a seed to the truth.

It stands in for the LAB sequence (Hu, Messelodi and Lanz, CVIU 2015), which cannot be had: a room
of 5 by 6 metres, four cameras in its corners, at most 7 people at once who enter, walk, sit, queue
and leave by one door. It is another data set, and is never called LAB.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .lab_habits import Habits
from .lab_motion import walk_through
from .lab_room import ONE_DOOR, TWO_DOORS, Door
from .lab_visits import VisitStatistics, draw_visits
from .lab_world import LabWorld


@dataclass(frozen=True)
class Preset:
    """What makes one world differ from another.

    Attributes
    ----------
    visits : VisitStatistics
    duration_s : float
        The length that these statistics belong to, and of a recording by default, seconds.
    doors : tuple of Door
    habits : Habits
    before_s : float
        People come and go for so long before the recording begins, seconds.
    least_returns, least_seated : int
        In a recording of that length at least so many visits are returns, and so many people sit.
    """

    visits: VisitStatistics
    duration_s: float
    doors: tuple[Door, ...] = ONE_DOOR
    habits: Habits = field(default_factory=Habits)
    before_s: float = 0.0
    least_returns: int = 0
    least_seated: int = 0


PRESETS: dict[str, Preset] = {
    "lab": Preset(
        VisitStatistics(
            people=(7, 9), visits=(16, 28), longest_share=(0.60, 0.65),
            stay_s=(12.0, 100.0), absence_s=(8.0, 200.0), regulars=0.5,
        ),
        duration_s=750.0,
    ),
    "lab-hard": Preset(
        VisitStatistics(
            people=(9, 12), visits=(57, 66), longest_share=(0.42, 0.45),
            stay_s=(12.0, 45.0), absence_s=(8.0, 60.0), regulars=0.35,
        ),
        duration_s=750.0,
    ),
    "lab-brief": Preset(
        VisitStatistics(
            people=(6, 6), visits=(14, 20), longest_share=(0.0, 1.0),
            stay_s=(4.5, 2.5), absence_s=(3.0, 0.6), regulars=1.2,
        ),
        duration_s=20.0,
        doors=TWO_DOORS,
        habits=Habits(
            speed=1.2, sit=0.5, linger_s=5.0, leave_early_s=3.5, least_absence_s=2.6,
            keep_clear_m=1.6, full_stay=True,
        ),
        before_s=10.0,
        least_returns=5,
        least_seated=1,
    ),
}  # fmt: skip
"""``lab`` has the paper's IDF1 without ReID, ``lab-hard`` more than twice as many returns; of
``lab-brief``, which has a second door, 20 seconds show everything."""

MOST_AT_ONCE = 7
ATTEMPTS = 100
RETURN_S = 2.0
"""A return counts as one that shows when this visit and one before last so long, seconds."""


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
        Length of the recording, seconds; None is the preset's own. Other lengths have visits in
        proportion, and returns as they come.
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
        return PRESETS[self.preset].duration_s if self.duration_s is None else self.duration_s


def _scaled(wanted: VisitStatistics, factor: float) -> VisitStatistics:
    """For a recording that is ``factor`` times as long."""
    low, high = wanted.visits
    visits = (max(1, math.floor(low * factor * 0.6)), math.ceil(high * factor * 1.4) + 2)
    return replace(wanted, visits=visits, longest_share=(0.0, 1.0))


def simulate_lab(config: LabConfig, on_frame: Callable[[], None] = lambda: None) -> LabWorld:
    """The truth of a world: everybody's place and posture at every frame.

    Raises
    ------
    ValueError
        When the recording is too short for what the preset promises.
    """
    rng = np.random.default_rng(config.seed)
    preset, wanted = PRESETS[config.preset], PRESETS[config.preset].visits
    if config.length_s != preset.duration_s:
        longer = (preset.before_s + config.length_s) / (preset.before_s + preset.duration_s)
        wanted = _scaled(wanted, longer)
        return _one_world(rng, config, wanted, on_frame)
    if not (preset.least_returns or preset.least_seated):
        return _one_world(rng, config, wanted, on_frame)
    for _ in range(ATTEMPTS):
        world = _one_world(rng, config, wanted)
        seated = int((world.seated == 1).any(axis=0).sum())
        if world.returns(RETURN_S) >= preset.least_returns and seated >= preset.least_seated:
            for _ in range(config.frames):
                on_frame()
            return world
    raise ValueError(f"seed: none of {ATTEMPTS} worlds has what {config.preset} promises")


def _one_world(
    rng: np.random.Generator,
    config: LabConfig,
    wanted: VisitStatistics,
    on_frame: Callable[[], None] = lambda: None,
) -> LabWorld:
    preset = PRESETS[config.preset]
    visits = draw_visits(rng, wanted, preset.before_s + config.length_s, MOST_AT_ONCE)
    people = 1 + max(visit.person for visit in visits)
    height_m = np.clip(rng.normal(1.72, 0.09, people), 1.5, 1.95)
    return walk_through(
        visits, height_m, config.frames, config.frame_rate, config.seed, MOST_AT_ONCE,
        preset.doors, preset.habits, preset.before_s, on_frame,
    )  # fmt: skip
