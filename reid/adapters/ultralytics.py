"""ultralytics: the encoder of its BoT-SORT.

Recorded from ultralytics 8.4.190, as run: ``BOTSORT(args)`` with ``with_reid: True`` calls
``tracker.encoder(image (H, W, 3) BGR uint8, boxes (N, 4 or more))``, where a row begins with centre
x, centre y, width and height, and takes one array of length D per row.

The other way in is a file: ``with_reid: True`` and ``model: NAME.onnx`` in the tracker's YAML, with
the file written by ``mtmc reid export --profile ultralytics``. Crops are then cut by ultralytics,
which scales them to 0 to 1 and knows of no mean and deviation: these are inside that graph.
"""

from __future__ import annotations

from typing import Any

from .vectors import Embeds, Float32Array, as_boxes, embed_boxes, xyxy_from_cxcywh


class UltralyticsEncoder:
    """An appearance model as ultralytics' ``BOTSORT.encoder`` is called."""

    def __init__(self, model: Embeds) -> None:
        self._model = model

    def __call__(self, img: Any, dets: Any) -> list[Float32Array]:
        """One vector (D,) float32 per row of centre x, centre y, width, height."""
        cxcywh = as_boxes(dets, "centre x, centre y, width, height")
        return list(embed_boxes(self._model, img, xyxy_from_cxcywh(cxcywh)))
