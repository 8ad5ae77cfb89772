"""ultralytics: ``BOTSORT.encoder``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import ultralytics
import yaml
from kit import CLASS, Answer, Frame, Seam, SeamError
from ultralytics.engine.results import Boxes
from ultralytics.trackers import BOTSORT
from ultralytics.utils.checks import check_yaml

from mtmc.reid.adapters import UltralyticsEncoder
from mtmc.reid.adapters.vectors import Embeds

DISTRIBUTION = "ultralytics"
LEAST_COSINE = 0.8  # it cuts crops somewhat wider than the boxes


def _settings(**changes: Any) -> SimpleNamespace:
    defaults = yaml.safe_load(Path(check_yaml("botsort.yaml")).read_text(encoding="utf-8"))
    return SimpleNamespace(**defaults | changes)


def _run(tracker: Any, frames: Iterable[Frame]) -> Iterator[Answer]:
    for frame in frames:
        columns = (frame.xyxy, frame.scores[:, None], np.full((len(frame.xyxy), 1), CLASS))
        results = Boxes(np.hstack(columns).astype(np.float32), frame.image.shape[:2])
        rows = np.asarray(tracker.update(results, frame.image)).reshape(-1, 8)
        yield Answer(frame.index, rows[:, 4], rows[:, :4])


def _gate(gate: float | None) -> dict[str, Any]:
    return {} if gate is None else {"appearance_thresh": 1 - gate / 2}


def bot_sort(frames: Iterable[Frame], model: Embeds | None, gate: float | None) -> Iterator[Answer]:
    tracker = BOTSORT(_settings(**_gate(gate)))
    if model is not None:
        UltralyticsEncoder(model).attach(tracker)
    return _run(tracker, frames)


def from_file(frames: Iterable[Frame], file: str, gate: float | None) -> Iterator[Answer]:
    return _run(BOTSORT(_settings(with_reid=True, model=file, **_gate(gate))), frames)


def check_file(frame: Frame, model: Embeds, file: str) -> None:
    """Ultralytics' own reading of an exported file gives every box a vector much like ours."""
    width_height = frame.xyxy[:, 2:] - frame.xyxy[:, :2]
    centre = frame.xyxy[:, :2] + width_height / 2
    boxes = np.hstack([centre, width_height, np.arange(len(centre))[:, None]])
    theirs = np.stack([np.ravel(v) for v in _encoder_of(file)(frame.image, boxes)])
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    ours = np.stack(UltralyticsEncoder(model)(frame.image, boxes))
    cosines = np.diag(theirs @ ours.T)
    if cosines.mean() < LEAST_COSINE:
        raise SeamError(f"vectors of {file}: cosine similarity to ours is {cosines.round(2)}")


def _encoder_of(file: str) -> Any:
    return BOTSORT(_settings(with_reid=True, model=file)).encoder


def prepare_page() -> None:
    """YOLO would fetch weights; the page's example only needs what it calls back."""

    class Yolo:
        def __init__(self, name: str) -> None:
            self._callbacks: dict[str, Any] = {}

        def add_callback(self, event: str, function: Any) -> None:
            self._callbacks[event] = function

        def track(self, source: str, tracker: str) -> list[Any]:
            made = BOTSORT(_settings())
            self._callbacks["on_predict_batch_start"](SimpleNamespace(trackers=[made]))
            return []

    ultralytics.YOLO = Yolo


SEAMS = [
    Seam("BOTSORT", "encoder(image, boxes)", bot_sort),
    Seam("BOTSORT, model file", "model: NAME.onnx", bot_sort, file=(from_file, check_file)),
]
