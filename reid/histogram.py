"""Appearance without a network: colour histograms of horizontal stripes of the body.

A baseline that needs no weights and no licence. It tells a red coat from a blue one in one camera
and one light, and little more; across cameras a trained network is far better.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from .spec import InputSpec, ModelCard

HEIGHT, WIDTH = 96, 32
STRIPES = 6
HUES, SATURATIONS, VALUES = 12, 3, 4
GREY_BELOW = 40
"""Saturation (0-255) under which a pixel's hue says nothing and its brightness counts instead."""


CARD = ModelCard(
    InputSpec(HEIGHT, WIDTH, "bgr", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), scale=1.0, layout="nhwc"),
    trained_on="nothing",
    terms="Apache-2.0",
)


def stripe_histograms(batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Histograms of hue and saturation (or brightness of grey pixels) per stripe.

    Pixels weigh by a Gaussian across the width, since the edges of a box mostly show background.
    Square roots are taken (the Hellinger map), so that the cosine of two vectors is the mean
    Bhattacharyya coefficient of their stripes.

    Parameters
    ----------
    batch : (N, HEIGHT, WIDTH, 3) float32
        BGR, 0 to 255.

    Returns
    -------
    (N, STRIPES * (HUES * SATURATIONS + VALUES)) float32
    """
    bins = HUES * SATURATIONS + VALUES
    across = np.exp(-0.5 * ((np.arange(WIDTH) - (WIDTH - 1) / 2) / (WIDTH / 4)) ** 2)
    weights = np.tile(across, HEIGHT)
    stripe = np.repeat(np.arange(HEIGHT) * STRIPES // HEIGHT, WIDTH)
    vectors = np.empty((len(batch), STRIPES * bins), np.float32)
    for row, image in enumerate(batch.astype(np.uint8)):
        hue, saturation, value = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2HSV_FULL))
        coloured = (hue.astype(np.int64) * HUES // 256) * SATURATIONS
        coloured += (
            (saturation.astype(np.int64) - GREY_BELOW).clip(0) * SATURATIONS // (256 - GREY_BELOW)
        )
        grey = HUES * SATURATIONS + value.astype(np.int64) * VALUES // 256
        index = stripe * bins + np.where(saturation < GREY_BELOW, grey, coloured).ravel()
        vectors[row] = np.sqrt(np.bincount(index, weights, minlength=STRIPES * bins))
    return vectors
