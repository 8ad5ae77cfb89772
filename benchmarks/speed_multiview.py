"""Speed of the ground-plane tracker alone: frame sets per second, one thread, shipped settings.

::

    python -m benchmarks.speed_multiview [--data-root DIR] [--json FILE]

CMC2 (4 cameras, 10 people) and WILDTRACK (7 cameras, 20 to 40 people) with their detections in
memory. Timed is ``GroundTracker.update``, from detections in pixels to identities on the ground:
processor time of a pass over the whole sequence, the median of several passes.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks.provenance import provenance
from mtmc.datasets import resolve_data_root
from mtmc.multiview import GroundTracker
from mtmc.people import BoxFilter
from mtmc.sites import Site, find_site, moments
from mtmc.types import Detections, Frame, View

BARS = {"CMC2": 300.0, "WILDTRACK": 60.0}
"""Frame sets per second that are asked for."""


def frame_sets(site: Site) -> list[list[View]]:
    """All moments of a site in memory, with the boxes that a run of it would use."""
    keep = BoxFilter(site.min_score)
    people = {
        camera.name: {index: keep(boxes) for index, boxes in (camera.detections or {}).items()}
        for camera in site.cameras
    }
    return [
        [
            View(
                Frame(frame.camera, moment.index, frame.time_s),
                people[frame.camera].get(frame.index, Detections.empty()),
            )
            for frame in moment.frames
        ]
        for moment in moments(site, with_images=False)
    ]


def one_pass(site: Site, sets: list[list[View]]) -> tuple[float, float]:
    """Processor and wall-clock seconds of one pass."""
    tracker = GroundTracker(site.calibrations, None, site.bounds, site.region)
    wall, processor = time.perf_counter(), time.process_time()
    for views in sets:
        tracker.update(views)
    tracker.flush()
    return time.process_time() - processor, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root")
    parser.add_argument("--json", type=Path, help="write the results there, too")
    parser.add_argument("--passes", type=int, default=5)
    arguments = parser.parse_args()
    root = resolve_data_root(arguments.data_root)
    results = {}
    for name, bar in BARS.items():
        site = find_site(name, root)
        if site is None:
            print(f"{name}: not below {root}")
            continue
        sets = frame_sets(site)
        one_pass(site, sets)  # what is loaded lazily is loaded now
        seconds = np.array([one_pass(site, sets) for _ in range(arguments.passes)])
        rates = len(sets) / np.median(seconds, axis=0)
        boxes = sum(len(view.detections) for views in sets for view in views) / len(sets)
        results[name] = {
            "frame_sets": len(sets),
            "cameras": len(site.cameras),
            "boxes_per_set": round(boxes, 1),
            "sets_per_second_processor": round(float(rates[0]), 1),
            "sets_per_second_wall": round(float(rates[1]), 1),
            "bar": bar,
        }
        print(
            f"{name:10s} {len(site.cameras)} cameras, {boxes:5.1f} boxes a set: "
            f"{rates[0]:6.1f} sets/s of processor time ({rates[1]:.1f} by the clock), bar {bar:g}"
        )
    if arguments.json is not None:
        record = {**provenance("mtmc", "calibration", "benchmarks"), "results": results}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
