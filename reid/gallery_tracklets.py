"""What the tracklets of a store say of each other: a tracklet is one person."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .gallery_config import GalleryConfig
from .gallery_crops import BoolArray, FloatArray, IntArray
from .gallery_distance import nearest_mean_distance
from .gallery_store import GalleryStore


def distance_of_halves(
    store: GalleryStore, identity: int, tracklet: int, config: GalleryConfig
) -> FloatArray | None:
    """Cosine distances (n,) of a tracklet's crops of later cameras to those of its first camera.

    Where one camera saw it, of its second half to its first. None when a half is empty.
    """
    rows = store.rows_of(identity)
    rows = rows[store.tracklet[rows] == tracklet]
    first: BoolArray = store.camera[rows] == store.camera[rows].min(initial=2**62)
    if first.all():
        first = store.time_s[rows] <= np.median(store.time_s[rows]) if len(rows) else first
    if first.all() or not first.any():
        return None
    return np.asarray(_distance(store, rows[~first], rows[first], config).mean(axis=1))


def distances_to_rest(
    store: GalleryStore, identity: int, config: GalleryConfig
) -> Iterator[tuple[int, IntArray, float]]:
    """Every tracklet of an identity, its rows, and its mean distance to the identity's others."""
    rows = store.rows_of(identity)
    tracklet = store.tracklet[rows]
    for one in np.unique(tracklet).tolist():
        own, rest = rows[tracklet == one], rows[tracklet != one]
        if len(rest):
            yield one, own, float(_distance(store, rest, own, config).mean())


def _distance(
    store: GalleryStore, stored: IntArray, query: IntArray, config: GalleryConfig
) -> FloatArray:
    """(1, Q) distances of some rows to others that are taken for one identity."""
    similarity = store.vectors[stored] @ store.vectors[query].T
    return nearest_mean_distance(
        similarity, np.array([0, len(stored)]), config.nearest, config.nearest_share
    )
