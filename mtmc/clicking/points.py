"""Picked points: places on the floor and the pixels that show them, from and to CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtmc.calibration.point_pairs import read_point_pairs

from ..atomic import atomic_writer
from ..errors import InputError

PLACE_COLUMNS = ["point", "x", "y"]
COLUMNS = ["camera", "u", "v", "x", "y", "z", "point"]


@dataclass(frozen=True)
class Place:
    """A place on the floor.

    Attributes
    ----------
    name : str
        May be empty for a measured place.
    xy : (float, float) or None
        Metres; None for a place that nobody measured but several cameras see.
    """

    name: str
    xy: tuple[float, float] | None

    def __post_init__(self) -> None:
        if self.xy is None and not self.name:
            raise ValueError("place: expected x, y, a name, or both, got neither")
        if self.xy is not None and not all(math.isfinite(value) for value in self.xy):
            raise ValueError(f"place: expected finite metres, got {self.xy}")

    def __str__(self) -> str:
        where = "" if self.xy is None else f"{self.xy[0]:g}, {self.xy[1]:g}"
        return " ".join(part for part in (self.name, where) if part)


@dataclass(frozen=True)
class Picked:
    """A place and the pixel that shows it."""

    uv: tuple[float, float]
    place: Place


def parse_place(text: str) -> Place:
    """``4.0, 2.5``, ``4.0, 2.5 door`` or, for a place that nobody measured, ``stain``.

    Raises
    ------
    ValueError
        When it is none of these.
    """
    words = text.replace(",", " ").split()
    try:
        return Place(" ".join(words[2:]), (float(words[0]), float(words[1])))
    except (IndexError, ValueError):
        pass
    if not words or _is_number(words[0]):
        raise ValueError(f"expected x, y in metres, or a name, got {text.strip()!r}")
    return Place(" ".join(words), None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_places(path: Path) -> list[Place]:
    """Places in the order in which they are to be clicked: CSV with the header ``point,x,y``.

    Raises
    ------
    InputError
        Names file and line of what is wrong.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    places: list[Place] = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        header = [field.strip().lower() for field in next(reader, [])]
        if header != PLACE_COLUMNS:
            raise InputError(f"{path}: line 1: expected the header {','.join(PLACE_COLUMNS)}")
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            try:
                name, x, y = (field.strip() for field in fields)
                place = Place(name, (float(x), float(y)))
            except ValueError:
                raise InputError(
                    f"{path}: line {reader.line_num}: expected point, x, y, got {','.join(fields)}"
                ) from None
            if place.name and place.name in {one.name for one in places}:
                raise InputError(f"{path}: line {reader.line_num}: {name!r} is there twice")
            places.append(place)
    if not places:
        raise InputError(f"{path}: no places below the header")
    return places


def load_picked(path: Path, camera: str) -> list[Picked]:
    """What a file of pairs already holds of a camera; nothing where there is no file.

    Raises
    ------
    CalibrationError, OSError
        When the file is no file of pairs.
    """
    if not path.exists():
        return []
    pairs = read_point_pairs(path).of_camera(camera)
    picked = []
    for name, uv, xyz in zip(pairs.points, pairs.uv.tolist(), pairs.xyz.tolist(), strict=True):
        xy = None if math.isnan(xyz[0]) else (xyz[0], xyz[1])
        picked.append(Picked((uv[0], uv[1]), Place(_own_name(name, xyz), xy)))
    return picked


def save_picked(path: Path, camera: str, picked: Sequence[Picked]) -> None:
    """Write a camera's points in the form that ``mtmc calibrate solve extrinsics`` reads.

    The rows of other cameras in the file stay.

    Raises
    ------
    CalibrationError, OSError
        When the file exists and is no file of pairs, or cannot be written.
    """
    rows: list[list[str]] = []
    if path.exists():
        pairs = read_point_pairs(path)
        for name, point, uv, xyz in zip(
            pairs.cameras, pairs.points, pairs.uv.tolist(), pairs.xyz.tolist(), strict=True
        ):
            if name != camera:
                rows.append([name, *map(_text, (*uv, *xyz)), _own_name(point, xyz)])
    for one in picked:
        x, y = one.place.xy or (math.nan, math.nan)
        rows.append([camera, *map(_text, (*one.uv, x, y, 0.0)), one.place.name])
    with atomic_writer(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _own_name(name: str, xyz: Sequence[float]) -> str:
    """The name that somebody gave a place; places without one are read with their coordinates."""
    x, y, z = xyz
    return "" if name == f"({x:g}, {y:g}, {z:g})" else name


def _text(value: float) -> str:
    """Four digits, without trailing zeros; nothing for NaN."""
    return "" if math.isnan(value) else f"{value:.4f}".rstrip("0").rstrip(".")
