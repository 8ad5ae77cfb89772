"""Table 5: what appearance is worth for people who leave a room and come back.

    python -m benchmarks.table5 --data-root DIR --models osnet.onnx --worlds lab-hard-real

The LAB sequence cannot be had, so the worlds are stand-ins (`mtmc simulate lab`), whose people wear
real crops of Market-1501's test identities: ``lab-real``, ``lab-hard-real``, and
``lab-lowres-real``, lab-hard with crops of 24 to 48 pixels in height. The ground tracker runs once
per world and seed, without appearance, as in the paper: its MOTA is the same in every row, and only
the entry query looks. ``oracle`` tells people apart without error; on ``perfect`` tracklets the
tracker does not err either. Writes ``benchmarks/results/table5.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mtmc.entry import EntryQuery
from mtmc.evaluation.ground import evaluate_ground
from mtmc.ground_files import GroundTable
from mtmc.late_decisions import LateDecisions
from mtmc.multiview import GroundTracker
from mtmc.reid.data import PersonDataset, read_dataset
from mtmc.reid.distances import DistanceStatistics
from mtmc.reid.embedder import Embedder, load
from mtmc.sites import Area, GroundTruth, Site, SiteCamera
from mtmc.types import Detections, Float32Array, Frame, GlobalTrack, GlobalTracker, Relabel, View
from mtmc.worlds.lab import MOST_AT_ONCE, LabConfig, simulate_lab
from mtmc.worlds.lab_boxes import DetectorFaults, walk_frames
from mtmc.worlds.lab_crops import DressedBox, Wardrobe
from mtmc.worlds.lab_files import ENTRY, REGION_Y
from mtmc.worlds.lab_room import OUTSIDE_Y, ROOM_X, ROOM_Y, lab_cameras
from mtmc.worlds.lab_world import LabWorld

from .provenance import ROOT, provenance

RESULT = ROOT / "benchmarks" / "results" / "table5.json"
WORLDS = {
    "lab-real": ("lab", False),
    "lab-hard-real": ("lab-hard", False),
    "lab-lowres-real": ("lab-hard", True),
}
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
MISSING = ("HA-CNN", "Robust-ReID 1x", "Robust-ReID 2x")
"""Rows of the paper whose weights do not exist yet."""
ORACLE_DIM = 64
ENTRIES = (Area.rectangle(*ENTRY),)

Vectors = Callable[[DressedBox, int], Float32Array]
"""Vector of a detection: what it looks like, and who it shows (column, or -1)."""


@dataclass(frozen=True, eq=False)
class Played:
    """A world as its cameras saw it.

    Attributes
    ----------
    site : Site
        With truth.
    views : list over frames of one View per camera
    looks : list over frames, over cameras, of what each detection looks like
    shown : list over frames, over cameras, of whom each detection shows
    world : LabWorld
    """

    site: Site
    views: list[list[View]]
    looks: list[list[list[DressedBox]]]
    shown: list[list[list[int]]]
    world: LabWorld


class Replay:
    """A `GlobalTracker` that says again what another one said."""

    def __init__(self, answers: Sequence[Sequence[GlobalTrack | Relabel]]) -> None:
        self._answers = iter(answers)

    def update(self, views: Sequence[View]) -> list[GlobalTrack | Relabel]:
        """The next answer."""
        return list(next(self._answers))

    def flush(self) -> list[GlobalTrack | Relabel]:
        """The last one."""
        return list(next(self._answers))


def play(config: LabConfig, dataset: PersonDataset, low_resolution: bool) -> Played:
    """Simulate a world and its detections."""
    world, cameras = simulate_lab(config), lab_cameras()
    wardrobe = Wardrobe(dataset, len(world.height_m), len(cameras), config.seed, low_resolution)
    views, looks, shown = [], [], []
    for frame, seen in enumerate(walk_frames(world, cameras, DetectorFaults(), config.seed)):
        now, dressed, who = [], [], []
        for number, (boxes, found) in enumerate(seen):
            time_s = float(world.time_s[frame])
            people = Detections(found.xyxy, found.scores)
            now.append(View(Frame(cameras[number].name, frame + 1, time_s), people))
            dressed.append(wardrobe.dress(world, frame, number, boxes, found))
            who.append([int(boxes.person[row]) if row >= 0 else -1 for row in found.row.tolist()])
        views.append(now)
        looks.append(dressed)
        shown.append(who)
    return Played(_site(world, config), views, looks, shown, world)


def _site(world: LabWorld, config: LabConfig) -> Site:
    frame, person = np.nonzero((world.visit > 0) & (world.xy[..., 1] >= REGION_Y))
    truth = GroundTruth(
        np.arange(1, len(world.time_s) + 1), frame + 1, person + 1, world.xy[frame, person]
    )
    indices = np.arange(1, len(world.time_s) + 1)
    cameras = tuple(SiteCamera(c.name, c, indices, config.frame_rate) for c in lab_cameras())
    return Site(
        config.preset, cameras, config.frame_rate,
        bounds=Area.rectangle(ROOM_X[0], OUTSIDE_Y, ROOM_X[1], ROOM_Y[1]),
        region=Area.rectangle(ROOM_X[0], REGION_Y, ROOM_X[1], ROOM_Y[1]),
        min_score=None, truth=truth, root=Path(), entries=ENTRIES,
    )  # fmt: skip


def tracked(played: Played) -> list[list[GlobalTrack | Relabel]]:
    """What the ground tracker says, without appearance."""
    site = played.site
    calibrations = {c.name: c for c in lab_cameras()}
    tracker = GroundTracker(calibrations, None, site.bounds, site.region)
    return [*(tracker.update(views) for views in played.views), tracker.flush()]


def perfect(played: Played) -> list[list[GlobalTrack | Relabel]]:
    """A tracker that errs in nothing but that every visit is somebody new."""
    world, answers = played.world, []
    for frame, views in enumerate(played.views):
        tracks: list[GlobalTrack | Relabel] = []
        for person in world.present(frame).tolist():
            x, y = world.xy[frame, person].tolist()
            members = tuple(
                (view.frame.camera, row)
                for view, who in zip(views, played.shown[frame], strict=True)
                for row, one in enumerate(who)
                if one == person
            )
            if y >= REGION_Y and members:
                visit = int(world.visit[frame, person])
                tracks.append(GlobalTrack(visit, frame + 1, (x, y), members))
        answers.append(tracks)
    return [*answers, []]


def crop_vectors(played: Played, dataset: PersonDataset, embedder: Embedder) -> Vectors:
    """Vectors of a network; every crop is embedded once."""
    wanted = sorted({
        (name, look.height)
        for cameras in played.looks for looks in cameras for look in looks
        for name in (look.image, look.other) if name
    })  # fmt: skip
    names = {name for name, _ in wanted}
    encoded = {
        name: part.encoded[row]
        for part in (dataset.query, dataset.gallery)
        for row, name in enumerate(part.names)
        if name in names
    }
    bank = embedder.embed_crops([_decode(encoded[name], height) for name, height in wanted])
    row = {key: number for number, key in enumerate(wanted)}

    def vector(look: DressedBox, _: int) -> Float32Array:
        mixed = look.visible * bank[row[look.image, look.height]]
        if look.other:
            mixed = mixed + look.cover * bank[row[look.other, look.height]]
        return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-9), np.float32)

    return vector


def oracle_vectors(people: int) -> Vectors:
    """Everybody has a vector; what shows nobody has another one each time."""
    rng = np.random.default_rng(0)
    bank = rng.normal(size=(people, ORACLE_DIM))
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)

    def vector(_: DressedBox, person: int) -> Float32Array:
        own = bank[person] if person >= 0 else rng.normal(size=ORACLE_DIM)
        return np.asarray(own / np.linalg.norm(own), np.float32)

    return vector


def _decode(encoded: bytes, height: int) -> Any:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a crop of the data set is not a readable image")
    if height:
        width = max(1, round(image.shape[1] * height / image.shape[0]))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image


def identified(
    played: Played,
    tracker: GlobalTracker,
    vectors: Vectors | None,
    statistics: DistanceStatistics | None,
) -> dict[str, float]:
    """Scores of final identities, and of those that came out at once (``live``)."""
    names = [camera.name for camera in played.site.cameras]
    if vectors is not None:
        tracker = EntryQuery(tracker, names, None, statistics, ENTRIES)
    late, rows = LateDecisions(), []
    for found in _answers(played, tracker, vectors):
        for one in found:
            if isinstance(one, Relabel):
                late.note(one, len(rows))
            elif one.ground_xy is not None:
                rows.append((one.frame_index, one.id, *one.ground_xy))
    final = [
        (frame, late.final(who, frame, row), x, y) for row, (frame, who, x, y) in enumerate(rows)
    ]
    scores, live = (evaluate_ground(played.site, _table(part)).metrics for part in (final, rows))
    return {"MOTA": scores["MOTA"], "IDF1": scores["IDF1"], "IDs": scores["IDs"],
            "IDF1_live": live["IDF1"]}  # fmt: skip


def _answers(
    played: Played, tracker: GlobalTracker, vectors: Vectors | None
) -> Iterator[Sequence[GlobalTrack | Relabel]]:
    for frame, views in enumerate(played.views):
        if vectors is not None:
            views = [
                replace(view, detections=_dressed(view.detections, looks, who, vectors))
                for view, looks, who in zip(
                    views, played.looks[frame], played.shown[frame], strict=True
                )
            ]
        yield tracker.update(views)
    yield tracker.flush()


def _dressed(
    people: Detections, looks: Sequence[DressedBox], who: Sequence[int], vectors: Vectors
) -> Detections:
    if not len(people):
        return Detections(people.xyxy, people.scores, np.zeros((0, 1), np.float32))
    found = [vectors(look, person) for look, person in zip(looks, who, strict=True)]
    return Detections(people.xyxy, people.scores, np.stack(found))


def _table(rows: Sequence[tuple[int, int, float, float]]) -> GroundTable:
    order = sorted(rows)
    return GroundTable(
        np.array([row[0] for row in order], np.int64),
        np.array([row[1] for row in order], np.int64),
        np.array([row[2:] for row in order], np.float64).reshape(-1, 2),
    )


def measure(
    world: str, seed: int, dataset: PersonDataset, models: Sequence[Path]
) -> dict[str, dict[str, float]]:
    """All rows of one world and seed."""
    preset, low_resolution = WORLDS[world]
    played = play(LabConfig(preset, seed), dataset, low_resolution)
    answers, ideal = tracked(played), perfect(played)
    oracle = oracle_vectors(len(played.world.height_m))
    rows = {
        "no ReID": identified(played, Replay(answers), None, None),
        "oracle": identified(played, Replay(answers), oracle, None),
        "oracle, perfect tracklets": identified(played, Replay(ideal), oracle, None),
    }
    for path in models:
        embedder = load(path)
        vectors = crop_vectors(played, dataset, embedder)
        held = embedder.card.distances
        statistics = DistanceStatistics.from_dict(held) if held else None
        name = path.stem
        rows[name] = identified(played, Replay(answers), vectors, statistics)
        rows[f"{name}, perfect tracklets"] = identified(played, Replay(ideal), vectors, statistics)
    return rows


def summarise(runs: Sequence[dict[str, dict[str, float]]], world: str) -> list[dict[str, Any]]:
    """Means and standard deviations over seeds."""
    rows = []
    for name in runs[0]:
        values = {key: [run[name][key] for run in runs] for key in runs[0][name]}
        rows.append({
            "world": world, "reid": name, "seeds": len(runs),
            **{key: round(float(np.mean(each)), 2) for key, each in values.items()},
            "spread": {key: round(float(np.std(each)), 2) for key, each in values.items()},
            "IDF1_by_seed": [round(value, 2) for value in values["IDF1"]],
        })  # fmt: skip
    return rows


def main() -> int:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", required=True, type=Path, help="where Market-1501 is")
    parser.add_argument("--models", nargs="*", default=[], type=Path, help="appearance models")
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--seeds", type=int, default=5, help="seeds 1 to N")
    arguments = parser.parse_args()
    dataset = read_dataset(["market1501"], arguments.data_root)
    rows = []
    for world in arguments.worlds:
        runs = []
        for seed in range(1, arguments.seeds + 1):
            runs.append(measure(world, seed, dataset, arguments.models))
            for name, scores in runs[-1].items():
                figures = "  ".join(f"{key} {value:.1f}" for key, value in scores.items())
                print(f"{world} seed {seed}  {name:45s} {figures}", flush=True)
        rows += summarise(runs, world)
        rows += [{"world": world, "reid": name, "missing": "no weights yet"} for name in MISSING]
        report = {
            **provenance("mtmc", "reid", "trackers", "calibration", "benchmarks/table5.py"),
            "paper": PAPER,
            "most_at_once": MOST_AT_ONCE,
            "rows": rows,
        }
        RESULT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
