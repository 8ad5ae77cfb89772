"""A constant-velocity Kalman filter with full covariances, for cameras that move.

`kalman` treats the coordinates of a box as independent pairs. A camera that turns mixes them, so
that the whole 8×8 covariance of a track has to be kept. The arrays of N tracks are

* ``mean`` (N, 8): centre x and y, width, height, and their velocities in the same order,
* ``cov`` (N, 8, 8).

Time is counted in frames of a reference rate, as in `kalman`, and process noise is the same
function of the step, so that without camera motion both filters agree. Noise grows with width and
height, after Aharon, Orfaig and Bobrovsky, "BoT-SORT: robust associations multi-pedestrian
tracking", arXiv 2206.14651, section 3.1.
"""

from __future__ import annotations

import numpy as np

from .types import FloatArray

# A new track is this much less certain than a frame of motion makes it.
_INITIAL_POSITION_FACTOR, _INITIAL_VELOCITY_FACTOR = 2.0, 10.0
_LEAST_SIZE_PX = 1.0  # so that no variance ever vanishes


class SizeNoise:
    """Noise in proportion to the size of a box: in x to its width, in y to its height.

    Parameters
    ----------
    position_std : float
        Standard deviation of a measured or predicted coordinate, as a part of the size.
    velocity_std : float
        Standard deviation that its velocity gains per frame, as a part of the size.
    """

    def __init__(self, position_std: float, velocity_std: float) -> None:
        self._position, self._velocity = position_std**2, velocity_std**2

    def initial(self, mean: FloatArray) -> FloatArray:
        """Variances (N, 8) of tracks that begin at ``mean``."""
        square = _squared_size(mean)
        position = _INITIAL_POSITION_FACTOR**2 * self._position
        velocity = _INITIAL_VELOCITY_FACTOR**2 * self._velocity
        return np.hstack([position * square, velocity * square])

    def process(self, mean: FloatArray) -> FloatArray:
        """Variances (N, 8) gained in one frame."""
        square = _squared_size(mean)
        return np.hstack([self._position * square, self._velocity * square])

    def measurement(self, mean: FloatArray) -> FloatArray:
        """Variances (N, 4) of a measured box."""
        return self._position * _squared_size(mean)


def _squared_size(mean: FloatArray) -> FloatArray:
    """Square of (width, height, width, height), (N, 4)."""
    size = np.maximum(mean[:, [2, 3, 2, 3]], _LEAST_SIZE_PX)
    square: FloatArray = size * size
    return square


def initiate(cxcywh: FloatArray, noise: SizeNoise) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of tracks that begin at rest at ``cxcywh`` (N, 4)."""
    mean = np.hstack([cxcywh, np.zeros_like(cxcywh)])
    return mean, noise.initial(mean)[:, :, None] * np.eye(8)


def predict(
    mean: FloatArray, cov: FloatArray, step: float, process_variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Move all tracks ``step`` frames on: x = Fx, P = FPFᵀ + Q(t), see `kalman.predict` for Q."""
    new_mean, new_cov = mean.copy(), cov.copy()
    new_mean[:, :4] += step * mean[:, 4:]
    # F = [[1, t], [0, 1]] in blocks of four.
    new_cov[:, :4] += step * cov[:, 4:]  # FP
    new_cov[:, :, :4] += step * new_cov[:, :, 4:]  # (FP)Fᵀ
    position, velocity = process_variance[:, :4], process_variance[:, 4:]
    lag = 0.5 * step * (step - 1.0)
    value, speed = np.arange(4), np.arange(4, 8)
    new_cov[:, value, value] += step * position + lag * (2.0 * step - 1.0) / 3.0 * velocity
    new_cov[:, value, speed] += lag * velocity
    new_cov[:, speed, value] += lag * velocity
    new_cov[:, speed, speed] += step * velocity
    return new_mean, new_cov


def correct(
    mean: FloatArray, cov: FloatArray, measured: FloatArray, measurement_variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Take in one measured box (N, 4) per track.

    With H = [1, 0]: S = HPHᵀ + R, K = PHᵀ S⁻¹, x = x + K (z - Hx), P = P - K S Kᵀ.
    """
    projected = cov[:, :4]  # HP
    innovation_cov = projected[:, :, :4] + measurement_variance[:, :, None] * np.eye(4)  # S
    gain = np.linalg.solve(innovation_cov, projected).transpose(0, 2, 1)  # K
    innovation = (measured - mean[:, :4])[:, :, None]
    new_cov = cov - gain @ projected
    new_cov += new_cov.transpose(0, 2, 1).copy()  # rounding must not make it lopsided
    return mean + (gain @ innovation)[:, :, 0], 0.5 * new_cov


def warp(mean: FloatArray, cov: FloatArray, affine: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Carry all tracks over from the previous image into this one.

    Parameters
    ----------
    mean, cov : (N, 8), (N, 8, 8) float64
    affine : (2, 3) float64
        Map [M | T] from pixels of the previous image to pixels of this one.

    Returns
    -------
    (N, 8), (N, 8, 8): M̃x + T̃ and M̃PM̃ᵀ with M̃ = diag(M, M, M, M). Aharon et al., eq. 5 to 8.
    """
    matrix, shift = affine[:, :2], affine[:, 2]
    new_mean = (mean.reshape(-1, 4, 2) @ matrix.T).reshape(-1, 8)
    new_mean[:, :2] += shift
    blocks = np.kron(np.eye(4), matrix)
    return new_mean, blocks @ cov @ blocks.T
