"""Association alone: our trackers beside those of four other libraries, in one run.

All get the same boxes and are asked in turn; counted is the CPU time inside ``update()`` on one
thread. Identities are scored in the same run, so that speed is not bought with them. Workloads: the
public detections of MOT16-02, 09 and 11, and synthetic crowds of 50, 200 and 1000 people at
constant density. Every tracker runs with its library's own defaults, without appearance.

In a first round everything runs once; after it only our trackers and the two fastest of the others
are repeated, in turn. Speeds are medians of the repetitions, ratios are medians of the ratios
within one repetition: the machine may be busy, but then it is busy for all.

    python -m benchmarks.speed_association [--repeats 7] [--json FILE]

Each library has an environment of its own below ``.venvs``, made from ``benchmarks/peers`` where it
is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.provenance import ROOT, provenance
from mtmc.datasets import find_sequence, resolve_data_root
from mtmc.evaluation import PROTOCOLS, SequenceScores
from mtmc.evaluation.evaluate import analyse
from mtmc.mot_files import NO_CLASS, MotTable, frame_rows, read_detections, read_ground_truth
from mtmc.scores import score_mapping
from mtmc.trackers import TRACKERS
from mtmc.trackers.boxes import tlwh_from_xyxy

PEERS: dict[str, tuple[str, ...]] = {
    "roboflow": ("sort", "bytetrack", "ocsort", "cbiou"),
    "boxmot": ("bytetrack", "ocsort", "sfsort"),
    "ultralytics": ("bytetrack", "ocsort", "fasttrack"),
    "norfair": ("iou",),
}
ENVIRONMENTS = {"roboflow": "roboflow-trackers"}  # others are named after the library
COMPARED = ("sort", "bytetrack")
"""Our trackers that the ratio speaks of; the slower one counts."""
REPEATED_PEERS = 2
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
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        work = Path(folder)
        truths = write_workloads(work / "boxes.npz", resolve_data_root(arguments.data_root))
        pythons = {"mtmc": sys.executable} | {name: environment(name) for name in PEERS}
        workers = {
            name: stack.enter_context(worker(python, name, work))
            for name, python in pythons.items()
        }
        runs = [
            run
            for workload, truth in truths.items()
            for run in measure(workers, workload, truth, work, arguments.repeats)
        ]
    report = {
        "ratio_to_fastest_peer": ratios_to_fastest(runs),
        "compared": COMPARED,
        "peers": {name: requirements(name) for name in PEERS},
        "repeats": arguments.repeats,
        "runs": runs,
        **provenance("trackers", "benchmarks/speed_association*.py"),
    }
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_table(runs, report["ratio_to_fastest_peer"])


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-root", help="folder with MOT16/ (default: MTMC_DATA)")
    parser.add_argument("--repeats", type=int, default=7)
    default = Path(__file__).parent / "results" / "speed_association.json"
    parser.add_argument("--json", type=Path, default=default)
    return parser.parse_args()


def requirements(peer: str) -> list[str]:
    """What is installed in the peer's environment."""
    path = Path(__file__).parent / "peers" / f"{ENVIRONMENTS.get(peer, peer)}.txt"
    return path.read_text(encoding="utf-8").split()


def environment(peer: str) -> str:
    """Interpreter of an environment of its own for the peer; it is kept for the next run."""
    folder = ROOT / ".venvs" / ENVIRONMENTS.get(peer, peer)
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", *requirements(peer)]
        subprocess.run([*install, "-c", ROOT / "constraints.txt"], check=True)
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
    with (folder / "log").open("w") as log:  # some libraries announce every tracker
        process = subprocess.Popen(
            [python, str(script), library, str(work / "boxes.npz")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
            env=environment | ONE_THREAD,
        )
        try:
            yield process
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{(folder / 'log').read_text()}") from error
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
    workload: str,
    truth: list[MotTable],
    work: Path,
    repeats: int,
) -> list[dict[str, Any]]:
    """All trackers on one workload: speeds by repetition, and identities of the first round."""
    everyone = [("mtmc", tracker) for tracker in TRACKERS]
    everyone += [(peer, tracker) for peer, trackers in PEERS.items() for tracker in trackers]
    fps, idf1 = {}, {}
    for library, tracker in everyone:
        save = str(work / "answers.npz")
        answer = ask(workers[library], tracker=tracker, workload=workload, save=save)
        fps[library, tracker] = answer["frames"] / answer["cpu_s"]
        idf1[library, tracker] = score(Path(save), truth, workload)
    peers = sorted((one for one in everyone if one[0] != "mtmc"), key=lambda one: -fps[one])
    repeated = [one for one in everyone if one[0] == "mtmc"] + peers[:REPEATED_PEERS]
    rounds: dict[tuple[str, str], list[float]] = {one: [] for one in repeated}
    for _ in range(repeats):
        for library, tracker in repeated:
            answer = ask(workers[library], tracker=tracker, workload=workload)
            rounds[library, tracker].append(answer["frames"] / answer["cpu_s"])
    return [
        {"workload": workload, "library": library, "tracker": tracker}
        | {"fps": float(np.median(rounds.get((library, tracker), [fps[library, tracker]])))}
        | {"IDF1": idf1[library, tracker], "rounds": rounds.get((library, tracker), [])}
        for library, tracker in everyone
    ]


def score(path: Path, truths: list[MotTable], workload: str) -> float:
    protocol = PROTOCOLS["motchallenge" if workload == "mot16" else "mot15"]
    parts = []
    with np.load(path) as file:
        for index, truth in enumerate(truths):
            xyxy = file[f"{index}/xyxy"].astype(np.float64)
            tlwh = tlwh_from_xyxy(xyxy)
            # The identities of some begin at 0.
            table = make_table(file[f"{index}/counts"], file[f"{index}/ids"] + 1, tlwh)
            parts.append(analyse(truth, table, protocol).scores)
    return float(SequenceScores.pool(parts).metrics["IDF1"])


def ratios_to_fastest(runs: list[dict[str, Any]]) -> dict[str, float]:
    """For each workload the slower one of `COMPARED` against the fastest peer."""
    ratios = {}
    for workload in dict.fromkeys(run["workload"] for run in runs):
        here = [run for run in runs if run["workload"] == workload]
        fastest = fastest_peer(here)
        ratios[workload] = min(
            float(np.median(np.divide(run["rounds"], fastest["rounds"])))
            for run in here
            if run["library"] == "mtmc" and run["tracker"] in COMPARED
        )
    return ratios


def fastest_peer(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return max((run for run in runs if run["library"] != "mtmc"), key=lambda run: run["fps"])


def print_table(runs: list[dict[str, Any]], ratios: dict[str, float]) -> None:
    for workload, ratio in ratios.items():
        print(f"\n{workload}: {ratio:.2f} times the fastest peer")
        here = [run for run in runs if run["workload"] == workload]
        for run in sorted(here, key=lambda run: -run["fps"]):
            name = f"{run['library']} {run['tracker']}"
            print(f"{name:>24} {1e3 / run['fps']:9.3f} ms a frame   IDF1 {run['IDF1']:.1f}")


if __name__ == "__main__":
    main()
