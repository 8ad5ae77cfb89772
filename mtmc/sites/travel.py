"""How long people take from one camera of a site to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class TravelTime:
    """Time between leaving one camera's view and entering another's, seconds.

    Log-normal with its median at ``typical_s``; ``min_s`` to ``max_s`` holds all of it.

    Attributes
    ----------
    from_camera, to_camera : str
        The same name twice is the time until somebody returns.
    min_s, typical_s, max_s : float
    """

    from_camera: str
    to_camera: str
    min_s: float
    typical_s: float
    max_s: float

    def __post_init__(self) -> None:
        if not (0 <= self.min_s <= self.typical_s <= self.max_s and self.typical_s > 0):
            raise ValueError(
                "min_s, typical_s, max_s: expected 0 <= min_s <= typical_s <= max_s and typical_s "
                f"above 0, got {self.min_s}, {self.typical_s}, {self.max_s}"
            )

    @property
    def log_sigma(self) -> float:
        """Of the logarithm: the limits lie at two standard deviations."""
        upper = math.log(self.max_s / self.typical_s)
        lower = math.log(self.typical_s / self.min_s) if self.min_s > 0 else upper
        return (lower + upper) / 4.0
