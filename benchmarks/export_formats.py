"""What a network costs in each format it can be exported to: size, speed, and what int8 loses.

Formats of one network are timed in interleaved rounds in one process, one thread, one image at a
time; medians of CPU time are compared, which other programs on the machine hardly touch. int8 is
calibrated on half of the crops in ``--crops``, and compared with float32 on the other half. Our
networks have random weights: size and speed do not depend on them; for them no loss is stated.

    python -m benchmarks.export_formats --crops DIR [--reid FILE ...] [--rounds 60] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.provenance import ROOT, provenance
from mtmc.cli.reid_export_command import read_crops
from mtmc.reid import Embedder, load
from mtmc.reid.checkpoint import Checkpoint, save_checkpoint
from mtmc.reid.export_file import FORMATS, ExportConfig, Exported, export
from mtmc.reid.models import build
from mtmc.reid.shipped import find_weights
from mtmc.reid.spec import InputSpec

RESULT = ROOT / "benchmarks" / "results" / "export_formats.json"
RANDOM = "robust_reid_1x"
MODELS = ("osnet_x0_25_market1501.onnx", "osnet_x0_25_msmt17.onnx")
WARM_UP = 3
PACKAGES = ("torch", "onnx", "onnxruntime", "openvino")


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    crops = read_crops(arguments.crops)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        weights = [random_checkpoint(Path(folder)), *map(find_weights, arguments.reid)]
        for path in weights:
            found = measure(path, Path(folder) / path.stem, crops, arguments.rounds)
            print_table(found)
            rows += found
    source = provenance("reid", "benchmarks/export_formats.py")
    source["versions"] |= {package: version(package) for package in PACKAGES}
    report = {"threads": 1, "batch": 1, "rounds": arguments.rounds, "results": rows, **source}
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--crops", type=Path, required=True, help="folder of images of people")
    parser.add_argument("--reid", nargs="+", default=MODELS, help="ONNX files (default: OSNets)")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path, default=RESULT)
    return parser.parse_args()


def random_checkpoint(folder: Path) -> Path:
    torch.manual_seed(0)
    model = build(RANDOM).eval()
    spec, path = InputSpec(*model.config.input_size), folder / f"{RANDOM}.pt"
    save_checkpoint(
        Checkpoint(RANDOM, {}, spec, model.embedding_dim, model.state_dict(), "nothing"), path
    )
    return path


def measure(
    weights: Path, folder: Path, crops: list[np.ndarray], rounds: int
) -> list[dict[str, Any]]:
    """Size, speed and similarity of every format of one network."""
    exports = export_all(weights, folder, crops)
    candidates = {name: load(done.path, threads=1) for name, done in exports.items()}
    seconds = time_all(candidates, rounds)
    rows = []
    for name, done in exports.items():
        row: dict[str, Any] = {"model": weights.stem, "format": name}
        row |= {"size_mb": round(done.size_mb, 2)}
        row |= {"images_per_cpu_s": round(1 / seconds[name], 1)}
        if "int8" not in name or weights.suffix == ".onnx":
            row |= {"mean_cosine": round(done.mean_cosine, 6)}
            row |= {"min_cosine": round(done.min_cosine, 6), "crops": done.crops}
        rows.append(row)
    return rows


def export_all(weights: Path, folder: Path, crops: list[np.ndarray]) -> dict[str, Exported]:
    exports: dict[str, Exported] = {}
    plain = weights
    for kind, suffix in FORMATS.items():
        if kind == "torchscript" and weights.suffix == ".onnx":
            continue
        source = weights if kind == "torchscript" else plain
        exports[kind] = export(source, folder / f"float{suffix}", ExportConfig(kind), crops)
        if kind == "onnx":
            plain = exports[kind].path  # the others are quicker made from it
        if kind != "torchscript":
            config = ExportConfig(kind, int8=True)
            exports[f"{kind} int8"] = export(plain, folder / f"int8{suffix}", config, crops)
    return exports


def time_all(candidates: dict[str, Embedder], rounds: int) -> dict[str, float]:
    """Median seconds of CPU time per image, over interleaved rounds."""
    spec = next(iter(candidates.values())).spec
    shape = (1, 3, spec.height, spec.width)
    image = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(WARM_UP + rounds):
        for name, embedder in candidates.items():
            start = time.process_time()
            embedder.embed_batch(image)
            if number >= WARM_UP:
                times[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def print_table(rows: list[dict[str, Any]]) -> None:
    print(f"\n{rows[0]['model']:28} {'MB':>6} {'images/CPU s':>13}  cosine to its source")
    for row in rows:
        loss = f"{row['mean_cosine']:.6f}" if "mean_cosine" in row else ""
        print(f"  {row['format']:26} {row['size_mb']:6.1f} {row['images_per_cpu_s']:13.0f}  {loss}")


if __name__ == "__main__":
    main()
