"""Where frames come from: folders of images, video files, or nothing but a frame count.

A source knows its index and its real time for every frame, and says exactly which frame it could
not deliver. What came before stays valid: the pipeline keeps what it has written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from .errors import InputError, SourceEndedEarly
from .types import Frame, Image

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".webm", ".mov", ".m4v", ".mpg", ".mpeg", ".ts")
# Containers count frames by duration; one or two more or less are rounding, not a truncated file.
COUNT_TOLERANCE = 2


@dataclass(frozen=True)
class FrameRange:
    """Which frames to visit: ``first`` to ``last`` (both included, None is open), every n-th.

    Raises
    ------
    ValueError
        On a first frame below 1, a last before the first, or a step below 1.
    """

    first: int = 1
    last: int | None = None
    every: int = 1

    def __post_init__(self) -> None:
        if self.first < 1:
            raise ValueError(f"frames: expected a first frame from 1, got {self.first}")
        if self.last is not None and self.last < self.first:
            raise ValueError(f"frames: expected last >= first, got {self.first}:{self.last}")
        if self.every < 1:
            raise ValueError(f"every: expected a step from 1, got {self.every}")

    @classmethod
    def parse(cls, text: str, every: int = 1) -> FrameRange:
        """``"A:B"``, ``"A:"``, ``":B"`` or ``":"``, counted from 1, both ends included."""
        match = re.fullmatch(r"\s*(\d*)\s*:\s*(\d*)\s*", text)
        if match is None:
            raise InputError(f"frames: expected A:B, got {text!r}")
        first, last = match.groups()
        return cls(int(first or 1), int(last) if last else None, every)

    def contains(self, index: int) -> bool:
        """Whether the frame with this index is visited."""
        if index < self.first or (self.last is not None and index > self.last):
            return False
        return (index - self.first) % self.every == 0


class Source(Protocol):
    """An iterable of frames in order of time."""

    name: str
    frame_rate: float
    """Frames per second of the recording."""
    image_size: tuple[int, int] | None
    """(width, height) in pixels; None where it is not known before the first frame."""
    has_images: bool

    def count(self, frames: FrameRange) -> int | None:
        """How many frames a visit delivers; None where that is not known."""
        ...

    def read(self, frames: FrameRange) -> Iterator[Frame]:
        """Deliver the frames of a range.

        Raises
        ------
        SourceEndedEarly
            When a frame is missing or unreadable, after all frames before it.
        """
        ...


class ImageFolder:
    """A folder of images whose names end in the frame number, e.g. ``000001.jpg``.

    Parameters
    ----------
    folder : Path
    name : str
    frame_rate : float
        Frames per second; gives the frames their time, ``(index - 1) / frame_rate``.
    frame_count : int or None
        Frames that must be there, from 1; None takes those that are.
    """

    has_images = True

    def __init__(
        self, folder: Path, name: str, frame_rate: float, frame_count: int | None = None
    ) -> None:
        _check_rate(name, frame_rate)
        self.name = name
        self.frame_rate = frame_rate
        self._files = numbered_images(folder)
        self._folder = folder
        if frame_count is None:
            self._indices = sorted(self._files)
        else:
            self._indices = list(range(1, frame_count + 1))
        self.image_size: tuple[int, int] | None = None

    def count(self, frames: FrameRange) -> int | None:
        """Number of frames in the range."""
        return sum(frames.contains(index) for index in self._indices)

    def read(self, frames: FrameRange) -> Iterator[Frame]:
        """Deliver the images of a range."""
        for index in filter(frames.contains, self._indices):
            file = self._files.get(index)
            if file is None:
                raise SourceEndedEarly(f"{self._folder}: frame {index} is missing")
            yield Frame(self.name, index, (index - 1) / self.frame_rate, read_image(file, index))


class VideoFile:
    """A video file; frames are counted from 1 and carry the time stamps of the container."""

    has_images = True

    def __init__(self, path: Path, name: str | None = None) -> None:
        capture = _open_video(path)
        try:
            self.name = name or path.stem
            self.frame_rate = float(capture.get(cv2.CAP_PROP_FPS))
            self._promised = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            self.image_size: tuple[int, int] | None = (
                int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
                int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            )
        finally:
            capture.release()
        _check_rate(str(path), self.frame_rate)
        self._path = path

    def count(self, frames: FrameRange) -> int | None:
        """Number of frames in the range, by the container's own count."""
        if self._promised <= 0:
            return None
        return sum(frames.contains(index) for index in range(1, self._promised + 1))

    def read(self, frames: FrameRange) -> Iterator[Frame]:
        """Decode the frames of a range; those between are skipped without conversion."""
        capture = _open_video(self._path)
        index, previous_s = 0, -1.0
        try:
            while frames.last is None or index < frames.last:
                if not capture.grab():
                    break
                index += 1
                if not frames.contains(index):
                    continue
                ok, image = capture.retrieve()
                if not ok or image is None:
                    raise SourceEndedEarly(f"{self._path}: frame {index} cannot be decoded")
                time_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                if not time_s > previous_s:  # some containers carry no usable time stamps
                    time_s = max((index - 1) / self.frame_rate, previous_s + 1e-3)
                previous_s = time_s
                yield Frame(self.name, index, time_s, image.astype(np.uint8, copy=False))
        finally:
            capture.release()
        expected = self._promised
        if frames.last is not None:
            expected = min(expected, frames.last)
        if index < expected - COUNT_TOLERANCE or index == 0:
            raise SourceEndedEarly(
                f"{self._path}: ended after frame {index} of {expected}; the file may be truncated"
            )


