"""ICG Lab 6 (Possegger et al., CVPR 2013): one ``.cfg`` per camera, metres, Z up.

An ini file with ``intrinsics``, ``rotation`` (nine numbers each, row by row) and ``translation``,
x_c = R x + t. Images are 1024×768 and undistorted.
"""

from __future__ import annotations

from pathlib import Path

from ..types import CalibrationError
from .base import AnyCamera, Format, ReadOptions, files_of, make_camera, numbers, read_text

IMAGE_SIZE = (1024, 768)
KEYS = {"intrinsics": 9, "rotation": 9, "translation": 3}


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read one file, or every ``*.cfg`` of a folder; the name is the file's."""
    return [_read_one(file, options) for file in files_of(path, "*.cfg")]


def _read_one(path: Path, options: ReadOptions) -> AnyCamera:
    found = {}
    for line_number, line in enumerate(read_text(path).splitlines(), 1):
        key, separator, value = line.partition(":")
        if separator and key.strip() in KEYS:
            key = key.strip()
            found[key] = numbers(f"{path}: line {line_number}: {key}", value, KEYS[key])
    for key in KEYS:
        if key not in found:
            raise CalibrationError(f"{path}: {key} is missing")
    return make_camera(
        str(path),
        path.stem,
        found["intrinsics"].reshape(3, 3),
        found["rotation"].reshape(3, 3),
        found["translation"] * (options.unit_m or 1.0),
        IMAGE_SIZE,
    )


FORMAT = Format(read, None, "ICG Lab 6, a .cfg file or a folder of them; metres")
