"""A folder with a ``sequence.toml``: a multi-camera sequence of one's own.

::

    name = "hall"                       # default: the folder's name
    rate = 10.0                         # the site's clock, frames per second
    calibration = "calibration/"        # file or folder, relative to this one
    calibration_format = "opencv"       # a name of mtmc.calibration.formats.FORMATS
    image_size = [1920, 1080]           # for formats that do not know it, or to scale all cameras
    unit_m = 0.01                       # length of the calibration's unit; default: the format's
    bounds = [0.0, 0.0, 12.0, 8.0]      # x0, y0, x1, y1, or a list of corners; metres
    region = [[0, 0], [12, 0], [12, 6]] # where tracks are reported; default: bounds
    entries = [[0.5, 0.0, 1.9, 0.9]]    # where people come in and go out; areas like bounds
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
    detections = "north/det.txt"        # MOT format; where there is no detector
    frames = 1200                       # how many there are, where only detections would tell;
                                        # default: until the last detection of any camera
    crops = "north/crops.csv"           # what the detections look like; see mtmc.sites.crops
    size = [960, 540]                   # of its images, where they are not those of calibration

    [[travel]]                          # between separate places, where it is known
    cameras = ["north", "hall"]         # from the first to the second; the way back is the same,
    min_s = 5.0                         # unless it has a table of its own
    typical_s = 9.0
    max_s = 30.0

A camera needs images, a video or detections. Paths are relative to the folder. Frames count from 1
everywhere; ``frame`` of the ground truth is a number of the site's clock. Frames within the first
and the last row of the ground truth count as annotated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.calibration import CalibrationError
from mtmc.calibration.formats import FORMATS, AnyCamera, read_cameras

from ..config import from_dict, load_toml
from ..errors import InputError
from ..mot_files import detections_by_frame, read_detections
from .area import Area
from .crops import read_crops
from .site import Site, SiteCamera
from .sources import numbered_images
from .toml_entries import CameraEntry, SiteEntry, TravelEntry
from .truth_csv import read_truth

FILE = "sequence.toml"


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
    doors = _entries(path, table.pop("entries", []))
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
        truth = None
        if site.ground_truth is not None:
            with _naming("ground_truth"):
                truth = read_truth(folder / site.ground_truth)
        found = []
        for entry in cameras:
            with _naming(f"camera {entry.name!r}"):
                found.append(_camera(folder, site, entry, calibrations))
        return Site(
            name=site.name or folder.resolve().name,
            cameras=tuple(_lengthened(found, cameras)),
            rate=site.rate,
            bounds=areas["bounds"],
            region=areas["region"],
            min_score=site.min_score,
            truth=truth,
            root=folder,
            tracker=site.tracker or ("separate" if site.calibration is None else "ground"),
            travel=tuple(entry.as_travel_time() for entry in times),
            overlaps=site.overlaps,
            entries=doors,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


@contextmanager
def _naming(key: str) -> Iterator[None]:
    """Put the key before what is said of its value."""
    try:
        yield
    except (InputError, CalibrationError) as error:
        raise InputError(f"{key}: {error}") from error


def _area(path: Path, key: str, value: Any) -> Area | None:
    if value is None:
        return None
    try:
        if len(value) == 4 and all(isinstance(number, (int, float)) for number in value):
            return Area.rectangle(*value)
        return Area(tuple((float(x), float(y)) for x, y in value))
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: {key}: expected [x0, y0, x1, y1] or corners: {error}") from error


def _entries(path: Path, value: Any) -> tuple[Area, ...]:
    """Areas where people come in: a list of what `_area` reads."""
    if not isinstance(value, list):
        raise InputError(f"{path}: entries: expected a list of areas, got {value!r}")
    areas = [_area(path, f"entries {number}", one) for number, one in enumerate(value, 1)]
    return tuple(area for area in areas if area is not None)


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
    try:
        cameras = read_cameras(
            folder / site.calibration, site.calibration_format, site.image_size, site.unit_m
        )
    except FileNotFoundError as error:
        raise InputError(f"calibration: {error.filename}: no such file or folder") from error
    except CalibrationError as error:
        raise InputError(f"calibration: {error}") from error
    return {camera.name: camera for camera in cameras}


def _camera(
    folder: Path, site: SiteEntry, entry: CameraEntry, calibrations: dict[str, AnyCamera]
) -> SiteCamera:
    if calibrations and entry.name not in calibrations:
        raise InputError(f"name: expected a camera of the calibration: {', '.join(calibrations)}")
    calibration = calibrations.get(entry.name)
    if calibration is not None:
        calibration = replace(calibration, name=entry.name)
        if entry.size is not None:
            calibration = calibration.resized(entry.size)
    found = None
    if entry.detections is not None:
        found = detections_by_frame(read_detections(folder / entry.detections))
    crops = None
    if entry.crops is not None:
        if found is None or site.crops_root is None:
            raise InputError("crops: expected detections and crops_root")
        crops = read_crops(folder / entry.crops, folder / site.crops_root, found)
    images = _images(folder, entry)
    last = entry.frames or max(found or {}, default=0)
    return SiteCamera(
        name=entry.name,
        calibration=calibration,
        indices=np.array(sorted(images), np.int64) if images else np.arange(1, last + 1),
        rate=site.rate if entry.rate is None and entry.video is None else entry.rate,
        offset_s=entry.offset_s,
        images=images,
        video=_video(folder, entry),
        detections=found,
        crops=crops,
    )


def _images(folder: Path, entry: CameraEntry) -> dict[int, Path]:
    if entry.images is None:
        return {}
    path = folder / entry.images
    if not path.is_dir():
        raise InputError(f"images: {path}: no such folder")
    images = numbered_images(path)
    if not images:
        raise InputError(f"images: {path}: expected numbered images such as 000001.jpg, got none")
    return images


def _video(folder: Path, entry: CameraEntry) -> Path | None:
    if entry.video is None:
        return None
    path = folder / entry.video
    if not path.is_file():
        raise InputError(f"video: {path}: no such file")
    return path


def _lengthened(cameras: list[SiteCamera], entries: list[CameraEntry]) -> list[SiteCamera]:
    """Cameras of which only detections tell how long they recorded: as long as any other did.

    Otherwise a camera whose people have left would count as one that has stopped.
    """
    ends = [
        camera.offset_s + (float(camera.indices[-1]) - 1.0) / camera.rate
        for camera in cameras
        if len(camera.indices) and camera.rate is not None
    ]
    end_s, result = max(ends, default=0.0), []
    for camera, entry in zip(cameras, entries, strict=True):
        if not camera.has_images and entry.frames is None and camera.rate is not None:
            last = int(np.floor((end_s - camera.offset_s) * camera.rate + 1e-6)) + 1
            frames = np.arange(1, max(last, len(camera.indices)) + 1)
            camera = replace(camera, indices=frames)
        result.append(camera)
    return result
