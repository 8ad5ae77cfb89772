"""One library's half of `speed_association`: runs its trackers on given boxes, on request.

Started as a script with the interpreter of the library's own environment, from a folder where no
other package shadows it. It reads one JSON request per line, ``{"tracker", "workload"[, "save"]}``,
and answers ``{"cpu_s", "frames"}``: the CPU time spent inside ``update()``, nothing else.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

LibraryRun = tuple[Callable[[], Any], list[Any], Callable[[Any, Any], tuple[Any, Any]]]


def sequences(data: Any, workload: str) -> Iterator[tuple[float, list[tuple[Any, Any]]]]:
    """Frame rate, and boxes and scores of every frame, of each sequence of a workload."""
    for name in data[f"{workload}/sequences"]:
        ends = np.cumsum(data[f"{name}/counts"])
        starts = ends - data[f"{name}/counts"]
        xyxy, scores = data[f"{name}/xyxy"], data[f"{name}/scores"]
        frames = [(xyxy[a:b], scores[a:b]) for a, b in zip(starts, ends, strict=True)]
        yield float(data[f"{name}/fps"]), frames


def prepare_mtmc(tracker: str, fps: float, frames: list[tuple[Any, Any]]) -> LibraryRun:
    from mtmc.trackers import build
    from mtmc.trackers.types import Detections

    inputs = [
        (Detections(xyxy, scores), (index + 1) / fps) for index, (xyxy, scores) in enumerate(frames)
    ]
    return lambda: build(tracker).update, inputs, lambda _, tracks: (tracks.ids, tracks.xyxy)


def prepare_roboflow(tracker: str, fps: float, frames: list[tuple[Any, Any]]) -> LibraryRun:
    import supervision as sv

    from trackers import ByteTrackTracker, SORTTracker

    classes = {"sort": SORTTracker, "bytetrack": ByteTrackTracker}
    inputs = [
        (sv.Detections(xyxy=xyxy.astype(np.float32), confidence=scores.astype(np.float32)),)
        for xyxy, scores in frames
    ]

    def answer(_: Any, found: Any) -> tuple[Any, Any]:
        shown = found.tracker_id >= 0
        return found.tracker_id[shown], found.xyxy[shown]

    return lambda: classes[tracker](frame_rate=fps).update, inputs, answer


PREPARE = {"mtmc": prepare_mtmc, "roboflow": prepare_roboflow}


def timed(update: Callable[..., Any], inputs: list[Any]) -> tuple[float, list[Any]]:
    begin = time.process_time()
    outputs = [update(*arguments) for arguments in inputs]
    return time.process_time() - begin, outputs


def main() -> None:
    library, path = sys.argv[1:3]
    with np.load(path) as file:
        data = dict(file)
    prepared: dict[tuple[str, str], list[LibraryRun]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        key = request["tracker"], request["workload"]
        if key not in prepared:
            parts = sequences(data, request["workload"])
            prepared[key] = [PREPARE[library](key[0], fps, frames) for fps, frames in parts]
        cpu_s, frames, saved = 0.0, 0, {}
        for index, (make, inputs, answer) in enumerate(prepared[key]):
            seconds, outputs = timed(make(), inputs)
            cpu_s, frames = cpu_s + seconds, frames + len(inputs)
            if "save" in request:
                answers = [answer(given, out) for given, out in zip(inputs, outputs, strict=True)]
                saved[f"{index}/counts"] = [len(ids) for ids, _ in answers]
                saved[f"{index}/ids"] = np.concatenate([ids for ids, _ in answers])
                saved[f"{index}/xyxy"] = np.concatenate([xyxy for _, xyxy in answers])
        if "save" in request:
            np.savez(request["save"], **saved)
        print(json.dumps({"cpu_s": cpu_s, "frames": frames}), flush=True)


if __name__ == "__main__":
    main()
