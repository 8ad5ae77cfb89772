"""norfair: ``Detection.embedding``, and a distance function for its re-identification stage.

Recorded from norfair 2.3.0, as run: ``Tracker(..., reid_distance_function=f,
reid_distance_threshold=t, reid_hit_counter_max=n)`` calls ``f(new, lost) -> float`` for an object
that begins and one that was lost; both have ``last_detection`` and ``past_detections``, whose
``embedding`` is what the detection was made with. Below ``t`` the lost object goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .vectors import Embeds, as_boxes, embed_boxes

NO_APPEARANCE = 2.0
"""Largest cosine distance: for objects of which no detection has an embedding."""


class NorfairAppearance:
    """An appearance model for norfair; distances are cosine distances, 0 to 2."""

    def __init__(self, model: Embeds) -> None:
        self._model = model

    def embed(self, frame: Any, detections: Sequence[Any]) -> Sequence[Any]:
        """Give each ``norfair.Detection`` its embedding, and return the same detections.

        Parameters
        ----------
        frame : (H, W, 3) uint8
            BGR.
        detections : sequence of norfair.Detection
            Boxes, ``points`` of shape (2, 2): left top, right bottom.

        Raises
        ------
        ValueError
            When ``points`` are not those of a box.
        """
        for row, found in enumerate(detections):
            if np.shape(found.points) != (2, 2):
                raise ValueError(
                    f"detection {row}: expected the points (2, 2) of a box, left top and right "
                    f"bottom, got {np.shape(found.points)}"
                )
        boxes = as_boxes([np.ravel(found.points) for found in detections], "xyxy")
        for found, vector in zip(detections, embed_boxes(self._model, frame, boxes), strict=True):
            found.embedding = vector
        return detections

    @staticmethod
    def distance(new: Any, lost: Any) -> float:
        """Smallest cosine distance between the newest view of one object and those of another.

        For ``Tracker(reid_distance_function=...)``; ``new`` and ``lost`` are
        ``norfair.TrackedObject``. ``past_detections_length`` of the tracker says how many views of
        an object are kept.
        """
        vector = new.last_detection.embedding
        known = [past.embedding for past in (*lost.past_detections, lost.last_detection)]
        known = [past for past in known if past is not None]
        if vector is None or not known:
            return NO_APPEARANCE
        return float(1.0 - (np.stack(known) @ vector).max())
