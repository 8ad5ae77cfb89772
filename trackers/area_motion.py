"""The motion model of SORT: centre, area and aspect ratio, the first three with velocities.

Bewley, Ge, Ott, Ramos and Upcroft, "Simple online and realtime tracking", ICIP 2016.
"""

from __future__ import annotations

import numpy as np

from .kalman import ConstantNoise, predict
from .types import FloatArray

# Noise of (centre x, centre y, area, aspect ratio) as published implementations of the paper set
# it: new velocities are unknown, the aspect ratio keeps its value and has no velocity.
AREA_NOISE = ConstantNoise(
    initial_variance=np.array([[10.0, 1e4], [10.0, 1e4], [10.0, 1e4], [10.0, 0.0]]),
    process_variance=np.array([[1.0, 1e-2], [1.0, 1e-2], [1.0, 1e-4], [1.0, 0.0]]),
    measurement_variance=np.array([1.0, 1.0, 10.0, 10.0]),
)
_AREA = 2


def predict_area(mean: FloatArray, cov: FloatArray, step: float) -> tuple[FloatArray, FloatArray]:
    """Move tracks on by ``step`` frames, with the arrays of `kalman.predict`.

    An area that would shrink below nothing stops shrinking.
    """
    mean = mean.copy()
    area = mean[:, _AREA]
    area[area[:, 0] + step * area[:, 1] <= 0.0, 1] = 0.0
    return predict(mean, cov, step, AREA_NOISE.process(mean[..., 0]))
