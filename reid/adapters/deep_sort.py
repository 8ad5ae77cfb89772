"""deep_sort and StrongSORT: an encoder of boxes, and the ``.npy`` file they read.

Recorded from nwojke/deep_sort, as run: a box encoder is called ``encoder(image (H, W, 3) BGR,
boxes (N, 4) left, top, width, height) -> (N, D)``; ``deep_sort_app.py --detection_file`` reads an
array of 10 MOT columns and D features per row, of which StrongSORT's ``--dir_dets`` holds one file
per sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .vectors import Embeds, Float32Array, as_boxes, embed_boxes, xyxy_from_tlwh

MOT_COLUMNS = 10


class DeepSortEncoder:
    """An appearance model as deep_sort's box encoder; its gate is in cosine distance."""

    def __init__(self, model: Embeds) -> None:
        self._model = model

    def __call__(self, image: Any, boxes: Any) -> Float32Array:
        """Unit vectors (N, D) float32 of left, top, width, height boxes in a BGR image."""
        tlwh = as_boxes(boxes, "left, top, width, height")
        return embed_boxes(self._model, image, xyxy_from_tlwh(tlwh))

    def rows(self, image: Any, detections: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Rows of deep_sort's ``.npy`` for the detections of one frame.

        Parameters
        ----------
        image : (H, W, 3) uint8
            BGR.
        detections : (N, 7 to 10)
            Rows of a MOT detection file: frame, id, left, top, width, height, confidence, ...;
            missing columns become -1.

        Returns
        -------
        (N, 10 + D) float64, in the order given.

        Raises
        ------
        ValueError
            On another number of columns.
        """
        if detections.ndim != 2 or not 7 <= detections.shape[1] <= MOT_COLUMNS:
            raise ValueError(
                f"detections: expected (N, 7 to 10) MOT columns, got {detections.shape}"
            )
        columns = np.full((len(detections), MOT_COLUMNS), -1.0)
        columns[:, : detections.shape[1]] = detections
        return np.hstack([columns, self(image, columns[:, 2:6])])
