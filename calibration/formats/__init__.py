"""Calibration files. A new format is one new file and one line in :data:`FORMATS`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from ..types import CalibrationError
from . import (
    epfl_pom,
    homographies,
    icg_lab6,
    opencv,
    own,
    panoptic,
    projection,
    qualisys,
    shelf,
    tsai,
    wildtrack,
)
from .base import AnyCamera, Format, ReadOptions
from .opencv import read_intrinsics, write_intrinsics

__all__ = [
    "FORMATS",
    "AnyCamera",
    "Format",
    "ReadOptions",
    "read_cameras",
    "read_intrinsics",
    "write_cameras",
    "write_intrinsics",
]

FORMATS: dict[str, Format] = {
    "mtmc": own.FORMAT,
    "opencv": opencv.FORMAT,
    "wildtrack": wildtrack.WILDTRACK,
    "multiviewx": wildtrack.MULTIVIEWX,
    "tsai": tsai.FORMAT,
    "epfl-pom": epfl_pom.FORMAT,
    "homographies": homographies.FORMAT,
    "panoptic": panoptic.FORMAT,
    "icg-lab6": icg_lab6.FORMAT,
    "qualisys": qualisys.FORMAT,
    "projection": projection.FORMAT,
    "shelf": shelf.FORMAT,
}
"""Every format by its name."""


def read_cameras(
    path: str | PathLike[str],
    format_name: str,
    image_size: tuple[int, int] | None = None,
    unit_m: float | None = None,
) -> list[AnyCamera]:
    """Read calibrated cameras; metres, Z up, in the order of the file.

    Parameters
    ----------
    path : path
        A file, or a folder where the format's description says so.
    format_name : str
        A key of :data:`FORMATS`.
    image_size : (int, int), optional
        Width and height in pixels: needed where the format does not say; else the cameras are
        resized to it (Terrace's calibration is for 720×576, its videos are 360×288).
    unit_m : float, optional
        Length of the file's unit in metres, where it is not the usual one.

    Raises
    ------
    CalibrationError
        On an unknown format, or a file that is wrong: names file, line where there is one, and key.
    OSError
        When a file cannot be read.
    """
    cameras = _format(format_name).read(Path(path), ReadOptions(image_size, unit_m))
    names = [camera.name for camera in cameras]
    for name in names:
        if names.count(name) > 1:
            raise CalibrationError(f"{path}: camera {name!r} is there twice")
    if image_size is not None:
        cameras = [
            camera if camera.image_size == image_size else camera.resized(image_size)
            for camera in cameras
        ]
    return cameras


def write_cameras(
    path: str | PathLike[str], format_name: str, cameras: Sequence[AnyCamera]
) -> None:
    """Write cameras to a file; the file is whole or not there.

    Raises
    ------
    CalibrationError
        When the format cannot be written, or cannot hold one of the cameras.
    OSError
    """
    write = _format(format_name).write
    if write is None:
        writable = ", ".join(name for name, entry in FORMATS.items() if entry.write)
        raise CalibrationError(
            f"format {format_name!r} is read only; these are written: {writable}"
        )
    if not cameras:
        raise CalibrationError(f"{path}: no cameras to write")
    write(Path(path), cameras)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise CalibrationError(f"format: expected one of {', '.join(FORMATS)}, got {name!r}")
    return FORMATS[name]
