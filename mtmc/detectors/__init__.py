"""Person detectors. To add one: a file with a class that has ``detect``, and a line here."""

from .background import BackgroundConfig
from .callable import CallableDetector
from .onnx import FAMILIES, OnnxDetector, OnnxDetectorConfig
from .people import PEOPLE, SHIPPED_DETECTOR, PeopleDetector
from .selection import ProposingDetector

DETECTORS: dict[str, type] = {
    PEOPLE: PeopleDetector,
    "onnx": OnnxDetector,
    "callable": CallableDetector,
}

__all__ = [
    "DETECTORS",
    "FAMILIES",
    "PEOPLE",
    "SHIPPED_DETECTOR",
    "BackgroundConfig",
    "CallableDetector",
    "OnnxDetector",
    "OnnxDetectorConfig",
    "PeopleDetector",
    "ProposingDetector",
]
