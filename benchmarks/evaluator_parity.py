"""Compare our evaluator with TrackEval on results that neither has seen.

Writes random ground truth and perturbed results (missed boxes, swapped and one-off identities,
jitter, boxes on distractors, boxes exactly at IoU 0.5, copies, empty files, silent frames), scores
them with both, and reports the greatest difference of every metric. TrackEval lives in an
environment of its own:

    python -m venv peer && peer/bin/pip install trackeval
    python -m benchmarks.evaluator_parity --peer-python peer/bin/python --cases 200 --json out.json

With a data root (or MTMC_DATA), the real ground truth below it is perturbed, too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

BENCHMARKS = ("MOT15", "MOT16", "MOT17", "MOT20")
TOLERANCE = 1e-6  # percent; counts must be equal

# Metric family of TrackEval -> its fields, each with our name. MOTAL is left out: TrackEval takes
# log10(IDs), we take the devkit's log10(IDs + 1).
RATIOS = {
    "HOTA": {
        name: name for name in ("HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA")
    },
    "CLEAR": {"MOTA": "MOTA", "MOTP": "MOTP", "CLR_Re": "Rcll", "CLR_Pr": "Prcn"},
    "Identity": {name: name for name in ("IDF1", "IDP", "IDR")},
}
COUNTS = {
    "CLEAR": {
        "CLR_TP": "TP",
        "CLR_FN": "FN",
        "CLR_FP": "FP",
        "IDSW": "IDs",
        "Frag": "Frag",
        "MT": "MT",
        "PT": "PT",
        "ML": "ML",
    },
    "Identity": {name: name for name in ("IDTP", "IDFN", "IDFP")},
    "Count": {"Dets": "Dets", "GT_Dets": "GT_Dets", "IDs": "Trajectories", "GT_IDs": "GT"},
}


def synthetic_ground_truth(rng: np.random.Generator, benchmark: str) -> np.ndarray:
    """Walkers of all classes, some marked 0, as rows of gt.txt with whole pixels."""
    frames, people = int(rng.integers(1, 60)), int(rng.integers(1, 25))
    rows = []
    for identity in range(1, people + 1):
        start = int(rng.integers(1, frames + 1))
        stop = int(rng.integers(start, frames + 1))
        frame = np.arange(start, stop + 1)
        frame = frame[rng.random(len(frame)) > rng.choice([0.0, 0.0, 0.2])]
        size = rng.integers(20, 60, 2) * [1, 2]
        corner = rng.uniform(0, 300, 2) + np.outer(frame - start, rng.normal(0, 4, 2))
        kind = int(rng.choice([1, 1, 1, 1, 2, 6, 7, 8, 11, 12]))
        mark = rng.random(len(frame)) > rng.choice([0.0, 0.1, 1.0], p=[0.7, 0.2, 0.1])
        tail = [kind, 0.5] if benchmark != "MOT15" else [-1, -1, -1]
        for row, (at, box) in enumerate(zip(frame, corner.round(), strict=True)):
            rows.append([at, identity, *box, *size, int(mark[row]), *tail])
    return np.array(rows or [[1, 1, 0, 0, 20, 40, 1, *tail]], dtype=np.float64)


def perturb(rng: np.random.Generator, gt: np.ndarray) -> np.ndarray:
    """Results that a tracker might have written for this ground truth, in ten columns."""
    rows = gt[rng.random(len(gt)) > rng.choice([0.0, 0.1, 0.5, 0.9])][:, :6].copy()
    rows[:, 2:6] += rng.normal(0, rng.choice([0.0, 1.0, 6.0]), (len(rows), 4))
    rows[:, 4:6] = np.maximum(rows[:, 4:6], rng.choice([0.0, 1.0]))
    half = rng.random(len(rows)) < rng.choice([0.0, 0.2])
    rows[half, 5] /= 2  # exactly at IoU 0.5 where there is no jitter
    frames = int(gt[:, 0].max())
    for _ in range(int(rng.integers(0, 6))):  # two tracks exchange their identities
        if len(rows):
            one, two = rng.choice(rows[:, 1], 2)
            late = rows[:, 0] >= rng.integers(1, frames + 1)
            was_one, was_two = late & (rows[:, 1] == one), late & (rows[:, 1] == two)
            rows[was_one, 1], rows[was_two, 1] = two, one
    extra = gt[rng.random(len(gt)) < rng.choice([0.0, 0.1, 0.3])][:, :6].copy()  # double boxes
    extra[:, 2:4] += rng.normal(0, 8, (len(extra), 2))
    extra[:, 1] = 1000 + np.arange(len(extra))
    rows = np.vstack([rows, extra])
    one_off = rng.random(len(rows)) < rng.choice([0.0, 0.0, 0.3, 1.0])
    rows[one_off, 1] = 100_000 + np.flatnonzero(one_off)
    if rng.random() < 0.3:
        rows = rows[rows[:, 0] % 7 != 0]  # frames without any result
    rows = rows[rng.permutation(len(rows))] if rng.random() < 0.5 else rows
    _, first = np.unique(rows[:, :2], axis=0, return_index=True)
    rows = rows[np.sort(first)]
    if rng.random() < 0.05:
        rows = rows[:0]
    rest = np.tile([0.9, -1, -1, -1], (len(rows), 1))
    return np.hstack([rows, rest])


def write_cases(
    folder: Path, cases: int, seed: int, data_root: Path | None
) -> list[dict[str, Any]]:
    """Write gt and results of all cases below ``folder``, and list them."""
    rng = np.random.default_rng(seed)
    real = []
    if data_root is not None:
        real = [
            (benchmark, np.loadtxt(path, delimiter=","))
            for benchmark in BENCHMARKS
            for path in sorted((data_root / benchmark / "train").glob("*/gt/gt.txt"))
        ]
    listed = []
    for case in range(cases):
        benchmark = BENCHMARKS[case % len(BENCHMARKS)]
        gt = synthetic_ground_truth(rng, benchmark)
        if case < len(real):
            benchmark, gt = real[case]
        name = f"{benchmark}-case{case:03d}"
        target = folder / "gt" / name / "gt"
        target.mkdir(parents=True)
        (folder / "tracker" / "data").mkdir(parents=True, exist_ok=True)
        np.savetxt(target / "gt.txt", gt, fmt="%.10g", delimiter=",")
        results = folder / "tracker" / "data" / f"{name}.txt"
        np.savetxt(results, perturb(rng, gt), fmt="%.10g", delimiter=",")
        listed.append({"name": name, "benchmark": benchmark, "frames": int(gt[:, 0].max())})
    (folder / "cases.json").write_text(json.dumps(listed))
    return listed


def score_with_trackeval(folder: Path) -> dict[str, Any]:
    """Runs in the peer's environment."""
    import trackeval

    found: dict[str, Any] = {}
    quiet = {"PRINT_CONFIG": False}
    metrics = [trackeval.metrics.HOTA(), trackeval.metrics.Count()]
    metrics += [trackeval.metrics.CLEAR(quiet), trackeval.metrics.Identity(quiet)]
    cases = json.loads((folder / "cases.json").read_text())
    for benchmark in BENCHMARKS:
        chosen = {case["name"]: case["frames"] for case in cases if case["benchmark"] == benchmark}
        if not chosen:
            continue
        dataset = trackeval.datasets.MotChallenge2DBox(
            {
                "GT_FOLDER": str(folder / "gt"),
                "TRACKERS_FOLDER": str(folder),
                "TRACKERS_TO_EVAL": ["tracker"],
                "BENCHMARK": benchmark,
                "SEQ_INFO": chosen,
                "SKIP_SPLIT_FOL": True,
                "PRINT_CONFIG": False,
            }
        )
        per_metric: dict[str, dict[str, Any]] = {metric.get_name(): {} for metric in metrics}
        for name in chosen:
            raw = dataset.get_raw_seq_data("tracker", name)
            data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
            for metric in metrics:
                per_metric[metric.get_name()][name] = metric.eval_sequence(data)
        for metric in metrics:
            results = per_metric[metric.get_name()]
            results[f"overall {benchmark}"] = metric.combine_sequences(results)
        for table, factor in ((RATIOS, 100.0), (COUNTS, 1.0)):
            for family, fields in table.items():
                for case, result in per_metric[family].items():
                    for field, name in fields.items():
                        value = factor * float(np.mean(result[field]))
                        found.setdefault(case, {})[name] = value
    return found


