"""PETS 2009, sequence S2L1 (Ferryman and Shahrokni, PETS 2009): 8 calibrated views, 7 frames/s.

::

    PETS09/PETS2009-S2L1.xml                people in view 1, CVML: boxes by their middle
    PETS09/calibration/View_001.xml ...     Tsai, millimetres
    PETS09/View_001/frame_0000.jpg ...      if at hand; or below S2/L1/Time_12-34/

Frames count from 1, files and annotations from 0. Only view 1 is annotated: the places of people
are those of their boxes' feet, and these boxes are the detections where no detector is given.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np

from mtmc.calibration.formats import tsai
from mtmc.calibration.formats.base import AnyCamera, ReadOptions

from ..errors import InputError
from ..sources import IMAGE_SUFFIXES
from ..types import FloatArray, IntArray
from .area import Area
from .site import GroundTruth, Site, SiteCamera
from .sources import boxes_as_detections

NAME = "PETS09"
ANNOTATIONS = "PETS2009-S2L1.xml"
RATE = 7.0
ANNOTATED_VIEW = "View_001"
GROUND = Area.rectangle(-20.0, -18.0, 8.0, 8.0)
"""The crossing of paths that view 1 shows."""
IMAGE_FOLDERS = ("", "S2/L1/Time_12-34")


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
    truth = None
    if (folder / ANNOTATIONS).is_file():
        annotated = {camera.name: camera for camera in calibrations}.get(ANNOTATED_VIEW)
        if annotated is None:
            raise InputError(f"{folder / 'calibration'}: {ANNOTATED_VIEW}.xml is missing")
        truth = _truth(folder / ANNOTATIONS, annotated)
    cameras = []
    for calibration in calibrations:
        images = _images(folder, calibration.name)
        indices, found = np.array(sorted(images), np.int64), None
        if truth is not None and calibration.name == ANNOTATED_VIEW:
            boxes = truth.boxes_of(calibration.name)
            found = boxes_as_detections(boxes[0], boxes[2])
            indices = indices if images else truth.frames
        cameras.append(
            SiteCamera(
                calibration.name, calibration, indices, RATE, images=images, detections=found
            )
        )
    return Site(name, tuple(cameras), RATE, GROUND, None, None, truth, folder)


def _images(folder: Path, view: str) -> dict[int, Path]:
    """Images of a view, ``frame_0000.jpg`` as frame 1."""
    found = {}
    for parent in IMAGE_FOLDERS:
        for path in sorted((folder / parent / view).glob("frame_*")):
            number = re.fullmatch(r"frame_(\d+)", path.stem)
            if number and path.suffix.lower() in IMAGE_SUFFIXES:
                found[int(number[1]) + 1] = path
    return found


def _truth(path: Path, camera: AnyCamera) -> GroundTruth:
    frames, frame, identity, boxes = _read_cvml(path)
    feet = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2.0, boxes[:, 3]], axis=1)
    xy = camera.ground_from_image(feet)
    stands = np.isfinite(xy).all(axis=1)
    return GroundTruth(
        frames,
        frame[stands],
        identity[stands],
        xy[stands],
        (camera.name,) * len(frame),
        frame,
        identity,
        boxes,
    )


def _read_cvml(path: Path) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Annotated frames; frame, identity and box (left, top, right, bottom) of every person."""
    try:
        root = ET.parse(path).getroot()
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid XML: {error}") from error
    frames: list[int] = []
    rows: list[tuple[int, int, float, float, float, float]] = []
    for element in root.iter("frame"):
        frame = int(_number(path, "frame", element.get("number"), "number")) + 1
        frames.append(frame)
        for person in element.iter("object"):
            where = f"frame {frame - 1}: object"
            identity = int(_number(path, where, person.get("id"), "id"))
            box = person.find("box")
            if box is None:
                raise InputError(f"{path}: {where} {identity}: box: expected one, got none")
            x, y, width, height = (
                _number(path, f"{where} {identity}: box", box.get(key), key)
                for key in ("xc", "yc", "w", "h")
            )
            rows.append(
                (frame, identity, x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            )
    if not frames or any(b <= a for a, b in pairwise(frames)):
        raise InputError(f"{path}: expected frames in ascending order, got {len(frames)}")
    table = np.array(rows, np.float64).reshape(-1, 6)
    keys = table[:, :2].astype(np.int64)
    return np.array(frames, np.int64), keys[:, 0], keys[:, 1], np.ascontiguousarray(table[:, 2:])


def _number(path: Path, where: str, text: str | None, key: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{path}: {where}: {key}: expected a number, got {text!r}")
    return value
