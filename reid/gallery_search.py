"""Comparing query crops with what a store holds."""

from __future__ import annotations

import numpy as np

from .gallery_config import GalleryConfig
from .gallery_crops import BoolArray, Float32Array, FloatArray, IntArray
from .gallery_distance import nearest_mean_distance
from .gallery_store import GalleryStore

GATHER_SHARE = 0.25
"""Above this share of the stored vectors, comparing with all is faster than copying some."""


def shortlist(
    store: GalleryStore, query: Float32Array, possible: BoolArray, most: int
) -> BoolArray:
    """Which of all identities (I,) a query is compared with, crop by crop.

    Of the possible ones, those whose mean vectors are closest to the mean of the query (Q, D).
    """
    rows = np.flatnonzero(possible)
    if len(rows) <= most or not len(query):
        return possible
    similarity = (store.means() @ query.mean(axis=0))[rows]
    listed = np.zeros_like(possible)
    listed[rows[np.argpartition(-similarity, most)[:most]]] = True
    return listed


def compare(
    store: GalleryStore, query: Float32Array, position: IntArray, config: GalleryConfig
) -> FloatArray:
    """Distances (I, Q) of query crops (Q, D) to the identities at some positions (I,)."""
    index = store.index
    if config.distance == "prototypes":
        vectors, starts = store.prototypes()
        rows = np.arange(len(vectors))
    else:
        vectors, starts, rows = store.vectors, index.starts, index.rows
    count = np.diff(starts)[position]
    chosen = rows[_ranges(starts[position], count)]
    if len(chosen) > GATHER_SHARE * len(vectors):
        similarity = (vectors @ query.T)[chosen]
    else:
        similarity = vectors[chosen] @ query.T
    chosen_starts = np.concatenate([[0], np.cumsum(count)])
    return nearest_mean_distance(similarity, chosen_starts, config.nearest, config.nearest_share)


def _ranges(start: IntArray, count: IntArray) -> IntArray:
    """The concatenated ranges ``start[i] .. start[i] + count[i]``."""
    ends = np.cumsum(count)
    return np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(start - ends + count, count)
