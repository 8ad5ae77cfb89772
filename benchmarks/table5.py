"""Table 5: what appearance is worth for people who leave a room and come back.

    python -m benchmarks.table5 --market DIR --data-root DIR --models osnet.onnx rendered.pt

The LAB sequence cannot be had, so the worlds are stand-ins. In ``lab-real``, ``lab-hard-real`` and
``lab-lowres-real`` (lab-hard with crops of 24 to 48 pixels in height) simulated people, as cameras
and a faulty detector see them, wear real crops of Market-1501's test identities; in ``shelf-real``
the real people of Shelf do. ``lab-rendered`` is drawn, 20 seconds of it, and seen through the
detector that ships with the package. The ground tracker runs once per world and seed, without
appearance, as in the paper: so its MOTA is the same in every row, and only the entry query looks.
``oracle`` tells people apart without error; on ``perfect tracklets`` the tracker does not err
either. Terrace, where nobody comes back, tells whether appearance does harm.

Every row is kept in ``runs/table5`` until the code that it depends on changes, so that a run that
was interrupted goes on, and another model costs its own rows only. Writes
``benchmarks/results/table5.json``: means and standard deviations over seeds, the value of every
seed, and differences between rows seed by seed.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from mtmc.evaluation.ground import evaluate_site
from mtmc.progress import progress_bars
from mtmc.reid.data import PersonDataset, read_dataset
from mtmc.reid.distances import DistanceStatistics
from mtmc.reid.embedder import HISTOGRAM, Embedder, load
from mtmc.run_config import RunConfig, RunOptions
from mtmc.site_run import run_site
from mtmc.sites import find_site
from mtmc.types import GlobalTrack, Relabel
from mtmc.worlds.lab import MOST_AT_ONCE, LabConfig

from .provenance import ROOT, digest, provenance
from .table5_looks import Vectors, network, oracle
from .table5_scores import identified
from .table5_worlds import (
    Played,
    in_low_resolution,
    perfect,
    play_lab,
    play_rendered,
    play_shelf,
    tracked,
)

RESULT = ROOT / "benchmarks" / "results" / "table5.json"
CACHE = ROOT / "runs" / "table5"
LABS = {"lab-real": "lab", "lab-hard-real": "lab-hard"}
LOW_RESOLUTION = {"lab-lowres-real": "lab-hard-real"}
WORLDS = ("lab-hard-real", "lab-lowres-real", "lab-real", "lab-rendered", "shelf-real")
RENDERED = "lab-brief"
ON_PERFECT = ", perfect tracklets"
NAMES = {
    HISTOGRAM: "histogram",
    "ha_cnn": "HA-CNN",
    "robust_reid_1x": "Robust-ReID 1x",
    "robust_reid_2x": "Robust-ReID 2x",
    "robust_reid_1x_short": "Robust-ReID 1x, short training",
    "osnet_x0_25_market1501": "OSNet x0.25, Market-1501",
    "osnet_x0_25_msmt17": "OSNet x0.25, MSMT17",
    "person-reidentification-retail-0287": "retail-0287",
    "rendered_people": "rendered people",
}
"""Rows by the file that a network comes from."""
WITHOUT_WEIGHTS = ("HA-CNN", "Robust-ReID 1x", "Robust-ReID 2x")
"""Rows of the paper that have no weights yet."""
DIFFERENCES = (
    ("Robust-ReID 2x", "Robust-ReID 1x"),
    ("Robust-ReID 1x", "HA-CNN"),
    ("HA-CNN", "no ReID"),
    ("OSNet x0.25, Market-1501", "OSNet x0.25, MSMT17"),
    ("OSNet x0.25, Market-1501", "no ReID"),
    ("OSNet x0.25, MSMT17", "no ReID"),
    ("retail-0287", "no ReID"),
    ("Robust-ReID 1x, short training", "no ReID"),
    ("rendered people", "no ReID"),
    ("histogram", "no ReID"),
)
"""Better, and than what: compared seed by seed."""
PAPER = {
    "data": "LAB, which is another data set",
    "MOTA": 96.1,
    "IDF1": {
        "Robust-ReID, DukeMTMC": 89.1,
        "Robust-ReID, Market-1501": 79.6,
        "HA-CNN, DukeMTMC": 78.9,
        "HA-CNN, Market-1501": 65.7,
        "no ReID": 57.1,
    },
}
CODE = ("mtmc/worlds/lab*.py", "mtmc/multiview/*.py", "benchmarks/table5_worlds.py")
ROW_CODE = (*CODE, "mtmc/entry/*.py", "reid/gallery*.py", "benchmarks/table5_*.py")

Tracks = list[list[GlobalTrack | Relabel]]
Scores = dict[str, float]


class Kept:
    """Rows that were computed, in files, for as long as the code is the same."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._code, self._row_code = digest(*CODE), digest(*ROW_CODE)
        folder.mkdir(parents=True, exist_ok=True)

    def row(self, world: str, seed: int, name: str, make: Callable[[], Scores]) -> Scores:
        """The scores of a row, made where there are none."""
        path = self._folder / f"{world}-{seed}.json"
        held = json.loads(path.read_text()) if path.is_file() else {}
        if held.get("code") != self._row_code:
            held = {"code": self._row_code, "rows": {}}
        if name not in held["rows"]:
            held["rows"][name] = make()
            path.write_text(json.dumps(held, indent=1) + "\n")
        scores: Scores = held["rows"][name]
        return scores

    def world(
        self, world: str, seed: int, make: Callable[[], tuple[Played, Tracks]]
    ) -> tuple[Played, Tracks]:
        """A world and its tracks, made where there are none."""
        path = self._folder / f"{world}-{seed}-{self._code}.pickle"
        if not path.is_file():
            for old in self._folder.glob(f"{world}-{seed}-*.pickle"):
                old.unlink()
            path.write_bytes(pickle.dumps(make()))
        held: tuple[Played, Tracks] = pickle.loads(path.read_bytes())
        return held


