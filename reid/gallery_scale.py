"""What a distance is worth: the distances of same and of different people, and their threshold.

A network's own statistics come from a benchmark; a site has other light, other cameras and other
clothes, and compares several crops with several. So the statistics are the beginning, and the
site's own data refine them without labels: two people who are visible at once are different, and
one tracklet is one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from .distances import BINS, RANGE, DistanceStatistics
from .gallery_crops import FloatArray

MIN_SIGMA = 0.01


@dataclass(frozen=True)
class ScaleConfig:
    """How thresholds are set.

    Attributes
    ----------
    false_match_rate : float
        Probability that a newcomer is taken for anybody at all, within 0 to 1.
    prior_count : float
        How many comparisons of the site's own people the model's statistics are worth.
    same, same_sigma, different, different_sigma : float
        Mean and standard deviation of the cosine distance of one person's images, and of two
        people's, where the model carries no statistics.
    """

    false_match_rate: float = 0.05
    prior_count: float = 30.0
    same: float = 0.25
    same_sigma: float = 0.08
    different: float = 0.50
    different_sigma: float = 0.08

    def __post_init__(self) -> None:
        if not 0 < self.false_match_rate < 1:
            raise ValueError(f"false_match_rate: expected 0 to 1, got {self.false_match_rate}")
        if not self.prior_count > 0:
            raise ValueError(f"prior_count: expected a value above 0, got {self.prior_count}")
        if not 0 <= self.same < self.different <= RANGE:
            raise ValueError(
                f"same, different: expected 0 <= same < different, got {self.same}, "
                f"{self.different}"
            )
        if not (self.same_sigma > 0 and self.different_sigma > 0):
            raise ValueError("same_sigma, different_sigma: expected values above 0")


class _Spread:
    """Mean and deviation of a distance: an assumption, and what the site adds to it.

    Means are averaged by count, and so are variances about the *own* means: that the site differs
    from the benchmark makes its distances no wider.
    """

    def __init__(self, mean: float, sigma: float, count: float) -> None:
        self._prior = (mean, sigma, count)
        self.moments = np.zeros(3)
        """Count, sum and sum of squares of what the site added."""

    def learn(self, distance: FloatArray) -> None:
        known = distance[np.isfinite(distance)]
        self.moments += [len(known), known.sum(), (known * known).sum()]

    @property
    def normal(self) -> NormalDist:
        mean, sigma, weight = self._prior
        count, total, squares = self.moments.tolist()
        within = max(squares - total**2 / count, 0.0) if count else 0.0
        variance = (weight * sigma**2 + within) / (weight + count)
        return NormalDist((weight * mean + total) / (weight + count), max(variance**0.5, MIN_SIGMA))


class DistanceScale:
    """Distributions of the distances of the same and of different people.

    Either is a normal distribution whose moments the site refines. Its lower tail, which thresholds
    depend on, is heavier than that of a normal one, for some people do look alike: it is the tail
    of the model's statistics, moved and stretched to the site's moments, where there are any.

    Parameters
    ----------
    config : ScaleConfig or None
    statistics : DistanceStatistics or None
        Of the appearance model; None takes those of the config.
    """

    def __init__(
        self, config: ScaleConfig | None = None, statistics: DistanceStatistics | None = None
    ) -> None:
        self.config = config = config or ScaleConfig()
        same, different = (
            (config.same, config.same_sigma),
            (config.different, config.different_sigma),
        )
        if statistics is not None:
            same, different = (
                _mean_and_sigma(statistics.same),
                _mean_and_sigma(statistics.different),
            )
        self._statistics, self._tail = statistics, NormalDist(*different)
        self._same = _Spread(*same, config.prior_count)
        self._different = _Spread(*different, config.prior_count)
        self._own = _Spread(*same, config.prior_count)

    @property
    def same(self) -> NormalDist:
        """Distances of a person to their own gallery."""
        return self._same.normal

    @property
    def different(self) -> NormalDist:
        """Distances to the galleries of others."""
        return self._different.normal

    def learn_same(self, distance: FloatArray) -> None:
        """Take distances between parts of one tracklet's crops; NaN is skipped."""
        self._same.learn(np.asarray(distance, np.float64))

    def learn_different(self, distance: FloatArray) -> None:
        """Take distances of people who were visible at once; one per pair tells all there is."""
        self._different.learn(np.asarray(distance, np.float64))

    def learn_own(self, distance: FloatArray) -> None:
        """Take distances of people to what is stored of themselves; NaN is skipped."""
        self._own.learn(np.asarray(distance, np.float64))

    @property
    def equal_error(self) -> float:
        """The distance that is as many deviations above one's own as below those of others.

        NaN until the site has told enough of both. With normal distributions as many people are
        missed there as two are taken for each other.
        """
        told = min(self._own.moments[0], self._different.moments[0])
        if told < self.config.prior_count:
            return float("nan")
        own, other = self._own.normal, self._different.normal
        return (own.mean * other.stdev + other.mean * own.stdev) / (own.stdev + other.stdev)

    def threshold(self, candidates: int = 1, false_match_rate: float | None = None) -> float:
        """The distance below which a stranger is taken for one of several people that seldom.

        With C candidates each may match at the rate 1 - (1 - f)^(1/C), so that the rate of any
        match is f.

        Parameters
        ----------
        candidates : int
        false_match_rate : float or None
            None takes that of the config.
        """
        rate = self.config.false_match_rate if false_match_rate is None else false_match_rate
        each = -np.expm1(np.log1p(-rate) / max(candidates, 1))
        tail = self._statistics.threshold if self._statistics else self._tail.inv_cdf
        deviation = (tail(float(each)) - self._tail.mean) / self._tail.stdev
        different = self.different
        return max(different.mean + deviation * different.stdev, 0.0)

    def balanced_threshold(self, candidates: int = 1) -> float:
        """The same, but not so low that more people are missed than taken for others.

        A rate of false matches that a weak network reaches only where it hardly knows anybody is
        worth nothing: every visit would be somebody new.
        """
        return float(np.fmax(self.threshold(candidates), self.equal_error))

    def log_ratio(self, distance: FloatArray) -> FloatArray:
        """Log p(d | same) - log p(d | different), falling with d; 0 for NaN.

        The ratio of two normal densities of different width turns back beyond the mean of either,
        but nobody is less alike for being closer than expected: there its tangent goes on.
        """
        same, different = self.same, self.different
        d = np.asarray(distance, np.float64)
        low, high = sorted((same.mean, different.mean))
        inner = np.clip(d, low, high)
        ratio = _log_density(inner, same) - _log_density(inner, different)
        slope = (inner - different.mean) / different.stdev**2 - (inner - same.mean) / same.stdev**2
        ratio = ratio + np.minimum(slope, 0.0) * (d - inner)
        return np.where(np.isnan(ratio), 0.0, ratio)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers: count, sum and sum of squares of what the site added to each kind."""
        return {
            "same": self._same.moments.tolist(),
            "different": self._different.moments.tolist(),
            "own": self._own.moments.tolist(),
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take over what :meth:`to_dict` gave.

        Raises
        ------
        ValueError
            When it is malformed.
        """
        spreads = {"same": self._same, "different": self._different, "own": self._own}
        for name, spread in spreads.items():
            moments = np.asarray(data.get(name), np.float64)
            if moments.shape != (3,) or not np.isfinite(moments).all() or moments[0] < 0:
                raise ValueError(f"scale.{name}: expected count, sum and sum of squares")
            spread.moments = moments


def _log_density(distance: FloatArray, normal: NormalDist) -> FloatArray:
    z = (distance - normal.mean) / normal.stdev
    return np.asarray(-0.5 * z * z - np.log(normal.stdev))


def _mean_and_sigma(counts: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[float, float]:
    middle = (np.arange(BINS) + 0.5) * (RANGE / BINS)
    mean = float(np.average(middle, weights=counts))
    return mean, float(np.average((middle - mean) ** 2, weights=counts) ** 0.5)
