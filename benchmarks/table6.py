"""Table 6 of the paper: tracking on the five MOT16 validation sequences, and where images exist.

    python -m benchmarks.table6 [--data-root DIR] [--trials 24] [--json FILE]

* MOT16-02, 05, 09, 11 and 13 with public DPM detections, under the protocols ``motdt`` (the
  paper's) and ``motchallenge``. Rows without images run everywhere: MOTDT without scorer and
  appearance, and our best tracker, each with its defaults, interpolated offline (what looks into
  the future is no online result), and with settings chosen on the other four sequences (`mtmc
  tune`, the defaults take no part). Rows with images run where MOT16's images are.
* ADL-Rundle-6 (200 frames with images), detections of YOLOX-nano: MOTDT by scorer and appearance
  model, and our best tracker. Appearance gates are distances below which 1 % of other people come,
  measured on people of Terrace: nothing is fitted to the sequence.
* MOT17-05-FRCNN with the appearance features of deep_sort, both protocols. Their gate is a distance
  measured on this very sequence (see `mot17_deepsort`).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.provenance import ROOT, provenance
from mtmc.datasets import find_sequence, resolve_data_root
from mtmc.detectors import OnnxDetector
from mtmc.evaluation import PROTOCOLS, SequenceScores, analyse
from mtmc.interpolate import interpolate
from mtmc.mot_files import detections_by_frame, read_feature_file, read_ground_truth
from mtmc.progress import StageClock
from mtmc.reid.distances import measure_distances
from mtmc.reid.embedder import Embedder, load
from mtmc.run import RunConfig, RunOptions, open_sequence, prepare
from mtmc.scorers import DetectorScorer, PatchScorer
from mtmc.scores import score_mapping
from mtmc.trackers import TRACKERS, build
from mtmc.tuning import RANGES, Journal, Processes, SearchConfig, Subject, load_sequence
from mtmc.tuning import search as tune
from mtmc.tuning.evaluate import table_of
from mtmc.types import Detections

VALIDATION = ("MOT16-02", "MOT16-05", "MOT16-09", "MOT16-11", "MOT16-13")
WITH_IMAGES, WITH_FEATURES = "ADL-Rundle-6", "MOT17-05-FRCNN"
BEST = "evidence"
DETECTOR = "yolox_nano_416x416.onnx"
MODELS = {  # file: trained on
    "osnet_x0_25_market1501.onnx": "OSNet x0.25, Market-1501",
    "osnet_x0_25_msmt17.onnx": "OSNet x0.25, MSMT17",
    "person-reidentification-retail-0287.onnx": "retail-0287, undisclosed",
}
SCORERS = (None, "detector", "patch")
FALSE_MATCH_RATE = 0.01
FEATURE_GATE = 0.15
PAPER_PROTOCOL = "motdt"
VARIED = {  # settings that are chosen on the other four sequences
    "motdt": ("min_score", "new_track_score", "min_iou", "max_lost_s", "coast_s"),
    BEST: ("high_score", "new_track_score", "max_cost", "min_hits", "max_lost_s", "coast_s"),
}
PROTOCOLS_SHOWN = (PAPER_PROTOCOL, "motchallenge")
SHOWN = ("MOTA", "IDF1", "HOTA", "FP", "FN", "IDs")
TERRACE_EVERY = 4  # annotated frames that distances are measured on

# Long et al. 2018; its published code under the same protocol; Lawen et al. 2020, Table 6.
PUBLISHED = {
    "MOTDT, as published": {"MOTA": 35.7, "IDF1": 45.3},
    "MOTDT, its code (R-FCN scorer, GoogLeNet features)": {"MOTA": 36.5, "IDF1": 46.1},
    "MOTDT with Robust-ReID (Duke + Market + MSMT17), the paper": {"MOTA": 36.7, "IDF1": 46.2},
}

Row = dict[str, Any]


def main() -> None:
    arguments = parse_arguments()
    root = resolve_data_root(arguments.data_root)
    sections = {
        "MOT16 validation, public DPM": [*validation_rows(root, arguments)],
        f"{WITH_IMAGES}, 200 frames, YOLOX-nano": [*image_rows(root)],
        f"{WITH_FEATURES}, features of deep_sort": [*feature_rows(root)],
    }
    report = {"paper_protocol": PAPER_PROTOCOL, "rows": sections}
    report |= provenance("trackers", "mtmc/scorers", "mtmc/tuning", "benchmarks/table6.py")
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_rows(sections)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-root", help="folder with MOT15/ to MOT17/ (default: MTMC_DATA)")
    parser.add_argument("--trials", type=int, default=24, help="settings tried per tracker")
    parser.add_argument("--jobs", type=int, default=2, help="processes that try them")
    default = Path(__file__).parent / "results" / "table6.json"
    parser.add_argument("--json", type=Path, default=default)
    return parser.parse_args()


def validation_rows(root: Path, arguments: argparse.Namespace) -> Iterator[Row]:
    for name, figures in PUBLISHED.items():
        yield {"name": name, "needs": "images", "published": {PAPER_PROTOCOL: figures}}
    for tracker in ("motdt", BEST):
        name = f"{tracker}, no images"
        run = RunConfig(RunOptions(), tracker)
        yield {"name": name, **over_sequences(root, run)}
        yield {"name": f"{name}, interpolated offline", **over_sequences(root, run, offline=True)}
        yield from tuned_rows(root, tracker, name, arguments)
    have_images = all(find_sequence(name, root).image_dir is not None for name in VALIDATION)
    for scorer in SCORERS[1:]:
        for model in (None, *MODELS):
            row = {"name": row_name("motdt", scorer, model), "needs": "images"}
            if have_images:
                row |= over_sequences(root, configured(root, "motdt", model), scorer)
            else:
                row["not run"] = "the images of MOT16 are not there"
            yield row


def tuned_rows(root: Path, tracker: str, name: str, arguments: argparse.Namespace) -> Iterator[Row]:
    """Scores of settings that were chosen, for each sequence, on the other four; then on all."""
    data = {name: load_sequence(name, RunConfig(), root) for name in VALIDATION}
    config = TRACKERS[tracker].config
    space = [RANGES[setting] for setting in VARIED[tracker]]
    journal = Journal(ROOT / "runs" / "table6" / "trials.jsonl")
    # The defaults were chosen with a look at these sequences: they take no part.
    plan = SearchConfig(trials=arguments.trials, from_base=False)
    subject = Subject(tracker, config(), space, PAPER_PROTOCOL)
    with Processes(data, arguments.jobs) as workers:
        outcome = tune(subject, data, plan, journal, workers)
    yield {
        "name": f"{name}, settings of the other four",
        "overall": {PAPER_PROTOCOL: figures([fold.scores for fold in outcome.folds])},
        "settings": {fold.left_out: fold.settings for fold in outcome.folds},
    }
    yield {
        "name": f"{name}, settings of all five (flattering)",
        "overall": {PAPER_PROTOCOL: figures([outcome.tuned.scores])},
        "settings": outcome.tuned.settings,
    }


def over_sequences(
    root: Path, config: RunConfig, scorer: str | None = None, offline: bool = False
) -> Row:
    """Overall figures by protocol, and those of each sequence under the paper's."""
    parts: dict[str, list[SequenceScores]] = {name: [] for name in PROTOCOLS_SHOWN}
    for name in VALIDATION:
        found = scored(root, name, config, PROTOCOLS_SHOWN, scorer, offline)
        for protocol, scores in found.items():
            parts[protocol].append(scores)
    each = zip(VALIDATION, parts[PAPER_PROTOCOL], strict=True)
    return {
        "overall": {protocol: figures(scores) for protocol, scores in parts.items()},
        "sequences": {name: figures([scores]) for name, scores in each},
    }


