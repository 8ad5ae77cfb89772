"""How the people of a preset behave in the room."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Habits:
    """What people do between coming and going, and how fast.

    Attributes
    ----------
    speed : float
        Mean walking speed, m/s.
    stand, sit, queue, join, cross : float
        How often people stand somewhere, sit down, queue at the counter, join somebody, and cross
        the room; relative to each other.
    linger_s : float
        Nobody sits down or queues with less time left than this, seconds.
    leave_early_s : float
        On the way out this long before the visit is to end, seconds.
    least_absence_s : float
        Nobody comes back sooner after having gone out, seconds.
    keep_clear_m : float
        Nobody stops nearer to a door than this, metres.
    full_stay : bool
        Whether who comes in later than planned also leaves later.
    """

    speed: float = 1.05
    stand: float = 0.24
    sit: float = 0.26
    queue: float = 0.14
    join: float = 0.14
    cross: float = 0.22
    linger_s: float = 0.0
    leave_early_s: float = 6.0
    least_absence_s: float = 0.0
    keep_clear_m: float = 0.0
    full_stay: bool = False

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"speed: expected a value above 0, got {self.speed}")
        for name in (
            *("stand", "sit", "queue", "join", "cross"),
            *("linger_s", "leave_early_s", "least_absence_s", "keep_clear_m"),
        ):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        if not self.stand + self.cross > 0:
            raise ValueError("stand, cross: expected one above 0, for whoever may not linger")

    @property
    def weights(self) -> tuple[float, float, float, float, float]:
        """Of standing, sitting, queueing, joining and crossing."""
        return self.stand, self.sit, self.queue, self.join, self.cross
