"""Detector scores on one scale: trackers' thresholds live on 0 to 1, detectors' scores need not.

The DPM detections of MOT16 reach from -0.5 to 4.6 and the ACF detections of MOT15 from -1 to 139,
so that one and the same threshold would mean something else for every detector. A `ScoreMapping`
brings them to 0 to 1 without changing their order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import expit

from .errors import InputError
from .types import Detections, FloatArray

Kind = Literal["identity", "logistic", "linear"]

# Scores written with six digits may exceed 1 by their rounding; they are clipped, not refused.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class ScoreMapping:
    """A monotone map from the scores of a detector to 0 to 1.

    Attributes
    ----------
    kind : {"identity", "logistic", "linear"}
        ``identity``: scores are on 0 to 1 already; others are an error.
        ``logistic``: ``1 / (1 + exp(-(score - center) / scale))``; fitted to hits and false alarms
        of a detector this is the probability that a box holds a person.
        ``linear``: ``(score - center) / scale + 1/2``, clipped to 0 to 1.
    center : float
        Score that maps to 1/2. ``identity`` does not use it.
    scale : float
        Unit of score, above 0. ``identity`` does not use it.

    Raises
    ------
    ValueError
        On an unknown kind, a center that is not finite or a scale that is not positive.
    """

    kind: Kind = "identity"
    center: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(
                f"ScoreMapping.kind: expected one of {', '.join(get_args(Kind))}, got {self.kind!r}"
            )
        if not math.isfinite(self.center):
            raise ValueError(f"ScoreMapping.center: expected a number, got {self.center!r}")
        if not (math.isfinite(self.scale) and self.scale > 0.0):
            raise ValueError(f"ScoreMapping.scale: expected above 0, got {self.scale!r}")

    def __call__(self, scores: FloatArray) -> FloatArray:
        """Map scores (N,) to 0 to 1 (N,).

        Raises
        ------
        InputError
            When the kind is ``identity`` and a score lies outside 0 to 1.
        """
        scores = np.asarray(scores, dtype=np.float64)
        if self.kind == "identity":
            return _checked(scores)
        standard = (scores - self.center) / self.scale
        if self.kind == "linear":
            return np.clip(standard + 0.5, 0.0, 1.0)
        mapped: FloatArray = expit(standard)
        return mapped

    def detections(self, detections: Detections) -> Detections:
        """The same boxes and embeddings with mapped scores."""
        return Detections(detections.xyxy, self(detections.scores), detections.embeddings)


def _checked(scores: FloatArray) -> FloatArray:
    outside = ~((scores >= -_ROUNDING) & (scores <= 1.0 + _ROUNDING))
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InputError(
            f"scores: expected 0 to 1, got {scores[row]:g} in row {row}; "
            f"choose a score mapping of kind logistic or linear for this detector"
        )
    return np.clip(scores, 0.0, 1.0)


# Logistic presets are maximum-likelihood fits of "this box is a person at IoU 0.5" over the public
# detections, rounded; sequences differ by about one scale. ACF of MOT15: ADL-Rundle-6,
# ETH-Sunnyday, KITTI-13, KITTI-17, PETS09-S2L1, TUD-Campus, TUD-Stadtmitte and Venice-2. DPM of
# MOT16 and MOT17: sequences 02, 05, 09, 11 and 13. Faster R-CNN of MOT17: sequence 05 alone; even
# its boxes of score 0.05 are people six times out of ten, so that 0.5 keeps all of them. SDP and
# MOT20 are not fitted.
SCORE_MAPPINGS: dict[str, ScoreMapping] = {
    "identity": ScoreMapping(),
    "mot15": ScoreMapping("logistic", center=27.0, scale=16.0),
    "mot16": ScoreMapping("logistic", center=0.0, scale=0.36),
    "mot17-dpm": ScoreMapping("logistic", center=0.0, scale=0.36),
    "mot17-frcnn": ScoreMapping("logistic", center=0.0, scale=0.23),
    "mot17-sdp": ScoreMapping(),
    "mot20": ScoreMapping(),
}


def score_mapping(name: str) -> ScoreMapping:
    """The preset of a benchmark's public detections.

    Raises
    ------
    InputError
        When there is none of this name.
    """
    try:
        return SCORE_MAPPINGS[name]
    except KeyError:
        known = ", ".join(SCORE_MAPPINGS)
        raise InputError(f"score mapping: expected one of {known}, got {name!r}") from None
