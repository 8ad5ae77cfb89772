"""A constant-velocity Kalman filter for all tracks at once, without state of its own.

The four coordinates of a box move independently, each as a pair (value, velocity). The matrices of
SORT, DeepSORT and ByteTrack couple only such pairs, so the covariance of a track is four 2×2 blocks
and the 8×8 matrix need never be formed. The arrays of N tracks are

* ``mean`` (N, 4, 2): value and velocity of each coordinate,
* ``cov`` (N, 4, 3): variance of the value, covariance of both, variance of the velocity.

Time is counted in *frames* of a reference rate, and velocities are per such frame, because noise is
published per frame; a step of any positive length is exact (see `predict`).

Source: R. E. Kalman, "A new approach to linear filtering and prediction problems", 1960; the noise
that grows with the height of a person is that of Wojke, Bewley and Paulus, "Simple online and
realtime tracking with a deep association metric", ICIP 2017, in its published implementations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np

from .types import FloatArray

# Variances per frame stay a valid noise for fractions of a frame up to this ratio of velocity to
# position variance, see `predict`.
MAX_VARIANCE_RATIO = 12.0


class NoiseModel(Protocol):
    """How uncertain motion and boxes are; ``values`` are the (N, 4) coordinates of the tracks."""

    def initial(self, values: FloatArray) -> FloatArray:
        """Covariance (N, 4, 3) of tracks that begin at ``values``."""
        ...

    def process(self, values: FloatArray) -> FloatArray:
        """Variance that value and velocity gain in one frame, broadcastable to (N, 4, 2)."""
        ...

    def measurement(self, values: FloatArray) -> FloatArray:
        """Variance of a measured value, broadcastable to (N, 4)."""
        ...


@dataclass(frozen=True, eq=False)
class ConstantNoise:
    """Noise that is the same for every track (SORT).

    Attributes
    ----------
    initial_variance, process_variance : (4, 2) float64
        Variance of value and velocity of each coordinate, at birth and gained per frame.
    measurement_variance : (4,) float64
        Variance of a measured value.
    """

    initial_variance: FloatArray
    process_variance: FloatArray
    measurement_variance: FloatArray

    def initial(self, values: FloatArray) -> FloatArray:
        """See `NoiseModel.initial`."""
        cov = np.zeros((len(values), 4, 3))
        cov[..., ::2] = self.initial_variance
        return cov

    def process(self, values: FloatArray) -> FloatArray:
        """See `NoiseModel.process`."""
        return self.process_variance

    def measurement(self, values: FloatArray) -> FloatArray:
        """See `NoiseModel.measurement`."""
        return self.measurement_variance


# Which coordinates of xyah are lengths; the aspect ratio has a noise that height does not scale.
_LENGTHS = np.array([1.0, 1.0, 0.0, 1.0])
_ASPECT = 1.0 - _LENGTHS
# Standard deviations of the aspect ratio: of its value, its velocity and its measurement.
_ASPECT_STD, _ASPECT_VELOCITY_STD, _ASPECT_MEASUREMENT_STD = 1e-2, 1e-5, 1e-1
# A new track is this much less certain than a frame of motion makes it.
_INITIAL_POSITION_FACTOR, _INITIAL_VELOCITY_FACTOR = 2.0, 10.0


class HeightNoise:
    """Noise of ``xyah`` coordinates that grows with the height of the box (DeepSORT, ByteTrack).

    Parameters
    ----------
    position_std : float
        Standard deviation of a measured or predicted centre and height, as a part of the height.
    velocity_std : float
        Standard deviation that their velocity gains per frame, as a part of the height.
    """

    def __init__(self, position_std: float, velocity_std: float) -> None:
        position, velocity = position_std**2, velocity_std**2
        scaled = np.stack([_LENGTHS * position, _LENGTHS * velocity], axis=1)  # (4, 2)
        aspect = np.stack([_ASPECT * _ASPECT_STD**2, _ASPECT * _ASPECT_VELOCITY_STD**2], axis=1)
        # The noise of one pixel of height is added to all, so that no variance ever vanishes.
        still = aspect + scaled
        growth = np.array([_INITIAL_POSITION_FACTOR, _INITIAL_VELOCITY_FACTOR]) ** 2
        self._process_still, self._process_scaled = still, scaled
        # The aspect ratio of a new track is as certain as one frame of motion makes it.
        self._initial_scaled = scaled * growth
        self._initial_still = aspect + self._initial_scaled
        self._measurement_scaled = _LENGTHS * position  # (4,)
        self._measurement_still = _ASPECT * _ASPECT_MEASUREMENT_STD**2 + self._measurement_scaled

    def initial(self, values: FloatArray) -> FloatArray:
        """See `NoiseModel.initial`."""
        cov = np.zeros((len(values), 4, 3))
        square = _squared_height(values)[:, None, None]
        cov[..., ::2] = square * self._initial_scaled + self._initial_still
        return cov

    def process(self, values: FloatArray) -> FloatArray:
        """See `NoiseModel.process`."""
        variance = _squared_height(values)[:, None, None] * self._process_scaled
        variance += self._process_still
        return variance

    def measurement(self, values: FloatArray) -> FloatArray:
        """See `NoiseModel.measurement`."""
        variance = _squared_height(values)[:, None] * self._measurement_scaled
        variance += self._measurement_still
        return variance


def _squared_height(values: FloatArray) -> FloatArray:
    height = values[:, 3]
    square: FloatArray = height * height
    return square


def initiate(values: FloatArray, noise: NoiseModel) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of tracks that begin at rest at ``values`` (N, 4)."""
    mean = np.zeros((len(values), 4, 2))
    mean[..., 0] = values
    return mean, noise.initial(values)


