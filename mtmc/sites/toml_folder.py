"""A folder with a ``sequence.toml``: a multi-camera sequence of one's own.

::

    name = "hall"                       # default: the folder's name
    rate = 10.0                         # the site's clock, frames per second
    calibration = "calibration/"        # file or folder, relative to this one
    calibration_format = "opencv"       # a name of mtmc.calibration.formats.FORMATS
    image_size = [1920, 1080]           # for formats that do not know it
    bounds = [0.0, 0.0, 12.0, 8.0]      # x0, y0, x1, y1, or a list of corners; metres
    region = [[0, 0], [12, 0], [12, 6]] # where tracks are reported; default: bounds
    min_score = 0.4                     # detections below are not used
    ground_truth = "ground_truth.csv"   # frame,id,x,y with a header; id -1 is unknown
    crops_root = "crops/"               # what the images named by crops are relative to
    tracker = "ground"                  # or "separate": each camera looks at a place of its own;
                                        # the default without a calibration
    overlaps = [["north", "hall"]]      # cameras of separate places that share a view after all

    [[camera]]
    name = "north"                      # as in the calibration
    images = "north/"                   # numbered images; or video = "north.mp4"
    rate = 9.97                         # of this camera; default: the site's, or the video's own
    offset_s = 0.04                     # time of its first frame on the site's clock
    detections = "north/det.txt"        # MOT format
    crops = "north/crops.csv"           # what the detections look like; see mtmc.sites.crops
    size = [960, 540]                   # of its images, where they are not those of calibration

    [[travel]]                          # between separate places, where it is known
    cameras = ["north", "hall"]         # from the first to the second; the way back is the same,
    min_s = 5.0                         # unless it has a table of its own
    typical_s = 9.0
    max_s = 30.0

A camera needs images, a video or detections. Frames count from 1 everywhere; ``frame`` of the
ground truth is a number of the site's clock. Frames within the first and the last row of the
ground truth count as annotated.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mtmc.calibration import CalibrationError
from mtmc.calibration.formats import FORMATS
from mtmc.calibration.formats.base import AnyCamera, ReadOptions

from ..config import from_dict, load_toml
from ..errors import InputError
from ..mot_files import detections_by_frame, read_detections
from .area import Area
from .crops import read_crops
from .site import GroundTruth, Site, SiteCamera
from .sources import numbered_images
from .travel import TravelTime

FILE = "sequence.toml"
TRUTH_COLUMNS = ["frame", "id", "x", "y"]


@dataclass(frozen=True)
class CameraEntry:
    """A table ``[[camera]]``; see the module."""

    name: str
    images: str | None = None
    video: str | None = None
    rate: float | None = None
    offset_s: float = 0.0
    detections: str | None = None
    crops: str | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class SiteEntry:
    """The top level of ``sequence.toml`` without its cameras; see the module."""

    rate: float
    calibration: str | None = None
    calibration_format: str | None = None
    name: str | None = None
    image_size: tuple[int, int] | None = None
    min_score: float | None = None
    ground_truth: str | None = None
    crops_root: str | None = None
    tracker: Literal["ground", "separate"] | None = None
    overlaps: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if (self.calibration is None) != (self.calibration_format is None):
            raise ValueError("calibration, calibration_format: expected both or none")
        if self.calibration is None and self.tracker == "ground":
            raise ValueError('tracker: "ground" needs a calibration')


@dataclass(frozen=True)
class TravelEntry:
    """A table ``[[travel]]``; see the module."""

    cameras: tuple[str, str]
    min_s: float
    typical_s: float
    max_s: float

    def __post_init__(self) -> None:
        self.as_travel_time()

    def as_travel_time(self) -> TravelTime:
        """The same with named ends."""
        return TravelTime(*self.cameras, self.min_s, self.typical_s, self.max_s)


def read(folder: Path) -> Site:
    """Read a folder.

    Raises
    ------
    InputError, CalibrationError, OSError
        Name the file and the key.
    """
    path = folder / FILE
    table = load_toml(path)
    areas = {key: _area(path, key, table.pop(key, None)) for key in ("bounds", "region")}
    entries = table.pop("camera", None)
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: camera: expected one table [[camera]] or more, got none")
    travel = table.pop("travel", [])
    if not isinstance(travel, list):
        raise InputError(f"{path}: travel: expected tables [[travel]], got {travel!r}")
    try:
        site = from_dict(SiteEntry, table, "sequence")
        cameras = [
            from_dict(CameraEntry, entry, f"camera {number}")
            for number, entry in enumerate(entries, 1)
        ]
        times = [
            from_dict(TravelEntry, entry, f"travel {number}")
            for number, entry in enumerate(travel, 1)
        ]
        _check_names(times, site.overlaps, [entry.name for entry in cameras])
        calibrations = _calibrations(folder, site)
        truth = None if site.ground_truth is None else _read_truth(folder / site.ground_truth)
        return Site(
            name=site.name or folder.resolve().name,
            cameras=tuple(_camera(folder, site, entry, calibrations) for entry in cameras),
            rate=site.rate,
            bounds=areas["bounds"],
            region=areas["region"],
            min_score=site.min_score,
            truth=truth,
            root=folder,
            tracker=site.tracker or ("separate" if site.calibration is None else "ground"),
            travel=tuple(entry.as_travel_time() for entry in times),
            overlaps=site.overlaps,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _area(path: Path, key: str, value: Any) -> Area | None:
    if value is None:
        return None
    try:
        if len(value) == 4 and all(isinstance(number, (int, float)) for number in value):
            return Area.rectangle(*value)
        return Area(tuple((float(x), float(y)) for x, y in value))
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: {key}: expected [x0, y0, x1, y1] or corners: {error}") from error


def _check_names(
    travel: list[TravelEntry], overlaps: tuple[tuple[str, str], ...], cameras: list[str]
) -> None:
    for key, pairs in (("travel", [time.cameras for time in travel]), ("overlaps", overlaps)):
        for name in (name for pair in pairs for name in pair):
            if name not in cameras:
                raise InputError(f"{key}: expected a camera of {', '.join(cameras)}, got {name!r}")


def _calibrations(folder: Path, site: SiteEntry) -> dict[str, AnyCamera]:
    if site.calibration is None or site.calibration_format is None:
        return {}
    if site.calibration_format not in FORMATS:
        raise InputError(
            f"calibration_format: expected one of {', '.join(FORMATS)}, "
            f"got {site.calibration_format!r}"
        )
    reader = FORMATS[site.calibration_format].read
    try:
        cameras = reader(folder / site.calibration, ReadOptions(site.image_size))
    except CalibrationError as error:
        raise InputError(str(error)) from error
    return {camera.name: camera for camera in cameras}


def _camera(
    folder: Path, site: SiteEntry, entry: CameraEntry, calibrations: dict[str, AnyCamera]
) -> SiteCamera:
    if calibrations and entry.name not in calibrations:
        raise InputError(
            f"camera {entry.name!r}: expected one of the calibration: {', '.join(calibrations)}"
        )
    if entry.images is not None and entry.video is not None:
        raise InputError(f"camera {entry.name!r}: expected either images or a video, got both")
    calibration = calibrations.get(entry.name)
    if calibration is not None:
        calibration = replace(calibration, name=entry.name)
    if calibration is not None and entry.size is not None:
        calibration = calibration.resized(entry.size)
    images = {} if entry.images is None else numbered_images(folder / entry.images)
    found = None
    if entry.detections is not None:
        found = detections_by_frame(read_detections(folder / entry.detections))
    crops = None
    if entry.crops is not None:
        if found is None or site.crops_root is None:
            raise InputError(f"camera {entry.name!r}: crops: expected detections and crops_root")
        crops = read_crops(folder / entry.crops, folder / site.crops_root, found)
    if images:
        indices = np.array(sorted(images), np.int64)
    elif found is not None:
        indices = np.arange(1, max(found, default=0) + 1)
    elif entry.video is None:
        raise InputError(f"camera {entry.name!r}: expected images, a video or detections")
    else:
        indices = np.zeros(0, np.int64)
    rate = entry.rate if entry.rate is not None or entry.video is not None else site.rate
    return SiteCamera(
        name=entry.name,
        calibration=calibration,
        indices=indices,
        rate=rate,
        offset_s=entry.offset_s,
        images=images,
        video=None if entry.video is None else folder / entry.video,
        detections=found,
        crops=crops,
    )


def _read_truth(path: Path) -> GroundTruth:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        if next(reader, []) != TRUTH_COLUMNS:
            raise InputError(f"{path}: line 1: expected the header {','.join(TRUTH_COLUMNS)}")
        rows = []
        for row in reader:
            try:
                rows.append((int(row[0]), int(row[1]), float(row[2]), float(row[3])))
            except (ValueError, IndexError):
                raise InputError(
                    f"{path}: line {reader.line_num}: expected frame, id, x, y, got {row}"
                ) from None
    rows.sort(key=lambda row: row[0])
    frame = np.array([row[0] for row in rows], np.int64)
    annotated = np.arange(frame[0], frame[-1] + 1) if len(frame) else frame
    return GroundTruth(
        annotated,
        frame,
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2:] for row in rows], np.float64).reshape(-1, 2),
    )
