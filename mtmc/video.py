"""Annotated video from a finished results file: nothing is drawn inside the measured loop.

Drawing after the run also means that the video shows final identities, late decisions included.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from .drawing import TrackPainter
from .errors import InputError
from .mot_files import MotTable, frame_rows
from .sources import FrameRange, Source
from .types import Image
from .webm import WebmWriter, even

PLAIN_GREY = 48


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
    rows = frame_rows(results)
    xyxy = results.xyxy
    painter = TrackPainter()
    with WebmWriter(path, source.frame_rate / frames.every) as video:
        for frame in source.read(frames):
            image = frame.image if frame.image is not None else _blank(source, xyxy)
            scale = min(1.0, max_width / image.shape[1])
            size = (even(image.shape[1] * scale), even(image.shape[0] * scale))
            scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            canvas: Image = scaled.astype(np.uint8, copy=False)
            here = rows.get(frame.index, slice(0, 0))
            painter.paint(
                canvas, results.id[here], xyxy[here] * scale, f"{source.name}  {frame.index}"
            )
            video.write(canvas)
            if on_frame is not None:
                on_frame(frame.index)
        if not video.frames:
            raise InputError(f"{source.name}: no frame to show in {path.name}")
    return video.frames


def _blank(source: Source, xyxy: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Image:
    if source.image_size is not None:
        width, height = source.image_size
    elif len(xyxy):
        width, height = (int(np.ceil(v)) for v in xyxy[:, 2:].max(axis=0))
    else:
        raise InputError(f"{source.name}: neither images nor an image size to draw on")
    return np.full((height, width, 3), PLAIN_GREY, np.uint8)