@dataclass(frozen=True, eq=False)
class Bench:
    """What all rows are made from."""

    dataset: PersonDataset
    data_root: Path
    models: dict[str, Embedder]
    kept: Kept
    on_perfect: frozenset[str]

    def play(self, world: str, seed: int) -> tuple[Played, Tracks]:
        """A world and what the ground tracker says of it."""
        if world in LABS:
            played = play_lab(LabConfig(LABS[world], seed), self.dataset)
        elif world == "lab-rendered":
            played = play_rendered(LabConfig(RENDERED, seed), CACHE / f"drawn-{seed}")
        else:
            site = find_site("Shelf", self.data_root)
            if site is None:
                raise ValueError(f"{self.data_root}: Shelf is not there")
            played = play_shelf(site, self.dataset, seed)
        return played, tracked(played)

    def measure(self, world: str, seed: int) -> Iterator[tuple[str, Scores]]:
        """All rows of one world and seed."""
        held: list[tuple[Played, Tracks]] = []

        def at_hand() -> tuple[Played, Tracks]:
            if not held:
                base = LOW_RESOLUTION.get(world, world)
                played, tracks = self.kept.world(base, seed, lambda: self.play(base, seed))
                if base != world:
                    played = in_low_resolution(played)
                held.append((played, tracks))
            return held[0]

        def row(name: str, make: Callable[[Played, Tracks], Scores]) -> tuple[str, Scores]:
            return name, self.kept.row(world, seed, name, lambda: make(*at_hand()))

        yield row("no ReID", lambda played, tracks: identified(played, tracks, None))
        yield row("oracle", lambda played, tracks: identified(played, tracks, oracle(played)))
        yield row("oracle" + ON_PERFECT, lambda p, _: identified(p, perfect(p), oracle(p)))
        for name, embedder in self.models.items():
            data = embedder.card.distances
            statistics = DistanceStatistics.from_dict(data) if data else None

            @cache
            def looks(own: Embedder = embedder) -> Vectors:
                """Every crop is embedded once for both rows."""
                return network(at_hand()[0], own, self.dataset)

            def score(
                tracks: Tracks, scale: DistanceStatistics | None = statistics,
                looks: Callable[[], Vectors] = looks,
            ) -> Scores:  # fmt: skip
                return identified(at_hand()[0], tracks, looks(), scale)

            yield row(name, lambda _, tracks, score=score: score(tracks))
            if world in self.on_perfect:
                yield row(name + ON_PERFECT, lambda p, _, score=score: score(perfect(p)))


def terrace(data_root: Path, models: Sequence[Path], kept: Kept) -> list[dict[str, Any]]:
    """Does appearance do harm where nobody comes back? Real images and detections."""

    def run(reid: str | None) -> Scores:
        site = find_site("Terrace", data_root)
        if site is None:
            raise ValueError(f"{data_root}: Terrace is not there")
        options = RunOptions(detector="yolox_nano_416x416.onnx", reid=reid, threads=1)
        with tempfile.TemporaryDirectory() as out:
            run_site(site, Path(out), RunConfig(run=options), None, data_root)
            found = evaluate_site(site, Path(out) / site.name).metrics
        return {key: float(found[key]) for key in ("MOTA", "IDF1", "IDs")}

    rows = []
    for name, reid in [("no ReID", None), *((NAMES.get(p.stem, p.stem), str(p)) for p in models)]:
        found = kept.row("Terrace", 0, name, partial(run, reid))
        scores = {key: round(value, 2) for key, value in found.items()}
        rows.append({"world": "Terrace", "reid": name, "seeds": 1, **scores})
    return rows


