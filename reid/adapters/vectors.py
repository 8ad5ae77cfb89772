"""What all adapters share: boxes in the format of a peer become finite vectors, in row order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]


class Embeds(Protocol):
    """What an adapter asks of an appearance model; :class:`mtmc.reid.Embedder` has it."""

    @property
    def embedding_dim(self) -> int:
        """Length D of a vector."""
        ...

    def embed(
        self, images: Sequence[Image], boxes_per_image: Sequence[FloatArray]
    ) -> list[Float32Array]:
        """One (N_i, D) float32 array per image for ``xyxy`` boxes; NaN rows for empty boxes."""
        ...

    def embed_crops(self, crops: Sequence[Image]) -> Float32Array:
        """(N, D) float32 for BGR crops of any size."""
        ...


def embed_boxes(model: Embeds, image: Any, xyxy: FloatArray) -> Float32Array:
    """Unit vectors of boxes in one image, one per row and in the order of the rows.

    Peers divide by the norm and compare at once, so unlike ``model.embed`` this leaves no row of
    NaN or zeros: a box without pixels gets the vector of :func:`unseen`.

    Parameters
    ----------
    model : Embeds
    image : (H, W, 3) uint8
        BGR.
    xyxy : (N, 4) float64
        Pixels.

    Returns
    -------
    (N, D) float32, finite, of unit length.

    Raises
    ------
    ValueError
        When the image is not an image.
    """
    if not len(xyxy):
        return np.zeros((0, model.embedding_dim), np.float32)
    vectors = np.ascontiguousarray(model.embed([as_image(image)], [xyxy])[0], np.float32)
    blank = ~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1)
    if blank.any():
        vectors = vectors.copy()
        vectors[blank] = [unseen(box, model.embedding_dim) for box in xyxy[blank]]
    return vectors


def unseen(box: FloatArray, dim: int) -> Float32Array:
    """A unit vector that resembles nobody's, for a box of which nothing is to be seen.

    Its direction is random, and in high dimensions random directions are nearly orthogonal to
    everything: to appearance vectors and to those of other unseen boxes (cosine distance
    1 ± 1/sqrt(D)). It depends on the box alone, so that runs repeat exactly.
    """
    seed = np.ascontiguousarray(box, np.float64).view(np.uint32)
    direction = np.random.default_rng(seed).standard_normal(dim)
    return (direction / np.linalg.norm(direction)).astype(np.float32)


def as_image(image: Any) -> Image:
    """Check that something is a BGR image: (H, W, 3) uint8, not empty."""
    if image is None:
        raise ValueError("image: expected (H, W, 3) uint8 BGR, got None; pass the frame, too")
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(
            f"image: expected (H, W, 3) uint8 BGR, got {pixels.dtype} {tuple(pixels.shape)}"
        )
    return pixels


def as_boxes(boxes: Any, columns: str) -> FloatArray:
    """The first four columns of rows of boxes, as (N, 4) float64; columns after them are ignored.

    Parameters
    ----------
    boxes : array, tensor or sequence
        (N, 4 or more); an empty sequence stands for no boxes.
    columns : str
        Their names, for the message.

    Raises
    ------
    ValueError
        When there are fewer columns, or values that are not finite.
    """
    if hasattr(boxes, "detach"):  # a tensor, perhaps on a GPU
        boxes = boxes.detach().cpu().numpy()
    values = np.asarray(boxes, np.float64)
    if values.size == 0:
        return np.zeros((0, 4))
    if values.ndim != 2 or values.shape[1] < 4:
        raise ValueError(f"boxes: expected (N, 4) {columns}, got {values.shape}")
    values = values[:, :4]
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(f"boxes: row {row}: expected finite {columns}, got {values[row].tolist()}")
    return values


def xyxy_from_tlwh(tlwh: FloatArray) -> FloatArray:
    """(N, 4) left, top, width, height to left, top, right, bottom."""
    return np.hstack([tlwh[:, :2], tlwh[:, :2] + tlwh[:, 2:]])


def xyxy_from_cxcywh(cxcywh: FloatArray) -> FloatArray:
    """(N, 4) centre x, centre y, width, height to left, top, right, bottom."""
    half = cxcywh[:, 2:] / 2
    return np.hstack([cxcywh[:, :2] - half, cxcywh[:, :2] + half])
