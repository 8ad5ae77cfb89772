"""ultralytics: ``BOTSORT.encoder``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml
from kit import CLASS, Answer, Frame, Seam
from ultralytics.engine.results import Boxes
from ultralytics.trackers import BOTSORT
from ultralytics.utils.checks import check_yaml

from mtmc.reid.adapters import UltralyticsEncoder
from mtmc.reid.adapters.vectors import Embeds

DISTRIBUTION = "ultralytics"


def bot_sort(frames: Iterable[Frame], model: Embeds | None, gate: float | None) -> Iterator[Answer]:
    settings: dict[str, Any] = yaml.safe_load(Path(check_yaml("botsort.yaml")).read_text())
    if gate is not None:
        settings["appearance_thresh"] = 1 - gate / 2
    tracker = BOTSORT(SimpleNamespace(**settings))
    if model is not None:
        UltralyticsEncoder(model).attach(tracker)
    for frame in frames:
        columns = (frame.xyxy, frame.scores[:, None], np.full((len(frame.xyxy), 1), CLASS))
        results = Boxes(np.hstack(columns).astype(np.float32), frame.image.shape[:2])
        rows = np.asarray(tracker.update(results, frame.image)).reshape(-1, 8)
        yield Answer(frame.index, rows[:, 4], rows[:, :4])


SEAMS = [Seam("BOTSORT", "encoder(image, boxes)", bot_sort)]
