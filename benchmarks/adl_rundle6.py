"""Appearance on real images: our trackers beside deep-sort-realtime and boxmot's BoT-SORT.

ADL-Rundle-6 of MOT15, 200 frames, public ACF detections, protocol ``mot15``. All trackers get the
same boxes, scores (mapped to 0-1) and vectors: OSNet x0.25, embedded once by us from its ONNX file
and handed to the peers through their own seams, each in an environment of its own. Peers run with
their default settings and with the variants below; ours with its defaults and one appearance
threshold that comes from Market-1501, not from here. The sequence was looked at while Evidence was
developed: one of its rules (`min_hits_lost`) was taken in as it helps here and costs nothing on
the development data, the weight and the gallery of looks were tried on it and MOT17-05, and the
score mapping is fitted to eight sequences of which it is one. Peers have the advantage that the
best of their variants on this very sequence may be looked at.

    python -m benchmarks.adl_rundle6 [--data-root DIR] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from benchmarks.mot16_val5 import SHOWN
from benchmarks.peers.environments import REQUIREMENTS, make_environment
from benchmarks.provenance import provenance
from mtmc.datasets import Sequence, find_sequence, image_files, resolve_data_root
from mtmc.evaluation import BootstrapConfig, Comparison, Pair, compare
from mtmc.look import ImageLook
from mtmc.mot_files import NO_CLASS, MotTable, detections_by_frame, read_detections, write_results
from mtmc.reid.embedder import load
from mtmc.scores import score_mapping
from mtmc.trackers import TRACKERS, build
from mtmc.trackers.boxes import tlwh_from_xyxy
from mtmc.types import Detections, Frame

SEQUENCE = "ADL-Rundle-6"
MODEL = "models/osnet_x0_25_market1501.onnx"
# The distance below which 0.1 % of the pairs of different people in the queries of Market-1501 come
# with this network.
MAX_COSINE_DISTANCE = 0.32
OURS = ("evidence", "botsort", "deepsort", "bytetrack", "ocsort", "cbiou", "sort")
WORKER = Path(__file__).with_name("adl_rundle6_worker.py")
INTERVAL = BootstrapConfig(block_frames=25)


class Peer(NamedTuple):
    """A library with the settings of one run."""

    library: str
    settings: dict[str, Any]


GATE = MAX_COSINE_DISTANCE
PEERS = {
    "boxmot BoT-SORT": Peer("boxmot", {}),
    "boxmot BoT-SORT, our threshold": Peer("boxmot", {"appearance_thresh": GATE}),
    "boxmot BoT-SORT, our score thresholds": Peer(
        "boxmot", {"track_high_thresh": 0.6, "new_track_thresh": 0.7}
    ),
    "boxmot BoT-SORT, no camera motion": Peer("boxmot", {"use_cmc": False}),
    "deep-sort-realtime": Peer("deep-sort-realtime", {"min_score": 0.5}),
    "deep-sort-realtime, scores from 0.6": Peer("deep-sort-realtime", {"min_score": 0.6}),
    "deep-sort-realtime, our threshold": Peer(
        "deep-sort-realtime", {"min_score": 0.5, "max_cosine_distance": GATE}
    ),
    "deep-sort-realtime, both": Peer(
        "deep-sort-realtime", {"min_score": 0.6, "max_cosine_distance": GATE}
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-root", help="folder with MOT15/ and models/ (default: MTMC_DATA)")
    default = Path(__file__).parent / "results" / "adl_rundle6.json"
    parser.add_argument("--json", type=Path, default=default)
    arguments = parser.parse_args()
    root = resolve_data_root(arguments.data_root)
    sequence = find_sequence(SEQUENCE, root)
    detections = embed(sequence, root / MODEL)
    with tempfile.TemporaryDirectory() as folder:
        results = {name: ours(name, sequence, detections) for name in OURS}
        results["evidence without looks"] = ours("evidence", sequence, without_looks(detections))
        results["botsort, camera motion"] = ours("botsort", sequence, detections, True)
        results |= peers(sequence, detections, Path(folder))
        comparison = score(sequence, results, Path(folder))
    report = {
        "sequence": SEQUENCE,
        "protocol": comparison.protocol,
        "model": MODEL,
        "max_cosine_distance": MAX_COSINE_DISTANCE,
        "runs": {name: figures(comparison, name) for name in comparison.runs},
        "evidence_minus": {name: differences(comparison, name) for name in comparison.runs[1:]},
        "peers": {
            peer.library: (REQUIREMENTS / f"{peer.library}.txt").read_text("utf-8").split()
            for peer in PEERS.values()
        },
    }
    report |= provenance(
        "trackers", "mtmc/scores.py", "mtmc/evaluation", "benchmarks/adl_rundle6*.py"
    )
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_table(report)


def embed(sequence: Sequence, model: Path) -> dict[int, Detections]:
    """Detections of every frame with mapped scores and their vectors."""
    embedder, mapping = load(model), score_mapping("mot15")
    found = detections_by_frame(read_detections(sequence.detections_path))
    embedded = {}
    for index, path in images(sequence).items():
        people = mapping.detections(found.get(index, Detections.empty()))
        vectors = embedder.embed([cv2.imread(str(path))], [people.xyxy])[0]
        embedded[index] = Detections(people.xyxy, people.scores, vectors)
    return embedded


def images(sequence: Sequence) -> dict[int, Path]:
    """Images by frame number."""
    files = image_files(sequence)
    return {index: files[index] for index in range(1, sequence.frame_count + 1)}


def without_looks(detections: dict[int, Detections]) -> dict[int, Detections]:
    return {index: Detections(each.xyxy, each.scores) for index, each in detections.items()}


def ours(
    name: str, sequence: Sequence, detections: dict[int, Detections], watch_camera: bool = False
) -> MotTable:
    entry = TRACKERS[name]
    gate = {"max_cosine_distance": MAX_COSINE_DISTANCE} if entry.uses_appearance else {}
    tracker = build(name, entry.config(**gate))
    frames = sorted(detections)
    looks = camera_looks(sequence) if watch_camera else repeat(None)
    tracks = [
        tracker.update(detections[k], k / sequence.frame_rate, look)
        for k, look in zip(frames, looks, strict=False)
    ]
    return table(
        np.repeat(frames, [len(each) for each in tracks]),
        np.concatenate([each.ids for each in tracks]),
        np.concatenate([each.xyxy for each in tracks]),
    )


def camera_looks(sequence: Sequence) -> Iterator[ImageLook]:
    """What a tracker may ask of every image."""
    previous = None
    for index, path in images(sequence).items():
        time_s = index / sequence.frame_rate
        frame = Frame(sequence.name, index, time_s, cv2.imread(str(path)))
        yield ImageLook(frame, previous)
        previous = frame


def peers(
    sequence: Sequence, detections: dict[int, Detections], folder: Path
) -> dict[str, MotTable]:
    """What each peer reports, run outside the repository, where our folders shadow nobody's."""
    frames = sorted(detections)
    source = folder / "detections.npz"
    np.savez(
        source,
        frame=np.repeat(frames, [len(detections[k]) for k in frames]),
        xyxy=np.concatenate([detections[k].xyxy for k in frames]),
        scores=np.concatenate([detections[k].scores for k in frames]),
        embeddings=np.concatenate([detections[k].embeddings for k in frames]),
        images=[str(path.resolve()) for path in images(sequence).values()],
    )
    results = {}
    for name, peer in PEERS.items():
        python, target = make_environment(peer.library), folder / "peer.npz"
        command = [python, WORKER, peer.library, source, target, json.dumps(peer.settings)]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        with np.load(target) as answer:
            results[name] = table(answer["frame"], answer["id"], answer["xyxy"])
    return results


