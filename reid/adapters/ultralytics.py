"""ultralytics: the encoder of its BoT-SORT.

Recorded from ultralytics 8.4.190, as run: with ``args.with_reid`` a ``BOTSORT`` calls
``tracker.encoder(image (H, W, 3) BGR uint8, boxes (N, 5))``, where a row is centre x, centre y,
width, height and a number, and takes one array of length D per row. With ``args.model == "auto"``,
the default, it calls it only when the detector delivers features, and gives it those in the place
of the image. A constructor that is told ``with_reid`` and another model loads that model as a file;
so an encoder is put in afterwards, by :meth:`UltralyticsEncoder.attach`.

The other way in is such a file: ``with_reid: True`` and ``model: NAME.onnx`` in the tracker's YAML,
with the file written by ``mtmc reid export --profile ultralytics``. Crops are then cut by
ultralytics, which scales them to 0 to 1 and knows of no mean and deviation: these are inside that
graph.
"""

from __future__ import annotations

from typing import Any

from .vectors import Embeds, Float32Array, as_boxes, embed_boxes, xyxy_from_cxcywh

MODEL = "mtmc"
"""What ``args.model`` says while our encoder is in: anything but "auto"."""


class UltralyticsEncoder:
    """An appearance model as ultralytics' ``BOTSORT.encoder`` is called.

    Its ``appearance_thresh`` is a similarity, and distances are halved before they are compared: it
    takes ``1 - threshold / 2`` of a threshold in cosine distance.
    """

    def __init__(self, model: Embeds) -> None:
        self._model = model

    def __call__(self, img: Any, dets: Any) -> list[Float32Array]:
        """One vector (D,) float32 per row of centre x, centre y, width, height."""
        cxcywh = as_boxes(dets, "centre x, centre y, width, height")
        return list(embed_boxes(self._model, img, xyxy_from_cxcywh(cxcywh)))

    def attach(self, tracker: Any) -> Any:
        """Make a ``BOTSORT`` ask this model, and return the tracker.

        A tracker that was made with a ``model`` of its own forgets it.

        Raises
        ------
        ValueError
            When the tracker has no encoder: ByteTrack takes no appearance model.
        """
        if not hasattr(tracker, "encoder"):
            raise ValueError(
                f"tracker: expected a BOTSORT, got {type(tracker).__name__}, which has no encoder"
            )
        tracker.encoder = self
        tracker.args.with_reid = True
        tracker.args.model = MODEL
        return tracker

    def on_predict_batch_start(self, predictor: Any) -> None:
        """Attach to all trackers of a ``YOLO.track`` run.

        ``yolo.add_callback("on_predict_batch_start", encoder.on_predict_batch_start)``
        """
        for tracker in predictor.trackers:
            self.attach(tracker)
