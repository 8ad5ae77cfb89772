"""One identity across cameras that do not overlap, on real appearance.

::

    python -m benchmarks.separate --data-root DIR --market MARKET-1501 \
        --json benchmarks/results/separate.json

*Walks*: 12 people walk between three cameras for two minutes, seen by perfect single-camera
trackers; every box shows real Market-1501 test crops of one identity, each camera those of another
camera of Market. IDF1 of all boxes, five seeds, with and without travel times. The networks were
trained on other people, OSNet (msmt17) and retail-0287 on other data sets.

*Terrace* as if its cameras had nothing in common but the people: four single-camera trackers
(YOLOX-nano and ByteTrack), joined by OSNet alone, no ground plane; all cameras' boxes with one id
space. Its cameras do overlap, which is declared. Figures without joining, and of the ground
tracker, stand beside it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.provenance import provenance
from mtmc.datasets import resolve_data_root
from mtmc.evaluation.ground import evaluate_site
from mtmc.multiview.separate import SeparateTracker
from mtmc.progress import StageClock
from mtmc.reid.data.market1501 import read_market1501
from mtmc.reid.embedder import Embedder, load
from mtmc.run_config import RunConfig, RunOptions
from mtmc.site_run import run_site
from mtmc.site_setup import prepare_site
from mtmc.sites import Site, TravelTime, find_site
from mtmc.types import Detections, Frame, GlobalTrack, Relabel, Tracks, View

CAMERAS = ("a", "b", "c")
RATE = 5.0
PEOPLE, SEEDS, LAST_S = 12, 5, 120.0
WAYS = {("a", "b"): 8.0, ("b", "c"): 15.0, ("a", "c"): 25.0}
KNOWN = [TravelTime(*pair, 0.6 * time, time, 1.6 * time) for pair, time in WAYS.items()]
MODELS = (
    "osnet_x0_25_market1501.onnx",
    "osnet_x0_25_msmt17.onnx",
    "person-reidentification-retail-0287.onnx",
)
DETECTOR = "yolox_nano_416x416.onnx"


@dataclass(frozen=True)
class Visit:
    """Somebody in view of a camera, from one time to another."""

    person: int
    camera: str
    start_s: float
    stop_s: float


def walks(rng: np.random.Generator) -> list[Visit]:
    visits = []
    for person in range(PEOPLE):
        time_s, camera = float(rng.uniform(0, 30)), str(rng.choice(CAMERAS))
        while time_s < LAST_S:
            stop_s = time_s + rng.uniform(4, 9)
            visits.append(Visit(person, camera, time_s, stop_s))
            following = str(rng.choice([name for name in CAMERAS if name != camera]))
            way = WAYS[min(camera, following), max(camera, following)]
            time_s, camera = stop_s + way * rng.uniform(0.8, 1.25), following
    return visits


class Wardrobe:
    """Vectors of Market's test crops by identity and camera, embedded when asked for."""

    def __init__(self, folder: Path, model: Embedder) -> None:
        self._samples = read_market1501(folder).gallery
        self._model = model
        identities, cameras = (
            np.asarray(x) for x in (self._samples.identities, self._samples.cameras)
        )
        self._rows: dict[int, dict[int, np.ndarray]] = {}
        for identity in np.unique(identities[identities > 0]).tolist():
            mine = np.flatnonzero(identities == identity)
            self._rows[identity] = {
                c: mine[cameras[mine] == c] for c in np.unique(cameras[mine]).tolist()
            }
        self.people = [who for who, rows in self._rows.items() if len(rows) >= len(CAMERAS)]

    def dress(self, identity: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Vectors (N, D) for each of our cameras, from another camera of Market each."""
        chosen = rng.permutation(sorted(self._rows[identity]))[: len(CAMERAS)]
        found = {}
        for name, camera in zip(CAMERAS, chosen.tolist(), strict=True):
            encoded = [self._samples.encoded[row] for row in self._rows[identity][camera].tolist()]
            images = [cv2.imdecode(np.frombuffer(b, np.uint8), cv2.IMREAD_COLOR) for b in encoded]
            found[name] = self._model.embed_crops(images)
        return found


def moments(
    visits: Sequence[Visit], looks: Sequence[dict[str, np.ndarray]], rng: np.random.Generator
) -> Iterator[list[View]]:
    """Perfect tracks; the left edge of a box is 100 times its person."""
    dim = looks[0]["a"].shape[1]
    for index in range(1, int(RATE * (LAST_S + 20))):
        time_s, views = (index - 1) / RATE, []
        for name in CAMERAS:
            here = [
                n
                for n, v in enumerate(visits)
                if v.camera == name and v.start_s <= time_s <= v.stop_s
            ]
            left = np.array([100.0 * visits[n].person for n in here])
            boxes = np.stack([left, left * 0 + 100, left + 40, left * 0 + 200], 1).reshape(-1, 4)
            vectors = [rng.choice(looks[visits[n].person][name]) for n in here]
            scores = np.ones(len(here))
            people = Detections(
                boxes, scores, np.array(vectors, np.float32).reshape(len(here), dim)
            )
            ids = np.array(here, np.int64) + 1
            tracks = Tracks(ids, boxes, scores, np.arange(len(here)))
            views.append(View(Frame(name, index, time_s), people, tracks))
        yield views


def idf1(all_views: Sequence[Sequence[View]], tracker: SeparateTracker) -> float:
    """Of all boxes; nothing is missed and nothing is false, so that IDF1 is the share of rows."""
    rows, relabels, people = [], [], {}
    for views in [*all_views, []]:
        people |= {(v.frame.camera, v.frame.index): v.detections.xyxy[:, 0] // 100 for v in views}
        for one in tracker.update(views) if views else tracker.flush():
            if isinstance(one, Relabel):
                relabels.append(one)
            elif isinstance(one, GlobalTrack):
                rows += [(one.id, one.frame_index, *member) for member in one.members]
    table = np.zeros((PEOPLE, 10 * len(rows)), np.int64)
    for identity, index, camera, row in rows:
        for event in relabels:
            if identity == event.old_id and index >= event.from_frame:
                identity = event.new_id
        table[int(people[camera, index][row]), identity] += 1
    table = table[:, table.any(axis=0)]
    return 100.0 * table[linear_sum_assignment(-table)].sum() / table.sum()


def on_walks(market: Path, root: Path) -> dict[str, Any]:
    results = {}
    for name in MODELS:
        wardrobe = Wardrobe(market, load(root / "models" / name, threads=1))
        scores: dict[str, list[float]] = {"travel times": [], "appearance alone": []}
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            visits = walks(rng)
            people = rng.choice(wardrobe.people, PEOPLE, replace=False).tolist()
            views = list(moments(visits, [wardrobe.dress(who, rng) for who in people], rng))
            for label, travel in (("travel times", KNOWN), ("appearance alone", [])):
                scores[label].append(round(idf1(views, SeparateTracker(CAMERAS, None, travel)), 2))
        results[name] = {
            label: {"mean": round(float(np.mean(values)), 1), "seeds": values}
            for label, values in scores.items()
        }
        print(name, results[name], flush=True)
    return results


def embedded(site: Site, root: Path) -> Site:
    """The site with boxes and vectors as if they came from files."""
    config = RunConfig(run=RunOptions(detector=DETECTOR, reid=MODELS[0], threads=1))
    found: dict[str, dict[int, Detections]] = {camera.name: {} for camera in site.cameras}
    for views in prepare_site(site, config, data_root=root).views(StageClock(), print):
        for view in views:
            found[view.frame.camera][view.frame.index] = view.detections
    cameras = (replace(camera, detections=found[camera.name]) for camera in site.cameras)
    return replace(site, cameras=tuple(cameras))


def without_vectors(site: Site) -> Site:
    return replace(
        site,
        cameras=tuple(
            replace(
                camera,
                detections={
                    index: Detections(people.xyxy, people.scores)
                    for index, people in (camera.detections or {}).items()
                },
            )
            for camera in site.cameras
        ),
    )


def on_terrace(root: Path) -> dict[str, Any]:
    site = find_site("Terrace", root)
    if site is None:
        return {}
    site = embedded(site, root)
    pairs = tuple(itertools.combinations([camera.name for camera in site.cameras], 2))
    separate = replace(site, tracker="separate", overlaps=pairs)
    results = {}
    for label, one in (
        ("single-camera tracks, not joined", without_vectors(replace(separate, overlaps=()))),
        ("single-camera tracks, joined by appearance", separate),
        ("ground tracker", site),
    ):
        with tempfile.TemporaryDirectory() as out:
            run_site(one, Path(out))
            boxes = evaluate_site(one, Path(out) / one.name).metrics["boxes"]
        results[label] = {name: round(float(boxes[name]), 1) for name in ("MOTA", "IDF1", "HOTA")}
        print(label, results[label], flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root")
    parser.add_argument("--market", type=Path, help="Market-1501, for the walks")
    parser.add_argument("--json", type=Path, help="write the results there, too")
    arguments = parser.parse_args()
    root = resolve_data_root(arguments.data_root)
    results = {"Terrace": on_terrace(root)}
    if arguments.market is not None:
        results["walks"] = on_walks(arguments.market, root)
    if arguments.json is not None:
        record = {**provenance("mtmc", "reid", "benchmarks"), "results": results}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
