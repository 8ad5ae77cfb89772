"""Memory stays flat however long a tracker runs."""

import gc
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from mtmc.trackers import TRACKERS, build
from mtmc.trackers.types import Detections

FPS = 30.0
STATM = Path("/proc/self/statm")
PEOPLE, LIFETIME = 8, 50  # frames a person stays before somebody else comes


def crowd(frame, rng):
    """People who come and go, so that tracks are born and forgotten all the time."""
    generation = frame // LIFETIME
    x = 120.0 * np.arange(PEOPLE) + 37.0 * (generation % 5) + (frame % LIFETIME)
    # Far from those before, so that no tracker takes the new ones for the old.
    top = np.full(PEOPLE, 100.0 + 400.0 * (generation % 2))
    xyxy = np.stack([x, top, x + 50, top + 120.0], axis=1)
    look = rng.normal(size=(PEOPLE, 16))
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    seen = rng.random(PEOPLE) < 0.9
    return Detections(xyxy[seen], np.full(seen.sum(), 0.9), look[seen].astype(np.float32))


def grown_bytes(name, frames):
    """Memory that ``frames`` more frames leave behind after a warm-up, and the largest id."""
    tracker, rng = build(name), np.random.default_rng(0)
    warm_up = 500
    tracemalloc.start()
    try:
        before, last = 0, 0
        for frame in range(warm_up + frames):
            tracks = tracker.update(crowd(frame, rng), (frame + 1) / FPS)
            last = max(last, *tracks.ids.tolist(), 0)
            if frame == warm_up:
                gc.collect()
                before, _ = tracemalloc.get_traced_memory()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before, last
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", list(TRACKERS))
def test_memory_is_flat_over_thousands_of_frames(name):
    grown, last = grown_bytes(name, 2_000)
    assert last > 50  # many have died
    assert grown < 150_000


def resident_bytes():
    pages = int(STATM.read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not STATM.exists(), reason="needs /proc to read the memory in use")
@pytest.mark.parametrize("name", list(TRACKERS))
def test_memory_is_flat_over_100_000_frames(name):
    tracker, rng = build(name), np.random.default_rng(0)
    readings, last = [], 0
    for frame in range(100_000):
        tracks = tracker.update(crowd(frame, rng), (frame + 1) / FPS)
        last = max(last, *tracks.ids.tolist(), 0)
        if frame % 10_000 == 9_999:
            readings.append(resident_bytes())
    assert last > 2_000
    assert max(readings) - readings[0] < 4e6
