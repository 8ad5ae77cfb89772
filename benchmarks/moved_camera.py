"""A camera is turned in mid-run: how soon that is noticed, and what it costs.

::

    python -m benchmarks.moved_camera --data-root DIR --json benchmarks/results/moved_camera.json

On CMC1, CMC2, WILDTRACK (annotated boxes) and Terrace (YOLOX-nano) every camera in turn is turned
about the vertical, and about its horizontal axis, from the middle of the sequence on: its boxes are
moved as the turn moves the image, and those that leave the image are dropped. Reported are MOTA and
IDF1 of the whole sequence with the watch on and off (means over cameras), how many turns were
noticed, after how many moments and seconds, how many cameras were blamed wrongly; and alarms on the
sequences as they are.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.provenance import provenance
from mtmc.calibration import Camera
from mtmc.datasets import resolve_data_root
from mtmc.evaluation.ground import evaluate_site
from mtmc.multiview import GroundTrackerConfig
from mtmc.multiview.moved import MovedConfig
from mtmc.progress import StageClock
from mtmc.run_config import RunConfig, RunOptions
from mtmc.site_config import SiteConfig
from mtmc.site_run import run_site
from mtmc.site_setup import prepare_site
from mtmc.sites import Site, SiteCamera, find_site
from mtmc.types import Detections

SEQUENCES = ("CMC1", "CMC2", "Terrace", "WILDTRACK")
DETECTOR = "yolox_nano_416x416.onnx"
TURNS = (("yaw", 3.0), ("yaw", 5.0), ("pitch", 5.0))
"""Axis and degrees."""
OFF = GroundTrackerConfig(moved=MovedConfig(window_s=0.0))


def detected(site: Site, root: Path) -> Site:
    """The site with a detector's boxes as if they came from files."""
    config = RunConfig(run=RunOptions(detector=DETECTOR, threads=1))
    found: dict[str, dict[int, Detections]] = {camera.name: {} for camera in site.cameras}
    for views in prepare_site(site, config, data_root=root).views(StageClock(), print):
        for view in views:
            found[view.frame.camera][view.frame.index] = view.detections
    return replace(
        site,
        cameras=tuple(replace(camera, detections=found[camera.name]) for camera in site.cameras),
    )


def rotation(camera: Camera, axis: str, degrees: float) -> np.ndarray:
    """Of directions in the world, (3, 3): about the vertical, or the image's horizontal axis."""
    about = np.array([0.0, 0.0, 1.0]) if axis == "yaw" else camera.R[0]
    x, y, z = about
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def turned_boxes(people: Detections, camera: Camera, turn: np.ndarray) -> Detections:
    """Where the boxes lie after the camera was turned; cut at the border."""
    left, top, right, bottom = people.xyxy.T
    x, y = (left + right) / 2, (top + bottom) / 2
    points = np.concatenate(
        [np.stack(p, 1) for p in ((x, bottom), (x, top), (left, y), (right, y))]
    )
    origin, ray = camera.ray(points)
    foot, head, west, east = np.split(camera.project(origin + 10.0 * ray @ turn), 4)
    half = np.abs(east[:, 0] - west[:, 0]) / 2
    middle = (foot[:, 0] + head[:, 0]) / 2
    boxes = np.stack([middle - half, head[:, 1], middle + half, foot[:, 1]], 1)
    width, height = camera.image_size
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    keep = np.isfinite(boxes).all(1) & (centre >= 0).all(1) & (centre < [width, height]).all(1)
    boxes = np.clip(boxes[keep], 0, [width, height, width, height])
    return Detections(boxes, people.scores[keep])


def turn_camera(camera: SiteCamera, axis: str, degrees: float, start: int) -> SiteCamera:
    model = camera.calibration
    if not isinstance(model, Camera):
        raise ValueError(f"{camera.name}: expected a full calibration")
    turn = rotation(model, axis, degrees)
    found = {
        index: turned_boxes(people, model, turn) if index >= start and len(people) else people
        for index, people in (camera.detections or {}).items()
    }
    return replace(camera, detections=found)


def run(site: Site, config: GroundTrackerConfig) -> tuple[float, float, list[dict[str, Any]]]:
    """MOTA, IDF1 and what was said of cameras."""
    with tempfile.TemporaryDirectory() as out:
        run_site(site, Path(out), settings=SiteConfig(config))
        scores = evaluate_site(site, Path(out) / site.name).metrics
        lines = (Path(out) / site.name / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    return scores["MOTA"], scores["IDF1"], [e for e in events if e["event"].startswith("camera")]


def measure(site: Site, on: GroundTrackerConfig) -> dict[str, Any]:
    """All turns of all cameras of one site."""
    indices = np.unique(np.concatenate([camera.indices for camera in site.cameras]))
    start = int(indices[len(indices) // 2])
    still = {"on": run(site, on), "off": run(site, OFF)}
    report: dict[str, Any] = {
        "false_alarms": len(still["on"][2]),
        "MOTA_IDF1": {name: [round(v, 2) for v in one[:2]] for name, one in still.items()},
        "turns": {},
    }
    print(f"{site.name}: as it is {report['MOTA_IDF1']}, alarms {still['on'][2]}", flush=True)
    for axis, degrees in TURNS:
        rows, found, wrong, delays, sizes = {"on": [], "off": []}, 0, 0, [], []
        for number, camera in enumerate(site.cameras):
            cameras = list(site.cameras)
            cameras[number] = turn_camera(camera, axis, degrees, start)
            moved = replace(site, cameras=tuple(cameras))
            rows["off"].append(run(moved, OFF)[:2])
            mota, idf1, events = run(moved, on)
            rows["on"].append((mota, idf1))
            alarms = [e for e in events if e["event"] == "camera_moved"]
            right = [e for e in alarms if e["camera"] == camera.name and e["at_frame"] >= start]
            found += bool(right)
            wrong += sum(e["camera"] != camera.name for e in alarms)
            if right:
                first = right[0]["at_frame"]
                delays.append(int(((indices >= start) & (indices <= first)).sum()))
                sizes.append(right[0]["residual_m"])
        row = {
            "cameras": len(site.cameras),
            "noticed": found,
            "wrong_camera": wrong,
            "moments_until_noticed": sorted(delays),
            "residual_m": sorted(sizes),
            "moments_per_second": site_rate(site, indices),
            **{name: np.mean(values, 0).round(2).tolist() for name, values in rows.items()},
        }
        report["turns"][f"{axis} {degrees:g}"] = row
        print(f"  {axis} {degrees:g}: {row}", flush=True)
    return report


def site_rate(site: Site, indices: np.ndarray) -> float:
    rate = site.cameras[0].rate or site.rate
    return round(float(rate / np.median(np.diff(indices))), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root")
    parser.add_argument("--json", type=Path, help="write the results there, too")
    parser.add_argument("--sequence", nargs="*", default=SEQUENCES)
    arguments = parser.parse_args()
    root = resolve_data_root(arguments.data_root)
    results = {}
    for name in arguments.sequence:
        site = find_site(name, root)
        if site is None:
            print(f"{name}: not at hand", flush=True)
            continue
        if any(camera.detections is None for camera in site.cameras):
            site = detected(site, root)
        results[name] = measure(site, GroundTrackerConfig())
    if arguments.json is not None:
        record = {**provenance("mtmc", "calibration", "benchmarks"), "results": results}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
