"""What tracked people looked like: the last appearance vectors of every track."""

from __future__ import annotations

import numpy as np

from .types import BoolArray, Float32Array, FloatArray, IntArray


def has_vector(embeddings: Float32Array) -> BoolArray:
    """Rows (N,) of ``embeddings`` (N, D) that hold a vector, not NaN."""
    present: BoolArray = ~np.isnan(embeddings.sum(axis=1))
    return present


class Gallery:
    """The last ``budget`` appearance vectors of each track, rows in step with a `TrackTable`.

    Vectors lie in a pool of places, one place of (budget, D) per track; when tracks are dropped
    only the list of places is compacted, not the pool. Places not yet used repeat the first vector
    of the track, so that a minimum over a place needs no mask.

    Parameters
    ----------
    budget : int
        Vectors kept per track; the oldest is replaced first.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._pool: Float32Array = np.zeros((0, budget, 0), np.float32)
        self._place: IntArray = np.zeros(0, np.int64)
        self._count: IntArray = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self._place)

    @property
    def known(self) -> BoolArray:
        """Tracks that have at least one vector (N,)."""
        return self._count > 0

    def check(self, embeddings: Float32Array) -> None:
        """Raise ValueError when vectors among (N, D) do not fit those that are stored."""
        dim = self._pool.shape[2]
        if embeddings.shape[1] != dim and self.known.any() and has_vector(embeddings).any():
            raise ValueError(f"embeddings: expected {dim} columns, got {embeddings.shape[1]}")

    def keep(self, rows: BoolArray) -> None:
        """Drop the tracks whose entry in the mask (N,) is False."""
        self._place, self._count = self._place[rows], self._count[rows]

    def add_tracks(self, count: int) -> None:
        """Make room for ``count`` new tracks without vectors, behind the others."""
        free = np.ones(len(self._pool), dtype=bool)
        free[self._place] = False
        places = np.flatnonzero(free)
        missing = count - len(places)
        if missing > 0:
            # Doubling keeps the cost of growth constant per track.
            grown = max(len(self._pool), missing)
            places = np.concatenate([places, len(self._pool) + np.arange(grown)])
            more = np.zeros((grown, *self._pool.shape[1:]), np.float32)
            self._pool = np.concatenate([self._pool, more])
        self._place = np.concatenate([self._place, places[:count]])
        self._count = np.concatenate([self._count, np.zeros(count, np.int64)])

    def append(self, rows: IntArray, embeddings: Float32Array) -> None:
        """Remember one vector (K, D) for each of the tracks ``rows`` (K,); NaN rows are skipped.

        Raises
        ------
        ValueError
            When D differs from that of the stored vectors.
        """
        self.check(embeddings)
        seen = has_vector(embeddings)
        rows, embeddings = rows[seen], embeddings[seen]
        if len(rows) == 0:
            return
        if embeddings.shape[1] != self._pool.shape[2]:  # nothing is stored yet
            self._pool = np.zeros((*self._pool.shape[:2], embeddings.shape[1]), np.float32)
        place, count = self._place[rows], self._count[rows]
        first = count == 0
        self._pool[place[first]] = embeddings[first, None]
        self._pool[place, count % self._budget] = embeddings
        self._count[rows] = count + 1

    def cosine_distance(self, rows: IntArray, embeddings: Float32Array) -> FloatArray:
        """Smallest cosine distance (K,) of vector ``k`` from those stored for track ``rows[k]``.

        1 - max over the stored vectors of their inner product, all L2-normalised; infinite where
        the track has no vector or the given one is NaN. Wojke et al. (2017), eq. 2.
        """
        distance = np.full(len(rows), np.inf)
        known = self.known[rows]
        known &= has_vector(embeddings)
        rows, embeddings = rows[known], embeddings[known]
        if len(rows) == 0:
            return distance
        depth = min(int(self._count[rows].max()), self._budget)
        stored = self._pool[self._place[rows], :depth]  # (K, depth, D)
        similarity = np.matmul(stored, embeddings[:, :, None])[..., 0]  # (K, depth)
        distance[known] = 1.0 - similarity.max(axis=1)
        return distance


class SmoothedLook:
    """One vector per track, the running mean of what it looked like; rows in step with a table.

    Parameters
    ----------
    momentum : float
        Part of the old vector that is kept when a new one is taken in; the sum is normalised.
        Aharon et al., "BoT-SORT", arXiv 2206.14651, equation 11.
    """

    def __init__(self, momentum: float) -> None:
        self._momentum = momentum
        self._vectors: Float32Array = np.zeros((0, 0), np.float32)

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def known(self) -> BoolArray:
        """Tracks that have a vector (N,)."""
        if self._vectors.shape[1] == 0:
            return np.zeros(len(self._vectors), dtype=bool)
        return has_vector(self._vectors)

    def check(self, embeddings: Float32Array) -> None:
        """Raise ValueError when vectors among (N, D) do not fit those that are stored."""
        dim = self._vectors.shape[1]
        if embeddings.shape[1] != dim and self.known.any() and has_vector(embeddings).any():
            raise ValueError(f"embeddings: expected {dim} columns, got {embeddings.shape[1]}")

    def keep(self, rows: BoolArray) -> None:
        """Drop the tracks whose entry in the mask (N,) is False."""
        self._vectors = self._vectors[rows]

    def add_tracks(self, count: int) -> None:
        """Make room for ``count`` new tracks without vectors, behind the others."""
        unknown = np.full((count, self._vectors.shape[1]), np.nan, np.float32)
        self._vectors = np.concatenate([self._vectors, unknown])

    def append(self, rows: IntArray, embeddings: Float32Array) -> None:
        """Take in one vector (K, D) for each of the tracks ``rows`` (K,); NaN rows are skipped.

        Raises
        ------
        ValueError
            When D differs from that of the stored vectors.
        """
        self.check(embeddings)
        present = has_vector(embeddings)
        rows, embeddings = rows[present], embeddings[present]
        if len(rows) == 0:
            return
        if embeddings.shape[1] != self._vectors.shape[1]:  # nothing is stored yet
            shape = len(self._vectors), embeddings.shape[1]
            self._vectors = np.full(shape, np.nan, np.float32)
        before = np.where(self.known[rows, None], self._vectors[rows], embeddings)
        mixed = self._momentum * before + (1.0 - self._momentum) * embeddings
        length = np.linalg.norm(mixed, axis=1, keepdims=True)
        # Opposite vectors may cancel out; then the new one counts.
        self._vectors[rows] = np.where(
            length > 0.0, mixed / np.where(length > 0, length, 1), embeddings
        )

    def cosine_distance(self, rows: IntArray, embeddings: Float32Array) -> FloatArray:
        """Cosine distance (K,) of vector ``k`` from that of track ``rows[k]``.

        Infinite where the track has no vector or the given one is NaN.
        """
        distance = np.full(len(rows), np.inf)
        both = self.known[rows]
        both &= has_vector(embeddings)
        if np.count_nonzero(both):
            products = np.einsum("kd,kd->k", self._vectors[rows[both]], embeddings[both])
            distance[both] = 1.0 - products
        return distance
