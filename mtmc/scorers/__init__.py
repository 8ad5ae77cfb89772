"""Scorers: how likely a box of a tracker's own making holds a person, for MOTDT.

A `Scorer` is any callable from an image and boxes to probabilities. `SCORERS` names those that
ship; an ONNX file with a patch classifier of one's own is the third kind, see `PatchScorer`.
"""

from .detector_map import DetectorScorer
from .patch import PatchScorer

SCORERS: dict[str, str] = {
    "detector": "the score map of the run's own person detector",
    "patch": "a small patch classifier that ships with the package",
}

__all__ = ["SCORERS", "DetectorScorer", "PatchScorer"]
