"""From boxes in an image to the input batch of an appearance network."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .spec import InputSpec

Image = npt.NDArray[np.uint8]


def crop(image: Image, box: npt.NDArray[np.float64]) -> Image | None:
    """The part of an image inside a box, clipped to the image.

    Parameters
    ----------
    image : (H, W, 3) uint8
    box : (4,) float64
        ``xyxy`` in pixels; edges are rounded outwards to whole pixels.

    Returns
    -------
    (h, w, 3) uint8 view of the image, or None where the box covers no pixel of it. A feature of
    such a box would be invented.
    """
    height, width = image.shape[:2]
    left, top = max(0, int(np.floor(box[0]))), max(0, int(np.floor(box[1])))
    right, bottom = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    if right <= left or bottom <= top or box[2] <= box[0] or box[3] <= box[1]:
        return None
    return image[top:bottom, left:right]


def input_batch(crops: Sequence[Image], spec: InputSpec) -> npt.NDArray[np.float32]:
    """Resize and normalise crops to one network input.

    Parameters
    ----------
    crops : sequence of (h, w, 3) uint8
        BGR, of any size from one pixel on.
    spec : InputSpec

    Returns
    -------
    float32, (N, 3, height, width) or (N, height, width, 3) by ``spec.layout``.
    """
    pixels = np.empty((len(crops), spec.height, spec.width, 3), np.uint8)
    for row, image in enumerate(crops):
        cv2.resize(image, (spec.width, spec.height), dst=pixels[row], interpolation=1)
    if spec.channel_order == "rgb":
        pixels = pixels[..., ::-1]
    # (p * scale - mean) / std = p * factor + offset, one pass over the pixels
    factor = np.float32(spec.scale) / np.array(spec.std, np.float32)
    offset = -np.array(spec.mean, np.float32) / np.array(spec.std, np.float32)
    batch = np.multiply(pixels, factor, dtype=np.float32)
    batch += offset
    if spec.layout == "nchw":
        batch = batch.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(batch)
