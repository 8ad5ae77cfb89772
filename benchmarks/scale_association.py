"""How the time of association grows with the number of people, up to 5,000 in a frame.

Synthetic crowds of constant density, as in `speed_association`: twice the people stand on twice the
area. Reported are the CPU time of a frame on one thread (median over the frames once all are
tracked, best of several repeats), and the growth exponent: the slope of log time over log people
from 500 people on, where 1 is linear and 2 quadratic.

    python -m benchmarks.scale_association [--repeats 3] [--json FILE]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks.provenance import provenance
from benchmarks.speed_association import SYNTHETIC_FPS, Frames, simulate_crowd
from mtmc.trackers import TRACKERS, build
from mtmc.trackers.types import Detections

PEOPLE = (50, 100, 200, 500, 1000, 2000, 5000)
FRAMES = 14
WARM_UP = 4  # frames until everybody is confirmed
LARGE = 500  # the exponent is fitted from here on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    default = Path(__file__).parent / "results" / "scale_association.json"
    parser.add_argument("--json", type=Path, default=default)
    arguments = parser.parse_args()

    crowds = {people: simulate_crowd(people, FRAMES)[0] for people in PEOPLE}
    times: dict[str, dict[int, float]] = {name: {} for name in TRACKERS}
    for people, frames in crowds.items():
        rounds = [
            {name: frame_ms(name, frames) for name in TRACKERS} for _ in range(arguments.repeats)
        ]
        for name in TRACKERS:
            times[name][people] = min(each[name] for each in rounds)
    result = {name: {"ms": ms, "exponent": round(exponent(ms), 3)} for name, ms in times.items()}
    report = {"fitted_from": LARGE, "repeats": arguments.repeats, "trackers": result}
    report |= provenance("trackers", "benchmarks/s*_association*.py")
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"{'ms a frame':>12} " + " ".join(f"{people:>9}" for people in PEOPLE) + "  exponent")
    for name, ms in times.items():
        numbers = " ".join(f"{ms[people]:9.3f}" for people in PEOPLE)
        print(f"{name:>12} {numbers}  {result[name]['exponent']:8.2f}")


def frame_ms(name: str, frames: Frames) -> float:
    """CPU milliseconds of a frame: the median over those after the warm-up."""
    tracker, spent = build(name), []
    for index, (xyxy, scores) in enumerate(frames):
        detections = Detections(xyxy, scores)
        begin = time.process_time()
        tracker.update(detections, (index + 1) / SYNTHETIC_FPS)
        spent.append(time.process_time() - begin)
    return 1e3 * float(np.median(spent[WARM_UP:]))


def exponent(ms: dict[int, float]) -> float:
    """Slope of log time over log people, by least squares."""
    large = [people for people in ms if people >= LARGE]
    slope, _ = np.polyfit(np.log(large), np.log([ms[people] for people in large]), 1)
    return float(slope)


if __name__ == "__main__":
    main()
