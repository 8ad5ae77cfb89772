"""deep-sort-realtime: embeddings given to ``update_tracks``, or an embedder inside it.

Recorded from deep-sort-realtime 1.3.2, as run: ``DeepSort(embedder=None).update_tracks(detections,
embeds=list of (D,))``, where a detection is ``([left, top, width, height], confidence, class)``; or
``tracker.embedder = obj`` after construction and ``update_tracks(detections, frame=image)``, which
calls ``obj.predict(list of BGR crops) -> list of (D,)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .vectors import Embeds, Float32Array, as_boxes, as_image, embed_boxes, unseen, xyxy_from_tlwh


class DeepSortRealtimeAppearance:
    """An appearance model for both seams of deep-sort-realtime; its gate is in cosine distance."""

    def __init__(self, model: Embeds) -> None:
        self._model = model

    def embeds(self, frame: Any, raw_detections: Sequence[Sequence[Any]]) -> list[Float32Array]:
        """Vectors for ``update_tracks(raw_detections, embeds=...)``, in the order given.

        Parameters
        ----------
        frame : (H, W, 3) uint8
            BGR.
        raw_detections : sequence of ([left, top, width, height], ...)
        """
        tlwh = as_boxes([found[0] for found in raw_detections], "left, top, width, height")
        return list(embed_boxes(self._model, frame, xyxy_from_tlwh(tlwh)))

    def predict(self, crops: Sequence[Any]) -> list[Float32Array]:
        """Vectors of BGR crops, in the order given; a crop without pixels resembles nobody."""
        images = [np.asarray(crop) for crop in crops]
        seen = [row for row, image in enumerate(images) if image.size]
        vectors = self._model.embed_crops([as_image(images[row]) for row in seen])
        answer = [unseen(np.array([row]), self._model.embedding_dim) for row in range(len(images))]
        for row, vector in zip(seen, vectors, strict=True):
            answer[row] = vector if vector.any() else answer[row]
        return answer
