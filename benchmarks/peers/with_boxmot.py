"""boxmot: ``reid_model`` of its trackers, and the encoder of its pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from boxmot import BotSort, DeepOcSort, OccluBoost, StrongSort, structures
from boxmot.pipelines import TrackingPipeline
from boxmot.reid import AppearanceEncoder
from kit import CLASS, Answer, Constant, Frame, Seam, SeamError

from mtmc.reid.adapters import BoxmotAppearance
from mtmc.reid.adapters.vectors import Embeds

DISTRIBUTION = "boxmot"


def _run(tracker: Any, frames: Iterable[Frame]) -> Iterator[Answer]:
    for frame in frames:
        columns = (frame.xyxy, frame.scores[:, None], np.full((len(frame.xyxy), 1), CLASS))
        rows = np.asarray(tracker.update(np.hstack(columns).astype(np.float32), frame.image))
        rows = rows.reshape(-1, 8)
        yield Answer(frame.index, rows[:, 4], rows[:, :4])


def bot_sort(frames: Iterable[Frame], model: Embeds | None, gate: float | None) -> Iterator[Answer]:
    settings: dict[str, Any] = {} if gate is None else {"appearance_thresh": gate}
    if model is None:
        return _run(BotSort(use_embeddings=False), frames)
    return _run(BotSort(reid_model=BoxmotAppearance(model), **settings), frames)


def strong_sort(
    frames: Iterable[Frame], model: Embeds | None, gate: float | None
) -> Iterator[Answer]:
    settings: dict[str, Any] = {} if gate is None else {"max_cos_dist": gate}
    adapter = BoxmotAppearance(model or Constant())
    return _run(StrongSort(reid_model=adapter, **settings), frames)


def deep_oc_sort(
    frames: Iterable[Frame], model: Embeds | None, gate: float | None
) -> Iterator[Answer]:
    if model is None:
        return _run(DeepOcSort(use_embeddings=False), frames)
    return _run(DeepOcSort(reid_model=BoxmotAppearance(model)), frames)


def occlu_boost(
    frames: Iterable[Frame], model: Embeds | None, gate: float | None
) -> Iterator[Answer]:
    if model is None:
        return _run(OccluBoost(use_embeddings=False), frames)
    return _run(OccluBoost(reid_model=BoxmotAppearance(model)), frames)


def pipeline(frames: Iterable[Frame], model: Embeds | None, gate: float | None) -> Iterator[Answer]:
    settings: dict[str, Any] = {} if gate is None else {"appearance_thresh": gate}
    encoder = BoxmotAppearance(model) if model is not None else None
    if encoder is not None and not isinstance(encoder, AppearanceEncoder):
        raise SeamError("boxmot.reid.AppearanceEncoder asks for more than it did")
    tracker = BotSort(use_embeddings=model is not None, **settings)
    runner = TrackingPipeline(None, tracker, reid=encoder)
    for frame in frames:
        name = str(frame.index)
        image = torch.from_numpy(np.ascontiguousarray(frame.image[..., ::-1].transpose(2, 0, 1)))
        detections = structures.Detections(
            geometry=structures.Boxes(torch.from_numpy(frame.xyxy.astype(np.float32))),
            scores=torch.from_numpy(frame.scores.astype(np.float32)),
            class_ids=torch.zeros(len(frame.xyxy), dtype=torch.int64),
            sample_id=name,
        )
        moment = structures.Frame(image, name, sequence_id="s", frame_index=frame.index)
        tracks = runner.step_detections(moment, detections).tracks
        yield Answer(frame.index, tracks.track_ids.numpy(), tracks.geometry.values.numpy())


SEAMS = [
    Seam("BotSort", "reid_model.get_features(boxes, image)", bot_sort),
    # Its gate is on 0.98 times the distance plus 0.02 times the squared Mahalanobis distance.
    Seam("StrongSort", "reid_model.get_features(boxes, image)", strong_sort, gate_below=0.5),
    Seam("DeepOcSort", "reid_model.get_features(boxes, image)", deep_oc_sort, gate=False),
    Seam("OccluBoost", "reid_model.get_features(boxes, image)", occlu_boost, gate=False),
    Seam("TrackingPipeline", "AppearanceEncoder.encode(frames, detections)", pipeline),
]
