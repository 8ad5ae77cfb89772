"""The tables of a ``sequence.toml`` as they are written, before anything is read that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .travel import TravelTime


@dataclass(frozen=True)
class CameraEntry:
    """A table ``[[camera]]``; see `mtmc.sites.toml_folder`."""

    name: str
    images: str | None = None
    video: str | None = None
    rate: float | None = None
    offset_s: float = 0.0
    detections: str | None = None
    crops: str | None = None
    frames: int | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.images is not None and self.video is not None:
            raise ValueError("images, video: expected either, got both")
        if self.images is None and self.video is None and self.detections is None:
            raise ValueError("images, video, detections: expected one of these, got none")
        if self.frames is not None and self.frames < 1:
            raise ValueError(f"frames: expected a number from 1, got {self.frames}")
        if self.frames is not None and (self.images is not None or self.video is not None):
            raise ValueError("frames: images or a video tell how many there are")
        _check_size("size", self.size)


def _check_size(key: str, size: tuple[int, int] | None) -> None:
    if size is not None and min(size) < 1:
        raise ValueError(f"{key}: expected a width and a height in pixels, got {list(size)}")


@dataclass(frozen=True)
class SiteEntry:
    """The top level of ``sequence.toml`` without its cameras; see `mtmc.sites.toml_folder`."""

    rate: float
    calibration: str | None = None
    calibration_format: str | None = None
    name: str | None = None
    image_size: tuple[int, int] | None = None
    unit_m: float | None = None
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
        if self.unit_m is not None and not 0 < self.unit_m < float("inf"):
            raise ValueError(f"unit_m: expected a length above 0 in metres, got {self.unit_m}")
        _check_size("image_size", self.image_size)


@dataclass(frozen=True)
class TravelEntry:
    """A table ``[[travel]]``; see `mtmc.sites.toml_folder`."""

    cameras: tuple[str, str]
    min_s: float
    typical_s: float
    max_s: float

    def __post_init__(self) -> None:
        self.as_travel_time()

    def as_travel_time(self) -> TravelTime:
        """The same with named ends."""
        return TravelTime(*self.cameras, self.min_s, self.typical_s, self.max_s)
