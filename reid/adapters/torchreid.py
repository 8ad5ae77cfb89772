"""torchreid: in the place of its ``FeatureExtractor``.

By recorded contract, from KaiyangZhou/deep-person-reid (MIT): called with a list of image paths, a
list of (H, W, 3) uint8 arrays, one path, one array, or a float tensor (B, 3, H, W) or (3, H, W), it
answers with a tensor (B, D). Arrays are RGB. Tensors go into the network as they are, so they
have its size and are normalised.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .vectors import Embeds, Float32Array, Image, as_image

if TYPE_CHECKING:
    import torch


class EmbedsBatches(Embeds, Protocol):
    """An appearance model that also takes ready-made input of its network."""

    def embed_batch(self, batch: Float32Array) -> Float32Array:
        """(N, D) float32 for what the network takes."""
        ...


class TorchreidExtractor:
    """An appearance model as torchreid's ``FeatureExtractor``; vectors have unit length."""

    def __init__(self, model: EmbedsBatches) -> None:
        self._model = model

    def __call__(self, input: Any) -> torch.Tensor:  # noqa: A002 - torchreid's name for it
        """Unit vectors (B, D) float32 of paths, RGB arrays, or a normalised tensor.

        Raises
        ------
        OSError, ValueError
            When a file is not an image, or an array or tensor has another shape or dtype.
        TypeError
            On anything else.
        """
        import torch

        if isinstance(input, torch.Tensor):
            batch = input[None] if input.dim() == 3 else input
            pixels = batch.detach().cpu().numpy().astype(np.float32)
            return torch.from_numpy(self._model.embed_batch(pixels))
        single = isinstance(input, (str, Path, np.ndarray))
        crops = [_bgr(element) for element in ([input] if single else input)]
        return torch.from_numpy(self._model.embed_crops(crops))


def _bgr(element: object) -> Image:
    if isinstance(element, (str, Path)):
        return _read(Path(element))
    if isinstance(element, np.ndarray):
        return np.ascontiguousarray(as_image(element)[..., ::-1])
    raise TypeError(f"expected image paths or RGB arrays, got {type(element).__name__}")


def _read(path: Path) -> Image:
    import cv2

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such image")
    # imdecode rather than imread, which cannot open every name on every system
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path}: not an image")
    pixels: Image = np.asarray(image, np.uint8)
    return pixels
