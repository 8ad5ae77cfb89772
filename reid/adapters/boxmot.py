"""boxmot: ``reid_model`` of its trackers, and the appearance encoder of its pipelines.

Recorded from boxmot 25.0.0, as run:

* ``BotSort(reid_model=obj)``, and so ``StrongSort``, ``DeepOcSort`` and ``OccluBoost``, call
  ``obj.get_features(xyxy (N, 4) float32, image (H, W, 3) BGR uint8) -> (N, D)``, rows finite and
  not zero. ``reid_model`` goes neither with ``reid_weights`` nor with ``device`` or ``half``.
* ``TrackingPipeline(detector, tracker, reid=obj)`` reads ``obj.embedding_dim`` and
  ``obj.requirements`` and calls ``obj.encode(frames, detections) -> list of Tensor (N_i, D)``,
  where ``frame.image`` is a (3, H, W) uint8 tensor, RGB, and ``detections.geometry.values`` is
  (N, 4) ``xyxy``.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from .vectors import Embeds, Float32Array, as_boxes, embed_boxes

if TYPE_CHECKING:
    import torch


class BoxmotAppearance:
    """An appearance model as boxmot calls it, old way (``get_features``) and new (``encode``).

    The threshold of the model, in cosine distance, goes into ``BotSort(appearance_thresh=...)`` and
    ``StrongSort(max_cos_dist=...)`` as it is. StrongSort's gate is on 0.98 times the distance plus
    0.02 times the squared Mahalanobis distance, so give it a little more.
    """

    def __init__(self, model: Embeds) -> None:
        self._model = model

    @property
    def embedding_dim(self) -> int:
        """Length D of a vector."""
        return self._model.embedding_dim

    @property
    def requirements(self) -> Any:
        """What ``encode`` needs beside boxes: nothing, no masks."""
        return import_module("boxmot.reid").EncoderRequirements(masks=False)

    def get_features(self, xyxys: Any, img: Any) -> Float32Array:
        """Unit vectors (N, D) float32 of (N, 4) ``xyxy`` boxes in a BGR image."""
        return embed_boxes(self._model, img, as_boxes(xyxys, "xyxy"))

    def encode(self, frames: Sequence[Any], detections: Sequence[Any]) -> list[torch.Tensor]:
        """One (N_i, D) float32 tensor per frame of boxmot's pipeline."""
        import torch

        if len(frames) != len(detections):
            raise ValueError(
                f"encode: expected detections for each frame, got {len(frames)} frames and "
                f"{len(detections)} detections"
            )
        return [
            torch.from_numpy(self.get_features(found.geometry.values, _bgr(frame.image)))
            for frame, found in zip(frames, detections, strict=True)
        ]


def _bgr(planes: torch.Tensor) -> Any:
    """(3, H, W) uint8 RGB to (H, W, 3) BGR."""
    return np.ascontiguousarray(planes.cpu().numpy()[::-1].transpose(1, 2, 0))
