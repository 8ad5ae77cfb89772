"""Embedding speed of all networks here, in one run: eager, torch.compile, ONNX Runtime, OpenVINO.

Every network is folded first (batch norms, and shuffles where there are any), so each shows its
best. Runs are interleaved: every round asks every candidate in turn, and medians over the rounds
are compared, so that a busy machine disturbs all of them alike. Two clocks are read: CPU time, that
other programs on the machine hardly touch, and wall-clock time. Ratios use CPU time with one thread
and wall-clock time with more. Weights are random: speed does not depend on them. In the result
file a run replaces an earlier one of the same threads and batch; compiling takes minutes, and
``--runtimes`` leaves it out.

    python -m benchmarks.speed_embedding [--rounds 30] [--batches 1 8] [--threads 1 2]
        [--models NAME ...] [--runtimes eager compile onnxruntime openvino] [--json FILE]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.provenance import ROOT, provenance
from mtmc.reid.complexity import complexity
from mtmc.reid.export import export_onnx
from mtmc.reid.fold import fold_for_inference
from mtmc.reid.models import MODELS, build

RESULT = ROOT / "benchmarks" / "results" / "speed_embedding.json"
RUNTIMES = ("eager", "compile", "onnxruntime", "openvino")
OURS = "robust_reid_1x"
RIVALS = ("osnet_x1_0", "resnet50_bot")
WARM_UP = 3
PACKAGES = ("torch", "onnx", "onnxruntime", "openvino")
Embed = Callable[[], np.ndarray]


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        files = export_all(arguments.models, Path(folder))
        for threads in arguments.threads:
            for batch in arguments.batches:
                run = measure(arguments, files, threads, batch)
                print_table(run)
                store(arguments.json, run, arguments.rounds)


def store(path: Path, run: dict[str, Any], rounds: int) -> None:
    """Put a run, with its origin, in the place of an earlier one of the same threads and batch."""
    source = provenance()
    source["versions"] |= {package: version(package) for package in PACKAGES}
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.is_file() else []
    key = (run["threads"], run["batch"])
    runs = [other for other in runs if (other["threads"], other["batch"]) != key]
    runs.append({**run, "rounds": rounds, **source})
    runs.sort(key=lambda other: (other["threads"], other["batch"]))
    sizes = {name: complexity(build(name))._asdict() for name in MODELS}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"sizes": sizes, "runs": runs}, indent=1) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--runtimes", nargs="+", default=list(RUNTIMES), choices=RUNTIMES)
    parser.add_argument("--json", type=Path, default=RESULT)
    return parser.parse_args()


def export_all(names: list[str], folder: Path) -> dict[str, Path]:
    files = {name: folder / f"{name}.onnx" for name in names}
    for name, path in files.items():
        export_onnx(build(name), path)
    return files


def measure(
    arguments: argparse.Namespace, files: dict[str, Path], threads: int, batch: int
) -> dict[str, Any]:
    """Medians of one number of threads and one batch size."""
    torch.set_num_threads(threads)
    candidates: dict[tuple[str, str], Embed] = {}
    for name, path in files.items():
        size = MODELS[name].config.input_size
        images = np.random.default_rng(0).standard_normal((batch, 3, *size), np.float32)
        for runtime in arguments.runtimes:
            candidates[name, runtime] = PREPARE[runtime](name, path, images, threads)
    cpu_s, wall_s = time_all(candidates, arguments.rounds)
    results = [
        {
            "model": name,
            "runtime": runtime,
            "images_per_cpu_s": round(batch / cpu_s[name, runtime], 2),
            "images_per_s": round(batch / wall_s[name, runtime], 2),
        }
        for name, runtime in candidates
    ]
    clock = "images_per_cpu_s" if threads == 1 else "images_per_s"
    run = {"threads": threads, "batch": batch, "clock": clock, "results": results}
    return run | {"ratios": ratios(results, clock)}


def time_all(
    candidates: dict[tuple[str, str], Embed], rounds: int
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Median seconds of CPU and of wall-clock time per call, over interleaved rounds."""
    for embed in candidates.values():
        for _ in range(WARM_UP):
            embed()
    cpu: dict[tuple[str, str], list[float]] = {key: [] for key in candidates}
    wall: dict[tuple[str, str], list[float]] = {key: [] for key in candidates}
    gc.disable()
    for _ in range(rounds):
        for key, embed in candidates.items():
            embed()  # brings its weights back into the cache
            cpu_start, wall_start = time.process_time(), time.perf_counter()
            embed()
            wall[key].append(time.perf_counter() - wall_start)
            cpu[key].append(time.process_time() - cpu_start)
    gc.enable()
    median = statistics.median
    return {k: median(v) for k, v in cpu.items()}, {k: median(v) for k, v in wall.items()}


def ratios(results: list[dict[str, Any]], clock: str) -> dict[str, float]:
    """Best runtime of our network over the best runtime of each rival."""
    best: dict[str, float] = {}
    for row in results:
        best[row["model"]] = max(best.get(row["model"], 0.0), row[clock])
    return {
        f"{OURS} / {rival}": round(best[OURS] / best[rival], 3)
        for rival in RIVALS
        if {OURS, rival} <= set(best)
    }


def prepare_eager(name: str, _path: Path, images: np.ndarray, _threads: int) -> Embed:
    model, tensor = fold_for_inference(build(name)), torch.from_numpy(images)

    def embed() -> np.ndarray:
        with torch.inference_mode():
            embeddings: np.ndarray = model(tensor).numpy()
        return embeddings

    return embed


def prepare_compile(name: str, _path: Path, images: np.ndarray, _threads: int) -> Embed:
    model = torch.compile(fold_for_inference(build(name)), dynamic=False)
    tensor = torch.from_numpy(images)

    def embed() -> np.ndarray:
        with torch.no_grad():
            embeddings: np.ndarray = model(tensor).numpy()
        return embeddings

    return embed


def prepare_onnxruntime(_name: str, path: Path, images: np.ndarray, threads: int) -> Embed:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"images": images})[0]


def prepare_openvino(_name: str, path: Path, images: np.ndarray, threads: int) -> Embed:
    import openvino as ov

    core = ov.Core()
    model = core.read_model(path)
    model.reshape(list(images.shape))
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda: request.infer([images])[0]


PREPARE: dict[str, Callable[[str, Path, np.ndarray, int], Embed]] = {
    "eager": prepare_eager,
    "compile": prepare_compile,
    "onnxruntime": prepare_onnxruntime,
    "openvino": prepare_openvino,
}


def print_table(run: dict[str, Any]) -> None:
    clock = run["clock"]
    runtimes = list(dict.fromkeys(row["runtime"] for row in run["results"]))
    cells = {(row["model"], row["runtime"]): row[clock] for row in run["results"]}
    unit = "per second of CPU time" if clock == "images_per_cpu_s" else "per second"
    print(f"\nthreads {run['threads']}, batch {run['batch']}, images {unit}")
    print(f"{'':16}" + "".join(f"{runtime:>13}" for runtime in runtimes))
    for name in dict.fromkeys(row["model"] for row in run["results"]):
        print(f"{name:16}" + "".join(f"{cells[name, runtime]:13.1f}" for runtime in runtimes))
    for pair, ratio in run["ratios"].items():
        print(f"{pair}: {ratio:.2f}")


if __name__ == "__main__":
    # Idle worker threads that spin would be counted as CPU time of whoever runs next.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main()
