"""CMC: a small room with four cameras (Ong, Vo, Vo, Kim and Nordholm, TPAMI 2022).

::

    CMC/cameras.json                      3x4 projection matrices, metres
    CMC/CMC1/detections/cam1.csv ...      frame,x,y,w,h,score with a header
    CMC/CMC1/gt_world_centroid.txt        frame id -1 -1 -1 -1 -1 x y z [hx hy hz], metres

The ground truth covers the inner part of the room only; people wait outside of it. No images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtmc.calibration.formats import projection
from mtmc.calibration.formats.base import ReadOptions

from ..errors import InputError
from ..mot_text import read_numbers
from ..types import Detections, FloatArray
from .area import Area
from .site import GroundTruth, Site, SiteCamera

FOLDER = "CMC"
IMAGE_SIZE = (1920, 1024)
RATE = 4.0
MIN_SCORE = 0.6
"""The detections go down to a score of 0.3; most of those below this are doubles, or nobody."""
ROOM = Area.rectangle(0.0, 0.0, 7.67, 3.41)
"""The room's floor, metres, as the paper gives it."""
INNER_X_M = {"CMC1": 2.05, "CMC2": 1.8}
"""Where the annotated part of the room begins."""
DEFAULT_INNER_X_M = 1.8


def names(data_root: Path) -> list[str]:
    """Sequences below a data root."""
    return sorted(path.parent.name for path in (data_root / FOLDER).glob("CMC*/detections"))


def read(name: str, data_root: Path) -> Site:
    """Read a sequence.

    Raises
    ------
    InputError, CalibrationError, OSError
    """
    folder = data_root / FOLDER / name
    cameras = projection.read(data_root / FOLDER / "cameras.json", ReadOptions(IMAGE_SIZE))
    tables = {
        camera.name: _read_detections(folder / "detections" / f"{camera.name}.csv")
        for camera in cameras
    }
    truth_path = folder / "gt_world_centroid.txt"
    truth = _read_truth(truth_path) if truth_path.is_file() else None
    last = max(
        [max(found, default=0) for found in tables.values()]
        + ([int(truth.frames[-1])] if truth is not None and len(truth.frames) else [])
    )
    left = INNER_X_M.get(name, DEFAULT_INNER_X_M)
    _, bottom, right, top = ROOM.box.tolist()
    return Site(
        name=name,
        cameras=tuple(
            SiteCamera(
                camera.name,
                camera,
                np.arange(1, last + 1),
                RATE,
                detections=tables[camera.name],
            )
            for camera in cameras
        ),
        rate=RATE,
        bounds=ROOM,
        region=Area.rectangle(left, bottom, right, top),
        min_score=MIN_SCORE,
        truth=truth,
        root=folder,
    )


def _read_detections(path: Path) -> dict[int, Detections]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].strip() != "frame,x,y,w,h,score":
        raise InputError(f"{path}: line 1: expected the header frame,x,y,w,h,score")
    try:
        rows = np.array([line.split(",") for line in lines[1:] if line.strip()], np.float64)
    except ValueError as error:
        raise InputError(f"{path}: expected rows of 6 numbers: {error}") from error
    rows = rows.reshape(-1, 6)
    found = {}
    for frame in np.unique(rows[:, 0]):
        part = rows[rows[:, 0] == frame]
        xyxy = np.hstack([part[:, 1:3], part[:, 1:3] + part[:, 3:5]])
        found[int(frame)] = Detections(xyxy, part[:, 5])
    return found


def _read_truth(path: Path) -> GroundTruth:
    rows: FloatArray = read_numbers(path, (10, 13))[0]
    frame = rows[:, 0].astype(np.int64)
    # rows stand by person; every frame between the first and the last is annotated
    frames = np.arange(frame.min(), frame.max() + 1) if len(frame) else frame
    order = np.argsort(frame, kind="stable")
    return GroundTruth(frames, frame[order], rows[order, 1].astype(np.int64), rows[order, 7:9])
