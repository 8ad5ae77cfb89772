"""Galleries as files: one ``.npz`` of plain arrays, from which nothing is unpickled."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .files import write_atomic
from .gallery_crops import Crops, Float32Array, FloatArray, IntArray, check_vectors
from .gallery_scale import DistanceScale
from .gallery_store import GalleryStore

FORMAT = "mtmc-gallery-2"

_KINDS = {
    "vectors": np.float32,
    "identity": np.int64,
    "camera": np.int64,
    "tracklet": np.int64,
    "time_s": np.float64,
}


@dataclass(frozen=True, eq=False)
class GalleryFile:
    """What a file holds: N rows, and the moments of the distances.

    Attributes
    ----------
    vectors : (N, D) float32
    identity, camera, tracklet : (N,) int64
    time_s : (N,) float64
    scale : dict
        See `DistanceScale.to_dict`.
    """

    vectors: Float32Array
    identity: IntArray
    camera: IntArray
    tracklet: IntArray
    time_s: FloatArray
    scale: dict[str, Any]

    @classmethod
    def of(cls, store: GalleryStore, scale: DistanceScale) -> GalleryFile:
        """What a store and a scale hold now."""
        return cls(
            store.vectors,
            store.identity,
            store.camera,
            store.tracklet,
            store.time_s,
            scale.to_dict(),
        )

    def crops(self) -> Crops:
        """All rows as crops; they were clean when they were stored."""
        count = len(self.identity)
        return Crops(
            self.vectors,
            self.camera,
            self.tracklet,
            self.time_s,
            np.ones(count),
            np.zeros(count),
            np.full(count, np.inf),
        )


def write_gallery(path: Path, content: GalleryFile) -> None:
    """Write a gallery under a temporary name and rename it."""
    header = np.array(json.dumps({"format": FORMAT, "scale": content.scale}))
    arrays = {name: getattr(content, name) for name in _KINDS}
    write_atomic(path, lambda stream: np.savez(stream, header=header, **arrays))


def read_gallery(path: Path) -> GalleryFile:
    """Read a gallery; what is in the file is checked, and never executed.

    Raises
    ------
    ValueError, OSError
        Names file and key.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not a gallery: {error}") from error
    except (AttributeError, TypeError):  # a bare .npy has no with block
        raise ValueError(f"{path}: not a gallery: expected an .npz file") from None
    for name in ("header", *_KINDS):
        if name not in arrays:
            raise ValueError(f"{path}: {name}: missing")
    try:
        header = json.loads(str(arrays["header"]))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: header: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"{path}: header: expected the format {FORMAT}")
    if not isinstance(header.get("scale"), dict):
        raise ValueError(f"{path}: scale: expected count, sum and sum of squares")
    rows = len(arrays["identity"])
    for name, kind in _KINDS.items():
        array = arrays[name]
        shape = (rows, *array.shape[1:2]) if name == "vectors" else (rows,)
        if array.dtype != kind or array.shape != shape or array.ndim != len(shape):
            raise ValueError(
                f"{path}: {name}: expected {kind.__name__} of {rows} rows, "
                f"got {array.dtype} {array.shape}"
            )
    if arrays["vectors"].ndim != 2 or (rows and arrays["identity"].min() < 1):
        raise ValueError(f"{path}: expected vectors (N, D) and identities from 1")
    check_vectors(f"{path}: vectors", arrays["vectors"])
    return GalleryFile(**{name: arrays[name] for name in _KINDS}, scale=header["scale"])
