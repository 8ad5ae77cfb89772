"""k-reciprocal re-ranking (Zhong, Zheng, Cao and Li, CVPR 2017).

Two images that are among each other's nearest are more likely of one person than their distance
alone says. All queries and the whole gallery are used at once, so this is for comparing figures,
not for tracking; results must be named re-ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .evaluation import FloatArray

IntArray = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]

BLOCK_ROWS = 1024


@dataclass(frozen=True)
class RerankConfig:
    """Parameters, with the paper's values.

    Attributes
    ----------
    k1 : int
        Length of the neighbour lists in which images look for each other.
    k2 : int
        Neighbours over which the encodings are averaged.
    weight : float
        Share of the original distance in the final one (the paper's lambda), 0 to 1.
    """

    k1: int = 20
    k2: int = 6
    weight: float = 0.3

    def __post_init__(self) -> None:
        for name in ("k1", "k2"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if not 0 <= self.weight <= 1:
            raise ValueError(f"weight: expected 0 to 1, got {self.weight}")


@dataclass(frozen=True, eq=False)
class _Sparse:
    """Rows of a sparse matrix: values of row ``i`` are ``[starts[i], starts[i + 1])``."""

    starts: IntArray
    columns: IntArray
    values: Weights

    def row(self, index: int) -> tuple[IntArray, Weights]:
        part = slice(self.starts[index], self.starts[index + 1])
        return self.columns[part], self.values[part]

    @staticmethod
    def from_rows(rows: Sequence[tuple[IntArray, Weights]]) -> _Sparse:
        lengths = [len(columns) for columns, _ in rows]
        return _Sparse(
            np.concatenate([[0], np.cumsum(lengths)]),
            np.concatenate([columns for columns, _ in rows]),
            np.concatenate([values for _, values in rows]),
        )

    def transposed(self) -> _Sparse:
        count = len(self.starts) - 1
        rows = np.repeat(np.arange(count), np.diff(self.starts))
        order = np.argsort(self.columns, kind="stable")
        lengths = np.bincount(self.columns, minlength=count)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return _Sparse(starts, rows[order], self.values[order])


def rerank(query: FloatArray, gallery: FloatArray, config: RerankConfig) -> FloatArray:
    """Re-ranked distances.

    Parameters
    ----------
    query, gallery : (Q, D), (G, D) float32
        Rows of unit length.
    config : RerankConfig

    Returns
    -------
    (Q, G) float32: ``(1 - weight) Jaccard + weight original``, the original squared Euclidean and
    divided by each query's largest, as the authors do.
    """
    features = np.concatenate([query, gallery])
    nearest, largest = _nearest(features, min(config.k1 + 1, len(features)))
    encoding = _average(_encode(features, nearest, largest, config.k1), nearest[:, : config.k2])
    jaccard = _jaccard(encoding, len(query))[:, len(query) :]
    original = _squared_euclidean(query, gallery) / largest[: len(query), None]
    return np.asarray((1 - config.weight) * jaccard + config.weight * original, np.float32)


def _squared_euclidean(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(2.0 - 2.0 * (a @ b.T), 0), np.float32)


def _nearest(features: FloatArray, count: int) -> tuple[IntArray, FloatArray]:
    """The nearest images of each image, itself first (N, count), and its largest distance (N,)."""
    nearest = np.empty((len(features), count), np.int64)
    largest = np.empty(len(features), np.float32)
    for start in range(0, len(features), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        distances = _squared_euclidean(features[rows], features)
        largest[rows] = distances.max(axis=1)
        own = np.arange(len(distances))
        distances[own, start + own] = -1.0
        some = np.argpartition(distances, count - 1, axis=1)[:, :count]
        order = np.take_along_axis(distances, some, 1).argsort(axis=1, kind="stable")
        nearest[rows] = np.take_along_axis(some, order, 1)
    return nearest, np.maximum(largest, np.finfo(np.float32).tiny)


def _reciprocal(nearest: IntArray, row: int, count: int) -> IntArray:
    """Those of an image's ``count`` nearest that have it among their own ``count`` nearest."""
    forward = nearest[row, : count + 1]
    found = (nearest[forward, : count + 1] == row).any(axis=1)
    return np.asarray(forward[found], np.int64)


def _encode(features: FloatArray, nearest: IntArray, largest: FloatArray, k1: int) -> _Sparse:
    """Each image as weights ``exp(-distance)`` over its reciprocal neighbours, with sum 1.

    The reciprocal list of a neighbour, half as long, is taken in where more than two thirds of it
    are in the image's own list (section 3.2 of the paper).
    """
    half = round(k1 / 2)
    halves = [_reciprocal(nearest, row, half) for row in range(len(features))]
    rows = []
    for row in range(len(features)):
        core = _reciprocal(nearest, row, k1)
        shared = [(other, np.isin(other, core).sum()) for other in (halves[i] for i in core)]
        expanded = [other for other, common in shared if common > 2 / 3 * len(other)]
        members = np.unique(np.concatenate([core, *expanded]))
        distances = _squared_euclidean(features[row : row + 1], features[members])[0]
        weights = np.exp(-distances / largest[row])
        rows.append((members, weights / weights.sum()))
    return _Sparse.from_rows(rows)


def _average(encoding: _Sparse, nearest: IntArray) -> _Sparse:
    """Each image's encoding averaged with those of its nearest images (local query expansion)."""
    rows = []
    for neighbours in nearest:
        parts = [encoding.row(int(neighbour)) for neighbour in neighbours]
        columns, where = np.unique(np.concatenate([c for c, _ in parts]), return_inverse=True)
        values = np.bincount(where, np.concatenate([v for _, v in parts])) / len(parts)
        rows.append((columns, values.astype(np.float32)))
    return _Sparse.from_rows(rows)


def _jaccard(encoding: _Sparse, queries: int) -> FloatArray:
    """Jaccard distances of the first ``queries`` images to all: (queries, N).

    Encodings have sum 1, so with m the sum of the minima it is ``1 - m / (2 - m)``.
    """
    holders = encoding.transposed()
    common = np.zeros((queries, len(encoding.starts) - 1), np.float32)
    for row in range(queries):
        for column, value in zip(*encoding.row(row), strict=True):
            images, values = holders.row(int(column))
            common[row, images] += np.minimum(value, values)
    return np.asarray(1.0 - common / (2.0 - common), np.float32)
