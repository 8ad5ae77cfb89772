"""What appearance adds on MOT17-05-FRCNN: trackers with and without the given features.

Public Faster R-CNN detections with 128 appearance features each, protocol ``motchallenge``, default
settings and one appearance gate for all. It is the only sequence with such features at hand, so
nothing is held out: the score mapping and the distances of same and different people, printed
below, come from its ground truth; ``min_hits``, ``min_score`` and ``max_lost_s`` of DeepSORT were
chosen after a sweep of 108 settings on it, and the weight that Evidence gives to looks after about
40 variants on it and on ADL-Rundle-6. The gate is the distance below which 1 % of other people
come; the sweep agreed with it.

    python -m benchmarks.mot17_deepsort [--data-root DIR] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mot16_val5 import SHOWN, track
from benchmarks.provenance import provenance
from mtmc.datasets import find_sequence, resolve_data_root
from mtmc.evaluation import PROTOCOLS, analyse
from mtmc.evaluation.protocols import PEDESTRIAN
from mtmc.mot_files import (
    MotTable,
    detections_by_frame,
    frame_rows,
    read_feature_file,
    read_ground_truth,
)
from mtmc.scores import score_mapping
from mtmc.trackers import TRACKERS, DeepSortConfig
from mtmc.trackers.boxes import iou_matrix
from mtmc.types import Detections

SEQUENCE = "MOT17-05-FRCNN"
GATE = 0.15
SAME_PERSON_IOU = 0.5
MEMORY_S = 4.0  # a gallery reaches this far back
EVERY = 3  # detections asked, one in so many
PERCENTILES = {"same": (50, 90, 95, 98, 99), "different": (0.5, 1, 2, 5, 50)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-root", help="folder with MOT17/ (default: MTMC_DATA)")
    default = Path(__file__).parent / "results" / "mot17_deepsort.json"
    parser.add_argument("--json", type=Path, default=default)
    arguments = parser.parse_args()

    sequence = find_sequence(SEQUENCE, resolve_data_root(arguments.data_root))
    table = read_feature_file(sequence.features_path)
    truth = read_ground_truth(sequence.ground_truth_path)
    mapping = score_mapping("mot17-frcnn")
    seen = {frame: mapping.detections(part) for frame, part in detections_by_frame(table).items()}
    blind = {frame: Detections(part.xyxy, part.scores) for frame, part in seen.items()}
    runs: dict[str, dict[str, dict[str, float]]] = {}
    for tracker, entry in TRACKERS.items():
        if tracker == "motdt":
            continue  # it looks at images, which are not at hand
        gate = {"max_cosine_distance": GATE} if entry.uses_appearance else {}
        inputs = {"appearance": seen} if entry.uses_appearance else {}
        for name, detections in (inputs | {"without": blind}).items():
            results = track(tracker, gate, sequence, detections)
            scores = analyse(
                truth, results, PROTOCOLS["motchallenge"], sequence.frame_count, sequence.benchmark
            ).scores.metrics
            figures = {metric: round(float(scores[metric]), 3) for metric in SHOWN}
            runs.setdefault(tracker, {})[name] = figures
            numbers = " ".join(f"{metric} {figures[metric]}" for metric in SHOWN)
            print(f"{tracker:>10} {name:>10} {numbers}")
    distances = distance_statistics(table, truth, sequence.frame_rate)
    print(json.dumps(distances))
    report = {"sequence": SEQUENCE, "protocol": "motchallenge", "runs": runs}
    report |= {"gate": GATE, "cosine_distance": distances}
    report |= provenance("trackers", "mtmc/scores.py", "mtmc/evaluation")
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def distance_statistics(table: MotTable, truth: MotTable, fps: float) -> dict[str, Any]:
    """Percentiles of the least distance to the recent vectors of the same and of other people."""
    person = people_of(table, truth)
    budget = DeepSortConfig().gallery_size
    distances: dict[str, list[float]] = {"same": [], "different": []}
    for row in np.flatnonzero(person > 0)[::EVERY]:
        age = table.frame[row] - table.frame
        past = (age > 0) & (age <= MEMORY_S * fps) & (person > 0)
        for other in np.unique(person[past]):
            stored = table.features[past & (person == other)][-budget:]
            kind = "same" if other == person[row] else "different"
            distances[kind].append(float(1.0 - (stored @ table.features[row]).max()))
    return {
        kind: {str(p): round(float(np.percentile(values, p)), 4) for p in PERCENTILES[kind]}
        for kind, values in distances.items()
    }


def people_of(table: MotTable, truth: MotTable) -> np.ndarray:
    """Identity of the person each detection lies on, or 0."""
    truth = truth[(truth.class_id == PEDESTRIAN) & (truth.confidence != 0)]
    rows = frame_rows(truth)
    person = np.zeros(len(table), np.int64)
    for frame, part in frame_rows(table).items():
        if frame in rows:
            iou = iou_matrix(table.xyxy[part], truth.xyxy[rows[frame]])
            nearest = truth.id[rows[frame]][iou.argmax(axis=1)]
            person[part] = np.where(iou.max(axis=1) > SAME_PERSON_IOU, nearest, 0)
    return person


if __name__ == "__main__":
    main()
