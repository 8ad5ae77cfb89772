"""A WebM video, written frame by frame: VP8, which OpenCV can write and every browser plays."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import cv2

from .atomic import atomic_path
from .errors import InputError
from .types import Image

WEBM_HEADER_BYTES = 2048
TRACK_UID = b"\x73\xc5\x88"  # Matroska element id, then the length 8


class WebmWriter:
    """Writes equally spaced frames; a context manager that leaves a whole file or none.

    Parameters
    ----------
    path : Path
        Must end in ``.webm``.
    frame_rate : float
        Frames per second.

    Raises
    ------
    InputError
        When the name ends otherwise, or (at the first frame) when this OpenCV cannot write VP8.
    """

    def __init__(self, path: Path, frame_rate: float) -> None:
        if path.suffix != ".webm":
            raise InputError(f"{path}: expected a video name that ends in .webm")
        self.frames = 0
        self._path = path
        self._frame_rate = frame_rate
        self._stack = ExitStack()
        self._temporary: Path | None = None
        self._writer: cv2.VideoWriter | None = None

    def write(self, image: Image) -> None:
        """Append an (H, W, 3) BGR image; all have the same size, with even sides."""
        if self._writer is None:
            if self._temporary is None:
                raise ValueError(f"{self._path}: the video is not open; use it in a with block")
            size = (image.shape[1], image.shape[0])
            self._writer = _open_writer(self._temporary, self._frame_rate, size)
        self._writer.write(image)
        self.frames += 1

    def __enter__(self) -> WebmWriter:
        self._temporary = self._stack.enter_context(atomic_path(self._path))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.release()
            if kind is None and self._temporary is not None:
                _fix_track_uid(self._temporary)
        self._stack.__exit__(kind, error, trace)


def even(length: float) -> int:
    """The nearest even number of pixels: VP8 stores colour at half resolution."""
    return max(2, round(length / 2) * 2)


def _open_writer(path: Path, frame_rate: float, size: tuple[int, int]) -> cv2.VideoWriter:
    fourcc = cv2.VideoWriter.fourcc(*"VP80")
    with _silent_stderr():
        writer = cv2.VideoWriter(str(path), fourcc, frame_rate, size)
    if not writer.isOpened():
        raise InputError(f"{path.name}: this build of OpenCV cannot write VP8 video")
    return writer


def _fix_track_uid(path: Path) -> None:
    """Overwrite the random number that the WebM muxer gives a track, so that runs repeat exactly.

    The element TrackUID (73 C5, 8 bytes) stands in the header, and again in the tags behind it.
    """
    with path.open("r+b") as stream:
        header = stream.read(WEBM_HEADER_BYTES)
        found = header.find(TRACK_UID)
        if found < 0:
            return
        start = found + len(TRACK_UID)
        uid = header[start : start + 8]
        stream.seek(0)
        stream.write(header.replace(uid, (1).to_bytes(8, "big")))


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep OpenCV's C code from remarking that WebM has no tag for VP8, which it then writes."""
    sys.stderr.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
