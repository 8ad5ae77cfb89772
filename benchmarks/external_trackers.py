"""Our adapters in the trackers of others: whether the real packages take them, and what they gain.

For every peer an environment of its own is made below ``.venvs/`` (see ``benchmarks/peers``), and
the real package runs there with our adapter: first on made-up people whom only appearance tells
apart, which proves that vectors reach the right boxes and that the peer's threshold means what we
say; then on real frames, the same detections every time, without appearance, with each model at the
peer's own default threshold, and at the distance at which one in a thousand different people would
match. Where a tracker cannot go without appearance, "none" is the same vector for everybody.

A peer whose seam has changed is reported with the name of the seam, and the exit code is 1.

    python -m benchmarks.external_trackers [--peers NAME ...] [--reid FILE ...] [--frames 200]
        [--deep-sort CHECKOUT] [--json FILE]

``--deep-sort`` names a checkout of nwojke/deep_sort, which is no package; without it that row is
left out. Thresholds need a model that carries distance statistics: ``mtmc reid calibrate``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.peers.environments import make_environment
from benchmarks.provenance import ROOT, provenance
from mtmc.datasets import find_sequence, resolve_data_root
from mtmc.evaluation import PROTOCOLS
from mtmc.evaluation.evaluate import analyse
from mtmc.mot_files import NO_CLASS, MotTable, read_detections, read_ground_truth
from mtmc.reid import load
from mtmc.reid.distances import measure_distances
from mtmc.reid.export_file import ExportConfig, export
from mtmc.reid.spec import sidecar_path
from mtmc.scores import score_mapping

SEQUENCE = "ADL-Rundle-6"
MIN_SCORE = 0.3  # trackers without a threshold of their own would follow every false alarm
FALSE_MATCH_RATE = 1e-3
RESULT = ROOT / "benchmarks" / "results" / "external_trackers.json"
MODELS = ("osnet_x0_25_market1501.onnx", "osnet_x0_25_msmt17.onnx")
NO_APPEARANCE = "none"
PAGES = ROOT / "docs" / "external-trackers"
PEERS = {  # name: (module of benchmarks/peers, environment and page)
    "boxmot": ("with_boxmot", "boxmot"),
    "ultralytics": ("with_ultralytics", "ultralytics"),
    "deep-sort-realtime": ("with_deep_sort_realtime", "deep-sort-realtime"),
    "norfair": ("with_norfair", "norfair"),
    "roboflow trackers + supervision": ("with_roboflow", "roboflow-trackers"),
    "nwojke/deep_sort": ("with_deep_sort", "deep-sort"),
}
DEEP_SORT = "nwojke/deep_sort"


def main() -> int:
    arguments = parse_arguments()
    root = resolve_data_root(arguments.data_root)
    models = {path.stem: path for path in find_models(arguments.reid, root)}
    with tempfile.TemporaryDirectory() as folder:
        request, truth = prepare(Path(folder), root, arguments.frames)
        request["jobs"] = jobs(models, Path(folder))
        request["desk"] = str(make_desk(Path(folder), next(iter(models.values()))))
        peers = []
        for name in arguments.peers:
            answer = ask(name, request, Path(folder), arguments.deep_sort)
            peers += rows_of(name, answer, truth)
            print_rows(peers[-max(1, len(answer["trackers"])) :])
    report = {
        "sequence": SEQUENCE,
        "frames": arguments.frames,
        "min_score": MIN_SCORE,
        "false_match_rate": FALSE_MATCH_RATE,
        "thresholds": {job["name"]: job["gate"] for job in request["jobs"] if job["gate"]},
        "peers": peers,
        **provenance("reid", "benchmarks"),
    }
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(peer["ran"] for peer in peers) else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), metavar="NAME")
    parser.add_argument("--data-root", help="folder with MOT15/ (default: MTMC_DATA)")
    parser.add_argument("--reid", nargs="+", help="models (default: both OSNet x0.25 in models/)")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--deep-sort", type=Path, help="checkout of nwojke/deep_sort")
    parser.add_argument("--json", type=Path, default=RESULT)
    arguments = parser.parse_args()
    if arguments.peers is None:
        arguments.peers = [p for p in PEERS if p != DEEP_SORT or arguments.deep_sort]
    return arguments


def find_models(names: list[str] | None, root: Path) -> list[Path]:
    return [Path(n).resolve() for n in names] if names else [root / "models" / n for n in MODELS]


def prepare(folder: Path, root: Path, frames: int) -> tuple[dict[str, Any], MotTable]:
    """Detections on one scale in a file, names of the images, and the truth of these frames."""
    sequence = find_sequence(SEQUENCE, root)
    if sequence.image_dir is None or sequence.detections_path is None:
        raise SystemExit(f"{SEQUENCE}: expected images and detections below {root}")
    table = read_detections(sequence.detections_path)
    scores = score_mapping("mot15")(table.confidence)
    rows = np.column_stack([table.frame, table.xyxy, scores])
    detections = folder / "detections.npz"
    np.savez(detections, rows=rows[(scores >= MIN_SCORE) & (table.frame <= frames)])
    images = sorted(str(path) for path in sequence.image_dir.iterdir())[:frames]
    truth = read_ground_truth(sequence.ground_truth_path)
    request = {"detections": str(detections), "images": images}
    return request, truth[truth.frame <= frames]


def jobs(models: dict[str, Path], folder: Path) -> list[dict[str, Any]]:
    """Runs to make: without appearance, and with each model at one or two thresholds."""
    found: list[dict[str, Any]] = [{"name": NO_APPEARANCE, "model": None, "gate": None}]
    for name, path in models.items():
        file = export(path, folder / f"{name}_scaled.onnx", ExportConfig(profile="ultralytics"))
        job = {"name": name, "model": str(path), "file": str(file.path), "gate": None}
        found.append(job)
        reid = load(path)
        if reid.card.distances:
            gate = reid.threshold(FALSE_MATCH_RATE)
            found.append({**job, "name": f"{name}, threshold", "gate": gate})
    return found


def make_desk(folder: Path, model: Path) -> Path:
    """A folder with what the examples in the pages read: weights with statistics, and a frame."""
    desk = folder / "desk"
    desk.mkdir()
    weights = desk / "robust_reid.onnx"
    export(model, weights, ExportConfig())
    card = load(weights).card
    if not card.distances:  # the examples ask for a threshold; any will do for them
        noise = np.random.default_rng(0).standard_normal((90, 64)).astype(np.float32)
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        statistics = measure_distances(noise, np.arange(90) // 3, np.arange(90) % 3, "noise")
        card = replace(card, distances=statistics.to_dict())
    sidecar_path(weights).write_text(card.to_json(), encoding="utf-8")
    frame = np.random.default_rng(0).integers(0, 256, (200, 250, 3)).astype(np.uint8)
    cv2.imwrite(str(desk / "frame.jpg"), frame)
    return desk


def ask(name: str, request: dict[str, Any], work: Path, deep_sort: Path | None) -> dict[str, Any]:
    """Run the worker in the peer's environment, in an empty folder."""
    module, environment = PEERS[name]
    python = make_environment(environment)
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    variables |= {"OMP_NUM_THREADS": "1", "YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true"}
    variables["YOLO_CONFIG_DIR"] = str(work)
    if name == DEEP_SORT:
        if deep_sort is None:
            raise SystemExit(f"{name}: --deep-sort: expected a checkout")
        variables |= {"DEEP_SORT": str(deep_sort.resolve()), "DEEP_SORT_PYTHON": str(python)}
        python = Path(sys.executable)
    out = work / environment
    out.mkdir()
    page = PAGES / f"{environment}.md"
    request = {**request, "module": module, "page": str(page), "out": str(out)}
    script = Path(__file__).resolve().parent / "peers" / "worker.py"
    done = subprocess.run(
        [str(python), str(script)],
        input=json.dumps(request) + "\n",
        capture_output=True,
        text=True,
        cwd=out,
        env=variables,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"version": None, "trackers": [], "error": f"{name}: {last}"}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def rows_of(name: str, answer: dict[str, Any], truth: MotTable) -> list[dict[str, Any]]:
    """One row of the result per tracker of the peer."""
    if not answer["trackers"]:
        return [{"name": name, "version": None, "ran": False, "error": answer["error"]}]
    rows = []
    for tracker in answer["trackers"]:
        scores = {run["name"]: score(Path(run["rows"]), truth) for run in tracker.get("runs", ())}
        row = {"name": name, "version": answer["version"], "tracker": tracker["tracker"]}
        row |= {"seam": tracker["seam"], "ran": tracker["ran"]}
        row |= {"error": tracker["error"]} if "error" in tracker else {}
        row |= {"idf1": {run: round(s["IDF1"], 2) for run, s in scores.items()}}
        row |= {"mota": {run: round(s["MOTA"], 2) for run, s in scores.items()}}
        row |= {"switches": {run: int(s["IDs"]) for run, s in scores.items()}}
        rows.append(row)
    return rows


def score(path: Path, truth: MotTable) -> dict[str, float]:
    rows = np.load(path)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    count = len(rows)
    ids = rows[:, 1].astype(np.int64)
    table = MotTable(
        frame=rows[:, 0].astype(np.int64),
        id=ids - ids.min(initial=0) + 1,  # some count from 0
        tlwh=np.hstack([rows[:, 2:4], np.maximum(rows[:, 4:6] - rows[:, 2:4], 0)]),
        confidence=np.ones(count),
        class_id=np.full(count, NO_CLASS),
        visibility=np.full(count, np.nan),
        line=np.arange(1, count + 1),
    )
    return dict(analyse(truth, table, PROTOCOLS["mot15"]).scores.metrics)


def print_rows(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        title = f"{row['name']} {row['version'] or ''} {row.get('tracker', '')}"
        if not row["ran"]:
            print(f"{title}: FAILED: {row['error']}")
            continue
        scores = ", ".join(f"{run} {idf1:.1f}" for run, idf1 in row["idf1"].items())
        print(f"{title}: IDF1 {scores}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
