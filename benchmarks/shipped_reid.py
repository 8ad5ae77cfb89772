"""What the shipped appearance networks are worth, beside others and beside random weights.

    mtmc simulate people --people 1200 --test-people 160 --seed 1 --out PEOPLE
    python -m benchmarks.shipped_reid --people PEOPLE --market DIR --cuhk DIR

Rank-1/5/10 and mAP on rendered people whom no network was trained on, on all of Market-1501 and
all of CUHK01; how well same and different people are told apart across the cameras of rendered
LAB-like worlds (area under the ROC curve, mean over worlds); and the time of one crop on one
thread, in CPU seconds. Other networks are named in ``--models`` and looked up like any weights.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.provenance import provenance
from benchmarks.reid_cpu_short import random_network
from benchmarks.rendered_worlds import world_crops
from mtmc.reid import Embedder, load
from mtmc.reid.checkpoint import load_checkpoint, save_checkpoint
from mtmc.reid.crops import Image
from mtmc.reid.data import PersonDataset, read_dataset
from mtmc.reid.distances import DistanceStatistics, measure_distances
from mtmc.reid.embedder import HISTOGRAM
from mtmc.reid.evaluation import evaluate
from mtmc.reid.image_sets import embed_samples
from mtmc.reid.shipped import find_weights

RESULT = Path(__file__).parent / "results" / "shipped_reid.json"
OURS = "rendered_people.pt"
RANDOM = f"random weights of {OURS}"
OTHERS = (
    "osnet_x0_25_msmt17.onnx",
    "osnet_x0_25_market1501.onnx",
    "person-reidentification-retail-0287.onnx",
)
WORLD_SEEDS = (11, 12, 13)
SPEED_CROPS, SPEED_ROUNDS = 32, 7


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    tests = datasets(arguments)
    worlds = [world_crops("lab", seed, arguments.seconds) for seed in arguments.seeds]
    for name, model in models(arguments.models):
        row: dict[str, Any] = {test: scores(model, dataset) for test, dataset in tests.items()}
        if worlds:
            row["rendered worlds"] = {
                "auc": world_auc(model, worlds),
                "seeds": arguments.seeds,
                "seconds": arguments.seconds,
            }
        row["cpu_ms_per_crop"] = round(speed_ms(model), 2)
        store(name, row)
        print(name, json.dumps(row), flush=True)


def store(name: str, row: dict[str, Any]) -> None:
    """Put what was measured in the place of earlier figures of the same network and test."""
    before = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {"rows": {}}
    source = provenance("reid", "mtmc")
    rows = {**before["rows"], name: {**before["rows"].get(name, {}), **row, "source": source}}
    RESULT.write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=Path, help="folder of `mtmc simulate people`")
    parser.add_argument("--market", type=Path, help="folder of Market-1501")
    parser.add_argument("--cuhk", type=Path, help="folder of CUHK01")
    parser.add_argument("--models", nargs="+", default=[OURS, RANDOM, HISTOGRAM, *OTHERS])
    parser.add_argument("--seeds", type=int, nargs="*", default=list(WORLD_SEEDS))
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a rendered world")
    return parser.parse_args()


def datasets(arguments: argparse.Namespace) -> dict[str, PersonDataset]:
    """The test sets whose folders were given."""
    wanted = (
        ("rendered_people", arguments.people),
        ("market1501", arguments.market),
        ("cuhk01_all", arguments.cuhk),
    )
    return {name: read_dataset(name, root) for name, root in wanted if root is not None}


def models(names: Sequence[str]) -> list[tuple[str, Embedder]]:
    """Appearance models by name, among them our network with random weights."""
    opened = []
    for name in names:
        if name == RANDOM:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "random.pt"
                save_checkpoint(random_network(load_checkpoint(find_weights(OURS)), seed=1), path)
                opened.append((name, load(path, threads=1)))
        else:
            opened.append((name, load(name, threads=1)))
    return opened


def scores(model: Embedder, dataset: PersonDataset) -> dict[str, float | int]:
    query, gallery = (embed_samples(p, model.embed_crops) for p in (dataset.query, dataset.gallery))
    return evaluate(query, gallery).to_dict()


def world_auc(
    model: Embedder, worlds: Sequence[tuple[list[Image], np.ndarray, np.ndarray]]
) -> float:
    """Mean area under the ROC curve of pairs from two cameras of one world."""
    found = [
        measure_distances(model.embed_crops(crops), identities, cameras, "a rendered world")
        for crops, identities, cameras in worlds
    ]
    return float(np.mean([area(statistics) for statistics in found]))


def area(statistics: DistanceStatistics) -> float:
    """Chance that a pair of one person is closer than a pair of two; ties count half."""
    same = statistics.same / statistics.same.sum()
    different = statistics.different / statistics.different.sum()
    closer = np.cumsum(same) - same
    return float(different @ (closer + 0.5 * same))


def speed_ms(model: Embedder) -> float:
    """CPU milliseconds per crop of 128x64, resizing included: the least of a few rounds."""
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (128, 64, 3)).astype(np.uint8) for _ in range(SPEED_CROPS)]
    return (
        1e3
        * min(_seconds(lambda: model.embed_crops(crops)) for _ in range(SPEED_ROUNDS))
        / len(crops)
    )


def _seconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


if __name__ == "__main__":
    main()
