"""Somebody who moves about in the LAB-like world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..types import FloatArray


@dataclass
class Person:
    """Somebody who is in the room."""

    column: int
    visit: int
    leave_s: float
    speed: float
    at: FloatArray
    door_x: float
    rng: np.random.Generator
    velocity: FloatArray = field(default_factory=lambda: np.zeros(2))
    heading: float = np.pi / 2
    walked: float = 0.0
    seated: float = 0.0
    seat: int | None = None
    place_in_line: int | None = None
    way: list[FloatArray] = field(default_factory=list)
    errand: Iterator[None] | None = None
    wanted_heading: float | None = None
    slow_s: float = 0.0
    leaving: bool = False
    gone: bool = False
