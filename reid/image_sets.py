"""Embeddings of whole sets of images, as evaluations and statistics need them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from .data.images import Image, PackedImages, decode
from .data.types import Samples
from .evaluation import Labelled
from .transforms import Normaliser

FloatArray = npt.NDArray[np.float32]
EmbedCrops = Callable[[Sequence[Image]], FloatArray]
Report = Callable[[int, int], None]

CROPS_AT_ONCE = 256
"""Decoded images held at a time; they may be of any size."""


def embed_samples(
    samples: Samples,
    embed_crops: EmbedCrops,
    *,
    flip: bool = False,
    report: Report | None = None,
) -> Labelled:
    """Embed labelled images with any appearance model.

    Parameters
    ----------
    samples : Samples
    embed_crops : callable
        BGR crops of any size -> (N, D) float32, rows of unit length.
    flip : bool
        Average the vectors of each image and its mirror image, and normalise: twice the work for a
        little accuracy. Results must be named flip-averaged.
    report : callable or None
        Called with (images done, images in all) after each chunk.
    """
    vectors = []
    for start in range(0, len(samples), CROPS_AT_ONCE):
        stop = min(start + CROPS_AT_ONCE, len(samples))
        crops = [decode(samples, row) for row in range(start, stop)]
        found = embed_crops(crops)
        if flip:
            found = unit_rows(found + embed_crops([crop[:, ::-1].copy() for crop in crops]))
        vectors.append(found)
        if report is not None:
            report(stop, len(samples))
    if not vectors:
        raise ValueError("expected at least one image to embed, got none")
    return Labelled(np.concatenate(vectors), samples.identities, samples.cameras)


@torch.no_grad()
def embed_pixels(
    network: nn.Module,
    images: PackedImages,
    normaliser: Normaliser,
    *,
    batch_size: int = 256,
    flip: bool = False,
) -> FloatArray:
    """Embed images that lie in memory on the network's device.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode; it answers vectors of unit length.
    images : PackedImages
    normaliser : Normaliser
    batch_size : int
    flip : bool
        As in :func:`embed_samples`.

    Returns
    -------
    (N, D) float32, rows of unit length.
    """
    vectors = []
    for start in range(0, len(images), batch_size):
        batch = normaliser(images.pixels[start : start + batch_size]).permute(0, 3, 1, 2)
        found = network(batch).float()
        if flip:
            found = found + network(batch.flip(3)).float()
        vectors.append(found.cpu())
    if not vectors:
        raise ValueError("expected at least one image to embed, got none")
    return unit_rows(torch.cat(vectors).numpy())


def unit_rows(vectors: FloatArray) -> FloatArray:
    """Rows scaled to unit length; zero rows stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.finfo(np.float32).tiny), np.float32)
