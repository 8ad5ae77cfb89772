"""Annotations in WILDTRACK's layout: one JSON file per frame, people on a grid, a box per view.

``[{"personID", "positionID", "views": [{"viewNum", "xmin", "ymin", "xmax", "ymax"}]}]`` with -1 in
all four where a view does not show the person (Chavdarova et al., CVPR 2018).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..types import FloatArray, IntArray
from .site import GroundTruth

GridToGround = Callable[[IntArray], FloatArray]
"""Positions (N,) of the grid -> (N, 2) metres."""


def read_positions(
    folder: Path,
    cameras: Sequence[str],
    ground: GridToGround,
    index_of: Callable[[int], int],
) -> GroundTruth:
    """Read all frames of a folder.

    Parameters
    ----------
    folder : Path
    cameras : sequence of str
        Camera of each view number.
    ground : callable
        Place of a grid position.
    index_of : callable
        The site's frame number of the number in a file's name.

    Raises
    ------
    InputError
        Names the file and the key that is wrong.
    """
    files = sorted((int(path.stem), path) for path in folder.glob("*.json") if path.stem.isdigit())
    if not files:
        raise InputError(f"{folder}: no annotations (expected FRAME.json)")
    people: list[tuple[int, int, int]] = []
    boxes: list[tuple[str, int, int, tuple[int, int, int, int]]] = []
    for number, path in files:
        frame = index_of(number)
        for person in _load(path):
            people.append((frame, person["personID"], person["positionID"]))
            for view in person["views"]:
                box = (view["xmin"], view["ymin"], view["xmax"], view["ymax"])
                if view["viewNum"] < len(cameras) and box[2] > box[0] and box[3] > box[1]:
                    boxes.append((cameras[view["viewNum"]], frame, person["personID"], box))
    rows = np.array(people, np.int64).reshape(-1, 3)
    return GroundTruth(
        frames=np.array([index_of(number) for number, _ in files], np.int64),
        frame=rows[:, 0],
        id=rows[:, 1],
        xy=ground(rows[:, 2]),
        box_camera=tuple(box[0] for box in boxes),
        box_frame=np.array([box[1] for box in boxes], np.int64),
        box_id=np.array([box[2] for box in boxes], np.int64),
        box_xyxy=np.array([box[3] for box in boxes], np.float64).reshape(-1, 4),
    )


def _load(path: Path) -> list[dict[str, Any]]:
    try:
        people = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(people, list):
        raise InputError(f"{path}: expected a list of people")
    for number, person in enumerate(people):
        where = f"{path}: person {number + 1}"
        if not isinstance(person, dict):
            raise InputError(f"{where}: expected key-value pairs, got {person!r}")
        for key in ("personID", "positionID"):
            if not isinstance(person.get(key), int):
                raise InputError(f"{where}: {key}: expected an integer, got {person.get(key)!r}")
        if not isinstance(person.get("views"), list):
            raise InputError(f"{where}: views: expected a list")
        for view in person["views"]:
            for key in ("viewNum", "xmin", "ymin", "xmax", "ymax"):
                if not (isinstance(view, dict) and isinstance(view.get(key), (int, float))):
                    raise InputError(f"{where}: views: {key}: expected a number")
    return people
