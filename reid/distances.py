"""How far apart images of one person, and of two people, are for a given network.

Every network has distances of its own scale, so a threshold that fits one is wrong for the next.
The statistics kept here travel with the network; trackers ask for a false-match rate and get the
distance that stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]

BINS = 4000
"""Histogram resolution: 0.0005 over the range of the cosine distance."""

RANGE = 2.0
"""Largest cosine distance."""

BLOCK_ROWS = 512

Pairs = Literal["cross_camera", "all"]


@dataclass(frozen=True, eq=False)
class DistanceStatistics:
    """Histograms of cosine distances between images of the same and of different people.

    Attributes
    ----------
    same, different : (BINS,) int64
        Number of pairs per bin; bins of equal width from 0 to 2.
    measured_on : str
        Data set and part the pairs come from.
    pairs : "cross_camera" or "all"
        Whether only pairs from two different cameras were counted.

    Raises
    ------
    ValueError
        On a wrong number of bins, negative counts, or a kind of pair that does not occur.
    """

    same: IntArray
    different: IntArray
    measured_on: str
    pairs: Pairs = "cross_camera"

    def __post_init__(self) -> None:
        for name in ("same", "different"):
            counts = np.asarray(getattr(self, name), dtype=np.int64)
            object.__setattr__(self, name, counts)
            if counts.shape != (BINS,) or counts.min() < 0:
                raise ValueError(f"distances.{name}: expected {BINS} counts from 0")
            if counts.sum() == 0:
                raise ValueError(f"distances.{name}: expected at least one pair, got none")
        if self.pairs not in ("cross_camera", "all"):
            raise ValueError(
                f"distances.pairs: expected 'cross_camera' or 'all', got {self.pairs!r}"
            )

    def threshold(self, false_match_rate: float) -> float:
        """The cosine distance below which this share of *different* people would match.

        Parameters
        ----------
        false_match_rate : float
            Between 0 and 1, e.g. 0.001.

        Returns
        -------
        float, a cosine distance. Inverse of :meth:`false_match_rate` wherever pairs lie.
        """
        return _quantile(self.different, _rate("false_match_rate", false_match_rate))

    def false_match_rate(self, threshold: float) -> float:
        """Share of pairs of different people whose cosine distance is below a threshold."""
        return _share_below(self.different, threshold)

    def miss_rate(self, threshold: float) -> float:
        """Share of pairs of the same person whose cosine distance is *not* below a threshold."""
        return 1.0 - _share_below(self.same, threshold)

    def same_quantile(self, share: float) -> float:
        """The cosine distance below which this share of pairs of the same person lies."""
        return _quantile(self.same, _rate("share", share))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for checkpoints and JSON; only occupied bins are kept."""
        return {
            "distance": "cosine",
            "bins": BINS,
            "measured_on": self.measured_on,
            "pairs": self.pairs,
            "same": _sparse(self.same),
            "different": _sparse(self.different),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "distances") -> DistanceStatistics:
        """Inverse of :meth:`to_dict`.

        Raises
        ------
        ValueError
            When keys are missing or malformed; the message begins with ``where``.
        """
        if data.get("distance") != "cosine" or data.get("bins") != BINS:
            raise ValueError(f"{where}: expected statistics of cosine distances in {BINS} bins")
        try:
            return cls(
                _dense(data["same"]),
                _dense(data["different"]),
                str(data["measured_on"]),
                data["pairs"],
            )
        except (KeyError, TypeError, IndexError, OverflowError) as error:
            raise ValueError(f"{where}: malformed: {error!r}") from error


def measure_distances(
    embeddings: FloatArray,
    identities: IntArray,
    cameras: IntArray,
    measured_on: str,
    *,
    pairs: Pairs = "cross_camera",
) -> DistanceStatistics:
    """Statistics over all pairs of images.

    Parameters
    ----------
    embeddings : (N, D) float32
        Rows of unit length.
    identities : (N,) int64
        0 marks distractors, who differ from everybody else; pairs of two distractors are not
        counted, for they may show the same person.
    cameras : (N,) int64
    measured_on : str
    pairs : "cross_camera" or "all"
        ``"cross_camera"`` leaves out pairs from one camera, which are alike for reasons that do not
        hold across cameras: right for identities across cameras. ``"all"`` is right for trackers of
        a single camera.

    Raises
    ------
    ValueError
        When one of the two kinds of pairs does not occur.
    """
    histograms = np.zeros((2, BINS), np.int64)
    for start in range(0, len(embeddings), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        distances = 1.0 - embeddings[rows] @ embeddings[start:].T
        bins = np.clip((distances * (BINS / RANGE)).astype(np.int64), 0, BINS - 1)
        later = np.arange(start, len(embeddings))[None] > np.arange(len(bins))[:, None] + start
        known = (identities[rows, None] != 0) | (identities[None, start:] != 0)
        counted = later & known
        if pairs == "cross_camera":
            counted &= cameras[rows, None] != cameras[None, start:]
        same = identities[rows, None] == identities[None, start:]
        for row, kind in enumerate((same, ~same)):
            histograms[row] += np.bincount(bins[counted & kind], minlength=BINS)
    return DistanceStatistics(histograms[0], histograms[1], measured_on, pairs)


def _rate(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name}: expected a share between 0 and 1, got {value}")
    return value


def _edges() -> npt.NDArray[np.float64]:
    return np.linspace(0.0, RANGE, BINS + 1)


def _cumulative(counts: IntArray) -> npt.NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])


def _share_below(counts: IntArray, threshold: float) -> float:
    return float(np.interp(threshold, _edges(), _cumulative(counts)))


def _quantile(counts: IntArray, share: float) -> float:
    # Linear within a bin; of the edges of an empty stretch the lowest one, which matches less.
    cumulative = _cumulative(counts)
    right = int(np.searchsorted(cumulative, share, side="left"))
    left = right - 1
    part = (share - cumulative[left]) / (cumulative[right] - cumulative[left])
    return float((left + part) * (RANGE / BINS))


def _sparse(counts: IntArray) -> dict[str, list[int]]:
    occupied = np.flatnonzero(counts)
    return {"bin": occupied.tolist(), "count": counts[occupied].tolist()}


def _dense(sparse: Mapping[str, list[int]]) -> IntArray:
    counts = np.zeros(BINS, np.int64)
    counts[np.array(sparse["bin"], dtype=np.int64)] = np.array(sparse["count"], dtype=np.int64)
    return counts
