"""Annotated video from a finished results file: nothing is drawn inside the measured loop.

Drawing after the run also means that the video shows final identities, late decisions included.
The format is VP8 in WebM, which OpenCV's wheels can write everywhere and every browser plays.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from .atomic import atomic_path
from .drawing import TrackPainter
from .errors import InputError
from .mot_files import MotTable, frame_rows
from .sources import FrameRange, Source
from .types import Image

PLAIN_GREY = 48
WEBM_HEADER_BYTES = 2048
TRACK_UID = b"\x73\xc5\x88"  # Matroska element id, then the length 8


def render_video(
    source: Source,
    results: MotTable,
    path: Path,
    frames: FrameRange,
    max_width: int = 1280,
    on_frame: Callable[[int], None] | None = None,
) -> int:
    """Draw results into the frames of their source and write a WebM video.

    Parameters
    ----------
    source : Source
        Where the frames come from; without images people are drawn on a plain background.
    results : MotTable
        Boxes with identities.
    path : Path
        Must end in ``.webm``.
    frames : FrameRange
        Which frames to show.
    max_width : int
        Wider frames are scaled down to this many pixels.
    on_frame : callable or None
        Called with the index of every finished frame.

    Returns
    -------
    int
        Number of frames written.

    Raises
    ------
    InputError
        When this OpenCV cannot write WebM, or the size of the frames is not known.
    """
    if path.suffix != ".webm":
        raise InputError(f"{path}: expected a video name that ends in .webm")
    rows = frame_rows(results)
    xyxy = results.xyxy
    painter = TrackPainter()
    writer: cv2.VideoWriter | None = None
    written = 0
    with atomic_path(path) as temporary:
        try:
            for frame in source.read(frames):
                image = frame.image if frame.image is not None else _blank(source, xyxy)
                scale = min(1.0, max_width / image.shape[1])
                size = (_even(image.shape[1] * scale), _even(image.shape[0] * scale))
                scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
                canvas: Image = scaled.astype(np.uint8, copy=False)
                if writer is None:
                    writer = _open_writer(temporary, source.frame_rate / frames.every, size)
                here = rows.get(frame.index, slice(0, 0))
                painter.paint(
                    canvas, results.id[here], xyxy[here] * scale, f"{source.name}  {frame.index}"
                )
                writer.write(canvas)
                written += 1
                if on_frame is not None:
                    on_frame(frame.index)
        finally:
            if writer is not None:
                writer.release()
        if writer is None:
            raise InputError(f"{source.name}: no frame to show in {path.name}")
        _fix_track_uid(temporary)
    return written


def _blank(source: Source, xyxy: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Image:
    if source.image_size is not None:
        width, height = source.image_size
    elif len(xyxy):
        width, height = (int(np.ceil(v)) for v in xyxy[:, 2:].max(axis=0))
    else:
        raise InputError(f"{source.name}: neither images nor an image size to draw on")
    return np.full((height, width, 3), PLAIN_GREY, np.uint8)


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)  # VP8 stores colour at half resolution


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
