"""Detections that wear crops: simulated boxes with the looks of real people.

A table with the columns ``frame,row,image,visible,other,cover,height`` says, for each detection
(``row`` counts within its frame, in the order of the detection file), which image it shows. Where a
nearer person hides a part, ``other`` is that person's image, and the vector of the box is the mean
of both, weighted by what shows: as of a crop that has two people in it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mtmc.reid.embedder import Embedder
from mtmc.trackers.types import BoolArray

from ..errors import InputError
from ..types import Detections, Float32Array, Image

COLUMNS = ["frame", "row", "image", "visible", "other", "cover", "height"]
BATCH = 256

CropKey = tuple[str, int]
"""An image and the height in pixels that it is reduced to first; 0 leaves it."""


@dataclass(frozen=True)
class Look:
    """What one detection shows; the fields are the columns of the table."""

    image: CropKey
    visible: float
    other: CropKey | None
    cover: float


@dataclass(frozen=True, eq=False)
class CropTable:
    """The looks of one camera's detections.

    Attributes
    ----------
    path : Path
        Where it was read from, for messages.
    root : Path
        What the images' names are relative to.
    looks : mapping of int to tuple of Look
        By frame, in the order of the detections.
    """

    path: Path
    root: Path
    looks: Mapping[int, tuple[Look, ...]]

    def images(self) -> set[CropKey]:
        """All images that are shown."""
        found = {look.image for looks in self.looks.values() for look in looks}
        others = {look.other for looks in self.looks.values() for look in looks}
        return found | {other for other in others if other is not None}


def read_crops(path: Path, root: Path, detections: Mapping[int, Detections]) -> CropTable:
    """Read a table and check that it fits the detections.

    Raises
    ------
    InputError
        Names file and line.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    looks: dict[int, list[Look]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        if next(reader, []) != COLUMNS:
            raise InputError(f"{path}: line 1: expected the header {','.join(COLUMNS)}")
        for cells in reader:
            try:
                frame, row, look = int(cells[0]), int(cells[1]), _look(cells)
            except (ValueError, IndexError):
                raise InputError(
                    f"{path}: line {reader.line_num}: expected {', '.join(COLUMNS)}, got {cells}"
                ) from None
            known = looks.setdefault(frame, [])
            if row != len(known):
                raise InputError(
                    f"{path}: line {reader.line_num}: row: expected {len(known)}, got {row}"
                )
            known.append(look)
    for frame in sorted(looks.keys() | detections.keys()):
        boxes = len(detections.get(frame, ()))
        if boxes != len(looks.get(frame, ())):
            raise InputError(
                f"{path}: frame {frame}: expected {boxes} rows, one per detection, "
                f"got {len(looks.get(frame, ()))}"
            )
    return CropTable(path, root, {frame: tuple(rows) for frame, rows in looks.items()})


def _look(cells: list[str]) -> Look:
    _, _, image, visible, other, cover, height = cells
    shares = float(visible), float(cover)
    if not all(0.0 <= share <= 1.0 for share in shares) or int(height) < 0 or not image:
        raise ValueError
    hider = (other, int(height)) if other else None
    return Look((image, int(height)), shares[0], hider, shares[1])


class CropVectors:
    """Vectors of dressed detections; every image is embedded once.

    Parameters
    ----------
    tables : iterable of CropTable
        Of all cameras.
    embedder : Embedder
    on_images : callable
        Called with the number of images that were embedded since the last call.
    """

    def __init__(
        self,
        tables: Iterable[CropTable],
        embedder: Embedder,
        on_images: Callable[[int], None] = lambda _: None,
    ) -> None:
        wanted = sorted({(table.root, *key) for table in tables for key in table.images()})
        self._row = {key: row for row, key in enumerate(wanted)}
        parts = []
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            parts.append(embedder.embed_crops([_read_crop(*key) for key in batch]))
            on_images(len(batch))
        self._vectors = np.concatenate([np.zeros((0, embedder.embedding_dim), np.float32), *parts])

    def of(self, table: CropTable, frame: int) -> Float32Array:
        """(N, D) unit vectors of one frame's detections; NaN for boxes that show nobody."""
        looks = table.looks.get(frame, ())
        vectors = np.zeros((len(looks), self._vectors.shape[1]), np.float32)
        for row, look in enumerate(looks):
            vectors[row] = look.visible * self._vector(table, look.image)
            if look.other is not None:
                vectors[row] += look.cover * self._vector(table, look.other)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        shows: BoolArray = length[:, 0] > 0
        vectors[~shows] = np.nan
        vectors[shows] /= length[shows]
        return vectors

    def _vector(self, table: CropTable, key: CropKey) -> Float32Array:
        vector: Float32Array = self._vectors[self._row[(table.root, *key)]]
        return vector


def _read_crop(root: Path, name: str, height: int) -> Image:
    path = root / name
    data = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise InputError(f"{path}: not a readable image")
    if height:
        width = max(1, round(image.shape[1] * height / image.shape[0]))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image.astype(np.uint8, copy=False)
