"""Frames of all cameras in order of time, gathered into moments."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError, SourceEndedEarly
from ..sources import IMAGE_SUFFIXES, FrameRange, VideoFile, read_image
from ..types import Detections, FloatArray, Frame, IntArray
from .site import Site, SiteCamera

SILENT_S, SILENT_PERIODS = 2.0, 3.0
"""A camera is called silent after so long without a frame, or so many of its periods if longer."""


@dataclass(frozen=True, eq=False)
class Moment:
    """What the cameras saw at one time.

    Attributes
    ----------
    index : int
        Number on the site's clock, from 1.
    time_s : float
        Its time, seconds.
    frames : tuple of Frame
        At most one per camera; a camera that has none is missing. Their own times may differ.
    """

    index: int
    time_s: float
    frames: tuple[Frame, ...]


def moments(
    site: Site,
    frames: FrameRange | None = None,
    *,
    with_images: bool = True,
    on_fault: Callable[[str], None] = lambda message: None,
) -> Iterator[Moment]:
    """Deliver the moments of a site, in order of time.

    A camera that ends early, starts late, or leaves frames out is missing from those moments. An
    image that cannot be read is missing as well, and ``on_fault`` is told; also when a camera falls
    silent while others go on.

    Parameters
    ----------
    site : Site
    frames : FrameRange or None
        Which moments, by their index.
    with_images : bool
        Whether to decode images.
    on_fault : callable
        Takes one line about what could not be read.
    """
    chosen = frames or FrameRange()
    streams = [_frames(camera, with_images, on_fault) for camera in site.cameras]
    waiting = [next(stream, None) for stream in streams]
    silence = _Silence(site, on_fault)
    while True:
        slots = [None if one is None else _slot(site, one) for one in waiting]
        index = min((slot for slot in slots if slot is not None), default=None)
        if index is None or (chosen.last is not None and index > chosen.last):
            return
        gathered: list[Frame] = []
        for number, stream in enumerate(streams):
            found: _Pending | None = None
            while (one := waiting[number]) is not None and _slot(site, one) == index:
                found = one if found is None or _nearer(site, index, one, found) else found
                waiting[number] = next(stream, None)
            if found is not None and chosen.contains(index):
                frame = found.load()
                gathered += [] if frame is None else [frame]
        if chosen.contains(index):
            moment = Moment(index, (index - 1) / site.rate, tuple(gathered))
            silence.watch(moment)
            yield moment


def moment_step(site: Site, frames: FrameRange | None = None) -> int:
    """The largest number of ticks of the site's clock that divides all steps between moments.

    Recordings are often thinned out: of 25 frames per second every fifth or tenth, say. With
    videos, whose frames are not known in advance, every tick counts.
    """
    chosen = frames or FrameRange()
    if any(camera.video is not None for camera in site.cameras):
        return chosen.every
    slots = [
        _slots(site, camera.offset_s + (camera.indices - 1) / (camera.rate or 1.0))
        for camera in site.cameras
    ]
    found = np.unique(np.concatenate(slots))
    found = found[found >= chosen.first]
    if chosen.last is not None:
        found = found[found <= chosen.last]
    found = found[(found - chosen.first) % chosen.every == 0]
    return int(np.gcd.reduce(np.diff(found))) if len(found) > 1 else chosen.every


class _Silence:
    """Tells, once, of every camera that falls silent while others go on."""

    def __init__(self, site: Site, on_fault: Callable[[str], None]) -> None:
        self._on_fault = on_fault
        self._patience_s = {
            camera.name: max(SILENT_S, SILENT_PERIODS * _period_s(camera))
            for camera in site.cameras
        }
        self._last_s: dict[str, float] = {}
        self._start_s: float | None = None
        self._told: set[str] = set()

    def watch(self, moment: Moment) -> None:
        """Take note of who is there."""
        if self._start_s is None:
            self._start_s = moment.time_s
        here = {frame.camera for frame in moment.frames}
        self._last_s |= dict.fromkeys(here, moment.time_s)
        self._told -= here
        for name, patience_s in self._patience_s.items():
            last_s = self._last_s.get(name, self._start_s)
            if name not in self._told and moment.time_s - last_s > patience_s:
                self._told.add(name)
                since = f"since {last_s:.1f} s" if name in self._last_s else "yet"
                self._on_fault(f"camera {name}: no frame {since}, at {moment.time_s:.1f} s")


def _period_s(camera: SiteCamera) -> float:
    """Usual time between two frames; 0 where it is not known."""
    if camera.rate is None:
        return 0.0
    steps = np.diff(camera.indices)
    return float(np.median(steps)) / camera.rate if len(steps) else 1.0 / camera.rate


@dataclass(frozen=True, eq=False)
class _Pending:
    """A frame that is known but not decoded yet."""

    frame: Frame
    path: Path | None
    on_fault: Callable[[str], None]

    def load(self) -> Frame | None:
        if self.path is None:
            return self.frame
        try:
            return replace(self.frame, image=read_image(self.path, self.frame.index))
        except SourceEndedEarly as error:
            self.on_fault(str(error))
            return None


def _slot(site: Site, one: _Pending) -> int:
    return max(1, 1 + math.floor(one.frame.time_s * site.rate + 0.5))


def _slots(site: Site, time_s: FloatArray) -> IntArray:
    """As `_slot`, of times (N,), seconds."""
    return np.maximum(1, 1 + np.floor(time_s * site.rate + 0.5).astype(np.int64))


def _nearer(site: Site, index: int, one: _Pending, other: _Pending) -> bool:
    time_s = (index - 1) / site.rate
    return abs(one.frame.time_s - time_s) < abs(other.frame.time_s - time_s)


def _frames(
    camera: SiteCamera, with_images: bool, on_fault: Callable[[str], None]
) -> Iterator[_Pending]:
    if camera.video is not None:
        yield from _video_frames(camera, camera.video, on_fault)
        return
    rate = camera.rate or 1.0
    for index in camera.indices.tolist():
        frame = Frame(camera.name, index, camera.offset_s + (index - 1) / rate)
        path = camera.images.get(index) if with_images else None
        if with_images and camera.images and path is None:
            on_fault(f"{camera.name}: frame {index} is missing")
            continue
        yield _Pending(frame, path, on_fault)


def _video_frames(
    camera: SiteCamera, path: Path, on_fault: Callable[[str], None]
) -> Iterator[_Pending]:
    try:
        for frame in VideoFile(path, camera.name).read(FrameRange()):
            elapsed = frame.time_s if camera.rate is None else (frame.index - 1) / camera.rate
            moved = replace(frame, time_s=camera.offset_s + elapsed)
            yield _Pending(moved, None, on_fault)
    except SourceEndedEarly as error:
        on_fault(str(error))


def numbered_images(folder: Path, shift: int = 0) -> dict[int, Path]:
    """Image files of a folder by the number that their name is, plus ``shift``; may be empty.

    Raises
    ------
    InputError
        When two files have the same number, or one is below 1 after the shift.
    """
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() not in IMAGE_SUFFIXES or not path.stem.isdigit():
            continue
        index = int(path.stem) + shift
        if index < 1:
            raise InputError(f"{path}: expected frames from {1 - shift}, got {path.stem}")
        if index in found:
            raise InputError(f"{path}: frame {index} is also in {found[index].name}")
        found[index] = path
    return dict(sorted(found.items()))


def boxes_as_detections(frame: IntArray, xyxy: FloatArray) -> dict[int, Detections]:
    """Boxes as detections with score 1, by frame."""
    return {
        int(number): Detections(xyxy[rows], np.ones(int(rows.sum())))
        for number in np.unique(frame)
        for rows in [frame == number]
    }
