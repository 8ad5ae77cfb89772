"""Shelf (Belagiannis et al., CVPR 2014): five cameras, four people as 3-D joints.

``Shelf/calibration.json`` and ``Shelf/gt.txt``: a first line ``joints frames``; then, per frame,
the number of people, and per person the identity and four lines with x, y, z (metres) and 1 of all
joints. Ground positions are the means of the joints. There are no images; detections are the boxes
of cylinders around the people, cut at the border of the image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtmc.calibration import Camera
from mtmc.calibration.formats import shelf as calibration
from mtmc.calibration.formats.base import ReadOptions

from ..errors import InputError
from ..types import FloatArray
from .area import Area
from .site import GroundTruth, Site, SiteCamera
from .sources import boxes_as_detections

NAME = "Shelf"
RATE = 25.0
FLOOR = Area.rectangle(-3.0, -3.0, 4.0, 4.0)
SEEN_SHARE = 0.5
"""People of whom an image shows less have no box there."""
HEAD_M = 0.12
"""What is above the highest joint."""


def names(data_root: Path) -> list[str]:
    """Sequences below a data root."""
    return [NAME] if (data_root / NAME / "gt.txt").is_file() else []


def read(name: str, data_root: Path) -> Site:
    """Read the sequence.

    Raises
    ------
    InputError, CalibrationError, OSError
    """
    folder = data_root / name
    cameras = calibration.read(folder / "calibration.json", ReadOptions())
    frames, people = _read_people(folder / "gt.txt")
    frame = np.array([person[0] for person in people], np.int64)
    identity = np.array([person[1] for person in people], np.int64)
    xy = np.array([person[2] for person in people]).reshape(-1, 2)
    height = np.array([person[3] for person in people])
    indices = np.arange(1, frames + 1)
    shown, site_cameras = [], []
    for camera in cameras:
        if not isinstance(camera, Camera):
            raise InputError(f"{folder}: camera {camera.name}: expected a full calibration")
        boxes = _clipped(camera.person_box(xy, height), camera.image_size)
        rows = np.flatnonzero(np.isfinite(boxes).all(axis=1))
        shown.append((camera.name, rows, boxes[rows]))
        found = boxes_as_detections(frame[rows], boxes[rows])
        site_cameras.append(SiteCamera(camera.name, camera, indices, RATE, detections=found))
    rows = np.concatenate([part[1] for part in shown])
    truth = GroundTruth(
        indices,
        frame,
        identity,
        xy,
        tuple(part[0] for part in shown for _ in part[1]),
        frame[rows],
        identity[rows],
        np.concatenate([part[2] for part in shown]),
    )
    return Site(name, tuple(site_cameras), RATE, FLOOR, None, None, truth, folder)


def _clipped(xyxy: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Boxes (N, 4) cut at the image's border; NaN where less than ``SEEN_SHARE`` is left."""
    cut = np.clip(xyxy, 0.0, np.array([*size, *size], np.float64))
    area, left = (np.prod(box[:, 2:] - box[:, :2], axis=1) for box in (xyxy, cut))
    cut[~(left >= SEEN_SHARE * area)] = np.nan
    return cut


def _read_people(path: Path) -> tuple[int, list[tuple[int, int, FloatArray, float]]]:
    """Number of frames; frame, identity (from 1), position and height of every person."""
    lines = path.read_text(encoding="utf-8").splitlines()
    people = []
    at = 0

    def take(expected: int, what: str) -> list[float]:
        nonlocal at
        at += 1
        try:
            values = [float(text) for text in lines[at - 1].split()]
        except (IndexError, ValueError):
            values = []
        if len(values) != expected:
            raise InputError(f"{path}: line {at}: expected {what}")
        return values

    joints, frames = (int(value) for value in take(2, "joints and frames"))
    for frame in range(1, frames + 1):
        for _ in range(int(take(1, "the number of people")[0])):
            identity = int(take(1, "an identity")[0])
            rows = np.array([take(joints, f"{joints} coordinates") for _ in range(4)])
            people.append(
                (frame, identity + 1, rows[:2].mean(axis=1), float(rows[2].max()) + HEAD_M)
            )
    return frames, people
