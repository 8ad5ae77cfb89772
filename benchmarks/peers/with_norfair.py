"""norfair: embeddings of detections, and the distance function of its re-identification."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from kit import Answer, Frame, Seam
from norfair import Detection, Tracker

from mtmc.reid.adapters import NorfairAppearance
from mtmc.reid.adapters.vectors import Embeds

DISTRIBUTION = "norfair"
DEFAULT_GATE = 0.3  # norfair has none; cosine distance
LOST_FRAMES = 60  # norfair has no default


def tracker(frames: Iterable[Frame], model: Embeds | None, gate: float | None) -> Iterator[Answer]:
    adapter, settings = None, {}
    if model is not None:
        adapter = NorfairAppearance(model)
        settings = {
            "reid_distance_function": adapter.distance,
            "reid_distance_threshold": DEFAULT_GATE if gate is None else gate,
            "reid_hit_counter_max": LOST_FRAMES,
        }
    runner: Any = Tracker("iou", 0.7, **settings)
    for frame in frames:
        detections = [
            Detection(box.reshape(2, 2), np.full(2, score))
            for box, score in zip(frame.xyxy, frame.scores, strict=True)
        ]
        if adapter is not None:
            adapter.embed(frame.image, detections)
        found = [t for t in runner.update(detections) if t.live_points.any()]
        boxes = np.array([t.estimate.ravel() for t in found], np.float64).reshape(-1, 4)
        yield Answer(frame.index, np.array([t.id for t in found], np.int64), boxes)


SEAMS = [
    Seam("Tracker", "reid_distance_function(new, lost)", tracker, scenario="return"),
]
