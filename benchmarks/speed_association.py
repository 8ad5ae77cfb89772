"""Association alone: our SORT and ByteTrack beside Roboflow's `trackers`, in one run.

Both get the same boxes and are asked in turn; counted is the CPU time inside ``update()`` on one
thread, best of several repeats. Identities are scored in the same run, so that speed is not bought
with them. Workloads: the public detections of MOT16-02, 09 and 11, and synthetic crowds of 50, 200
and 1000 people at constant density. Every tracker runs with its library's own defaults.

    python -m benchmarks.speed_association [--peer-python PYTHON] [--repeats 5] [--json FILE]

Without ``--peer-python`` an environment is made in ``.venvs/roboflow-trackers``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.provenance import provenance
from mtmc.datasets import find_sequence, resolve_data_root
from mtmc.evaluation import PROTOCOLS, SequenceScores
from mtmc.evaluation.evaluate import analyse
from mtmc.mot_files import NO_CLASS, MotTable, frame_rows, read_detections, read_ground_truth
from mtmc.scores import score_mapping

PEER = "trackers==2.6.1"
TRACKERS = ("sort", "bytetrack")
MOT16_SEQUENCES = ("MOT16-02", "MOT16-09", "MOT16-11")
CROWDS = {50: 300, 200: 150, 1000: 60}  # people: frames
SEED = 7
SYNTHETIC_FPS = 30.0
PX2_PER_PERSON = 20_000.0
DROPOUT = 0.05
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
Frames = list[tuple[np.ndarray, np.ndarray]]


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        truths = write_workloads(work / "boxes.npz", resolve_data_root(arguments.data_root))
        peer_python = arguments.peer_python or make_peer_environment()
        with (
            worker(sys.executable, "mtmc", work) as ours,
            worker(peer_python, "roboflow", work) as peer,
        ):
            result = measure({"mtmc": ours, "roboflow": peer}, truths, work, arguments.repeats)
    report = {
        "peer": PEER,
        "repeats": arguments.repeats,
        **result,
        **provenance("trackers", "benchmarks/*.py"),
    }
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_table(result["runs"])


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-root", help="folder with MOT16/ (default: MTMC_DATA)")
    parser.add_argument("--peer-python", help="interpreter of an environment that holds the peer")
    parser.add_argument("--repeats", type=int, default=5)
    default = Path(__file__).parent / "results" / "speed_association.json"
    parser.add_argument("--json", type=Path, default=default)
    return parser.parse_args()


def make_peer_environment() -> str:
    """An environment of its own for the peer; it is kept for the next run."""
    folder = Path(__file__).resolve().parent.parent / ".venvs" / "roboflow-trackers"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
    return str(python)


def write_workloads(path: Path, data_root: Path) -> dict[str, list[MotTable]]:
    """Write all boxes to one file; answer the ground truth of each workload's sequences."""
    arrays: dict[str, Any] = {"mot16/sequences": list(MOT16_SEQUENCES)}
    truths: dict[str, list[MotTable]] = {"mot16": []}
    for name in MOT16_SEQUENCES:
        sequence = find_sequence(name, data_root)
        table = read_detections(sequence.detections_path)
        rows, scores = frame_rows(table), score_mapping("mot16")(table.confidence)
        none = slice(0, 0)
        frames = [
            (table.xyxy[part], scores[part])
            for part in (rows.get(index + 1, none) for index in range(sequence.frame_count))
        ]
        add_sequence(arrays, name, sequence.frame_rate, frames)
        truths["mot16"].append(read_ground_truth(sequence.ground_truth_path))
    for people, length in CROWDS.items():
        frames, truth = simulate_crowd(people, length)
        arrays[f"{people}/sequences"] = [f"crowd-{people}"]
        add_sequence(arrays, f"crowd-{people}", SYNTHETIC_FPS, frames)
        truths[str(people)] = [truth]
    np.savez(path, **arrays)
    return truths


def add_sequence(arrays: dict[str, Any], name: str, fps: float, frames: Frames) -> None:
    arrays[f"{name}/fps"] = fps
    arrays[f"{name}/counts"] = [len(scores) for _, scores in frames]
    arrays[f"{name}/xyxy"] = np.concatenate([xyxy for xyxy, _ in frames])
    arrays[f"{name}/scores"] = np.concatenate([scores for _, scores in frames])


