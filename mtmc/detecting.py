"""Which detector a run uses: the one it names, or the one that ships where nothing is there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .detectors import (
    PEOPLE,
    SHIPPED_DETECTOR,
    OnnxDetector,
    PeopleDetector,
    ProposingDetector,
)
from .run_config import RunConfig

SURE = 0.5
"""The scores of the detector that ships are calibrated: this is where right and wrong are even."""


@dataclass(frozen=True)
class DetectorChoice:
    """A detector that is not open yet.

    Attributes
    ----------
    name : str
        `PEOPLE`, or as the run names it.
    path : Path
        Its ONNX file.
    """

    name: str
    path: Path

    @property
    def min_score(self) -> float | None:
        """From which score on boxes are people, for trackers that do not ask; None: not known."""
        return SURE if self.name == PEOPLE else None

    def open(self, config: RunConfig) -> PeopleDetector | OnnxDetector:
        """Load it with a run's settings.

        Raises
        ------
        ValueError
            When the file is none of a detector, or a setting does not fit it.
        """
        device, threads = config.run.device, config.run.threads
        if self.name == PEOPLE:
            return PeopleDetector(config.detector, config.background, device, threads)
        return OnnxDetector(self.path, config.detector, device, threads)

    def record(self) -> dict[str, str]:
        """What the summary of a run says about it: name, file and the file's SHA-256."""
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return {"name": self.name, "file": self.path.name, "sha256": digest}


def choose_detector(
    named: str | None, has_images: bool, has_detections: bool, find: Callable[[str], Path]
) -> DetectorChoice | None:
    """The detector of a run; None where detections are there already, or no images.

    Parameters
    ----------
    named : str or None
        What the run asks for.
    has_images, has_detections : bool
        What there is to run on.
    find : callable
        From the name of a model to its file; raises where there is none.
    """
    if named is None and (has_detections or not has_images):
        return None
    if named is None or named == PEOPLE:
        return DetectorChoice(PEOPLE, SHIPPED_DETECTOR)
    return DetectorChoice(named, find(named))


def per_camera(detector: PeopleDetector | OnnxDetector) -> ProposingDetector:
    """A detector for one more camera: what learns from a camera's images learns anew."""
    return detector.another() if isinstance(detector, PeopleDetector) else detector
