"""Roboflow's trackers with supervision: embeddings that travel with detections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import supervision as sv
from kit import CLASS, Answer, Frame, Seam, SeamError
from scenarios import Scenario

from mtmc.reid.adapters import SupervisionAppearance
from mtmc.reid.adapters.supervision import EMBEDDING
from mtmc.reid.adapters.vectors import Embeds
from trackers import BoTSORTTracker, ByteTrackTracker

DISTRIBUTION = "trackers"


def _run(tracker: Any, frames: Iterable[Frame], model: Embeds | None) -> Iterator[Answer]:
    for frame in frames:
        tracked = _update(tracker, frame, model)
        if not len(tracked):
            yield Answer(frame.index, np.zeros(0, np.int64), np.zeros((0, 4)))
            continue
        known = tracked.tracker_id >= 0
        yield Answer(frame.index, tracked.tracker_id[known], tracked.xyxy[known])


def _update(tracker: Any, frame: Frame, model: Embeds | None) -> Any:
    count = len(frame.xyxy)
    detections = sv.Detections(
        frame.xyxy.copy(), confidence=frame.scores, class_id=np.full(count, CLASS)
    )
    if model is not None:
        SupervisionAppearance(model).annotate(detections, frame.image)
    # ByteTrack warns where it is given an image that it does not need.
    needs_image = isinstance(tracker, BoTSORTTracker)
    tracked = tracker.update(detections, frame.image if needs_image else None)
    if model is not None and len(tracked) and EMBEDDING not in tracked.data:
        raise SeamError(f"frame {frame.index}: data[{EMBEDDING!r}] did not survive update")
    return tracked


def _carries(make_tracker: Any, scenario: Scenario, model: Embeds | None) -> bool:
    """Whether the vector beside every tracked box is of the person who is there."""
    tracker, right = make_tracker(), model is not None
    for frame in scenario.frames:
        tracked = _update(tracker, frame, model)
        for box, vector in zip(tracked.xyxy, tracked.data.get(EMBEDDING, ()), strict=False):
            places = scenario.places[frame.index]
            person = min(places, key=lambda who: np.abs(places[who] - box[:2]).sum())
            right = right and int(vector.argmax()) == person
    return right


def bot_sort(frames: Iterable[Frame], model: Embeds | None, gate: float | None) -> Iterator[Answer]:
    return _run(BoTSORTTracker(), frames, model)


def byte_track(
    frames: Iterable[Frame], model: Embeds | None, gate: float | None
) -> Iterator[Answer]:
    return _run(ByteTrackTracker(), frames, model)


SEAMS = [
    Seam(
        maker.__name__,
        f"detections.data[{EMBEDDING!r}]",
        track,
        gate=False,
        carries=partial(_carries, maker),
    )
    for maker, track in ((BoTSORTTracker, bot_sort), (ByteTrackTracker, byte_track))
]
