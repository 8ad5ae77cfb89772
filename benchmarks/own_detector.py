"""The person detector that ships, beside YOLOX-nano, on real cameras and in rendered rooms.

Recall and precision at IoU 0.5 from three scores on, and average precision, on

* Terrace: 4 cameras, 291 annotated frames each; people that the annotation calls visible;
* ADL-Rundle-6: 200 frames of a street;
* rendered rooms of seeds that no training scene was drawn from; people of whom at least 0.3 show,
  others are neither asked for nor counted against.

Frames come in order, so that the background of each camera is learnt as in use. Neither sequence
has trained anything, and the thresholds are the ones that everybody has by default. YOLOX-nano was
trained on 118,000 real photographs (COCO), the other on pictures of people that nobody is.

Then the whole way: Terrace through the ground tracker with both detectors, scored.

    python -m benchmarks.own_detector [--data-root DIR] [--json FILE] [--only lab]
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.provenance import provenance
from mtmc.datasets import find_sequence, resolve_data_root
from mtmc.detectors import (
    PEOPLE,
    BackgroundConfig,
    OnnxDetector,
    OnnxDetectorConfig,
    PeopleDetector,
)
from mtmc.errors import InputError
from mtmc.evaluation.ground import evaluate_site
from mtmc.mot_files import frame_rows, read_ground_truth
from mtmc.run_config import RunConfig, RunOptions
from mtmc.site_config import SiteConfig
from mtmc.site_run import run_site
from mtmc.sites import find_site
from mtmc.sources import read_image
from mtmc.trackers.boxes import iou_matrix
from mtmc.types import Detections, FloatArray, Image
from mtmc.worlds.clothes import random_looks
from mtmc.worlds.lab import LabConfig, simulate_lab
from mtmc.worlds.lab_room import lab_cameras
from mtmc.worlds.render import Renderer

HIT_IOU = 0.5
SCORES = (0.3, 0.5, 0.7)
LEAST_SCORE = 0.02
LAB_SEEDS, LAB_CAMERAS, LAB_PRESET, LAB_EVERY = (901, 902), (0, 2), "lab-brief", 4
ASKED_FOR, COUNTED = 0.3, 0.05
TRACKED = ("MOTA", "IDF1", "HOTA", "IDs", "FP", "FN")
PEER, YOLOX = "yolox_nano_416", "models/yolox_nano_416x416.onnx"


@dataclass(frozen=True)
class Truth:
    """People in an image: boxes (N, 4), and which of them (N,) need not be found."""

    xyxy: FloatArray
    optional: np.ndarray[tuple[int], np.dtype[np.bool_]]


Frames = Iterator[tuple[Image, Truth | None]]
"""Images of one camera in order; None where nobody has said who is in it."""


def main() -> None:
    arguments = parse_arguments()
    cv2.setNumThreads(1)
    root = resolve_data_root(arguments.data_root)
    sets: dict[str, list[Callable[[], Frames]]] = {
        "lab": [lambda s=seed, c=k: lab_frames(s, c) for seed in LAB_SEEDS for k in LAB_CAMERAS],
        "Terrace": [lambda v=view: terrace_frames(root, v) for view in range(4)],
        "ADL-Rundle-6": [lambda: adl_frames(root)],
    }
    if arguments.only:
        sets = {name: sets[name] for name in arguments.only}
    report: dict[str, Any] = {}
    for name, cameras in sets.items():
        rows = {kind: measure(make, cameras) for kind, make in detectors(root).items()}
        for row in rows.values():
            row["time_against_yolox"] = round(row["ms_per_image"] / rows[PEER]["ms_per_image"], 2)
        report[name] = rows
        print(json.dumps({name: report[name]}, indent=1), flush=True)
    if not arguments.only:
        report["Terrace, tracked"] = tracked(root)
        print(json.dumps(report["Terrace, tracked"], indent=1), flush=True)
    report |= provenance("mtmc/detectors", "benchmarks/own_detector.py")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def detectors(root: Path) -> dict[str, Callable[[], Any]]:
    """By name, how to make one for a camera."""
    config = OnnxDetectorConfig(score_threshold=LEAST_SCORE)
    people = PeopleDetector(config, threads=1)
    alone = PeopleDetector(config, BackgroundConfig(enabled=False), threads=1)
    yolox = OnnxDetector(root / YOLOX, config, threads=1)
    return {"people": people.another, "people, images alone": alone.another,
            PEER: lambda: yolox}  # fmt: skip


def measure(make: Callable[[], Any], cameras: list[Callable[[], Frames]]) -> dict[str, Any]:
    """Recall, precision and speed over several cameras."""
    scores, hits, people, spent, images = [], [], 0, 0.0, 0
    for frames in cameras:
        detector = make()
        for image, truth in frames():
            started = time.process_time()
            found = detector.detect(image)
            spent += time.process_time() - started
            images += 1
            if truth is None:
                continue
            counted, hit = judge(found, truth)
            scores.append(found.scores[counted])
            hits.append(hit[counted])
            people += int(np.count_nonzero(~truth.optional))
    score, hit = np.concatenate(scores), np.concatenate(hits)
    table = {f"{least}": operating_point(score, hit, people, least) for least in SCORES}
    return {
        "average_precision": round(average_precision(score, hit, people), 4),
        "at_score": table,
        "people": people,
        "images": images,
        "ms_per_image": round(1e3 * spent / images, 2),
    }


def judge(found: Detections, truth: Truth) -> tuple[Any, Any]:
    """Which detections count, and which of them are right: each takes the best person left.

    A detection that meets nobody but those who need not be found does not count.
    """
    overlap = iou_matrix(found.xyxy, truth.xyxy)
    free = ~truth.optional
    counted, hit = np.ones(len(found), bool), np.zeros(len(found), bool)
    for row in np.argsort(-found.scores, kind="stable"):
        rivals = np.where(free, overlap[row], 0.0)
        if len(rivals) and rivals.max() >= HIT_IOU:
            hit[row], free[int(rivals.argmax())] = True, False
        elif (overlap[row][truth.optional] >= HIT_IOU).any():
            counted[row] = False
    return counted, hit


def operating_point(score: FloatArray, hit: Any, people: int, least: float) -> dict[str, float]:
    right = int(hit[score >= least].sum())
    told = int(np.count_nonzero(score >= least))
    return {
        "recall": round(right / people, 4),
        "precision": round(right / told, 4) if told else 1.0,
    }


def average_precision(score: FloatArray, hit: Any, people: int) -> float:
    """Area under precision over recall, precision made monotone (PASCAL VOC, 2010 on)."""
    order = np.argsort(-score, kind="stable")
    right = np.cumsum(hit[order])
    precision = right / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((envelope * hit[order]).sum() / people)


def lab_frames(seed: int, camera: int) -> Frames:
    """A rendered room; no training scene has its people."""
    world = simulate_lab(LabConfig(LAB_PRESET, seed))
    looks = random_looks(np.random.default_rng(seed), len(world.height_m))
    renderer = Renderer(world, looks, lab_cameras()[camera], seed)
    for frame in range(0, len(world.time_s), LAB_EVERY):
        picture = renderer.picture(frame)
        rows = picture.visible > COUNTED
        boxes = clipped(picture.xyxy[rows], picture.image)
        yield picture.image, Truth(boxes, picture.visible[rows] < ASKED_FOR)


def terrace_frames(root: Path, view: int) -> Frames:
    """One camera of Terrace; some of its frames have no annotation."""
    folder = root / "Terrace"
    boxes: dict[int, list[list[float]]] = {}
    with (folder / "gt_fixed_ids.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            here = boxes.setdefault(int(row["frame"]), [])
            if int(row["view"]) == view and row["visible"] == "1":
                here.append([float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax")])
    paths = (folder / "Image_subsets" / f"C{view + 1}").glob("*.jpg")
    for path in sorted(paths, key=lambda path: int(path.stem)):
        image = read_image(path, int(path.stem))
        found = boxes.get(int(path.stem))
        if found is None:
            yield image, None
            continue
        xyxy = clipped(np.array(found, np.float64).reshape(-1, 4), image)
        xyxy = xyxy[(xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)]
        yield image, Truth(xyxy, np.zeros(len(xyxy), bool))


def adl_frames(root: Path) -> Frames:
    """ADL-Rundle-6."""
    sequence = find_sequence("ADL-Rundle-6", root)
    truth = read_ground_truth(sequence.root / "gt" / "gt.txt")
    rows = frame_rows(truth)
    for index in range(1, sequence.frame_count + 1):
        image = read_image(sequence.image_dir / f"{index:06d}.jpg", index)
        here = rows.get(index, slice(0, 0))
        asked = truth.confidence[here] != 0
        xyxy = clipped(truth.xyxy[here][asked], image)
        yield image, Truth(xyxy, np.zeros(len(xyxy), bool))


def clipped(xyxy: FloatArray, image: Image) -> FloatArray:
    height, width = image.shape[:2]
    return np.clip(xyxy, 0, [width, height, width, height])


def tracked(root: Path) -> dict[str, Any]:
    """Terrace through the ground tracker without appearance, by detector: the scores of the run."""
    site = find_site("Terrace", root)
    if site is None:
        raise InputError(f"{root}: no Terrace here")
    rows = {}
    for name, detector in (("people", PEOPLE), (PEER, Path(YOLOX).name)):
        config = RunConfig(run=RunOptions(detector=detector, threads=1))
        with tempfile.TemporaryDirectory() as out:
            run_site(site, Path(out), config, SiteConfig(), root)
            metrics = evaluate_site(site, Path(out) / site.name).metrics
        rows[name] = {
            place: {key: round(float(found[key]), 2) for key in TRACKED}
            for place, found in (("at_0.5m", metrics), ("at_1m", metrics["at_1m"]))
        }
    return rows


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="+", help="lab, Terrace, ADL-Rundle-6")
    return parser.parse_args()


if __name__ == "__main__":
    main()
