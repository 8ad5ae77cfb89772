"""Distances of a query to many identities: the mean of the k smallest, for all of them at once."""

from __future__ import annotations

import math

import numpy as np

from .gallery_crops import Float32Array, FloatArray, IntArray

ROUNDING = 1e-9
"""So that a share of 0.1 of 30 is 3, not 4."""


def depth_of(count: int, nearest: int, share: float) -> int:
    """How many of ``count`` distances are averaged: ``nearest``, or this share of them if more."""
    return min(count, max(nearest, math.ceil(share * count - ROUNDING)))


def nearest_mean_distance(
    similarity: Float32Array, starts: IntArray, nearest: int, share: float = 0.0
) -> FloatArray:
    """Mean of the smallest cosine distances of each query crop to each identity.

    A share makes it a vote: with a fixed k, a few stored crops that belong to somebody else are
    enough to look like that one; with a k that grows with the number of crops, no minority is.

    Parameters
    ----------
    similarity : (N, Q) float32
        Inner products of stored vectors, sorted by identity, and query crops.
    starts : (I + 1,) int64
        Where each identity's rows begin; every identity has at least one.
    nearest : int
        How many of the smallest distances are averaged, at least; of an identity with fewer
        vectors all are.
    share : float
        And at least this share of all distances to an identity, 0 to 1.

    Returns
    -------
    (I, Q) float64
    """
    count = np.diff(starts)
    distance = np.empty((len(count), similarity.shape[1]))
    for size in np.unique(count).tolist():
        members = np.flatnonzero(count == size)
        rest = size - depth_of(size, nearest, share)
        block = similarity[starts[members][:, None] + np.arange(size)]
        largest = np.partition(block, rest, axis=1)[:, rest:] if rest else block
        distance[members] = 1.0 - largest.mean(axis=1, dtype=np.float64)
    return distance


def mean_over_queries(distance: FloatArray, queries: IntArray) -> FloatArray:
    """Means (I, E) of distances (I, Q) over the crops of each of E queries.

    Parameters
    ----------
    distance : (I, Q)
    queries : (E,) int64
        How many columns belong to each query, in order; NaN for a query without crops.
    """
    ends = np.cumsum(queries)
    means = np.full((len(distance), len(queries)), np.nan)
    for number, (start, end) in enumerate(
        zip((ends - queries).tolist(), ends.tolist(), strict=True)
    ):
        if end > start:
            means[:, number] = distance[:, start:end].mean(axis=1)
    return means