def simulate_crowd(people: int, length: int) -> tuple[Frames, MotTable]:
    """People who walk straight at constant speed and turn back at the borders of a square.

    Detections are the true boxes with noise on centre and size, without those that dropped out.
    """
    rng = np.random.default_rng([SEED, people])
    side = np.sqrt(people * PX2_PER_PERSON)
    start, speed = rng.uniform(0, side, (people, 2)), rng.normal(0, 2.0, (people, 2))
    size = np.stack([rng.uniform(30, 60, people), rng.uniform(80, 160, people)], axis=1)
    frames, truth = [], []
    for index in range(length):
        unfolded = np.mod(start + index * speed, 2 * side)
        centre = np.minimum(unfolded, 2 * side - unfolded)
        truth.append(np.hstack([centre - size / 2, size]))
        seen = rng.random(people) >= DROPOUT
        noisy_centre = centre + rng.normal(0, 1.0, (people, 2))
        half = (size + rng.normal(0, 1.0, (people, 2))) / 2
        xyxy = np.hstack([noisy_centre - half, noisy_centre + half])
        frames.append((xyxy[seen], rng.uniform(0.75, 1.0, people)[seen]))
    counts = np.full(length, people)
    ids = np.tile(np.arange(1, people + 1), length)
    return frames, make_table(counts, ids, np.concatenate(truth))


def make_table(counts: np.ndarray, ids: np.ndarray, tlwh: np.ndarray) -> MotTable:
    rows = len(ids)
    return MotTable(
        frame=np.repeat(np.arange(1, len(counts) + 1), counts),
        id=ids.astype(np.int64),
        tlwh=tlwh.astype(np.float64),
        confidence=np.ones(rows),
        class_id=np.full(rows, NO_CLASS),
        visibility=np.full(rows, np.nan),
        line=np.arange(1, rows + 1),
    )


@contextmanager
def worker(python: str, library: str, work: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker that runs in an empty folder, where no package of ours shadows the peer's."""
    script = Path(__file__).with_name("speed_association_worker.py").resolve()
    folder = work / library
    folder.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    process = subprocess.Popen(
        [python, str(script), library, str(work / "boxes.npz")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment | ONE_THREAD,
    )
    try:
        yield process
    finally:
        process.communicate()


def ask(process: subprocess.Popen[str], **request: str) -> dict[str, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"the worker ended at {request}")
    return json.loads(answer)


def measure(
    workers: dict[str, subprocess.Popen[str]],
    truths: dict[str, list[MotTable]],
    work: Path,
    repeats: int,
) -> dict[str, Any]:
    runs = []
    for workload, truth in truths.items():
        for tracker in TRACKERS:
            best: dict[str, float] = {}
            idf1: dict[str, float] = {}
            for repeat in range(repeats):
                for library, process in workers.items():
                    request = {"tracker": tracker, "workload": workload}
                    if repeat == 0:
                        request["save"] = str(work / f"{library}.npz")
                    answer = ask(process, **request)
                    fps = answer["frames"] / answer["cpu_s"]
                    best[library] = max(best.get(library, 0.0), fps)
                    if repeat == 0:
                        idf1[library] = score(Path(request["save"]), truth, workload)
            runs.append(
                {"workload": workload, "tracker": tracker, "fps": best, "IDF1": idf1}
                | {"ratio": best["mtmc"] / best["roboflow"]}
            )
    return {"ratio_to_fastest_peer": ratios_to_fastest(runs), "runs": runs}


def score(path: Path, truths: list[MotTable], workload: str) -> float:
    protocol = PROTOCOLS["motchallenge" if workload == "mot16" else "mot15"]
    parts = []
    with np.load(path) as file:
        for index, truth in enumerate(truths):
            xyxy = file[f"{index}/xyxy"].astype(np.float64)
            tlwh = np.hstack([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]])
            # Roboflow's identities begin at 0.
            table = make_table(file[f"{index}/counts"], file[f"{index}/ids"] + 1, tlwh)
            parts.append(analyse(truth, table, protocol).scores)
    return float(SequenceScores.pool(parts).metrics["IDF1"])


def ratios_to_fastest(runs: list[dict[str, Any]]) -> dict[str, float]:
    """For each workload, our slower tracker against the peer's faster one."""
    ratios = {}
    for workload in dict.fromkeys(run["workload"] for run in runs):
        fps = [run["fps"] for run in runs if run["workload"] == workload]
        fastest_peer = max(rates["roboflow"] for rates in fps)
        ratios[workload] = min(rates["mtmc"] for rates in fps) / fastest_peer
    return ratios


def print_table(runs: list[dict[str, Any]]) -> None:
    print(f"{'workload':>9} {'tracker':>10} {'fps':>9} {'peer fps':>9} {'ratio':>6}  IDF1 (peer)")
    for run in runs:
        fps, idf1 = run["fps"], run["IDF1"]
        print(
            f"{run['workload']:>9} {run['tracker']:>10} {fps['mtmc']:9.0f} {fps['roboflow']:9.0f} "
            f"{run['ratio']:6.2f}  {idf1['mtmc']:.1f} ({idf1['roboflow']:.1f})"
        )


if __name__ == "__main__":
    main()
