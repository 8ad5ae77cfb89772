"""deep-sort-realtime: ``update_tracks(embeds=...)``, and an embedder inside the tracker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from deep_sort_realtime.deepsort_tracker import DeepSort
from kit import CLASS, Answer, Constant, Frame, Seam

from mtmc.reid.adapters import DeepSortRealtimeAppearance
from mtmc.reid.adapters.vectors import Embeds

DISTRIBUTION = "deep-sort-realtime"


def _raw(frame: Frame) -> list[tuple[list[float], float, int]]:
    return [
        ([left, top, right - left, bottom - top], score, CLASS)
        for (left, top, right, bottom), score in zip(
            frame.xyxy.tolist(), frame.scores.tolist(), strict=True
        )
    ]


def _tracker(gate: float | None) -> Any:
    settings: dict[str, Any] = {} if gate is None else {"max_cosine_distance": gate}
    return DeepSort(embedder=None, **settings)


def _answer(index: int, tracks: Any) -> Answer:
    seen = [t for t in tracks if t.is_confirmed() and t.time_since_update == 0]
    boxes = np.array([t.to_ltrb(orig=True) for t in seen], np.float64).reshape(-1, 4)
    return Answer(index, np.array([int(t.track_id) for t in seen], np.int64), boxes)


def embeds(frames: Iterable[Frame], model: Embeds | None, gate: float | None) -> Iterator[Answer]:
    tracker, adapter = _tracker(gate), DeepSortRealtimeAppearance(model or Constant())
    for frame in frames:
        raw = _raw(frame)
        tracks = tracker.update_tracks(raw, embeds=adapter.embeds(frame.image, raw))
        yield _answer(frame.index, tracks)


def embedder(frames: Iterable[Frame], model: Embeds | None, gate: float | None) -> Iterator[Answer]:
    tracker = _tracker(gate)
    tracker.embedder = DeepSortRealtimeAppearance(model or Constant())
    for frame in frames:
        yield _answer(frame.index, tracker.update_tracks(_raw(frame), frame=frame.image))


SEAMS = [
    Seam("DeepSort, embeds", "update_tracks(raw_detections, embeds=...)", embeds),
    Seam("DeepSort, embedder", "embedder.predict(crops)", embedder),
]
