"""Cameras, the ground plane, calibration files, and solving for calibration."""

from .camera import Camera
from .distortion import Distortion, FisheyeDistortion, TsaiDistortion
from .ground import GroundCamera, HomographyCamera
from .opencv_distortion import OpenCVDistortion
from .types import CalibrationError

__all__ = [
    "DISTORTIONS",
    "CalibrationError",
    "Camera",
    "Distortion",
    "FisheyeDistortion",
    "GroundCamera",
    "HomographyCamera",
    "OpenCVDistortion",
    "TsaiDistortion",
]

DISTORTIONS = {
    "opencv": OpenCVDistortion,
    "fisheye": FisheyeDistortion,
    "tsai": TsaiDistortion,
}
"""Lens models by the name that calibration files use."""
