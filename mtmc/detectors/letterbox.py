"""Fitting an image into the square input of a detector, and boxes back out of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mtmc.types import FloatArray, Image


@dataclass(frozen=True)
class Placement:
    """Where an image of ``image_size`` lies inside the network input.

    A point of the image at (x, y) lies at (x * scale_x + left, y * scale_y + top) of the input.
    """

    scale_x: float
    scale_y: float
    left: float
    top: float

    def to_image(self, xyxy: FloatArray) -> FloatArray:
        """Map (N, 4) boxes from input pixels to image pixels."""
        offset = np.array([self.left, self.top, self.left, self.top])
        scale = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y])
        mapped: FloatArray = (xyxy - offset) / scale
        return mapped


def letterbox(
    image: Image, size: tuple[int, int], centred: bool, fill: int = 114
) -> tuple[Image, Placement]:
    """Scale an image into ``size`` with its aspect ratio kept, and pad the rest.

    Parameters
    ----------
    image : (H, W, 3) uint8
    size : (height, width)
    centred : bool
        Padding on both sides (YOLOv8), or only right and below (YOLOX).
    fill : int
        Grey value of the padding.
    """
    scale = min(size[0] / image.shape[0], size[1] / image.shape[1])
    height = max(1, min(size[0], round(image.shape[0] * scale)))
    width = max(1, min(size[1], round(image.shape[1] * scale)))
    top = (size[0] - height) // 2 if centred else 0
    left = (size[1] - width) // 2 if centred else 0
    canvas = np.full((*size, 3), fill, np.uint8)
    canvas[top : top + height, left : left + width] = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_LINEAR
    )
    return canvas, Placement(scale, scale, left, top)


def stretch(image: Image, size: tuple[int, int]) -> tuple[Image, Placement]:
    """Scale an image to ``size`` (height, width) without regard to its aspect ratio (RT-DETR)."""
    placement = Placement(size[1] / image.shape[1], size[0] / image.shape[0], 0.0, 0.0)
    scaled = cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return scaled.astype(np.uint8, copy=False), placement
