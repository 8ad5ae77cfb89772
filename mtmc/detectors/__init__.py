"""Person detectors. To add one: a file with a class that has ``detect``, and a line here."""

from .callable import CallableDetector
from .onnx import FAMILIES, OnnxDetector, OnnxDetectorConfig

DETECTORS: dict[str, type] = {"onnx": OnnxDetector, "callable": CallableDetector}

__all__ = ["DETECTORS", "FAMILIES", "CallableDetector", "OnnxDetector", "OnnxDetectorConfig"]
