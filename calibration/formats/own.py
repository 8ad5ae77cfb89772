"""The toolkit's own format, TOML or JSON by the file's ending: everything there is, losslessly.

TOML::

    format = "mtmc-cameras"
    version = 1

    [[cameras]]
    name = "north"
    image_size = [1920, 1080]
    K = [[1200.0, 0.0, 960.0], [0.0, 1200.0, 540.0], [0.0, 0.0, 1.0]]
    distortion = { model = "opencv", coefficients = [-0.3, 0.1, 0.0, 0.0, 0.0] }   # optional
    R = [[...], [...], [...]]
    t = [0.0, 1.5, 8.0]

    [[cameras]]
    name = "south"                  # the map between image and ground only
    image_size = [1280, 720]
    H = [[...], [...], [...]]       # image pixels to ground metres
    ground_pixel = [640.0, 700.0]   # optional: a pixel that shows ground

Metres, Z up, x_c = R x + t. JSON has the same keys. Numbers are written with all their digits, so
that reading gives back the very same cameras.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..distortion import Distortion
from ..ground import HomographyCamera
from ..lenses import LENSES
from ..types import CalibrationError
from .base import (
    AnyCamera,
    Format,
    ReadOptions,
    array,
    make_camera,
    make_homography,
    mapping,
    need,
    read_text,
    write_text,
)
from .json_file import read_json

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MARK = "mtmc-cameras"
VERSION = 1
_PINHOLE_KEYS = {"name", "image_size", "K", "R", "t", "distortion"}
_HOMOGRAPHY_KEYS = {"name", "image_size", "H", "ground_pixel"}


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read all cameras of a ``.toml`` or ``.json`` file."""
    table = mapping(str(path), read_json(path) if _is_json(path) else _read_toml(path))
    if table.get("format") != MARK:
        raise CalibrationError(f"{path}: format: expected {MARK!r}, got {table.get('format')!r}")
    if table.get("version") != VERSION:
        raise CalibrationError(f"{path}: version: expected {VERSION}, got {table.get('version')!r}")
    entries = need(str(path), table, "cameras")
    if not isinstance(entries, list) or not entries:
        raise CalibrationError(f"{path}: cameras: expected a list of cameras")
    unknown = sorted(set(table) - {"format", "version", "cameras"})
    if unknown:
        raise CalibrationError(f"{path}: unknown key {unknown[0]!r}")
    return [
        camera_from_table(f"{path}: cameras[{index}]", entry, options.unit_m or 1.0)
        for index, entry in enumerate(entries)
    ]


def camera_from_table(where: str, value: Any, unit_m: float = 1.0) -> AnyCamera:
    """One camera from a table with the keys above; ``where`` begins every message.

    Raises
    ------
    CalibrationError
    """
    table = mapping(where, value)
    known = _HOMOGRAPHY_KEYS if "H" in table else _PINHOLE_KEYS
    unknown = sorted(set(table) - known)
    if unknown:
        raise CalibrationError(f"{where}: unknown key {unknown[0]!r}")
    name = need(where, table, "name")
    if not isinstance(name, str) or not name:
        raise CalibrationError(f"{where}.name: expected a name, got {name!r}")
    width, height = array(f"{where}.image_size", need(where, table, "image_size"), (2,))
    if "H" in table:
        H = array(f"{where}.H", table["H"], (3, 3))
        H[:2] *= unit_m
        pixel = None
        if "ground_pixel" in table:
            u, v = array(f"{where}.ground_pixel", table["ground_pixel"], (2,))
            pixel = (float(u), float(v))
        return make_homography(where, name, H, (width, height), pixel)
    return make_camera(
        where,
        name,
        array(f"{where}.K", need(where, table, "K"), (3, 3)),
        array(f"{where}.R", need(where, table, "R"), (3, 3)),
        array(f"{where}.t", need(where, table, "t"), (3,)) * unit_m,
        (width, height),
        _lens(f"{where}.distortion", table["distortion"]) if "distortion" in table else None,
    )


def _lens(where: str, value: Any) -> Distortion:
    table = mapping(where, value)
    model = need(where, table, "model")
    if not isinstance(model, str) or model not in LENSES:
        raise CalibrationError(
            f"{where}.model: expected {' or '.join(sorted(LENSES))}, got {model!r}"
        )
    values = need(where, table, "coefficients")
    count = len(values) if isinstance(values, list) else 0
    coefficients = array(f"{where}.coefficients", values, (count,))
    try:
        return LENSES[model](tuple(coefficients))
    except ValueError as error:
        raise CalibrationError(f"{where}: {error}") from None


def camera_to_table(camera: AnyCamera) -> dict[str, Any]:
    """The table of a camera, of plain lists and numbers; `camera_from_table` is the inverse."""
    table: dict[str, Any] = {"name": camera.name, "image_size": list(camera.image_size)}
    if isinstance(camera, HomographyCamera):
        table["H"] = camera.H.tolist()
        if camera.ground_pixel is not None:
            table["ground_pixel"] = [float(value) for value in camera.ground_pixel]
        return table
    table["K"] = camera.K.tolist()
    if camera.distortion is not None:
        table["distortion"] = {
            "model": camera.distortion.model,
            "coefficients": list(camera.distortion.coefficients),
        }
    table["R"] = camera.R.tolist()
    table["t"] = camera.t.tolist()
    return table


def write(path: Path, cameras: Sequence[AnyCamera]) -> None:
    """Write a ``.json`` file, or else TOML."""
    tables = [camera_to_table(camera) for camera in cameras]
    if _is_json(path):
        whole = {"format": MARK, "version": VERSION, "cameras": tables}
        write_text(path, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
        return
    lines = [f'format = "{MARK}"', f"version = {VERSION}"]
    for table in tables:
        lines += ["", "[[cameras]]"]
        lines += [f"{key} = {_toml(value)}" for key, value in table.items()]
    write_text(path, "\n".join(lines) + "\n")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):  # JSON's escapes are TOML's, but TOML also forbids a bare DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _read_toml(path: Path) -> Any:
    try:
        return tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, CalibrationError):
            raise
        raise CalibrationError(f"{path}: not valid TOML: {error}") from None


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"


FORMAT = Format(read, write, "the toolkit's own TOML or JSON (by the ending); metres, lossless")