def image_rows(root: Path) -> Iterator[Row]:
    for scorer in SCORERS:
        for model in (None, *MODELS):
            yield image_row(root, "motdt", scorer, model)
    for model in (None, *MODELS):
        yield image_row(root, BEST, None, model)
    for scorer in SCORERS:
        row = image_row(root, "motdt", scorer, None, detector=None)
        yield row | {"name": f"{row['name']}; public detections"}


def image_row(
    root: Path, tracker: str, scorer: str | None, model: str | None, detector: str | None = DETECTOR
) -> Row:
    config = configured(root, tracker, model)
    config = replace(config, run=replace(config.run, detector=detector))
    scores = scored(root, WITH_IMAGES, config, ("mot15",), scorer)
    return {
        "name": row_name(tracker, scorer, model),
        "overall": {name: figures([part]) for name, part in scores.items()},
    }


def configured(root: Path, tracker: str, model: str | None) -> RunConfig:
    """A run with an appearance model and the gate that belongs to it, or without."""
    if model is None:
        return RunConfig(RunOptions(threads=1), tracker)
    gate = appearance_gate(root, model)
    settings = TRACKERS[tracker].config(max_cosine_distance=gate)
    return RunConfig(RunOptions(reid=model, threads=1), tracker, settings)


def scored(
    root: Path,
    name: str,
    config: RunConfig,
    protocols: tuple[str, ...],
    scorer: str | None,
    offline: bool = False,
) -> dict[str, SequenceScores]:
    """Track a sequence once, score it under each protocol."""
    sequence = find_sequence(name, root)
    if scorer is not None:
        settings = replace(config.tracker_config, use_scorer=True)
        config = replace(config, tracker_config=settings)
    run = prepare(str(sequence.root), config, root)
    if scorer is not None:
        # The score map of the detector also judges where the detections are public ones.
        run = replace(run, source=open_sequence(str(sequence.root), root)[0])
        run = replace(run, scorer=make_scorer(root, scorer))
    # Views hold images: only what is scored is kept.
    answers = [(view.frame.index, view.tracks) for view in run.views(StageClock())]
    results = table_of([index for index, _ in answers], [tracks for _, tracks in answers])
    if offline:
        results = interpolate(results)
    truth = read_ground_truth(sequence.ground_truth_path)
    count, benchmark = sequence.frame_count, sequence.benchmark
    return {
        protocol: analyse(truth, results, PROTOCOLS[protocol], count, benchmark).scores
        for protocol in protocols
    }


