"""Campus and Shelf (Belagiannis et al., CVPR 2014) as JSON: K, RT and imgSize per camera.

{"0": {"K": 9 numbers, "RT": 12 numbers, row by row, "imgSize": [w, h]}, ...}; metres, Z up.
"""

from __future__ import annotations

from pathlib import Path

from ..types import CalibrationError
from .base import AnyCamera, Format, ReadOptions, array, make_camera, mapping, need
from .json_file import read_json


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read all cameras of the file, in its order; the name is the key."""
    cameras: list[AnyCamera] = []
    for name, entry in mapping(str(path), read_json(path)).items():
        where = f"{path}: {name}"
        table = mapping(where, entry)
        pose = array(f"{where}.RT", need(where, table, "RT"), (3, 4))
        size = array(f"{where}.imgSize", need(where, table, "imgSize"), (2,))
        K = array(f"{where}.K", need(where, table, "K"), (3, 3))
        t = pose[:, 3] * (options.unit_m or 1.0)
        cameras.append(make_camera(where, name, K, pose[:, :3], t, (size[0], size[1])))
    if not cameras:
        raise CalibrationError(f"{path}: no cameras in it")
    return cameras


FORMAT = Format(read, None, "Campus and Shelf JSON with K, RT, imgSize per camera; metres")