def predict(
    mean: FloatArray, cov: FloatArray, step: float, process_variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Move all tracks ``step`` frames on.

    With F = [[1, t], [0, 1]] per pair: x = Fx and P = FPFᵀ + Q(t). ``process_variance`` (p, v),
    broadcastable to (N, 4, 2), is the diagonal of Q(1). Steps compose, Q(s + t) = F(t)Q(s)F(t)ᵀ +
    Q(t), so that one step of two frames equals two steps of one frame and a dropped frame changes
    nothing; this fixes Q for every t::

        Q(t) = [[t p + t (t - 1) (2t - 1) / 6 v,  t (t - 1) / 2 v],
                [t (t - 1) / 2 v,                 t v            ]]

    It is a covariance for all t > 0 as long as v <= 12 p (`MAX_VARIANCE_RATIO`).
    """
    motion = _motion(step)
    # Rows of all pairs as one tall matrix: a single product, where a stack would be N small ones.
    new_mean = mean.reshape(-1, 2).dot(motion.mean).reshape(mean.shape)
    new_cov = cov.reshape(-1, 3).dot(motion.cov).reshape(cov.shape)
    noise = process_variance.reshape(-1, 2).dot(motion.noise)
    new_cov += noise.reshape(*process_variance.shape[:-1], 3)
    return new_mean, new_cov


class _Motion(NamedTuple):
    """What one step does to rows of ``mean`` and ``cov``, and what it makes of process noise."""

    mean: FloatArray  # (2, 2)
    cov: FloatArray  # (3, 3)
    noise: FloatArray  # (2, 3)


@lru_cache(maxsize=64)  # a video has few different steps
def _motion(step: float) -> _Motion:
    lag = 0.5 * step * (step - 1.0)
    motion = _Motion(
        mean=np.array([[1.0, 0.0], [step, 1.0]]),
        cov=np.array([[1.0, 0.0, 0.0], [2.0 * step, 1.0, 0.0], [step * step, step, 1.0]]),
        noise=np.array([[step, 0.0, 0.0], [lag * (2.0 * step - 1.0) / 3.0, lag, step]]),
    )
    for matrix in motion:
        matrix.flags.writeable = False
    return motion


def correct(
    mean: FloatArray, cov: FloatArray, measured: FloatArray, measurement_variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Take in one measured value (N, 4) per track.

    Per pair, with H = [1, 0]: S = HPHᵀ + R, K = PHᵀ / S, x = x + K (z - Hx), P = (I - KH) P.
    """
    # One contiguous plane (N, 4) per entry: strided arithmetic costs several times as much.
    new_mean, new_cov = mean.transpose(2, 0, 1).copy(), cov.transpose(2, 0, 1).copy()
    value, velocity = new_mean
    value_var, covariance, velocity_var = new_cov
    total = value_var + measurement_variance  # S
    gain, velocity_gain = value_var / total, covariance / total  # K
    innovation = measured - value
    value += gain * innovation
    velocity += velocity_gain * innovation
    velocity_var -= velocity_gain * covariance
    # 1 - K is R / S, which does not cancel where the measurement is sure.
    unexplained = measurement_variance / total
    value_var *= unexplained
    covariance *= unexplained
    return new_mean.transpose(1, 2, 0), new_cov.transpose(1, 2, 0)


def squared_mahalanobis(
    mean: FloatArray, cov: FloatArray, measured: FloatArray, measurement_variance: FloatArray
) -> FloatArray:
    """Squared Mahalanobis distance (N,) of row ``i`` of ``measured`` (N, 4) from track ``i``.

    (z - Hx)ᵀ S⁻¹ (z - Hx) with S as in `correct`; S is diagonal here. For a track that follows the
    model it is χ² distributed with 4 degrees of freedom.
    """
    off = measured - mean[..., 0]
    off *= off
    off /= cov[..., 0] + measurement_variance
    total: FloatArray = off.sum(axis=1)
    return total
