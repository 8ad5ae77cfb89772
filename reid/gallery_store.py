"""Vectors of identities in flat arrays, within a budget of bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .gallery_crops import Crops, Float32Array, FloatArray, IntArray
from .gallery_thinning import spread_out


@dataclass(frozen=True, eq=False)
class Index:
    """Which rows are whose.

    Attributes
    ----------
    identities : (I,) int64
        Ascending.
    starts : (I + 1,) int64
        Where each identity begins in ``rows``.
    rows : (N,) int64
        Rows of the store, sorted by identity.
    """

    identities: IntArray
    starts: IntArray
    rows: IntArray


class GalleryStore:
    """A pool of vectors with identity, camera, tracklet and time; rows in no particular order.

    Parameters
    ----------
    embedding_dim : int
    budget_bytes : int
        What all arrays together may take.
    """

    def __init__(self, embedding_dim: int, budget_bytes: int) -> None:
        if embedding_dim < 1:
            raise ValueError(f"embedding_dim: expected a length from 1, got {embedding_dim}")
        self._count = 0
        self._vectors: Float32Array = np.zeros((0, embedding_dim), np.float32)
        self._labels: IntArray = np.zeros((3, 0), np.int64)  # identity, camera, tracklet
        self._times: FloatArray = np.zeros(0)
        bytes_per_row = 4 * embedding_dim + 8 * (len(self._labels) + 1)
        self._most = budget_bytes // bytes_per_row
        if self._most < 1:
            raise ValueError(
                f"budget: expected at least {bytes_per_row} bytes for one vector, "
                f"got {budget_bytes}"
            )
        self._index: Index | None = None
        self._prototypes: tuple[Float32Array, IntArray] | None = None
        self._means = np.zeros((0, embedding_dim), np.float32)
        self._means_of: IntArray = np.zeros(0, np.int64)
        self._stale: set[int] = set()

    def __len__(self) -> int:
        return self._count

    @property
    def embedding_dim(self) -> int:
        """Length D of a vector."""
        return int(self._vectors.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return int(self._vectors.nbytes + self._labels.nbytes + self._times.nbytes)

    @property
    def vectors(self) -> Float32Array:
        """(N, D)."""
        return self._vectors[: self._count]

    @property
    def identity(self) -> IntArray:
        """(N,)."""
        return self._labels[0, : self._count]

    @property
    def camera(self) -> IntArray:
        """(N,)."""
        return self._labels[1, : self._count]

    @property
    def tracklet(self) -> IntArray:
        """(N,)."""
        return self._labels[2, : self._count]

    @property
    def time_s(self) -> FloatArray:
        """(N,) seconds."""
        return self._times[: self._count]

    @property
    def index(self) -> Index:
        """Which rows are whose; kept until something changes."""
        if self._index is None:
            rows = np.argsort(self.identity, kind="stable")
            identities, first = np.unique(self.identity[rows], return_index=True)
            self._index = Index(identities, np.append(first, self._count), rows)
        return self._index

    def rows_of(self, identity: int) -> IntArray:
        """Rows of one identity, (n,); none for an unknown one."""
        if self._index is None:  # one look at all rows is cheaper than sorting them
            return np.flatnonzero(self.identity == identity)
        index = self._index
        at = int(np.searchsorted(index.identities, identity))
        if at == len(index.identities) or index.identities[at] != identity:
            return np.zeros(0, np.int64)
        return index.rows[index.starts[at] : index.starts[at + 1]]

    def prototypes(self) -> tuple[Float32Array, IntArray]:
        """Mean vectors (P, D) per identity, tracklet and camera, and starts (I + 1,) of each."""
        if self._prototypes is None:
            keys = np.stack([self.identity, self.tracklet, self.camera])
            groups, member = np.unique(keys, axis=1, return_inverse=True)
            means = np.zeros((groups.shape[1], self.embedding_dim), np.float32)
            np.add.at(means, member.reshape(-1), self.vectors)
            means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
            starts = np.searchsorted(groups[0], self.index.identities)
            self._prototypes = means, np.append(starts, len(means))
        return self._prototypes

    def means(self) -> Float32Array:
        """Mean vector of every identity, (I, D); recomputed only for those that changed."""
        identities = self.index.identities
        if self._stale:
            means = np.zeros((len(identities), self.embedding_dim), np.float32)
            kept = np.isin(identities, self._means_of)
            means[kept] = self._means[np.searchsorted(self._means_of, identities[kept])]
            changed = np.isin(identities, np.array(sorted(self._stale), np.int64))
            for at in np.flatnonzero(changed | ~kept).tolist():
                rows = self.index.rows[self.index.starts[at] : self.index.starts[at + 1]]
                mean = self.vectors[rows].mean(axis=0)
                means[at] = mean / max(float(np.linalg.norm(mean)), 1e-6)
            self._means, self._means_of = means, identities
            self._stale.clear()
        return self._means

    def append(self, identity: int | IntArray, crops: Crops) -> None:
        """Store crops of an identity, or of one identity each.

        Raises
        ------
        ValueError
            When there is no room.
        """
        start, stop = self._count, self._count + len(crops)
        if stop > self._most:
            raise ValueError(f"budget: it holds {self._most} crops, got {stop}")
        self._reserve(stop)
        self._vectors[start:stop] = crops.embeddings
        self._labels[0, start:stop] = identity
        self._labels[1, start:stop] = crops.camera
        self._labels[2, start:stop] = crops.tracklet
        self._times[start:stop] = crops.time_s
        self._count = stop
        self._changed(self.identity[start:stop])

    def rename(self, rows: IntArray, identity: int) -> None:
        """Some rows are somebody else's."""
        if identity < 1:
            raise ValueError(f"identity: expected a number from 1, got {identity}")
        changed = np.append(self.identity[rows], identity)
        self._labels[0, rows] = identity
        self._changed(changed)

    def remove(self, rows: IntArray) -> None:
        """Delete rows; the last ones move into their places, and what is left behind is zeroed."""
        if not len(rows):
            return
        changed = self.identity[rows]
        left = self._count - len(rows)
        gone = np.zeros(self._count, np.bool_)
        gone[rows] = True
        holes, movers = np.flatnonzero(gone[:left]), left + np.flatnonzero(~gone[left:])
        for array in (self._vectors, self._times):
            array[holes] = array[movers]
            array[left : self._count] = 0
        self._labels[:, holes] = self._labels[:, movers]
        self._labels[:, left : self._count] = 0
        self._count = left
        self._changed(changed)
        # What is cached of a deleted identity goes at once, not at the next question.
        self.means()

    def thin(self, identity: int, limit: int) -> None:
        """Keep at most ``limit`` crops of an identity, spread out."""
        rows = self.rows_of(identity)
        if len(rows) > limit:
            keep = spread_out(self.camera[rows], self.tracklet[rows], self.time_s[rows], limit)
            self.remove(rows[~keep])

    def make_room(self, count: int, keep: int) -> tuple[int, ...]:
        """Thin whoever has most until ``count`` rows fit; see `Gallery.add` for what is returned.

        Raises
        ------
        ValueError
            When so many never fit.
        """
        if count > self._most:
            raise ValueError(f"budget: it holds {self._most} crops, got {count}")
        dropped: list[int] = []
        while (missing := self._count + count - self._most) > 0:
            index = self.index
            sizes = np.diff(index.starts)
            most = int(sizes.max())
            if most > 1:
                largest = np.flatnonzero(sizes == most)[:missing]
                for identity in index.identities[largest].tolist():
                    self.thin(identity, most - 1)
                continue
            seen = self.time_s[index.rows]
            candidates = np.flatnonzero(index.identities != keep)
            oldest = candidates[np.argsort(seen[candidates], kind="stable")][:missing]
            names = index.identities[oldest].tolist()
            self.remove(index.rows[oldest])
            dropped += names
            if not len(names):
                self.remove(self.rows_of(keep))
        return tuple(dropped)

    def _reserve(self, rows: int) -> None:
        """Grow by half, so that filling costs linear time, but never beyond the budget."""
        held = len(self._times)
        if rows <= held:
            return
        more = min(self._most, max(rows, held + held // 2)) - held
        self._vectors = np.concatenate(
            [self._vectors, np.zeros((more, self.embedding_dim), np.float32)]
        )
        self._labels = np.concatenate([self._labels, np.zeros((3, more), np.int64)], axis=1)
        self._times = np.concatenate([self._times, np.zeros(more)])

    def _changed(self, identities: IntArray) -> None:
        self._index = self._prototypes = None
        self._stale.update(identities.tolist())