def score_with_ours(folder: Path, cases: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    from mtmc.evaluation import Pair, evaluate

    found: dict[str, dict[str, float]] = {}
    for benchmark in BENCHMARKS:
        pairs = [
            Pair(
                case["name"],
                folder / "gt" / case["name"] / "gt" / "gt.txt",
                folder / "tracker" / "data" / f"{case['name']}.txt",
                case["frames"],
                benchmark,
            )
            for case in cases
            if case["benchmark"] == benchmark
        ]
        if pairs:
            scores = evaluate(pairs, "mot15" if benchmark == "MOT15" else "motchallenge")
            found |= {name: dict(part.metrics) for name, part in scores.sequences.items()}
            found[f"overall {benchmark}"] = dict(scores.overall.metrics)
    return found


def greatest_differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Per metric: the greatest difference and the case where it is found."""
    worst: dict[str, Any] = {}
    for name in next(iter(theirs.values())):
        differences = {case: abs(ours[case][name] - theirs[case][name]) for case in theirs}
        case = max(differences, key=lambda key: differences[key])
        worst[name] = {"difference": differences[case], "case": case}
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--peer-python", help="Python of an environment with trackeval")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-root", type=Path, default=os.environ.get("MTMC_DATA"))
    parser.add_argument("--json", type=Path, help="write the differences there")
    parser.add_argument("--peer-folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer_folder:
        print(json.dumps(score_with_trackeval(arguments.peer_folder)))
        return 0
    if not arguments.peer_python:
        parser.error("--peer-python is needed")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        root = Path(arguments.data_root) if arguments.data_root else None
        cases = write_cases(folder, arguments.cases, arguments.seed, root)
        start = time.perf_counter()
        ours = score_with_ours(folder, cases)
        ours_s = time.perf_counter() - start
        start = time.perf_counter()
        python = str(Path(arguments.peer_python).absolute())
        command = [python, str(Path(__file__).resolve()), "--peer-folder", temporary]
        answer = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, cwd=temporary
        )
        theirs_s = time.perf_counter() - start
        theirs = json.loads(answer.stdout.splitlines()[-1])
    worst = greatest_differences(ours, theirs)
    for name, row in worst.items():
        print(f"{name:14s} {row['difference']:.3g}  ({row['case']})")
    good = all(row["difference"] <= TOLERANCE for row in worst.values())
    print(
        f"{len(cases)} cases, seed {arguments.seed}: "
        f"ours {ours_s:.1f} s, TrackEval {theirs_s:.1f} s"
    )
    print("equal" if good else "DIFFERENT")
    if arguments.json:
        from benchmarks.provenance import provenance

        report = {"cases": len(cases), "seed": arguments.seed, "tolerance": TOLERANCE}
        report |= {"real_ground_truth": root is not None, "greatest_differences": worst}
        report |= {"ours_s": round(ours_s, 2), "peer_s": round(theirs_s, 2), "peer": "trackeval"}
        arguments.json.write_text(json.dumps(report | provenance(), indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
