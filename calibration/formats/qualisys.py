"""Qualisys Track Manager's calibration (``.qca.txt``, which is XML): millimetres, Z up.

Intrinsics are in sub-pixels, 64 to a pixel. The rotation turns into a camera that looks along -z
with y up, so x_c = diag(1, -1, -1) R (x - C). Radial terms come before tangential ones. Images are
those of the sensor: ``viewrotation`` turns the display only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..opencv_distortion import OpenCVDistortion
from ..types import CalibrationError
from .base import AnyCamera, Format, ReadOptions, make_camera
from .xml_tree import Element, read_xml

UNIT_M = 1e-3
SUBPIXELS = 64.0
FLIP_YZ = np.diag([1.0, -1.0, -1.0])


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read the active cameras of a file; the name is the serial number."""
    cameras = read_xml(path, "calibration").child("cameras")
    active = [camera for camera in cameras.all("camera") if camera.attributes.get("active") != "0"]
    if not active:
        raise CalibrationError(f"{cameras.where}: no active <camera> in it")
    return [_camera(camera, options) for camera in active]


def _camera(camera: Element, options: ReadOptions) -> AnyCamera:
    transform, intrinsic = camera.child("transform"), camera.child("intrinsic")
    view = camera.child("fov_video")
    width, height = (
        view.number(high) - view.number(low) + 1.0
        for high, low in (("right", "left"), ("bottom", "top"))
    )
    per_pixel = (intrinsic.number("sensorMaxU") - intrinsic.number("sensorMinU")) / width
    if not 0.9 * SUBPIXELS <= per_pixel <= 1.1 * SUBPIXELS:
        raise CalibrationError(
            f"{intrinsic.where}: sensorMaxU: expected {SUBPIXELS:g} sub-pixels for each of "
            f"{width:g} pixels, got {per_pixel:.4g}"
        )
    K = np.array(
        [
            [intrinsic.number("focalLengthU"), intrinsic.number("skew"),
             intrinsic.number("centerPointU")],
            [0.0, intrinsic.number("focalLengthV"), intrinsic.number("centerPointV")],
            [0.0, 0.0, SUBPIXELS],
        ]
    ) / SUBPIXELS  # fmt: skip
    R = np.array(
        [[transform.number(f"r{row}{column}") for column in (1, 2, 3)] for row in (1, 2, 3)]
    )
    position = np.array([transform.number(axis) for axis in "xyz"]) * (options.unit_m or UNIT_M)
    k1, k2, k3 = (intrinsic.number(f"radialDistortion{index}") for index in (1, 2, 3))
    p1, p2 = (intrinsic.number(f"tangentalDistortion{index}") for index in (1, 2))
    R = FLIP_YZ @ R
    return make_camera(
        camera.where,
        camera.attribute("serial"),
        K,
        R,
        -R @ position,
        (width, height),
        OpenCVDistortion((k1, k2, p1, p2, k3)),
    )


FORMAT = Format(read, None, "Qualisys .qca.txt (XML); millimetres and 1/64 pixels")