def make_scorer(root: Path, name: str) -> DetectorScorer | PatchScorer:
    if name == "patch":
        return PatchScorer(threads=1)
    return DetectorScorer(OnnxDetector(root / "models" / DETECTOR, threads=1))


@cache
def appearance_gate(root: Path, model: str) -> float:
    """The cosine distance below which 1 % of other people come, on people of Terrace."""
    embedder = load(root / "models" / model, threads=1)
    statistics = measure_distances(*terrace_vectors(root, embedder), "Terrace", pairs="all")
    return statistics.threshold(FALSE_MATCH_RATE)


def terrace_vectors(root: Path, embedder: Embedder) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, identities and cameras of annotated people whose box has pixels."""
    boxes: dict[tuple[int, int], list[tuple[int, list[float]]]] = {}
    with (root / "Terrace" / "gt_fixed_ids.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if int(row["visible"]) and int(row["id"]) >= 0:
                box = [float(row[side]) for side in ("xmin", "ymin", "xmax", "ymax")]
                place = int(row["frame"]), int(row["view"])
                boxes.setdefault(place, []).append((int(row["id"]), box))
    vectors, identities, cameras = [], [], []
    frames = sorted({frame for frame, _ in boxes})[::TERRACE_EVERY]
    for (frame, view), people in boxes.items():
        if frame not in frames:
            continue
        path = root / "Terrace" / "Image_subsets" / f"C{view + 1}" / f"{frame}.jpg"
        image = cv2.imread(str(path))
        found = embedder.embed([image], [np.array([box for _, box in people])])[0]
        for (identity, _), vector in zip(people, found, strict=True):
            if np.isfinite(vector).all():
                vectors.append(vector)
                identities.append(identity)
                cameras.append(view)
    return np.stack(vectors), np.array(identities), np.array(cameras)


def feature_rows(root: Path) -> Iterator[Row]:
    sequence = find_sequence(WITH_FEATURES, root)
    mapping = score_mapping("mot17-frcnn")
    table = read_feature_file(sequence.features_path)
    seen = {frame: mapping.detections(part) for frame, part in detections_by_frame(table).items()}
    blind = {frame: Detections(part.xyxy, part.scores) for frame, part in seen.items()}
    truth = read_ground_truth(sequence.ground_truth_path)
    frames = list(range(1, sequence.frame_count + 1))
    for tracker in ("motdt", "deepsort", BEST):
        for kind, detections in (("no appearance", blind), ("with features", seen)):
            settings = TRACKERS[tracker].config(max_cosine_distance=FEATURE_GATE)
            update = build(tracker, settings).update
            tracks = [
                update(detections.get(frame, Detections.empty()), frame / sequence.frame_rate)
                for frame in frames
            ]
            results = table_of(frames, tracks)
            count, benchmark = sequence.frame_count, sequence.benchmark
            yield {
                "name": f"{tracker}, {kind}",
                "overall": {
                    name: figures(
                        [analyse(truth, results, PROTOCOLS[name], count, benchmark).scores]
                    )
                    for name in PROTOCOLS_SHOWN
                },
            }


def row_name(tracker: str, scorer: str | None, model: str | None) -> str:
    parts = [tracker]
    if tracker == "motdt":
        parts.append(f"scorer {scorer or 'none'}")
    return ", ".join([*parts, MODELS[model] if model else "no appearance"])


def figures(parts: list[SequenceScores]) -> dict[str, float]:
    metrics = SequenceScores.pool(parts).metrics
    return {name: round(float(metrics[name]), 3) for name in SHOWN}


def print_rows(sections: dict[str, list[Row]]) -> None:
    for title, rows in sections.items():
        print(f"\n{title}")
        print(f"{'':>66} {'protocol':>12} " + " ".join(f"{name:>7}" for name in SHOWN))
        for row in rows:
            shown = row.get("overall") or row.get("published") or {"": {}}
            for protocol, numbers in shown.items():
                values = " ".join(f"{numbers.get(name, float('nan')):7.1f}" for name in SHOWN)
                print(f"{row['name']:>66} {protocol:>12} {row.get('not run') or values}")


if __name__ == "__main__":
    main()
