"""CMU Panoptic's JSON: K, five distortion coefficients, R and t in centimetres, -Y up.

The floor is y = 0 and heights are negative y (Joo et al., ICCV 2015). Here X stays, Y is its z and
Z is its -y.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..opencv_distortion import OpenCVDistortion
from .base import AnyCamera, Format, ReadOptions, array, make_camera, mapping, need
from .json_file import read_json

UNIT_M = 0.01
AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""From Panoptic's world to ours."""


def read(path: Path, options: ReadOptions) -> list[AnyCamera]:
    """Read all cameras of a ``calibration_*.json``."""
    cameras: list[AnyCamera] = []
    entries = need(str(path), mapping(str(path), read_json(path)), "cameras")
    for index, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        where = f"{path}: cameras[{index}]"
        table = mapping(where, entry)
        values = array(f"{where}.distCoef", need(where, table, "distCoef"), (5,))
        size = array(f"{where}.resolution", need(where, table, "resolution"), (2,))
        t = array(f"{where}.t", need(where, table, "t"), (3,)) * (options.unit_m or UNIT_M)
        cameras.append(
            make_camera(
                where,
                str(need(where, table, "name")),
                array(f"{where}.K", need(where, table, "K"), (3, 3)),
                array(f"{where}.R", need(where, table, "R"), (3, 3)) @ AXES.T,
                t,
                (size[0], size[1]),
                OpenCVDistortion(tuple(values)),
            )
        )
    return cameras


FORMAT = Format(read, None, "CMU Panoptic JSON; centimetres with -Y up")
