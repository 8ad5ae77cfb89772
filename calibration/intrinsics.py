"""A camera without a place: what a calibration board tells of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import Camera
from .distortion import Distortion
from .types import FloatArray


@dataclass(frozen=True, eq=False)
class Intrinsics:
    """Camera matrix, lens and image size; checked as :class:`~.camera.Camera` checks them.

    Attributes
    ----------
    name : str
    K : (3, 3) float64
    image_size : (int, int)
        Width and height, pixels.
    distortion : Distortion or None

    Raises
    ------
    ValueError
        As for a camera.
    """

    name: str
    K: FloatArray
    image_size: tuple[int, int]
    distortion: Distortion | None = None

    def __post_init__(self) -> None:
        checked = self.at(np.eye(3), np.zeros(3))
        object.__setattr__(self, "K", checked.K)
        object.__setattr__(self, "image_size", checked.image_size)

    def at(self, R: FloatArray, t: FloatArray) -> Camera:
        """The camera with these intrinsics at a place: x_c = R x + t."""
        return Camera(self.name, self.K, R, t, self.image_size, self.distortion)
