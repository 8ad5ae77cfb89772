"""Gating by motion: which detections a track's motion model finds plausible."""

from __future__ import annotations

import numpy as np

from .association import Pairs, pairs_in_windows
from .kalman import squared_mahalanobis
from .types import FloatArray

_X, _Y = 0, 1


def plausible_pairs(
    mean: FloatArray,
    cov: FloatArray,
    measured: FloatArray,
    measurement_variance: FloatArray,
    gate: float,
) -> Pairs:
    """Pairs whose squared Mahalanobis distance is at most ``gate``, without looking at the rest.

    Parameters
    ----------
    mean, cov : (N, 4, 2), (N, 4, 3) float64
        Tracks, coordinates as in `kalman`; the first two are the centre of the box.
    measured : (M, 4) float64
        Detections, in the same coordinates.
    measurement_variance : (N, 4) float64
    gate : float
        A quantile of the chi-square distribution with 4 degrees of freedom.
    """
    # Each coordinate alone bounds the distance: a window on x, then one on y leave few pairs.
    reach = np.sqrt(gate * (cov[:, :2, 0] + measurement_variance[:, :2]))
    centre = mean[:, :2, 0]
    lower, upper = centre - reach, centre + reach
    near = pairs_in_windows(lower[:, _X], upper[:, _X], measured[:, _X])
    y = measured[:, _Y].take(near.detections)
    inside = y >= lower[:, _Y].take(near.tracks)
    inside &= y <= upper[:, _Y].take(near.tracks)
    rows, found = near.tracks.compress(inside), near.detections.compress(inside)
    squared = squared_mahalanobis(
        mean.take(rows, 0),
        cov.take(rows, 0),
        measured.take(found, 0),
        measurement_variance.take(rows, 0),
    )
    plausible = squared <= gate
    return Pairs(rows.compress(plausible), found.compress(plausible))
