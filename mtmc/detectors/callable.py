"""Any function as a detector."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mtmc.types import Detections, Image


class CallableDetector:
    """Wrap a function that maps a BGR image to boxes (N, 4) ``xyxy`` and scores (N,).

    Examples
    --------
    >>> import numpy as np
    >>> detector = CallableDetector(lambda image: (np.array([[0, 0, 10, 20.0]]), np.array([0.9])))
    >>> len(detector.detect(np.zeros((48, 64, 3), np.uint8)))
    1
    """

    def __init__(self, function: Callable[[Image], tuple[npt.ArrayLike, npt.ArrayLike]]) -> None:
        self._function = function

    def detect(self, image: Image) -> Detections:
        """Call the function and validate what it returns."""
        xyxy, scores = self._function(image)
        return Detections(np.asarray(xyxy, np.float64), np.asarray(scores, np.float64))
