"""Distances of a query to many identities: the mean of the k smallest, for all of them at once."""

from __future__ import annotations

import numpy as np

from .gallery_crops import Float32Array, FloatArray, IntArray


def nearest_mean_distance(similarity: Float32Array, starts: IntArray, nearest: int) -> FloatArray:
    """Mean of the smallest cosine distances of each query crop to each identity.

    Parameters
    ----------
    similarity : (N, Q) float32
        Inner products of stored vectors, sorted by identity, and query crops.
    starts : (I + 1,) int64
        Where each identity's rows begin; every identity has at least one.
    nearest : int
        How many of the smallest distances are averaged; of an identity with fewer vectors all are.

    Returns
    -------
    (I, Q) float64
    """
    count = np.diff(starts)
    largest_first = np.argsort(-count, kind="stable")
    depth = np.minimum(count, nearest)
    top = np.full((nearest, len(count), similarity.shape[1]), -np.inf, np.float32)
    # One slot of all identities at a time, the identities with most vectors first, so that those
    # that still have one are a prefix: no padding, and the sorted insertion runs in long vectors.
    first = starts[:-1][largest_first]
    live = np.searchsorted(-count[largest_first], -np.arange(int(count.max(initial=0))), "left")
    for slot, alive in enumerate(live.tolist()):
        value = similarity[first[:alive] + slot]
        for kept in top[:, :alive]:
            smaller = np.minimum(kept, value)
            np.maximum(kept, value, out=kept)
            value = smaller
    top[np.arange(nearest)[:, None] >= depth[largest_first]] = 0.0
    distance = np.empty(top.shape[1:])
    distance[largest_first] = 1.0 - top.sum(axis=0) / depth[largest_first, None]
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
