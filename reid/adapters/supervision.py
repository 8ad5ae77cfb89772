"""supervision and Roboflow's trackers: embeddings that travel with ``sv.Detections``.

Recorded from supervision 0.31.2 and trackers 2.6.1, as run: ``tracker.update(detections, frame)``
answers with detections whose ``data["embedding"]`` rows are still those of their boxes. No tracker
there reads them yet; the calls planned for that are ``extract_features(detections, frame)`` and
``extract_embeddings(detections, frame, *, batch_size)``, and are answered here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .vectors import Embeds, Float32Array, as_boxes, embed_boxes

EMBEDDING = "embedding"
"""Key in ``sv.Detections.data``."""


class SupervisionAppearance:
    """An appearance model for ``sv.Detections``."""

    def __init__(self, model: Embeds) -> None:
        self._model = model

    def extract_features(self, detections: Any, frame: Any) -> Float32Array:
        """Unit vectors (N, D) float32 of ``detections.xyxy`` in a BGR image."""
        return embed_boxes(self._model, frame, as_boxes(detections.xyxy, "xyxy"))

    def extract_embeddings(
        self, detections: Any, frame: Any, *, batch_size: int | None = None
    ) -> Float32Array:
        """As :meth:`extract_features`.

        Parameters
        ----------
        detections : sv.Detections
        frame : (H, W, 3) uint8
            BGR.
        batch_size : int or None
            Boxes per call of the model; None leaves it to the model.
        """
        if batch_size is None or len(detections.xyxy) == 0:
            return self.extract_features(detections, frame)
        if batch_size < 1:
            raise ValueError(f"batch_size: expected a number from 1, got {batch_size}")
        boxes = as_boxes(detections.xyxy, "xyxy")
        parts = [boxes[start : start + batch_size] for start in range(0, len(boxes), batch_size)]
        return np.concatenate([embed_boxes(self._model, frame, part) for part in parts])

    def annotate(self, detections: Any, frame: Any) -> Any:
        """Put the vectors into ``detections.data["embedding"]``, and return the detections."""
        detections.data[EMBEDDING] = self.extract_features(detections, frame)
        return detections
