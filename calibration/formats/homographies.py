"""Ground-to-image homographies as JSON, as MVFlow and its relatives keep for WILDTRACK.

{"sequence": {"homography": [3×3, ...], "frame_width": w, "frame_height": h, ...}}: each maps ground
positions in centimetres to image pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..types import CalibrationError
from .base import AnyCamera, Format, ReadOptions, array, make_homography, mapping, need, number
from .json_file import read_json

UNIT_M = 0.01


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read the cameras of the file's only sequence; names are ``C1``, ``C2``, ..."""
    sequences = mapping(str(path), read_json(path))
    if len(sequences) != 1:
        raise CalibrationError(f"{path}: expected one sequence, got {len(sequences)}")
    ((name, value),) = sequences.items()
    where = f"{path}: {name}"
    table = mapping(where, value)
    size = (
        number(f"{where}.frame_width", need(where, table, "frame_width")),
        number(f"{where}.frame_height", need(where, table, "frame_height")),
    )
    matrices = need(where, table, "homography")
    if not isinstance(matrices, list) or not matrices:
        raise CalibrationError(f"{where}.homography: expected a list of matrices")
    unit = options.unit_m or UNIT_M
    cameras: list[AnyCamera] = []
    for index, matrix in enumerate(matrices):
        here = f"{where}.homography[{index}]"
        to_image = array(here, matrix, (3, 3))
        if np.linalg.matrix_rank(to_image / np.abs(to_image).max(axis=1, keepdims=True)) < 3:
            raise CalibrationError(f"{here}: expected an invertible homography")
        H = np.diag([unit, unit, 1.0]) @ np.linalg.inv(to_image)
        cameras.append(make_homography(here, f"C{index + 1}", H, size))
    return cameras


FORMAT = Format(read, None, "JSON of ground-to-image homographies (MVFlow's metainfo); centimetres")
