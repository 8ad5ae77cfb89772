"""OpenCV's own files (FileStorage YAML, XML or JSON), with or without a pose.

One camera has its keys at the top, several are a list ``cameras``. Keys: ``camera_matrix``,
``distortion_coefficients`` (4, 5 or 8; with ``distortion_model: fisheye`` 4), ``image_width`` and
``image_height``, and the pose x_c = R x + T as ``rvec`` or ``R`` with ``tvec`` or ``T``; also the
names that OpenCV's samples and tutorials use for these. Metres unless ``unit_m`` says otherwise,
Z up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..camera import Camera
from ..distortion import Distortion, FisheyeDistortion
from ..intrinsics import Intrinsics
from ..lenses import MakeLens
from ..opencv_distortion import OpenCVDistortion
from ..rotation import rotation_from_vector
from ..types import CalibrationError, FloatArray
from .base import AnyCamera, Format, ReadOptions, checked_size, files_of, make_camera
from .opencv_storage import read_storage, write_storage
from .storage_node import Node

NAMES = {
    "camera_matrix": ("camera_matrix", "cameraMatrix", "Camera_Matrix", "K", "M"),
    "distortion": ("distortion_coefficients", "Distortion_Coefficients", "distCoeffs",
                   "dist_coeffs", "dist", "D"),
    "model": ("distortion_model",),
    "width": ("image_width", "image_Width", "width"),
    "height": ("image_height", "image_Height", "height"),
    "rotation": ("R", "rotation_matrix", "rvec", "rotation_vector"),
    "translation": ("T", "t", "tvec", "translation_vector"),
    "name": ("camera_name", "name"),
}  # fmt: skip
"""What we call it, and what files call it."""

MODELS: dict[str, MakeLens] = {
    "opencv": OpenCVDistortion,
    "plumb_bob": OpenCVDistortion,
    "rational_polynomial": OpenCVDistortion,
    "fisheye": FisheyeDistortion,
    "equidistant": FisheyeDistortion,
}
PATTERNS = ("*.yml", "*.yaml", "*.xml", "*.json")


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read a file of one or several cameras, or a folder of such files; all need a pose."""
    cameras: list[AnyCamera] = []
    for file in files_of(path, *PATTERNS):
        for default_name, node in _camera_nodes(file):
            inner = _intrinsics(node, default_name, options)
            R, t = _pose(node)
            t = t * (options.unit_m or 1.0)
            cameras.append(
                make_camera(
                    node.where, inner.name, inner.K, R, t, inner.image_size, inner.distortion
                )
            )
    return cameras


def read_intrinsics(path: Path, options: ReadOptions | None = None) -> list[Intrinsics]:
    """Read camera matrices and lenses; poses are not looked at.

    Raises
    ------
    CalibrationError
    """
    return [
        _intrinsics(node, default_name, options or ReadOptions())
        for file in files_of(Path(path), *PATTERNS)
        for default_name, node in _camera_nodes(file)
    ]


def _camera_nodes(path: Path) -> list[tuple[str, Node]]:
    root = read_storage(path)
    if "cameras" in root.map():
        nodes = root.map()["cameras"].list()
        if not nodes:
            raise CalibrationError(f"{path}: cameras: expected at least one")
        return [(f"{path.stem}-{index + 1}", node) for index, node in enumerate(nodes)]
    return [(path.stem, root)]


def _find(node: Node, what: str) -> Node | None:
    found = [node.map()[name] for name in NAMES[what] if name in node.map()]
    if len(found) > 1:
        raise CalibrationError(f"{found[1].where}: {what} is there twice")
    return found[0] if found else None


def _need(node: Node, what: str) -> Node:
    found = _find(node, what)
    if found is None:
        raise CalibrationError(f"{node.where}: {NAMES[what][0]} is missing")
    return found


def _intrinsics(node: Node, default_name: str, options: ReadOptions) -> Intrinsics:
    name = _find(node, "name")
    width, height = _find(node, "width"), _find(node, "height")
    if width is not None and height is not None:
        size = checked_size(node.where, (width.number(), height.number()))
    else:
        size = options.size_or_fail(node.where)
    K = _need(node, "camera_matrix").numbers(9).reshape(3, 3)
    try:
        return Intrinsics(name.text() if name else default_name, K, size, _lens(node))
    except CalibrationError:
        raise
    except ValueError as error:
        raise CalibrationError(f"{node.where}: {error}") from None


def _lens(node: Node) -> Distortion | None:
    values = _find(node, "distortion")
    if values is None:
        return None
    coefficients = values.numbers()
    model = _find(node, "model") or Node(node.where, "opencv")
    if model.text() not in MODELS:
        expected = ", ".join(MODELS)
        raise CalibrationError(f"{model.where}: expected one of {expected}, got {model.text()!r}")
    if not coefficients.any() and len(coefficients) in (0, 4, 5, 8):
        return None
    try:
        return MODELS[model.text()](tuple(coefficients))
    except ValueError as error:
        raise CalibrationError(f"{values.where}: {error}") from None


def _pose(node: Node) -> tuple[FloatArray, FloatArray]:
    rotation = _need(node, "rotation")
    values = rotation.numbers()
    if len(values) not in (3, 9):
        raise CalibrationError(f"{rotation.where}: expected 3 or 9 numbers, got {len(values)}")
    R = rotation_from_vector(values) if len(values) == 3 else values.reshape(3, 3)
    return R, _need(node, "translation").numbers(3)


def write(path: Path, cameras: Sequence[AnyCamera]) -> None:
    """Write YAML, or XML by the ending; OpenCV has no model for Tsai lenses and homographies.

    Raises
    ------
    CalibrationError
    """
    tables = []
    for camera in cameras:
        if not isinstance(camera, Camera):
            raise CalibrationError(f"{path}: camera {camera.name!r} is a homography only")
        table = _intrinsics_table(path, camera)
        tables.append({**table, "R": camera.R, "T": camera.t[:, None]})
    write_storage(path, tables[0] if len(tables) == 1 else {"cameras": tables})


def write_intrinsics(path: Path, intrinsics: Sequence[Intrinsics]) -> None:
    """Write cameras without poses.

    Raises
    ------
    CalibrationError
        For a lens that OpenCV does not know.
    """
    tables = [_intrinsics_table(path, camera) for camera in intrinsics]
    write_storage(path, tables[0] if len(tables) == 1 else {"cameras": tables})


def _intrinsics_table(path: Path, camera: Camera | Intrinsics) -> Mapping[str, Any]:
    lens = camera.distortion
    if lens is not None and lens.model not in MODELS:
        raise CalibrationError(
            f"{path}: camera {camera.name!r} has a {lens.model} lens, which OpenCV does not know"
        )
    coefficients = (0.0,) * 5 if lens is None else lens.coefficients
    return {
        "camera_name": camera.name,
        "image_width": camera.image_size[0],
        "image_height": camera.image_size[1],
        "camera_matrix": camera.K,
        "distortion_model": "opencv" if lens is None else lens.model,
        "distortion_coefficients": np.array([coefficients]),
    }


FORMAT = Format(
    read,
    write,
    "OpenCV YAML, XML or JSON, a file or a folder of them; metres, x_c = R x + T",
)
