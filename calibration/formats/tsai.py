"""Tsai calibrations as XML: one file per camera (PETS 2009, EPFL Terrace, EPFL-RLC).

<Camera name><Geometry width height dpx dpy .../><Intrinsic focal kappa1 cx cy sx/>
<Extrinsic tx ty tz rx ry rz/></Camera>, lengths in millimetres, angles in radians. With
R = Rz Ry Rx: x_c = R x + t; fx = focal·sx / dpx, fy = focal / dpy; κ = kappa1·focal² (Tsai, "A
versatile camera calibration technique", IEEE Journal of Robotics and Automation 1987).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..distortion import TsaiDistortion
from ..types import CalibrationError, FloatArray
from .base import AnyCamera, Format, ReadOptions, files_of, make_camera
from .xml_tree import read_xml

UNIT_M = 1e-3


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read one file, or every ``*.xml`` of a folder; the name is the file's."""
    return [_read_one(file, options) for file in files_of(path, "*.xml")]


def _read_one(path: Path, options: ReadOptions) -> AnyCamera:
    root = read_xml(path, "Camera")
    geometry, intrinsic, extrinsic = (
        root.child(tag) for tag in ("Geometry", "Intrinsic", "Extrinsic")
    )
    focal = intrinsic.number("focal")
    pixel = [geometry.number("dpx"), geometry.number("dpy")]
    if not (focal > 0 and min(pixel) > 0):
        raise CalibrationError(f"{path}: focal, dpx, dpy: expected positive, got {focal}, {pixel}")
    K = np.array(
        [
            [focal * intrinsic.number("sx") / pixel[0], 0.0, intrinsic.number("cx")],
            [0.0, focal / pixel[1], intrinsic.number("cy")],
            [0.0, 0.0, 1.0],
        ]
    )
    t = np.array([extrinsic.number(key) for key in ("tx", "ty", "tz")])
    return make_camera(
        str(path),
        path.stem,
        K,
        euler_rotation(*(extrinsic.number(key) for key in ("rx", "ry", "rz"))),
        t * (options.unit_m or UNIT_M),
        (geometry.number("width"), geometry.number("height")),
        TsaiDistortion((intrinsic.number("kappa1") * focal * focal,)),
    )


def euler_rotation(rx: float, ry: float, rz: float) -> FloatArray:
    """Rz Ry Rx, angles in radians: (3, 3)."""
    (sx, sy, sz), (cx, cy, cz) = np.sin([rx, ry, rz]), np.cos([rx, ry, rz])
    x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
    y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    z = np.array([[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(z @ y @ x)


FORMAT = Format(
    read,
    None,
    "Tsai XML, a file or a folder with one per camera (PETS 2009, EPFL Terrace); millimetres",
)
