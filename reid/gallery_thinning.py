"""Which crops of an identity are kept when there are too many: those that keep the spread."""

from __future__ import annotations

import numpy as np

from .gallery_crops import BoolArray, FloatArray, IntArray


def spread_out(camera: IntArray, tracklet: IntArray, time_s: FloatArray, limit: int) -> BoolArray:
    """Which of N crops to keep, at most ``limit``; the same crops always give the same answer.

    One crop after the other is dropped: from the tracklet and camera that have most, then from the
    camera that has most, and there the one whose neighbours in time are closest to each other, so
    that what is left is spread over visits, cameras and time. Appearance is not asked: the crop
    that differs most would always stay, and that is the one of somebody else.

    Parameters
    ----------
    camera, tracklet : (N,) int64
    time_s : (N,) float64
    limit : int
        0 or more.
    """
    keep = np.ones(len(camera), np.bool_)
    _, group = np.unique(np.stack([tracklet, camera]), axis=1, return_inverse=True)
    _, place = np.unique(camera, return_inverse=True)
    group, place = group.reshape(-1), place.reshape(-1)
    order = np.lexsort((time_s, group))
    while (left := int(keep.sum())) > limit:
        rows = order[keep[order]]
        same = np.concatenate([[False], group[rows][1:] == group[rows][:-1], [False]])
        step = np.full(left, np.inf)
        inner = same[:-1] & same[1:]
        time = time_s[rows]
        step[1:-1] = np.where(inner[1:-1], time[2:] - time[:-2], np.inf)
        in_group = np.bincount(group[rows])[group[rows]]
        in_camera = np.bincount(place[rows])[place[rows]]
        # Of equals the last one in time goes: what is kept first stays longest.
        worst = np.lexsort((-time, step, -in_camera, -in_group))[0]
        keep[rows[worst]] = False
    return keep
