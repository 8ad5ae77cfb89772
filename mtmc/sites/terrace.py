"""EPFL Terrace (Fleuret, Berclaz, Lengagne and Fua, TPAMI 2008), 4 cameras, 25 frames per second.

::

    Terrace/Image_subsets/C1/10.jpg ...         360x288; calibration is for 720x576
    Terrace/calibration/terrace1-c0.xml ...     Tsai
    Terrace/annotations_positions/10.json ...   WILDTRACK's layout, grid of 25 cm
    Terrace/gt_fixed_ids.csv                    frame,id,view,visible,box,X_mm,Y_mm; -1 is unknown

Identities of the annotations hold in frames divisible by 25 only. The CSV gives the others, and is
preferred; without it the other frames count as not annotated.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from mtmc.calibration.formats import tsai
from mtmc.calibration.formats.base import ReadOptions

from ..errors import InputError
from ..types import FloatArray, IntArray
from .area import Area
from .positions import read_positions
from .site import GroundTruth, Site, SiteCamera
from .sources import numbered_images

NAME = "Terrace"
IMAGE_SIZE = (360, 288)
RATE = 25.0
GRID = Area.rectangle(-0.5, -1.5, 7.0, 9.5)
"""30 x 44 cells of 25 cm: the annotated ground."""
MIN_SCORE = 0.3
"""What scores of a person detector must reach in these small images."""
IDENTITY_STEP = 25
COLUMNS = ("frame", "id", "view", "visible", "xmin", "ymin", "xmax", "ymax", "X_mm", "Y_mm")


def names(data_root: Path) -> list[str]:
    """Sequences below a data root."""
    return [NAME] if (data_root / NAME / "calibration").is_dir() else []


def read(name: str, data_root: Path) -> Site:
    """Read the sequence.

    Raises
    ------
    InputError, CalibrationError, OSError
    """
    folder = data_root / name
    calibrations = tsai.read(folder / "calibration", ReadOptions())
    cameras = []
    for number, camera in enumerate(calibrations, 1):
        images = numbered_images(folder / "Image_subsets" / f"C{number}")
        cameras.append(
            SiteCamera(
                f"C{number}",
                replace(camera.resized(IMAGE_SIZE), name=f"C{number}"),
                np.array(sorted(images), np.int64),
                RATE,
                images=images,
            )
        )
    truth = _truth(folder, [camera.name for camera in cameras])
    return Site(name, tuple(cameras), RATE, GRID, None, MIN_SCORE, truth, folder)


def _truth(folder: Path, cameras: list[str]) -> GroundTruth | None:
    positions = folder / "annotations_positions"
    if not positions.is_dir():
        return None
    annotated = read_positions(positions, cameras, grid_ground, lambda number: number)
    fixed = folder / "gt_fixed_ids.csv"
    if fixed.is_file():
        return _read_fixed(fixed, cameras, annotated.frames)
    return _only(annotated, annotated.frames[annotated.frames % IDENTITY_STEP == 0])


def grid_ground(position: IntArray) -> FloatArray:
    """Middle of a cell of the grid, metres."""
    x = 0.25 * (position % 30 + 0.5) - 0.5
    return np.stack([x, 0.25 * (position // 30 + 0.5) - 1.5], axis=1)


def _only(truth: GroundTruth, frames: IntArray) -> GroundTruth:
    rows, boxes = np.isin(truth.frame, frames), np.isin(truth.box_frame, frames)
    names = tuple(np.array(truth.box_camera)[boxes].tolist())
    return GroundTruth(
        frames,
        truth.frame[rows],
        truth.id[rows],
        truth.xy[rows],
        names,
        truth.box_frame[boxes],
        truth.box_id[boxes],
        truth.box_xyxy[boxes],
    )


def _read_fixed(path: Path, cameras: list[str], frames: IntArray) -> GroundTruth:
    """One row per person and view; the position is repeated in every view."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        if tuple(next(reader, ())) != COLUMNS:
            raise InputError(f"{path}: line 1: expected the header {','.join(COLUMNS)}")
        try:
            rows = np.array(list(reader), np.float64).reshape(-1, len(COLUMNS))
        except ValueError as error:
            raise InputError(f"{path}: expected rows of {len(COLUMNS)} numbers: {error}") from error
    keys = rows[:, [0, 1, 8, 9]]
    _, first = np.unique(keys, axis=0, return_index=True)
    people = rows[np.sort(first)]
    shown = rows[rows[:, 3] == 1]
    view = shown[:, 2].astype(np.int64)
    if len(view) and not (view.min() >= 0 and view.max() < len(cameras)):
        raise InputError(f"{path}: view: expected 0 to {len(cameras) - 1}, got {view.max()}")
    return GroundTruth(
        np.union1d(frames, people[:, 0].astype(np.int64)),
        people[:, 0].astype(np.int64),
        people[:, 1].astype(np.int64),
        people[:, 8:10] / 1000.0,
        tuple(cameras[number] for number in view.tolist()),
        shown[:, 0].astype(np.int64),
        shown[:, 1].astype(np.int64),
        np.ascontiguousarray(shown[:, 4:8]),
    )
