"""Files of detections with appearance vectors, for trackers of others that read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mtmc.reid.adapters import DeepSortEncoder
from mtmc.reid.adapters.vectors import Embeds

from .atomic import atomic_path
from .errors import InputError
from .mot_files import MotTable, frame_rows, read_detections
from .precompute import MOT_COLUMNS
from .sources import numbered_images, read_image


def write_deep_sort_features(
    detections: Path,
    images: Path,
    model: Embeds,
    out: Path,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, int]:
    """Write the ``.npy`` that deep_sort and StrongSORT read.

    One row per detection, in the order of frames: the ten MOT columns (frame, id, left, top, width,
    height, confidence and three times -1) and a unit vector of D features. A box that covers no
    pixel gets a vector that resembles nobody's, see :func:`mtmc.reid.adapters.vectors.unseen`.

    Parameters
    ----------
    detections : Path
        MOT detection file.
    images : Path
        Folder of images whose names end in the frame number.
    model : Embeds
    out : Path
        Ends in ``.npy``; written whole or not at all.
    report : callable
        Called as ``report(done, total)`` after every frame.

    Returns
    -------
    (frames, boxes) : tuple of int

    Raises
    ------
    InputError
        When a file is malformed, an image is missing or unreadable; before anything is embedded,
        where that can be known.
    """
    if out.suffix != ".npy":
        raise InputError(f"{out}: expected a name that ends in .npy")
    table = read_detections(detections)
    frames = frame_rows(table)
    files = numbered_images(images)
    missing = [index for index in frames if index not in files]
    if missing:
        line = table.line[frames[missing[0]]][0]
        raise InputError(
            f"{detections}: line {line}: frame {missing[0]} has no image in {images} "
            f"({len(missing)} of {len(frames)} frames have none)"
        )
    encoder, mot = DeepSortEncoder(model), _mot_rows(table)
    parts = [np.zeros((0, MOT_COLUMNS + model.embedding_dim), np.float32)]
    for done, (index, rows) in enumerate(frames.items(), start=1):
        image = read_image(files[index], index)
        parts.append(encoder.rows(image, mot[rows]).astype(np.float32))
        report(done, len(frames))
    with atomic_path(out) as temporary:
        np.save(temporary, np.concatenate(parts), allow_pickle=False)
    return len(frames), len(table)


def _mot_rows(table: MotTable) -> np.ndarray:
    """(N, 7): frame, id, left, top, width, height, confidence."""
    columns = (table.frame[:, None], table.id[:, None], table.tlwh, table.confidence[:, None])
    rows: np.ndarray = np.hstack(columns)
    return rows
