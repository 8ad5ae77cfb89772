"""Pairs of a pixel and the place on the floor that it shows, as CSV.

::

    camera,u,v,x,y,z,point
    north,812.5,640.0,0.0,0.0,,corner
    north,1203.0,655.5,4.0,0.0,,door
    south,400.0,512.0,4.0,0.0,,door
    south,655.0,700.0,,,,stain

``u, v`` are pixels of the camera's own (distorted) image, ``x, y`` metres on the floor,
right-handed as seen from above (from X, turn left to Y). ``z`` (height, metres) may be left out or
empty: 0. ``point`` names the place and may be left out; equal names, or equal coordinates without
names, are one place. Empty ``x, y`` are a place that was not measured but is seen by several
cameras: it ties them together, and it needs a name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .types import BoolArray, CalibrationError, FloatArray, as_rows

REQUIRED = ("camera", "u", "v", "x", "y")
OPTIONAL = ("z", "point")
SAME_PLACE_M = 1e-9


@dataclass(frozen=True, eq=False)
class PointPairs:
    """What cameras see of places on the floor; parallel, one row per sighting.

    Attributes
    ----------
    cameras : tuple of str
        Which camera saw it.
    points : tuple of str
        Name of the place.
    uv : (N, 2) float64
        Pixels.
    xyz : (N, 3) float64
        Metres; x and y are NaN for a place that was not measured.

    Raises
    ------
    ValueError
        On wrong shapes, NaN in uv or z, or a place with two positions.
    """

    cameras: tuple[str, ...]
    points: tuple[str, ...]
    uv: FloatArray
    xyz: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "uv", as_rows("PointPairs.uv", self.uv, 2))
        object.__setattr__(self, "xyz", as_rows("PointPairs.xyz", self.xyz, 3))
        rows = len(self.uv)
        if not rows == len(self.xyz) == len(self.cameras) == len(self.points):
            raise ValueError(
                f"PointPairs: expected as many cameras, points, uv and xyz, got "
                f"{len(self.cameras)}, {len(self.points)}, {rows}, {len(self.xyz)}"
            )
        if not (np.isfinite(self.uv).all() and np.isfinite(self.xyz[:, 2]).all()):
            raise ValueError("PointPairs: expected finite pixels and heights")
        if (np.isfinite(self.xyz[:, 0]) != np.isfinite(self.xyz[:, 1])).any():
            raise ValueError("PointPairs: expected x and y both, or neither")
        first: dict[str, FloatArray] = {}
        for name, xyz in zip(self.points, self.xyz, strict=True):
            known = first.setdefault(name, xyz)
            if not np.allclose(known, xyz, rtol=0.0, atol=SAME_PLACE_M, equal_nan=True):
                raise ValueError(
                    f"point {name!r}: expected one position, got {known.tolist()} and "
                    f"{xyz.tolist()}"
                )

    def __len__(self) -> int:
        return len(self.uv)

    @property
    def measured(self) -> BoolArray:
        """(N,) which rows are of places whose position is known."""
        return np.isfinite(self.xyz[:, 0])

    def of_camera(self, name: str) -> PointPairs:
        """The rows of one camera."""
        rows = [row for row, camera in enumerate(self.cameras) if camera == name]
        return PointPairs(
            tuple(self.cameras[row] for row in rows),
            tuple(self.points[row] for row in rows),
            self.uv[rows],
            self.xyz[rows],
        )

    def camera_names(self) -> list[str]:
        """Each camera once, in order of appearance."""
        return list(dict.fromkeys(self.cameras))


def read_point_pairs(path: str | Path, unit_m: float = 1.0) -> PointPairs:
    """Read the CSV above; ``unit_m`` is the length of its unit in metres.

    Raises
    ------
    CalibrationError
        With file, line and column.
    OSError
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CalibrationError(f"{path}: expected text") from None
    reader = csv.reader(io.StringIO(text))
    rows: list[tuple[str, str, tuple[float, float], tuple[float, float, float]]] = []
    try:
        header = _header(path, next(reader, []))
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append(_row(f"{path}: line {reader.line_num}", header, fields, unit_m))
    except csv.Error as error:
        raise CalibrationError(f"{path}: line {reader.line_num}: {error}") from None
    if not rows:
        raise CalibrationError(f"{path}: no rows below the header")
    cameras, points, uv, xyz = zip(*rows, strict=True)
    try:
        return PointPairs(cameras, points, np.array(uv), np.array(xyz))
    except ValueError as error:
        raise CalibrationError(f"{path}: {error}") from None


def _header(path: Path, fields: Sequence[str]) -> dict[str, int]:
    names = [field.strip().lower() for field in fields]
    header = {name: column for column, name in enumerate(names) if name}
    for name in REQUIRED:
        if name not in header:
            raise CalibrationError(
                f"{path}: line 1: expected the columns {', '.join(REQUIRED)}, {name} is missing"
            )
    for name in header:
        if name not in REQUIRED + OPTIONAL:
            raise CalibrationError(f"{path}: line 1: unknown column {name!r}")
    return header


def _row(
    where: str, header: dict[str, int], fields: Sequence[str], unit_m: float
) -> tuple[str, str, tuple[float, float], tuple[float, float, float]]:
    def text(name: str) -> str:
        column = header.get(name, len(fields))
        return fields[column].strip() if column < len(fields) else ""

    def value(name: str, default: float | None) -> float:
        if not text(name) and default is not None:
            return default
        try:
            result = float(text(name))
        except ValueError:
            result = np.nan
        if not np.isfinite(result):
            raise CalibrationError(f"{where}: {name}: expected a number, got {text(name)!r}")
        return result

    camera, point = text("camera"), text("point")
    if not camera:
        raise CalibrationError(f"{where}: camera: expected a name, got nothing")
    z = value("z", 0.0) * unit_m
    if text("x") or text("y"):
        x, y = value("x", None) * unit_m, value("y", None) * unit_m
        point = point or f"({x:g}, {y:g}, {z:g})"
    else:
        x = y = np.nan
        if not point:
            raise CalibrationError(f"{where}: point: expected a name where x and y are empty")
    return camera, point, (value("u", None), value("v", None)), (x, y, z)
