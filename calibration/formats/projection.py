"""3×4 projection matrices: u ~ P (x, 1), as JSON {"cam1": {"P": [[...]]}, ...} or text.

CMC (Ong et al., TPAMI 2022) comes like this, in metres with Z up. A text file holds twelve numbers
for one camera. P is decomposed into K [R | t] (Hartley and Zisserman, "Multiple View Geometry",
section 6.2.4); its sign and scale are free. The format has no image size.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..camera import Camera
from ..types import CalibrationError, FloatArray
from .base import (
    AnyCamera,
    Format,
    ReadOptions,
    array,
    files_of,
    make_camera,
    mapping,
    need,
    numbers,
    read_text,
    write_text,
)
from .json_file import read_json

SINGULAR = 1e-12


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read all cameras of a JSON file, or of a text file or folder of them, one camera each."""
    cameras: list[AnyCamera] = []
    for where, name, P in _matrices(path):
        K, R, t = decompose_projection(P, where)
        t = t * (options.unit_m or 1.0)
        cameras.append(make_camera(where, name, K, R, t, options.size_or_fail(str(path))))
    return cameras


def _matrices(path: Path) -> list[tuple[str, str, FloatArray]]:
    if path.suffix == ".json":
        entries = mapping(str(path), read_json(path))
        if not entries:
            raise CalibrationError(f"{path}: no cameras in it")
        found = []
        for name, entry in entries.items():
            where = f"{path}: {name}"
            matrix = need(where, entry, "P") if isinstance(entry, dict) else entry
            found.append((where, name, array(f"{where}.P", matrix, (3, 4))))
        return found
    return [
        (str(file), file.stem, numbers(str(file), read_text(file), 12).reshape(3, 4))
        for file in files_of(path, "*.txt")
    ]


def decompose_projection(
    P: FloatArray, where: str = "P"
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """K (3, 3) with positive focal lengths, R (3, 3) and t (3,) of P (3, 4) ~ K [R | t].

    Raises
    ------
    CalibrationError
        When P is no projection of a camera at a finite place.
    """
    M = P[:, :3]
    scale = float(np.linalg.norm(M[2]))
    if not (scale > 0 and abs(np.linalg.det(M)) > SINGULAR * np.linalg.norm(M) ** 3):
        raise CalibrationError(f"{where}: expected a camera at a finite place, got a singular P")
    # with positive depth in front, det(K R) > 0: that fixes the sign
    P = P * (np.sign(np.linalg.det(M)) / scale)
    # RQ by QR of the matrix read backwards: M = K R, so (J M)ᵀ = Rᵀ Kᵀ J
    backwards = np.eye(3)[::-1]
    orthogonal, triangular = np.linalg.qr((backwards @ P[:, :3]).T)
    K = backwards @ triangular.T @ backwards
    signs = np.diag(np.sign(np.diag(K)))
    K = K @ signs
    R = signs @ backwards @ orthogonal.T
    t = np.linalg.solve(K, P[:, 3])
    K = K / K[2, 2]
    K[np.tril_indices(3, -1)] = 0.0
    K[2, 2] = 1.0
    return K, R, t


def write(path: Path, cameras: Sequence[AnyCamera]) -> None:
    """Write JSON; a camera with a lens, or without a pose, has no projection matrix.

    Raises
    ------
    CalibrationError
    """
    entries = {}
    for camera in cameras:
        if not isinstance(camera, Camera) or camera.distortion is not None:
            raise CalibrationError(f"{path}: camera {camera.name!r} has no projection matrix")
        P = camera.K @ np.column_stack([camera.R, camera.t])
        entries[camera.name] = {"P": P.tolist()}
    write_text(path, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")


FORMAT = Format(
    read,
    write,
    "3x4 projection matrices, as JSON (CMC) or one text file per camera; metres, no lens",
)
