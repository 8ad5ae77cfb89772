"""All images of a data set as one array of pixels on the training device."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch

from ..spec import InputSpec
from .types import Samples

Image = npt.NDArray[np.uint8]


def decode(samples: Samples, row: int) -> Image:
    """Pixels of one image.

    Returns
    -------
    (h, w, 3) uint8, BGR.

    Raises
    ------
    ValueError
        When the file is not an image; the message names it.
    """
    encoded = np.frombuffer(samples.encoded[row], np.uint8)
    image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
    if image is None:
        raise ValueError(f"{samples.names[row]}: not a readable image")
    return image.astype(np.uint8, copy=False)


@dataclass(frozen=True, eq=False)
class PackedImages:
    """Images of people in memory, ready for batches.

    Attributes
    ----------
    pixels : (N, height, width, 3) uint8 tensor
        At the network's input size, in its channel order.
    labels : (N,) int64 tensor
        People renumbered from 0 without gaps: the classes of the classifier.
    num_classes : int
        Number of people.

    Raises
    ------
    ValueError
        When there are not as many labels as images.
    """

    pixels: torch.Tensor
    labels: torch.Tensor
    num_classes: int

    def __post_init__(self) -> None:
        if len(self.pixels) != len(self.labels):
            raise ValueError(
                f"PackedImages: expected {len(self.pixels)} labels, got {len(self.labels)}"
            )

    def __len__(self) -> int:
        return len(self.labels)


def load_images(
    samples: Samples,
    spec: InputSpec,
    device: torch.device | str = "cpu",
    report: Callable[[int, int], None] | None = None,
) -> PackedImages:
    """Decode all images, resize them to the network's input and move them to a device.

    The resize is OpenCV's bilinear one without antialiasing, exactly that of
    :func:`mtmc.reid.crops.input_batch`: a network sees crops through the same resampling in
    training as in use. (For Market-1501, 128x64 to 160x64, it enlarges, and antialiasing would
    change nothing.) It is done once, so augmentation begins at the input size. Market-1501's
    training part takes 0.4 GB.

    Parameters
    ----------
    samples : Samples
    spec : InputSpec
        Size and channel order.
    device : torch.device or str
        Where the pixels are to live.
    report : callable or None
        Called with (images done, images in all) now and then.

    Raises
    ------
    ValueError
        When an image cannot be read.
    """
    pixels = np.empty((len(samples), spec.height, spec.width, 3), np.uint8)

    def fill(row: int) -> None:
        cv2.resize(
            decode(samples, row),
            (spec.width, spec.height),
            dst=pixels[row],
            interpolation=cv2.INTER_LINEAR,
        )
        if spec.channel_order == "rgb":
            pixels[row] = pixels[row, :, :, ::-1]

    with ThreadPoolExecutor() as pool:  # decoding releases the GIL
        for done, _ in enumerate(pool.map(fill, range(len(samples))), start=1):
            if report is not None and (done % 1000 == 0 or done == len(samples)):
                report(done, len(samples))
    classes, labels = np.unique(samples.identities, return_inverse=True)
    return PackedImages(
        torch.from_numpy(pixels).to(device),
        torch.from_numpy(labels.astype(np.int64)).to(device),
        len(classes),
    )
