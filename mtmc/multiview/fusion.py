"""Several cameras' observations of one person, fused; each camera judged by what the others say.

Positions within one moment are static, so that fusing is adding information: with prior N(m, P) and
observations N(z_c, R_c), Λ = P⁻¹ + Σ R_c⁻¹ and Λ m' = P⁻¹ m + Σ R_c⁻¹ z_c. Leaving a camera out is
summing the parts of the others: differences of the total would lose digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import FloatArray, IntArray
from . import gaussian
from .observe import Observations


@dataclass(frozen=True, eq=False)
class Estimate:
    """Positions as Gaussians: ``xy`` (..., T, 2) metres, ``covariance`` (..., T, 2, 2)."""

    xy: FloatArray
    covariance: FloatArray


def inflated(
    place: FloatArray, observations: Observations, rows: IntArray, expected: Estimate, limit: float
) -> FloatArray:
    """Covariances (M, 2, 2) of some observations, inflated where they lie far off.

    R' = R + (d² / limit² - 1) S with S = P + R, so that under S' no residual exceeds ``limit``
    standard deviations: a bounded influence, as Huber's.

    Parameters
    ----------
    place : (M, 2)
        The observed places, moved to the moment's time.
    observations : Observations
    rows : (M,) int64
        Which observations.
    expected : Estimate
        (M,): what is compared with.
    limit : float
        Standard deviations.
    """
    own = observations.covariance[rows]
    total = own + expected.covariance
    squared, _ = gaussian.squared_mahalanobis(place - expected.xy, total)
    return np.asarray(own + np.maximum(squared / limit**2 - 1.0, 0.0)[:, None, None] * total)


class Information:
    """What each camera says about each track: (C, T) information matrices and vectors."""

    def __init__(
        self,
        prior: Estimate,
        cameras: int,
        camera: IntArray,
        track: IntArray,
        place: FloatArray,
        covariance: FloatArray,
    ) -> None:
        tracks = len(prior.xy)
        self._part = np.zeros((cameras, tracks, 2, 2))
        self._vector = np.zeros((cameras, tracks, 2))
        information = gaussian.inverse(covariance)
        self._part[camera, track] = information
        self._vector[camera, track] = gaussian.apply(information, place)
        self._prior = gaussian.inverse(prior.covariance)
        self._prior_vector = gaussian.apply(self._prior, prior.xy)

    def estimate(self) -> Estimate:
        """With all cameras: (T,)."""
        covariance = gaussian.inverse(self._prior + self._part.sum(axis=0))
        vector = self._prior_vector + self._vector.sum(axis=0)
        return Estimate(gaussian.apply(covariance, vector), covariance)

    def without_each_camera(self) -> Estimate:
        """As each camera finds it, with what the others say: (C, T)."""
        others = 1.0 - np.eye(len(self._part))
        information = self._prior + np.tensordot(others, self._part, 1)
        covariance = gaussian.inverse(information)
        vector = self._prior_vector + np.tensordot(others, self._vector, 1)
        return Estimate(gaussian.apply(covariance, vector), covariance)
