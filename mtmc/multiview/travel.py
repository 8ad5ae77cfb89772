"""How long people take from one camera to the next: known, or learnt on the run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..sites.travel import TravelTime


@dataclass(frozen=True)
class TravelConfig:
    """What is made of travel times.

    Attributes
    ----------
    max_gap_s : float
        Nobody who was not seen for longer is taken up again, seconds; what is stored of them is
        deleted.
    min_sigma : float
        Least standard deviation of the logarithm of a time.
    limit : float
        A time counts for at most so much, for or against; natural logarithm of odds.
    learn_after : int
        A pair of cameras has a learnt time after so many people.
    """

    max_gap_s: float = 600.0
    min_sigma: float = 0.3
    limit: float = 2.5
    learn_after: int = 5

    def __post_init__(self) -> None:
        for name in ("max_gap_s", "min_sigma"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        if not self.limit >= 0:
            raise ValueError(f"limit: expected 0 or more, got {self.limit}")
        if self.learn_after < 2:
            raise ValueError(f"learn_after: expected a number from 2, got {self.learn_after}")


class TravelTimes:
    """Travel times of all pairs of cameras of a site.

    Parameters
    ----------
    known : iterable of TravelTime
        In one direction each; the way back takes the same time unless it is given, too.
    overlaps : iterable of pairs of camera names
        Cameras that can see a person at the same time.
    config : TravelConfig or None
    """

    def __init__(
        self,
        known: Iterable[TravelTime] = (),
        overlaps: Iterable[Sequence[str]] = (),
        config: TravelConfig | None = None,
    ) -> None:
        self.config = config or TravelConfig()
        given = list(known)
        self._known = {(time.to_camera, time.from_camera): time for time in given}
        self._known |= {(time.from_camera, time.to_camera): time for time in given}
        self._overlaps = {frozenset(pair) for pair in overlaps}
        self._learnt: dict[tuple[str, str], tuple[int, float, float]] = {}

    def may_overlap(self, one: str, other: str) -> bool:
        """Whether both cameras can see a person at the same time."""
        return one != other and frozenset((one, other)) in self._overlaps

    def log_ratio(self, before: str, after: str, gap_s: float) -> float:
        """Log p(gap | same person) - log p(gap | anybody), limited; -inf where it is impossible.

        Strangers turn up at any time: their gaps are uniform up to ``max_gap_s``. Where nothing is
        known of the pair the gap says nothing, 0.
        """
        config = self.config
        if self.may_overlap(before, after):
            return 0.0 if gap_s <= config.max_gap_s else -math.inf
        if not 0 < gap_s <= config.max_gap_s:
            return -math.inf
        known = self._known.get((before, after))
        if known is not None:
            if not known.min_s <= gap_s <= known.max_s:
                return -math.inf
            centre, sigma = math.log(known.typical_s), known.log_sigma
        else:
            count, total, squares = self._learnt.get((before, after), (0, 0.0, 0.0))
            if count < config.learn_after:
                return 0.0
            centre = total / count
            sigma = math.sqrt(max(squares / count - centre**2, 0.0))
        sigma = max(sigma, config.min_sigma)
        z = (math.log(gap_s) - centre) / sigma
        density = -0.5 * z * z - math.log(sigma * math.sqrt(2.0 * math.pi) * gap_s)
        ratio = density + math.log(config.max_gap_s)
        return min(max(ratio, -config.limit), config.limit)

    def learn(self, before: str, after: str, gap_s: float) -> None:
        """Take the time that somebody took, who was recognised by other cues."""
        if gap_s > 0:
            count, total, squares = self._learnt.get((before, after), (0, 0.0, 0.0))
            log = math.log(gap_s)
            self._learnt[before, after] = (count + 1, total + log, squares + log * log)
