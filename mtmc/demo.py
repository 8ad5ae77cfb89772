"""The whole way in one call: draw a world, track its people, score the result, show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mtmc.trackers import DeepSortConfig

from .atomic import atomic_path
from .errors import InputError
from .evaluation import Pair, Scores, evaluate
from .mot_files import read_results
from .run import RunConfig, RunOptions, RunOutcome, run_sequence
from .simulate import StreetConfig, simulate_street

# Histograms of plain-coloured clothes lie closer together than the vectors of a network.
HISTOGRAM_GATE = 0.05

RUNS: dict[str, RunConfig] = {
    "sort": RunConfig(tracker="sort"),
    "bytetrack": RunConfig(tracker="bytetrack"),
    "deepsort": RunConfig(
        RunOptions(reid="histogram", video=True),
        "deepsort",
        DeepSortConfig(max_cosine_distance=HISTOGRAM_GATE),
    ),
}
"""What the demonstration compares: overlap alone, with uncertain boxes, and with appearance."""

SHOWN = "deepsort"


@dataclass(frozen=True)
class Demo:
    """What the demonstration left behind.

    Attributes
    ----------
    sequence : Path
        Folder of the drawn sequence.
    outcomes : dict of tracker name to RunOutcome
    scores : dict of tracker name to Scores
    picture : Path
        The busiest frame of the annotated video.
    """

    sequence: Path
    outcomes: dict[str, RunOutcome]
    scores: dict[str, Scores]
    picture: Path


def run_demo(out: Path, street: StreetConfig, on_step: Callable[[str], None]) -> Demo:
    """Make everything below ``out``; ``on_step`` hears what is done next."""
    on_step(f"drawing {street.frames} frames with {street.people} people")
    sequence = simulate_street(out / "data", street)
    outcomes, scores = {}, {}
    for name, config in RUNS.items():
        on_step(f"tracking with {name}")
        outcomes[name] = run_sequence(str(sequence), out / name, config)
        result = outcomes[name].files["results"]
        pair = Pair(sequence.name, sequence / "gt" / "gt.txt", result, street.frames)
        scores[name] = evaluate([pair], "motchallenge")
    on_step("taking a picture")
    picture = out / "picture.png"
    shown = outcomes[SHOWN].files
    people = np.bincount(read_results(shown["results"]).frame)
    early = street.frames // 4  # nobody has left a trail yet
    _save_frame(shown["video"], early + int(people[early:].argmax()), picture)
    return Demo(sequence, outcomes, scores, picture)


def _save_frame(video: Path, index: int, picture: Path) -> None:
    capture = cv2.VideoCapture(str(video))
    try:
        image = None
        for _ in range(max(1, index)):
            ok, frame = capture.read()
            if not ok:
                break
            image = frame
        if image is None:
            raise InputError(f"{video}: no frame could be read back")
        with atomic_path(picture) as temporary:
            cv2.imwrite(str(temporary), image)
    finally:
        capture.release()