def table(frame: np.ndarray, identity: np.ndarray, xyxy: np.ndarray) -> MotTable:
    rows = len(frame)
    return MotTable(
        frame=frame,
        id=identity,
        tlwh=tlwh_from_xyxy(xyxy),
        confidence=np.ones(rows),
        class_id=np.full(rows, NO_CLASS),
        visibility=np.full(rows, np.nan),
        line=np.arange(1, rows + 1),
    )


def score(sequence: Sequence, results: dict[str, MotTable], folder: Path) -> Comparison:
    """All runs beside the first, ours, on the same draws of blocks of frames."""
    runs = {}
    for number, (name, result) in enumerate(results.items()):
        path = folder / f"{number}.txt"
        write_results(path, result)
        runs[name] = [
            Pair(
                sequence.name,
                sequence.ground_truth_path,
                path,
                frame_count=sequence.frame_count,
                benchmark=sequence.benchmark,
            )
        ]
    return compare(runs, "mot15", INTERVAL)


def figures(comparison: Comparison, run: str) -> dict[str, float]:
    return {metric: round(comparison.values[run, "overall", metric], 3) for metric in SHOWN}


def differences(comparison: Comparison, other: str) -> dict[str, list[float]]:
    """Our default minus the other run: difference and the ends of its 95 % interval."""
    found = {}
    for metric in ("MOTA", "IDF1", "HOTA"):
        part = comparison.difference(comparison.runs[0], other, metric)
        found[metric] = [round(value, 2) for value in (part.difference, part.low, part.high)]
    return found


def print_table(report: dict[str, Any]) -> None:
    print(f"{'':>40} " + " ".join(f"{name:>8}" for name in SHOWN) + "   evidence's lead in IDF1")
    for name, metrics in report["runs"].items():
        numbers = " ".join(f"{metrics[metric]:8.2f}" for metric in SHOWN)
        lead = report["evidence_minus"].get(name, {}).get("IDF1")
        print(f"{name:>40} {numbers}   {lead or ''}")


if __name__ == "__main__":
    main()
