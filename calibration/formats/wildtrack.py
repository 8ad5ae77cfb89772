"""WILDTRACK (Chavdarova et al., CVPR 2018) and MultiviewX (Hou et al., ECCV 2020).

Both keep a folder of intrinsics and one of extrinsics, one XML file per camera. They differ where
it hurts, so they are two formats:

* WILDTRACK: centimetres; the images are undistorted already and belong to the camera matrix of
  ``intrinsic_original`` *without* its distortion; ``extr_*.xml`` holds plain lists of numbers,
  which OpenCV's own reader does not take.
* MultiviewX: metres; the distortion is a rounding error and is left out; its ground axes are
  left-handed and the scene has negative depth. As a rotation cannot mirror, **Y is negated**: a
  ground position (x, y) of its annotations is (x, -y) here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..rotation import rotation_from_vector
from ..types import CalibrationError, FloatArray
from .base import AnyCamera, Format, ReadOptions, files_of, make_camera
from .opencv_storage import read_storage

IMAGE_SIZE = (1920, 1080)
WILDTRACK_UNIT_M = 0.01
MIRROR_Y = np.diag([1.0, -1.0, 1.0])


def read_wildtrack(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read a folder that holds ``intrinsic_original`` (or ``_zero``) and ``extrinsic``.

    Cameras come in the order of the annotations' ``viewNum``: CVLab1-4, IDIAP1-3.
    """
    intrinsic = _folder(path, "intrinsic_original", "intrinsic_zero")
    cameras = []
    for name, K, R, t, where in _parts(path, intrinsic):
        t_m = t * (options.unit_m or WILDTRACK_UNIT_M)
        cameras.append(make_camera(where, name, K, R, t_m, IMAGE_SIZE))
    return list(cameras)


def read_multiviewx(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read a folder that holds ``intrinsic`` and ``extrinsic``; Y is negated, see above."""
    cameras = []
    for name, K, R, t, where in _parts(path, _folder(path, "intrinsic")):
        # -P is the same projection as P, with the scene in front; it mirrors, and so does MIRROR_Y
        t_m = -t * (options.unit_m or 1.0)
        cameras.append(make_camera(where, name, K, -R @ MIRROR_Y, t_m, IMAGE_SIZE))
    return list(cameras)


def _folder(path: Path, *names: str) -> Path:
    for base in (path, path / "calibrations"):
        for name in names:
            if (base / name).is_dir():
                return base / name
    raise CalibrationError(f"{path}: expected a folder {' or '.join(names)} in it")


def _parts(
    path: Path, intrinsic: Path
) -> list[tuple[str, FloatArray, FloatArray, FloatArray, str]]:
    """Name, K, R, t (in the file's unit) and file of every camera."""
    extrinsic = _folder(path, "extrinsic")
    parts = []
    for file in files_of(extrinsic, "extr_*.xml"):
        name = file.stem.removeprefix("extr_")
        pose = read_storage(file)
        inner = read_storage(intrinsic / f"intr_{name}.xml")
        K = inner.child("camera_matrix").numbers(9).reshape(3, 3)
        R = rotation_from_vector(pose.child("rvec").numbers(3))
        parts.append((name, K, R, pose.child("tvec").numbers(3), str(file)))
    return parts


WILDTRACK = Format(
    read_wildtrack,
    None,
    "WILDTRACK's folder with intrinsic_original/ and extrinsic/; centimetres, undistorted images",
)
MULTIVIEWX = Format(
    read_multiviewx,
    None,
    "MultiviewX's folder with intrinsic/ and extrinsic/; metres, Y is negated (it is left-handed)",
)
