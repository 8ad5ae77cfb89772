"""Homographies of EPFL's multi-camera pedestrian videos (Fleuret et al., PAMI 2008), as text.

::

    # Camera 0
    # Ground plane homography
    a b c
    d e f
    g h i
    # Head plane homography      (or: # Head plane height in camera view)
    ...

H maps *image* pixels to pixels of a top-view picture, whose y points down: **Y is negated** to
make the ground right-handed. How long a pixel of that picture is, the file does not say: give
``unit_m``. The videos are 360×288. Head planes are not used: a homography knows no heights.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..types import CalibrationError, FloatArray
from .base import AnyCamera, Format, ReadOptions, make_homography, numbers, read_text

IMAGE_SIZE = (360, 288)
_CAMERA = re.compile(r"#\s*camera\s+(\S+)", re.IGNORECASE)
_GROUND = re.compile(r"#\s*ground plane homography", re.IGNORECASE)


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read all cameras of a file; names are ``C0``, ``C1``, ... after its numbers."""
    matrices = _ground_matrices(path)
    if options.unit_m is None:
        raise CalibrationError(
            f"{path}: this format does not say how long a pixel of its top view is; give unit_m"
        )
    to_metres = np.diag([options.unit_m, -options.unit_m, 1.0])
    size = options.image_size or IMAGE_SIZE
    return [
        make_homography(f"{path}: camera {name}", f"C{name}", to_metres @ H, size)
        for name, H in matrices.items()
    ]


def _ground_matrices(path: Path) -> dict[str, FloatArray]:
    rows: dict[str, list[FloatArray]] = {}
    camera: str | None = None
    wanted = False
    for line_number, line in enumerate(read_text(path).splitlines(), 1):
        where = f"{path}: line {line_number}"
        text = line.strip()
        if match := _CAMERA.match(text):
            camera, wanted = match[1], False
            if camera in rows:
                raise CalibrationError(f"{where}: camera {camera} is there twice")
            rows[camera] = []
        elif text.startswith("#"):
            if text.strip("# "):  # lines of # only are ornament
                wanted = bool(_GROUND.match(text))
        elif text and wanted:
            if camera is None:
                raise CalibrationError(f"{where}: expected '# Camera ...' before a homography")
            if len(rows[camera]) == 3:
                raise CalibrationError(f"{where}: expected 3 rows of a homography, got more")
            rows[camera].append(numbers(where, text, 3))
    if not rows:
        raise CalibrationError(f"{path}: no line '# Camera ...' in it")
    for name, found in rows.items():
        if len(found) != 3:
            raise CalibrationError(
                f"{path}: camera {name}: ground plane homography: expected 3 rows, got {len(found)}"
            )
    return {name: np.array(found) for name, found in rows.items()}


FORMAT = Format(
    read,
    None,
    "EPFL's text of ground-plane homographies, image to top view; give unit_m; Y is negated",
)
