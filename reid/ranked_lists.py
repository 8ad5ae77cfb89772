"""A picture of what a network finds: one row per query, its gallery images in order of distance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from .data.images import Image, decode
from .data.types import Samples
from .evaluation import FloatArray

TILE_HEIGHT, TILE_WIDTH = 128, 64
BORDER, GAP = 4, 4
QUERY_BGR = (160, 160, 160)
RIGHT_BGR, WRONG_BGR = (80, 170, 40), (60, 60, 210)
BACKGROUND = 255


def ranked_lists(
    distances: FloatArray,
    query: Samples,
    gallery: Samples,
    rows: Sequence[int],
    length: int = 10,
) -> Image:
    """Draw queries (grey border) and what was found: green border the same person, red another.

    Gallery images of the query's person in the query's camera are passed over, as in the scores.

    Parameters
    ----------
    distances : (R, G) float32
        Distances of the drawn queries, one row for each of ``rows``.
    query, gallery : Samples
    rows : sequence of int
        Which queries.
    length : int
        Gallery images per query.

    Returns
    -------
    (H, W, 3) uint8 BGR. The images fall under the data set's terms.

    Raises
    ------
    ValueError
        When there is nothing to draw, or an image cannot be read.
    """
    if not rows or length < 1:
        raise ValueError(f"ranked lists: expected queries and a length, got {len(rows)}, {length}")
    lines = []
    for row, line in zip(rows, distances, strict=True):
        identity, camera = query.identities[row], query.cameras[row]
        ignored = (gallery.identities == identity) & (gallery.cameras == camera)
        order = np.argsort(np.where(ignored, np.inf, line), kind="stable")
        found = order[: min(length, int((~ignored).sum()))]
        tiles = [_tile(decode(query, row), QUERY_BGR)]
        for index in found:
            right = gallery.identities[index] == identity
            tiles.append(_tile(decode(gallery, int(index)), RIGHT_BGR if right else WRONG_BGR))
        blank = np.full_like(tiles[0], BACKGROUND)
        tiles += [blank] * (length + 1 - len(tiles))
        lines.append(_join(tiles, axis=1))
    return _join(lines, axis=0)


def write_ranked_lists(image: Image, path: Path) -> None:
    """Write the picture as PNG or JPEG, by the suffix of ``path``.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image):
        raise OSError(f"{path}: cannot be written")


def _tile(image: Image, colour: tuple[int, int, int]) -> Image:
    resized = cv2.resize(image, (TILE_WIDTH, TILE_HEIGHT), interpolation=cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(
        resized, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_CONSTANT, value=colour
    )
    return np.asarray(framed, np.uint8)


def _join(images: Sequence[npt.NDArray[np.uint8]], axis: int) -> Image:
    shape = list(images[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, BACKGROUND, np.uint8)
    parts = [part for image in images for part in (image, gap)][:-1]
    return np.concatenate(parts, axis=axis)
