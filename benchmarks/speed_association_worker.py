"""One library's half of `speed_association`: runs its trackers on given boxes, on request.

Started as a script with the interpreter of the library's own environment, from a folder where no
other package shadows it. It reads one JSON request per line, ``{"tracker", "workload"[, "save"]}``,
and answers ``{"cpu_s", "frames"}``: the CPU time spent inside ``update()``, nothing else. Inputs
are converted to what the library takes before, outputs after. Every tracker runs with the defaults
of its library, without appearance and without camera motion.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

LibraryRun = tuple[Callable[[], Any], list[Any], Callable[[Any, Any], tuple[Any, Any]]]
Frames = list[tuple[Any, Any]]  # boxes (N, 4) and scores (N,) of every frame

CANVAS = np.zeros((1080, 1920, 3), np.uint8)  # trackers that ask for an image do not look at it


def sequences(data: Any, workload: str) -> Iterator[tuple[float, Frames]]:
    """Frame rate, and boxes and scores of every frame, of each sequence of a workload."""
    for name in data[f"{workload}/sequences"]:
        ends = np.cumsum(data[f"{name}/counts"])
        starts = ends - data[f"{name}/counts"]
        xyxy, scores = data[f"{name}/xyxy"], data[f"{name}/scores"]
        frames = [(xyxy[a:b], scores[a:b]) for a, b in zip(starts, ends, strict=True)]
        yield float(data[f"{name}/fps"]), frames


def prepare_mtmc(tracker: str, fps: float, frames: Frames) -> LibraryRun:
    from mtmc.trackers import build
    from mtmc.trackers.types import Detections

    inputs = [
        (Detections(xyxy, scores), (index + 1) / fps) for index, (xyxy, scores) in enumerate(frames)
    ]
    return lambda: build(tracker).update, inputs, lambda _, tracks: (tracks.ids, tracks.xyxy)


def prepare_roboflow(tracker: str, fps: float, frames: Frames) -> LibraryRun:
    import supervision as sv

    import trackers

    classes = {
        "sort": trackers.SORTTracker,
        "bytetrack": trackers.ByteTrackTracker,
        "ocsort": trackers.OCSORTTracker,
        "cbiou": trackers.CBIoUTracker,
    }
    inputs = [
        (sv.Detections(xyxy=xyxy.astype(np.float32), confidence=scores.astype(np.float32)),)
        for xyxy, scores in frames
    ]

    def answer(_: Any, found: Any) -> tuple[Any, Any]:
        shown = found.tracker_id >= 0
        return found.tracker_id[shown], found.xyxy[shown]

    return lambda: classes[tracker](frame_rate=fps).update, inputs, answer


def prepare_boxmot(tracker: str, fps: float, frames: Frames) -> LibraryRun:
    import boxmot

    classes = {"bytetrack": boxmot.ByteTrack, "ocsort": boxmot.OcSort, "sfsort": boxmot.SFSORT}
    options = {"frame_rate": round(fps)} if tracker == "bytetrack" else {}
    inputs = [(_with_class(xyxy, scores), CANVAS) for xyxy, scores in frames]
    return lambda: classes[tracker](**options).update, inputs, _columns


def prepare_ultralytics(tracker: str, fps: float, frames: Frames) -> LibraryRun:
    from ultralytics import trackers
    from ultralytics.engine.results import Boxes
    from ultralytics.utils import YAML, IterableSimpleNamespace
    from ultralytics.utils.checks import check_yaml

    classes = {
        "bytetrack": trackers.BYTETracker,
        "ocsort": trackers.OCSORT,
        "fasttrack": trackers.FASTTracker,
    }
    settings = YAML.load(check_yaml(f"{tracker}.yaml"))
    inputs = [(Boxes(_with_class(xyxy, scores), CANVAS.shape[:2]),) for xyxy, scores in frames]
    return lambda: classes[tracker](IterableSimpleNamespace(**settings)).update, inputs, _columns


def prepare_norfair(tracker: str, fps: float, frames: Frames) -> LibraryRun:
    import norfair

    # The distance and threshold that its documentation recommends for boxes.
    def make() -> Any:
        return norfair.Tracker(distance_function="iou", distance_threshold=0.7).update

    inputs = [
        (
            [
                norfair.Detection(box.reshape(2, 2), np.full(2, score))
                for box, score in zip(xyxy, scores, strict=True)
            ],
        )
        for xyxy, scores in frames
    ]

    def answer(given: Any, people: Any) -> tuple[Any, Any]:
        # Shown where they are seen in this frame, as the other trackers do.
        seen = {id(detection) for detection in given[0]}
        shown = [each for each in people if id(each.last_detection) in seen]
        boxes = np.array([each.estimate.ravel() for each in shown]).reshape(-1, 4)
        return np.array([each.id for each in shown], np.int64), boxes

    return make, inputs, answer


def _with_class(xyxy: Any, scores: Any) -> Any:
    """Rows of x1, y1, x2, y2, score, class."""
    rows = np.zeros((len(xyxy), 6), np.float32)
    rows[:, :4], rows[:, 4] = xyxy, scores
    return rows


def _columns(_: Any, found: Any) -> tuple[Any, Any]:
    """From rows of x1, y1, x2, y2, identity, ..."""
    found = np.asarray(found, np.float64).reshape(len(found), -1)
    if not len(found):
        return np.zeros(0, np.int64), np.zeros((0, 4))
    return found[:, 4].astype(np.int64), found[:, :4]


PREPARE = {
    "mtmc": prepare_mtmc,
    "roboflow": prepare_roboflow,
    "boxmot": prepare_boxmot,
    "ultralytics": prepare_ultralytics,
    "norfair": prepare_norfair,
}


def timed(update: Callable[..., Any], inputs: list[Any]) -> tuple[float, list[Any]]:
    begin = time.process_time()
    outputs = [update(*arguments) for arguments in inputs]
    return time.process_time() - begin, outputs


def timed_and_answered(
    update: Callable[..., Any], inputs: list[Any], answer: Callable[[Any, Any], tuple[Any, Any]]
) -> tuple[float, list[tuple[Any, Any]]]:
    """As `timed`, but outputs are read at once: some libraries change what they have answered."""
    seconds, answers = 0.0, []
    for arguments in inputs:
        begin = time.process_time()
        output = update(*arguments)
        seconds += time.process_time() - begin
        identities, xyxy = answer(arguments, output)
        answers.append((np.array(identities), np.array(xyxy)))
    return seconds, answers


def run(parts: list[LibraryRun], save: str | None) -> dict[str, float]:
    cpu_s, frames, saved = 0.0, 0, {}
    for index, (make, inputs, answer) in enumerate(parts):
        if save is None:
            seconds, _ = timed(make(), inputs)
        else:
            seconds, answers = timed_and_answered(make(), inputs, answer)
            saved[f"{index}/counts"] = [len(ids) for ids, _ in answers]
            saved[f"{index}/ids"] = np.concatenate([ids for ids, _ in answers])
            saved[f"{index}/xyxy"] = np.concatenate([xyxy for _, xyxy in answers])
        cpu_s, frames = cpu_s + seconds, frames + len(inputs)
    if save is not None:
        np.savez(save, **saved)
    return {"cpu_s": cpu_s, "frames": frames}


def main() -> None:
    library, path = sys.argv[1:3]
    replies, sys.stdout = sys.stdout, sys.stderr  # libraries print; replies have the pipe alone
    with np.load(path) as file:
        data = dict(file)
    for line in sys.stdin:
        request = json.loads(line)
        # Prepared anew for every request: some libraries write into their inputs.
        parts = [
            PREPARE[library](request["tracker"], fps, frames)
            for fps, frames in sequences(data, request["workload"])
        ]
        print(json.dumps(run(parts, request.get("save"))), file=replies, flush=True)


if __name__ == "__main__":
    main()
