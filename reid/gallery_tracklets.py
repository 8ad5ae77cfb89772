"""What the tracklets of a store say of each other: a tracklet is one person."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from .gallery_config import GalleryConfig
from .gallery_crops import BoolArray, Float32Array, FloatArray, IntArray
from .gallery_distance import nearest_mean_distance
from .gallery_store import GalleryStore


@dataclass(frozen=True)
class Misplaced:
    """A tracklet that was stored for one identity and looks like another.

    Attributes
    ----------
    tracklet, identity, other : int
        The tracklet, whose it was, and whose it looks like.
    distance, other_distance : float
        Mean cosine distances to the anchors of either.
    crops : int
        Stored ones.
    """

    tracklet: int
    identity: int
    other: int
    distance: float
    other_distance: float
    crops: int


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


def purify(
    store: GalleryStore,
    identity: int,
    to_others: Callable[[Float32Array], float],
    config: GalleryConfig,
) -> tuple[int, ...]:
    """Drop tracklets that are further from the rest of their identity than from others.

    ``to_others`` gives the least distance of vectors (n, D) to anybody else. Returns which were
    dropped; see `Gallery.purify`.
    """
    rows = store.rows_of(identity)
    tracklet = store.tracklet[rows]
    tracklets = np.unique(tracklet).tolist()
    wrong = []
    for one in tracklets if len(tracklets) > 1 else ():
        own, rest = rows[tracklet == one], rows[tracklet != one]
        distance = float(_distance(store, rest, own, config).mean())
        if to_others(store.vectors[own]) + config.purify_margin < distance:
            wrong.append(int(one))
    if len(wrong) == len(tracklets):  # nothing is left to say who this is: change nothing
        return ()
    store.remove(rows[np.isin(tracklet, wrong)])
    return tuple(wrong)


def misplaced(
    store: GalleryStore,
    pair: tuple[int, int],
    anchors: tuple[Collection[int], Collection[int]],
    free: tuple[Collection[int], Collection[int]],
    config: GalleryConfig,
) -> list[Misplaced]:
    """Tracklets of either of two identities that look like the other one's anchors.

    A nearest-neighbour rule is edited with examples whose label is certain: those of two people
    who were seen at once.

    Parameters
    ----------
    store : GalleryStore
    pair : (int, int)
    anchors, free : pairs of collections of int
        Tracklets of either that are certainly not of the other one, and those that may be.
    config : GalleryConfig
    """
    rows = [store.rows_of(identity) for identity in pair]
    sure = [
        own[np.isin(store.tracklet[own], list(a))] for own, a in zip(rows, anchors, strict=True)
    ]
    if not (len(sure[0]) and len(sure[1])):
        return []
    found = []
    for own, other in ((0, 1), (1, 0)):
        for tracklet in sorted(free[own]):
            query = rows[own][store.tracklet[rows[own]] == tracklet]
            if not len(query):
                continue
            to_own = float(_distance(store, sure[own], query, config).mean())
            to_other = float(_distance(store, sure[other], query, config).mean())
            if to_other + config.purify_margin < to_own:
                found.append(
                    Misplaced(tracklet, pair[own], pair[other], to_own, to_other, len(query))
                )
    return found


def _distance(
    store: GalleryStore, stored: IntArray, query: IntArray, config: GalleryConfig
) -> FloatArray:
    """(1, Q) distances of some rows to others that are taken for one identity."""
    similarity = store.vectors[stored] @ store.vectors[query].T
    return nearest_mean_distance(
        similarity, np.array([0, len(stored)]), config.nearest, config.nearest_share
    )
