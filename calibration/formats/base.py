"""What all calibration formats share: the registry's entry, options, and files that fail clearly.

A reader takes a path and :class:`ReadOptions` and returns cameras in metres with Z up. What it
cannot use it refuses with a :class:`CalibrationError` that names the file, the line where there is
one, and the key.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..camera import Camera
from ..distortion import Distortion
from ..ground import HomographyCamera
from ..rotation import ROUNDING, nearest_rotation
from ..types import CalibrationError, FloatArray

AnyCamera = Camera | HomographyCamera

PRINTED_ROTATION = 1e-3
"""Rotations printed with few digits are this far off orthonormal at most; more is an error."""

MAX_SIDE = 1e6
"""No image is that large."""


@dataclass(frozen=True)
class ReadOptions:
    """What a file may leave open.

    Attributes
    ----------
    image_size : (int, int) or None
        Width and height in pixels, for formats that do not say. Where a format does, the cameras
        are resized to this.
    unit_m : float or None
        Length of the file's unit in metres, where it is not the one the format is published in.
    """

    image_size: tuple[int, int] | None = None
    unit_m: float | None = None

    def __post_init__(self) -> None:
        if self.unit_m is not None and not (np.isfinite(self.unit_m) and self.unit_m > 0):
            raise ValueError(f"unit_m: expected a positive length in metres, got {self.unit_m}")

    def size_or_fail(self, where: str) -> tuple[int, int]:
        """The image size, for a format that does not know it."""
        if self.image_size is None:
            raise CalibrationError(f"{where}: this format has no image size; give one")
        return self.image_size


Reader = Callable[[Path, ReadOptions], list[AnyCamera]]
Writer = Callable[[Path, Sequence[AnyCamera]], None]


@dataclass(frozen=True)
class Format:
    """One calibration format.

    Attributes
    ----------
    read : callable (path, ReadOptions) -> list of cameras
    write : callable (path, cameras), or None
        ``None`` where writing makes no sense.
    description : str
        One line for users: what lies where, units, axes.
    """

    read: Reader
    write: Writer | None
    description: str


def read_text(path: Path) -> str:
    """The UTF-8 text of a file.

    Raises
    ------
    OSError
        When it cannot be read.
    CalibrationError
        When it is not text, or empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CalibrationError(f"{path}: expected text, got byte {error.start} no text") from None
    if not text.strip():
        raise CalibrationError(f"{path}: the file is empty")
    if "\0" in text:
        raise CalibrationError(f"{path}: expected text, got binary data")
    return text


def write_text(path: Path, text: str) -> None:
    """Write a whole file or nothing: under a temporary name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        umask = os.umask(0)  # mkstemp makes files that only their owner can read
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def files_of(path: Path, *patterns: str) -> list[Path]:
    """The file itself, or the files of a folder that match, in natural order (2 before 10).

    Raises
    ------
    CalibrationError
        When there are none.
    """
    if path.is_dir():
        found = {file for pattern in patterns for file in path.glob(pattern) if file.is_file()}
        if not found:
            raise CalibrationError(f"{path}: no file {' or '.join(patterns)} in this folder")
        return sorted(found, key=lambda file: natural_key(file.name))
    if not path.exists():
        raise FileNotFoundError(2, "No such file or directory", str(path))
    return [path]


def natural_key(name: str) -> list[tuple[int, str]]:
    """Sort key under which numbers count as numbers."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]


def number(where: str, value: Any) -> float:
    """A finite number from text or JSON.

    Raises
    ------
    CalibrationError
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        result = float(value)
    except (TypeError, ValueError):
        raise CalibrationError(f"{where}: expected a number, got {_short(value)}") from None
    if not np.isfinite(result):
        raise CalibrationError(f"{where}: expected a finite number, got {_short(value)}")
    return result


def numbers(where: str, text: str, count: int | None = None) -> FloatArray:
    """Finite numbers divided by white space or commas; ``count`` of them if given.

    Raises
    ------
    CalibrationError
    """
    parts = text.replace(",", " ").split()
    if count is not None and len(parts) != count:
        raise CalibrationError(f"{where}: expected {count} numbers, got {len(parts)}")
    return np.array([number(where, part) for part in parts])


def array(where: str, value: Any, shape: tuple[int, ...]) -> FloatArray:
    """Nested lists of JSON or TOML as a finite array; a flat list will do for any shape.

    Raises
    ------
    CalibrationError
    """
    flat: list[float] = []

    def walk(item: Any, depth: int) -> None:
        if isinstance(item, (list, tuple)) and depth < len(shape) + 1:
            for part in item:
                walk(part, depth + 1)
        else:
            flat.append(number(where, item))

    if not isinstance(value, (list, tuple)):
        raise CalibrationError(f"{where}: expected a list of numbers, got {_short(value)}")
    walk(value, 0)
    if len(flat) != int(np.prod(shape)):
        wanted = "×".join(str(length) for length in shape)
        raise CalibrationError(f"{where}: expected {wanted} numbers, got {len(flat)}")
    return np.array(flat).reshape(shape)


def mapping(where: str, value: Any) -> dict[str, Any]:
    """A JSON object or TOML table.

    Raises
    ------
    CalibrationError
    """
    if not isinstance(value, dict):
        raise CalibrationError(f"{where}: expected key-value pairs, got {_short(value)}")
    return value


def need(where: str, table: dict[str, Any], key: str) -> Any:
    """``table[key]``.

    Raises
    ------
    CalibrationError
        That names the key, when it is missing.
    """
    if key not in table:
        raise CalibrationError(f"{where}: {key} is missing")
    return table[key]


def checked_size(where: str, size: tuple[float, float]) -> tuple[int, int]:
    """Width and height in whole pixels.

    Raises
    ------
    CalibrationError
    """
    if not all(1 <= side < MAX_SIDE and side == int(side) for side in size):
        raise CalibrationError(f"{where}: image size: expected whole pixels, got {tuple(size)}")
    return int(size[0]), int(size[1])


def make_camera(
    where: str,
    name: str,
    K: FloatArray,
    R: FloatArray,
    t: FloatArray,
    image_size: tuple[float, float],
    distortion: Distortion | None = None,
) -> Camera:
    """A camera from a file: rotations printed with few digits are polished, errors name the file.

    Raises
    ------
    CalibrationError
    """
    size = checked_size(where, image_size)
    error = float(np.abs(R @ R.T - np.eye(3)).max())
    if ROUNDING < error <= PRINTED_ROTATION and np.linalg.det(R) > 0:
        R = nearest_rotation(R)
    try:
        return Camera(name, K, R, t, size, distortion)
    except ValueError as error_:
        raise CalibrationError(f"{where}: {error_}") from None


def make_homography(
    where: str,
    name: str,
    H: FloatArray,
    image_size: tuple[float, float],
    ground_pixel: tuple[float, float] | None = None,
) -> HomographyCamera:
    """A homography camera from a file.

    Raises
    ------
    CalibrationError
    """
    try:
        return HomographyCamera(name, H, checked_size(where, image_size), ground_pixel)
    except ValueError as error:
        raise CalibrationError(f"{where}: {error}") from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
