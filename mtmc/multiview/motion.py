"""Walking people: constant velocity on the ground, disturbed by white acceleration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import FloatArray
from . import gaussian


@dataclass(frozen=True)
class MotionConfig:
    """How people walk.

    Attributes
    ----------
    noise : float
        Spectral density of the white acceleration, m²/s³.
    start_sigma : float
        Standard deviation of a new person's velocity, m/s.
    max_speed : float
        Nobody is predicted to walk faster, m/s.
    height_m, height_sigma_m : float
        How tall people are, metres.
    height_drift : float
        How quickly that changes, m/√s: people sit down and rise, or what covers them moves, and a
        height that is once believed must not be believed for good.
    robust_limit : float
        No observation pulls harder than one at this many standard deviations.
    """

    noise: float = 0.4
    start_sigma: float = 1.0
    max_speed: float = 3.5
    height_m: float = 1.70
    height_sigma_m: float = 0.12
    height_drift: float = 0.03
    robust_limit: float = 1.5

    def __post_init__(self) -> None:
        for name in ("noise", "start_sigma", "max_speed", "height_m", "height_sigma_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        if not self.height_drift >= 0:
            raise ValueError(f"height_drift: expected 0 or more, got {self.height_drift}")
        if not self.robust_limit > 0:
            raise ValueError(f"robust_limit: expected a value above 0, got {self.robust_limit}")


def predict(
    mean: FloatArray, covariance: FloatArray, step_s: float, noise: float, max_speed: float
) -> tuple[FloatArray, FloatArray]:
    """Move states (T, 4) of x, y, vx, vy over a time step.

    F = [[I, dt I], [0, I]], Q = q [[dt³/3 I, dt²/2 I], [dt²/2 I, dt I]]: continuous white noise, so
    that two short steps are the same as a long one (Bar-Shalom, Li and Kirubarajan, "Estimation
    with Applications to Tracking and Navigation", section 6.2.2).

    Parameters
    ----------
    mean : (T, 4), covariance : (T, 4, 4)
        Metres, metres per second.
    step_s : float
    noise : float
        Spectral density q, m²/s³.
    max_speed : float
        Faster velocities are shortened to this, m/s.
    """
    F = np.eye(4)
    F[0, 2] = F[1, 3] = step_s
    Q = np.zeros((4, 4))
    Q[[0, 1], [0, 1]] = noise * step_s**3 / 3.0
    Q[[0, 1, 2, 3], [2, 3, 0, 1]] = noise * step_s**2 / 2.0
    Q[[2, 3], [2, 3]] = noise * step_s
    speed = np.sqrt(mean[:, 2] ** 2 + mean[:, 3] ** 2)
    mean = mean.copy()
    mean[:, 2:] *= np.minimum(1.0, max_speed / np.maximum(speed, 1e-9))[:, None]
    return mean @ F.T, F @ covariance @ F.T + Q


def condition_on_position(
    mean: FloatArray, covariance: FloatArray, xy: FloatArray, xy_covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """States after what is known of the position has become N(``xy``, ``xy_covariance``).

    With B = P_vx P_xx⁻¹ the velocity given the position is N(v + B (xy - x), P_vv - B P_xv), and
    that does not change: P'_xx is ``xy_covariance``, P'_vx = B P'_xx, and P'_vv gains B P'_xx Bᵀ.
    For a posterior that comes from measurements of the position alone this is the Kalman update.
    """
    B = covariance[:, 2:, :2] @ gaussian.inverse(covariance[:, :2, :2])
    transposed = B.transpose(0, 2, 1)
    rest = covariance[:, 2:, 2:] - B @ covariance[:, :2, 2:]
    updated = np.empty_like(covariance)
    updated[:, :2, :2] = xy_covariance
    updated[:, 2:, :2] = B @ xy_covariance
    updated[:, :2, 2:] = xy_covariance @ transposed
    velocity = rest + updated[:, 2:, :2] @ transposed
    updated[:, 2:, 2:] = (velocity + velocity.transpose(0, 2, 1)) / 2.0
    moved = np.empty_like(mean)
    moved[:, :2] = xy
    moved[:, 2:] = mean[:, 2:] + gaussian.apply(B, xy - mean[:, :2])
    return moved, updated