def summarise(runs: Sequence[dict[str, Scores]], world: str) -> list[dict[str, Any]]:
    """Means and standard deviations over seeds, and every seed's IDF1."""
    rows = []
    for name in runs[0]:
        values = {key: [run[name][key] for run in runs] for key in runs[0][name]}
        rows.append({
            "world": world, "reid": name, "seeds": len(runs),
            **{key: round(float(np.mean(each)), 2) for key, each in values.items()},
            "spread": {key: round(float(np.std(each)), 2) for key, each in values.items()},
            "by_seed": {
                key: [round(value, 2) for value in values[key]] for key in ("MOTA", "IDF1")
            },
        })  # fmt: skip
    missing = [name for name in WITHOUT_WEIGHTS if name not in runs[0]]
    return rows + [{"world": world, "reid": one, "missing": "no weights yet"} for one in missing]


def differences(runs: Sequence[dict[str, Scores]], world: str) -> list[dict[str, Any]]:
    """IDF1 of one row less that of another, seed by seed."""
    found = []
    for better, worse in DIFFERENCES:
        if better in runs[0] and worse in runs[0]:
            each = [round(run[better]["IDF1"] - run[worse]["IDF1"], 2) for run in runs]
            found.append({
                "world": world, "IDF1_of": better, "less": worse, "by_seed": each,
                "mean": round(float(np.mean(each)), 2), "positive": sum(d > 0 for d in each),
            })  # fmt: skip
    return found


def with_others(
    held: dict[str, Any],
    key: str,
    rows: Sequence[dict[str, Any]],
    worlds: Sequence[str],
    commit: Any,
) -> list[dict[str, Any]]:
    """New rows, each with the code that they were made with, and those held of other worlds."""
    others = [row for row in held.get(key, ()) if row["world"] not in worlds]
    return others + [row | {"commit": commit} for row in rows]


def main() -> int:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--market", required=True, type=Path, help="where Market-1501 is")
    parser.add_argument("--data-root", required=True, type=Path, help="for Shelf and Terrace")
    parser.add_argument(
        "--models",
        nargs="*",
        default=[],
        type=Path,
        help=f"appearance models; {HISTOGRAM} is one, too",
    )
    parser.add_argument("--worlds", nargs="+", choices=[*WORLDS, "Terrace"],
                        default=[*WORLDS, "Terrace"])  # fmt: skip
    parser.add_argument(
        "--perfect",
        nargs="*",
        default=[],
        choices=WORLDS,
        metavar="WORLD",
        help="where networks are tried on perfect tracklets, too, not only the oracle",
    )
    parser.add_argument("--seeds", type=int, default=5, help="seeds 1 to N (default 5)")
    arguments = parser.parse_args()
    models = {
        NAMES.get(path.stem, path.stem): load(path if path.stem != HISTOGRAM else HISTOGRAM)
        for path in arguments.models
    }
    kept = Kept(CACHE)
    dataset = read_dataset(["market1501"], arguments.market)
    perfect_in = frozenset(arguments.perfect)
    bench = Bench(dataset, arguments.data_root, models, kept, perfect_in)
    rows, compared = [], []
    worlds = [world for world in arguments.worlds if world != "Terrace"]
    tried = sum(3 + len(models) * (1 + (world in perfect_in)) for world in worlds)
    total = tried * arguments.seeds
    console = Console(stderr=True)
    with progress_bars(console) as bar_of:
        bar = bar_of("rows", total)
        for world in worlds:
            runs: list[dict[str, Scores]] = []
            for seed in range(1, arguments.seeds + 1):
                runs.append({})
                for name, scores in bench.measure(world, seed):
                    runs[-1][name] = scores
                    bar.advance(f"{world} {seed} {name}")
                    figures = "  ".join(f"{key} {value:.1f}" for key, value in scores.items())
                    console.print(
                        f"{world} seed {seed}  {name:45s} {figures}",
                        highlight=False,
                        soft_wrap=True,
                    )
            rows += summarise(runs, world)
            compared += differences(runs, world)
    if "Terrace" in arguments.worlds:
        rows += terrace(arguments.data_root, arguments.models, kept)
    origin = provenance("mtmc", "reid", "trackers", "calibration", "benchmarks/table5*.py")
    held = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    report = {
        **origin,
        "paper": PAPER,
        "most_at_once": MOST_AT_ONCE,
        "rows": with_others(held, "rows", rows, arguments.worlds, origin["commit"]),
        "differences": with_others(
            held, "differences", compared, arguments.worlds, origin["commit"]
        ),
    }
    RESULT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
