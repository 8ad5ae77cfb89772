"""How long the entry query takes: one newcomer's crops against all that is stored.

::

    python -m benchmarks.entry_query [--json benchmarks/results/entry_query.json]

5,000 identities with 20 vectors of length 512 each, 12 crops of one newcomer, two threads; wall
time of the whole decision, median and 90th percentile, and processor time, which other programs
disturb less: with the shortlist of the default settings,
and with all identities compared crop by crop. The closest identity is compared with that of an
exact search that sorts all distances. Vectors are drawn so that distances of same and of different
people are as those of OSNet x0.25 on Market-1501: means 0.27 and 0.59, the latter with a deviation
of 0.08.
"""

from __future__ import annotations

import os

THREADS = 2
os.environ |= dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS)
)

import argparse  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from benchmarks.provenance import provenance  # noqa: E402
from mtmc.reid.gallery import Crops, Entrant, Gallery, GalleryConfig  # noqa: E402
from mtmc.reid.gallery_distance import depth_of  # noqa: E402

IDENTITIES, VECTORS, DIM, CROPS = 5000, 20, 512, 12
REPEATS = 50
QUERIES = 200
TARGET_MS = 50.0
COMMON, PERSON, CROP, SPREAD_DIM = 0.41, 0.32, 0.27, 54
"""Shares of a vector's energy that all people, one person's crops and nothing have in common, and
in how many dimensions people differ."""


class People:
    """Draws unit vectors of identities."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        basis = np.linalg.qr(self._rng.normal(size=(DIM, SPREAD_DIM + 1)))[0].T
        self._common, self._basis = basis[0], basis[1:]
        self._person = self._unit(IDENTITIES)

    def _unit(self, count: int) -> np.ndarray:
        drawn = self._rng.normal(size=(count, SPREAD_DIM))
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    def draw(self, identity: int, count: int) -> np.ndarray:
        """(count, D) float32."""
        varying = PERSON**0.5 * self._person[identity] + CROP**0.5 * self._unit(count)
        vectors = COMMON**0.5 * self._common + varying @ self._basis
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors.astype(np.float32)


def fill(vectors: np.ndarray, shortlist: int | None = None) -> Gallery:
    config = GalleryConfig(per_identity=VECTORS)
    if shortlist is not None:
        config = replace(config, shortlist=shortlist)
    gallery = Gallery(DIM, config)
    for number, own in enumerate(vectors):
        gallery.add(number + 1, Crops.of_tracklet(own, 0, 1, np.arange(float(VECTORS))))
    return gallery


def exact(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The same distances (I,), by sorting all."""
    distance = 1.0 - np.einsum("ivd,qd->iqv", vectors, query, optimize=True).astype(np.float64)
    depth = depth_of(VECTORS, GalleryConfig.nearest, GalleryConfig.nearest_share)
    return np.sort(distance, axis=2)[:, :, :depth].mean(axis=(1, 2))


def times_ms(call: Callable[[], Any]) -> dict[str, float]:
    call()
    taken, worked = [], []
    for _ in range(REPEATS):
        start, began = time.perf_counter(), time.process_time()
        call()
        taken.append(1e3 * (time.perf_counter() - start))
        worked.append(1e3 * (time.process_time() - began))
    return {
        "median_ms": round(float(np.median(taken)), 2),
        "p90_ms": round(float(np.quantile(taken, 0.9)), 2),
        "median_cpu_ms": round(float(np.median(worked)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the result there, too")
    arguments = parser.parse_args()
    people = People(0)
    vectors = np.stack([people.draw(identity, VECTORS) for identity in range(IDENTITIES)])
    gallery = fill(vectors)
    everybody = gallery.identities
    whole = fill(vectors, IDENTITIES)
    right, right_exact, worst = 0, 0, 0.0
    for identity in np.random.default_rng(1).integers(IDENTITIES, size=QUERIES).tolist():
        query = people.draw(identity, CROPS)
        reference = exact(vectors, query)
        first = gallery.decide([Entrant(query, everybody)])[0].candidates[0]
        right += int(first.identity - 1 == reference.argmin())
        right_exact += int(reference.argmin() == identity)
        worst = max(worst, abs(first.distance - reference[first.identity - 1]))
    entrant = Entrant(query, everybody[7:])
    report = {
        "identities": IDENTITIES,
        "vectors_per_identity": VECTORS,
        "embedding_dim": DIM,
        "query_crops": CROPS,
        "queries": QUERIES,
        "threads": THREADS,
        "repeats": REPEATS,
        "target_ms": TARGET_MS,
        "gallery_mib": round(gallery.nbytes / 2**20, 1),
        "shortlist": gallery.config.shortlist,
        "decision": times_ms(lambda: gallery.decide([entrant])),
        "decision_without_shortlist": times_ms(lambda: whole.decide([entrant])),
        "recall_at_1_against_exact": right / QUERIES,
        "rank_1_of_exact_search": right_exact / QUERIES,
        "largest_difference_to_exact": float(f"{worst:.1e}"),
    }
    print(json.dumps(report, indent=1))
    if arguments.json is not None:
        record = {**provenance("reid", "benchmarks"), **report}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
