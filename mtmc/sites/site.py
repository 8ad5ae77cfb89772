"""A site: calibrated cameras that look at one ground plane, and what is recorded of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from mtmc.calibration import Camera, HomographyCamera
from mtmc.trackers.types import BoolArray

from ..errors import InputError
from ..types import Detections, FloatArray, IntArray
from .area import Area
from .crops import CropTable
from .travel import TravelTime

SiteView = Camera | HomographyCamera

UNKNOWN_ID = -1
"""Identity of an annotated person of whom nobody knows who it is."""


@dataclass(frozen=True, eq=False)
class SiteCamera:
    """One camera of a site.

    The frame with index ``i`` was taken at ``offset_s + (i - 1) / rate``, on the site's clock; a
    video's own time stamps replace the second term unless ``rate`` is given.

    Attributes
    ----------
    name : str
        Unique in its site; the name of the camera's result file.
    calibration : Camera, HomographyCamera or None
        Fitted to the images and detections (their pixels). None where nobody knows it; then people
        of this camera have no place on the ground.
    images : mapping of int to Path
        Image files by frame index, from 1; empty where there are none.
    video : Path or None
        A video instead of images.
    indices : (N,) int64
        Frame indices that there are, ascending; ignored for videos.
    rate : float or None
        Frames per second of the index; None only for videos.
    offset_s : float
        Time of frame 1 on the site's clock, seconds.
    detections : mapping of int to Detections, or None
        People by frame index, from a file; None where there is none.
    crops : CropTable or None
        What the detections look like, in worlds without images of their own.
    """

    name: str
    calibration: SiteView | None
    indices: IntArray
    rate: float | None
    offset_s: float = 0.0
    images: Mapping[int, Path] = field(default_factory=dict)
    video: Path | None = None
    detections: Mapping[int, Detections] | None = None
    crops: CropTable | None = None

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name:
            raise InputError(f"camera: expected a name that can be a file name, got {self.name!r}")
        if self.rate is None and self.video is None:
            raise InputError(f"camera {self.name}: rate: expected one, got none")
        if self.rate is not None and not (np.isfinite(self.rate) and self.rate > 0):
            raise InputError(f"camera {self.name}: rate: expected a value above 0, got {self.rate}")
        if not np.isfinite(self.offset_s):
            raise InputError(f"camera {self.name}: offset_s: expected a time, got {self.offset_s}")
        if len(self.indices) and (self.indices[0] < 1 or (np.diff(self.indices) <= 0).any()):
            raise InputError(f"camera {self.name}: expected frame indices from 1, ascending")

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height that the calibration is fitted to.

        Raises
        ------
        InputError
            Without one.
        """
        if self.calibration is None:
            raise InputError(f"camera {self.name}: expected a calibration, got none")
        return self.calibration.image_size

    @property
    def has_images(self) -> bool:
        """Whether there are pixels to look at."""
        return bool(self.images) or self.video is not None


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Where people stood, in those frames that somebody annotated.

    Attributes
    ----------
    frames : (F,) int64
        The site's frame numbers that are annotated, ascending, also those without anybody.
    frame, id : (N,) int64
        Frame and identity of each position; ``UNKNOWN_ID`` where only the place is known.
    xy : (N, 2) float64
        Metres.
    box_camera : (M,) str
        Camera of each annotated box.
    box_frame, box_id : (M,) int64
    box_xyxy : (M, 4) float64
        Pixels; they may leave the image.
    """

    frames: IntArray
    frame: IntArray
    id: IntArray
    xy: FloatArray
    box_camera: tuple[str, ...] = ()
    box_frame: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    box_id: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    box_xyxy: FloatArray = field(default_factory=lambda: np.zeros((0, 4)))

    def __post_init__(self) -> None:
        rows = len(self.frame)
        if self.id.shape != (rows,) or self.xy.shape != (rows, 2):
            raise ValueError(
                f"GroundTruth: expected {rows} ids and positions, got {self.id.shape} and "
                f"{self.xy.shape}"
            )
        if not np.isin(self.frame, self.frames).all():
            raise ValueError("GroundTruth.frame: expected only annotated frames")
        boxes = len(self.box_camera)
        shapes = self.box_frame.shape, self.box_id.shape, self.box_xyxy.shape
        if shapes != ((boxes,), (boxes,), (boxes, 4)):
            raise ValueError(f"GroundTruth: expected {boxes} boxes, got {shapes}")

    def boxes_of(self, camera: str) -> tuple[IntArray, IntArray, FloatArray]:
        """Frames, identities and boxes that one camera shows."""
        rows: BoolArray = np.array([name == camera for name in self.box_camera], np.bool_)
        return self.box_frame[rows], self.box_id[rows], self.box_xyxy[rows]


@dataclass(frozen=True, eq=False)
class Site:
    """A multi-camera sequence.

    Attributes
    ----------
    name : str
    cameras : tuple of SiteCamera
        At least one, names differ.
    rate : float
        Frames per second of the site's own clock: moment ``k`` gathers the frames of all cameras
        that were taken nearest to ``(k - 1) / rate``. Cameras need not run in step with it.
    bounds : Area or None
        Where people can be; nobody is tracked outside. None: everywhere.
    region : Area or None
        Where tracks are reported; None: everywhere within the bounds.
    min_score : float or None
        What the site's detector's scores must reach; None takes all.
    truth : GroundTruth or None
    root : Path
        Where it was read from.
    tracker : "ground" or "separate"
        Whether cameras look at one ground plane together, or each at a place of its own.
    travel : tuple of TravelTime
        How long people take between cameras of separate places, where it is known.
    entries : tuple of Area
        Where people come in and go out; none means that is not known.
    overlaps : tuple of pairs of str
        Cameras of separate places that can see a person at the same time after all.
    """

    name: str
    cameras: tuple[SiteCamera, ...]
    rate: float
    bounds: Area | None
    region: Area | None
    min_score: float | None
    truth: GroundTruth | None
    root: Path
    tracker: Literal["ground", "separate"] = "ground"
    travel: tuple[TravelTime, ...] = ()
    overlaps: tuple[tuple[str, str], ...] = ()
    entries: tuple[Area, ...] = ()

    def __post_init__(self) -> None:
        if not self.cameras:
            raise InputError(f"{self.root}: expected at least one camera, got none")
        names = [camera.name for camera in self.cameras]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{self.root}: camera {name!r}: expected unique names")
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise InputError(f"{self.root}: rate: expected a value above 0, got {self.rate}")

    @property
    def calibrations(self) -> dict[str, SiteView]:
        """Calibration by camera name, of those that have one."""
        return {
            camera.name: camera.calibration
            for camera in self.cameras
            if camera.calibration is not None
        }

    @property
    def has_images(self) -> bool:
        """Whether every camera has pixels."""
        return all(camera.has_images for camera in self.cameras)

    @property
    def has_crops(self) -> bool:
        """Whether every camera's detections say what they look like."""
        return all(camera.crops is not None for camera in self.cameras)
