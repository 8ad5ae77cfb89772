"""Cameras, the ground plane, calibration files, and solving for calibration."""

from .camera import Camera
from .distortion import Distortion, FisheyeDistortion, TsaiDistortion
from .ground import GroundCamera, HomographyCamera
from .intrinsics import Intrinsics
from .lenses import LENSES
from .opencv_distortion import OpenCVDistortion
from .types import CalibrationError

__all__ = [
    "LENSES",
    "CalibrationError",
    "Camera",
    "Distortion",
    "FisheyeDistortion",
    "GroundCamera",
    "HomographyCamera",
    "Intrinsics",
    "OpenCVDistortion",
    "TsaiDistortion",
]
