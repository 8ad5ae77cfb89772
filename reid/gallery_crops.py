"""Crops of one identity: their vectors, where and when they were taken, and how clean they are."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

MAX_NORM_ERROR = 1e-2


@dataclass(frozen=True, eq=False)
class Crops:
    """Appearance vectors of one person, as parallel arrays.

    Attributes
    ----------
    embeddings : (N, D) float32
        L2-normalised; rows of NaN are skipped wherever crops are used.
    camera : (N,) int64
        Number of the camera.
    tracklet : (N,) int64
        Stretch of tracking in which nothing was in doubt: a caller begins a new one with every
        visit, and after every moment in which two people could have been mixed up.
    time_s : (N,) float64
        When it was taken, seconds.
    visible : (N,) float64
        Share of the person that is visible, 0 to 1.
    overlap : (N,) float64
        Share of the box that other people's boxes cover, 0 to 1.
    clearance_m : (N,) float64
        Distance to the nearest other person, metres; infinite where nobody else is, or where it is
        not known.

    Raises
    ------
    ValueError
        On wrong shapes, or vectors that are not of unit length.
    """

    embeddings: Float32Array
    camera: IntArray
    tracklet: IntArray
    time_s: FloatArray
    visible: FloatArray
    overlap: FloatArray
    clearance_m: FloatArray

    def __post_init__(self) -> None:
        vectors = np.asarray(self.embeddings, np.float32)
        object.__setattr__(self, "embeddings", vectors)
        check_vectors("Crops.embeddings", vectors)
        for name, kind in (("camera", np.int64), ("tracklet", np.int64), ("time_s", np.float64),
                           ("visible", np.float64), ("overlap", np.float64),
                           ("clearance_m", np.float64)):  # fmt: skip
            column = np.asarray(getattr(self, name), kind)
            object.__setattr__(self, name, column)
            if column.shape != (len(vectors),):
                raise ValueError(f"Crops.{name}: expected ({len(vectors)},), got {column.shape}")
        if np.isnan(self.time_s).any():
            raise ValueError("Crops.time_s: expected times, got NaN")

    def __len__(self) -> int:
        return len(self.embeddings)

    def __getitem__(self, rows: BoolArray | IntArray) -> Crops:
        """Select rows by mask or index array."""
        return Crops(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def of_tracklet(
        cls, embeddings: Float32Array, camera: int, tracklet: int, time_s: FloatArray
    ) -> Crops:
        """Crops of one camera and tracklet about whose cleanness nothing is known."""
        count = len(embeddings)
        whole = np.ones(count, np.int64)
        return cls(
            embeddings,
            camera * whole,
            tracklet * whole,
            time_s,
            np.ones(count),
            np.zeros(count),
            np.full(count, np.inf),
        )


@dataclass(frozen=True)
class GuardConfig:
    """Which crops are clean enough to stand for a person.

    Attributes
    ----------
    min_visible : float
        Least visible share, 0 to 1.
    max_overlap : float
        Greatest share that other people's boxes cover, 0 to 1.
    min_clearance_m : float
        Least distance to the nearest other person, metres: whoever is closer may be mixed up.
    """

    min_visible: float = 0.6
    max_overlap: float = 0.25
    min_clearance_m: float = 0.5

    def __post_init__(self) -> None:
        for name in ("min_visible", "max_overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, got {getattr(self, name)}")
        if not self.min_clearance_m >= 0:
            raise ValueError(f"min_clearance_m: expected 0 or more, got {self.min_clearance_m}")


def clean(crops: Crops, config: GuardConfig) -> BoolArray:
    """Which crops (N,) may enter a gallery; an unknown (NaN) cleanness is none."""
    return np.asarray(
        has_vector(crops.embeddings)
        & (crops.visible >= config.min_visible)
        & (crops.overlap <= config.max_overlap)
        & (crops.clearance_m >= config.min_clearance_m)
    )


def has_vector(embeddings: Float32Array) -> BoolArray:
    """Rows (N,) of (N, D) that hold a vector, not NaN."""
    return np.asarray(np.isfinite(embeddings).all(axis=1))


def check_vectors(name: str, vectors: Float32Array) -> None:
    """Raise ValueError unless ``vectors`` are (N, D), of unit length or NaN."""
    if vectors.ndim != 2:
        raise ValueError(f"{name}: expected shape (N, D), got {vectors.shape}")
    norm = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    wrong = np.abs(norm - 1.0) > MAX_NORM_ERROR  # False for NaN
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"{name}: expected rows of length 1, got {norm[row]:.3g} in row {row}")
