"""The state of all tracks, as parallel arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from mtmc.trackers.types import BoolArray

from ..types import Float32Array, FloatArray, IntArray


@dataclass(eq=False)
class Population:
    """All tracks that are followed; row ``i`` of every field speaks of the same one.

    Attributes
    ----------
    serial : (T,) int64
        Names a track inside the tracker; never used twice.
    id : (T,) int64
        The serial number once a track counts; 0 while tentative. Who it is, is decided elsewhere.
    mean : (T, 4), covariance : (T, 4, 4) float64
        x, y, vx, vy in metres and metres per second.
    height, height_variance : (T,) float64
        Metres.
    shown_height : (T,) float64
        How tall all cameras together show somebody now, metres; NaN where none does.
    log_odds : (T,) float64
        Of existence.
    born_s, seen_s : (T,) float64
        When it began, and when it was last seen.
    born_xy, seen_xy : (T, 2) float64
        And where, metres.
    gallery : (T, C, E) float32
        Mean appearance in each camera, L2-normalised; zero where there is none yet.
    has_gallery : (T, C) bool
    """

    serial: IntArray
    id: IntArray
    mean: FloatArray
    covariance: FloatArray
    height: FloatArray
    height_variance: FloatArray
    shown_height: FloatArray
    log_odds: FloatArray
    born_s: FloatArray
    seen_s: FloatArray
    born_xy: FloatArray
    seen_xy: FloatArray
    gallery: Float32Array
    has_gallery: BoolArray

    @classmethod
    def empty(cls, cameras: int, embedding_dim: int = 0, tracks: int = 0) -> Population:
        """``tracks`` rows of zeros."""
        whole = np.zeros(tracks, np.int64)
        real = np.zeros(tracks)
        return cls(
            serial=whole.copy(),
            id=whole.copy(),
            mean=np.zeros((tracks, 4)),
            covariance=np.zeros((tracks, 4, 4)),
            height=real.copy(),
            height_variance=real.copy(),
            shown_height=np.full(tracks, np.nan),
            log_odds=real.copy(),
            born_s=real.copy(),
            seen_s=real.copy(),
            born_xy=np.zeros((tracks, 2)),
            seen_xy=np.zeros((tracks, 2)),
            gallery=np.zeros((tracks, cameras, embedding_dim), np.float32),
            has_gallery=np.zeros((tracks, cameras), np.bool_),
        )

    def __len__(self) -> int:
        return len(self.serial)

    @property
    def xy(self) -> FloatArray:
        """(T, 2) metres."""
        return self.mean[:, :2]

    def keep(self, rows: BoolArray) -> None:
        """Drop all other rows."""
        if rows.all():
            return
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[rows])

    def take(self, rows: BoolArray | IntArray) -> Population:
        """A copy of some rows."""
        return Population(*(getattr(self, field.name)[rows] for field in fields(self)))

    def extend(self, other: Population) -> None:
        """Append rows."""
        for field in fields(self):
            joined = np.concatenate([getattr(self, field.name), getattr(other, field.name)])
            setattr(self, field.name, joined)

    def with_embedding_dim(self, dim: int) -> None:
        """Make room for appearance, when the first vectors arrive."""
        if self.gallery.shape[2] != dim:
            self.gallery = np.zeros((*self.has_gallery.shape, dim), np.float32)
            self.has_gallery = np.zeros_like(self.has_gallery)
