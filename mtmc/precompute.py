"""Detections and embeddings written once, so that many runs can reuse them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .atomic import atomic_path, atomic_writer
from .errors import InputError, SourceEndedEarly
from .people import BoxFilter, Finder
from .sources import FrameRange, Source
from .types import AppearanceModel, Detections, Float32Array, Frame

MOT_COLUMNS = 10
"""Columns before the features in a file of embeddings, as deep_sort has them."""


@dataclass(frozen=True)
class Precomputed:
    """What was written: frames visited, boxes, and why it is not complete (empty if it is)."""

    frames: int
    boxes: int
    reason: str


OnFrame = Callable[[Frame, Detections], None]


def write_detections(
    source: Source,
    find: Finder,
    path: Path,
    frames: FrameRange,
    keep: BoxFilter | None = None,
    on_frame: OnFrame | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Precomputed:
    """Write the detections of a source as a MOT file: ``frame,-1,l,t,w,h,score,-1,-1,-1``.

    A source that ends early, or ``stop``, ends the file cleanly after the last whole frame.
    """
    visited = boxes = 0
    reason = ""
    with atomic_writer(path) as stream:
        try:
            for frame in source.read(frames):
                found = find(frame) if keep is None else keep(find(frame))
                for (left, top, right, bottom), score in zip(
                    found.xyxy.tolist(), found.scores.tolist(), strict=True
                ):
                    stream.write(
                        f"{frame.index},-1,{left:.2f},{top:.2f},{right - left:.2f},"
                        f"{bottom - top:.2f},{score:.4f},-1,-1,-1\n"
                    )
                visited, boxes = visited + 1, boxes + len(found)
                if on_frame is not None:
                    on_frame(frame, found)
                if stop():
                    reason = f"interrupted after frame {frame.index}"
                    break
        except SourceEndedEarly as error:
            reason = str(error)
    return Precomputed(visited, boxes, reason)


def write_embeddings(
    source: Source,
    find: Finder,
    appearance: AppearanceModel,
    path: Path,
    frames: FrameRange,
    on_frame: OnFrame | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Precomputed:
    """Write detections with their vectors as deep_sort does: an ``.npy`` of 10 + D float32.

    A box without pixels gets a vector of zeros, which readers know as "no appearance".
    """
    if path.suffix != ".npy":
        raise InputError(f"{path}: expected a name that ends in .npy")
    visited, reason = 0, ""
    rows: list[Float32Array] = []
    try:
        for frame in source.read(frames):
            if frame.image is None:
                raise InputError(f"{source.name}: embedding needs images, and there are none")
            found = find(frame)
            vectors = appearance.embed([frame.image], [found.xyxy])[0]
            rows.append(_embedding_rows(frame.index, found, vectors))
            visited += 1
            if on_frame is not None:
                on_frame(frame, found)
            if stop():
                reason = f"interrupted after frame {frame.index}"
                break
    except SourceEndedEarly as error:
        reason = str(error)
    empty = np.zeros((0, MOT_COLUMNS + appearance.embedding_dim), np.float32)
    table = np.concatenate([empty, *rows])
    with atomic_path(path) as temporary:
        np.save(temporary, table, allow_pickle=False)
    return Precomputed(visited, len(table), reason)


def _embedding_rows(index: int, found: Detections, vectors: Float32Array) -> Float32Array:
    rows = np.full((len(found), MOT_COLUMNS), -1.0, np.float32)
    rows[:, 0] = index
    rows[:, 2:4] = found.xyxy[:, :2]
    rows[:, 4:6] = found.xyxy[:, 2:] - found.xyxy[:, :2]
    rows[:, 6] = found.scores
    return np.hstack([rows, np.nan_to_num(vectors, nan=0.0)]).astype(np.float32)