class NoImages:
    """Frames without pixels, for sequences of which only detections are at hand."""

    has_images = False

    def __init__(
        self,
        name: str,
        frame_rate: float,
        frame_count: int,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        _check_rate(name, frame_rate)
        if frame_count < 1:
            raise InputError(f"{name}: expected at least one frame, got {frame_count}")
        self.name = name
        self.frame_rate = frame_rate
        self.image_size = image_size
        self._count = frame_count

    def count(self, frames: FrameRange) -> int | None:
        """Number of frames in the range."""
        return sum(frames.contains(index) for index in range(1, self._count + 1))

    def read(self, frames: FrameRange) -> Iterator[Frame]:
        """Count through the range."""
        for index in filter(frames.contains, range(1, self._count + 1)):
            yield Frame(self.name, index, (index - 1) / self.frame_rate)


def read_image(path: Path, index: int) -> Image:
    """Decode an image file as BGR uint8 (H, W, 3).

    Raises
    ------
    SourceEndedEarly
        When the file is unreadable or truncated; the message names frame and file.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise SourceEndedEarly(f"{path}: frame {index} cannot be read: {error.strerror}") from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    # libjpeg fills what is missing of a truncated file with grey and calls it a success
    truncated = path.suffix.lower() in (".jpg", ".jpeg") and b"\xff\xd9" not in data[-64:].tobytes()
    if image is None or truncated:
        raise SourceEndedEarly(f"{path}: frame {index} is not a readable image")
    return image.astype(np.uint8, copy=False)


def numbered_images(folder: Path) -> dict[int, Path]:
    """Images of a folder by the frame number their names end in; frames count from 1.

    Raises
    ------
    InputError
        When there is no such folder, it holds no image, or numbers are missing or given twice.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    files: dict[int, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in IMAGE_SUFFIXES:
            continue
        digits = re.search(r"(\d+)$", file.stem)
        if digits is None:
            raise InputError(f"{file}: expected a name that ends in the frame number")
        index = int(digits.group(1))
        if index in files:
            raise InputError(f"{file}: frame {index} is also in {files[index].name}")
        files[index] = file
    if not files:
        raise InputError(f"{folder}: no images found (looked for {', '.join(IMAGE_SUFFIXES)})")
    if 0 in files:  # counted from 0: shift, so that frames count from 1 everywhere
        files = {index + 1: file for index, file in files.items()}
    return files


def _open_video(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        raise InputError(f"{path}: no such video file")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise InputError(f"{path}: not a video that OpenCV can open")
    return capture


def _check_rate(name: str, frame_rate: float) -> None:
    if not (np.isfinite(frame_rate) and frame_rate > 0):
        raise InputError(f"{name}: expected a frame rate above 0, got {frame_rate}")
