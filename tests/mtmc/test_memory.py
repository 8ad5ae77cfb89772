from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from mtmc.pipeline import CameraRun, run_camera
from mtmc.sinks import JsonLinesSink, MotTextSink
from mtmc.sources import NoImages
from mtmc.trackers import ByteTrack
from mtmc.types import Detections, Frame

FRAMES = 100_000


def crowd(frame: Frame) -> Detections:
    """Ten people who walk by and are replaced by others every 500 frames."""
    rng = np.random.default_rng(frame.index)
    left = np.arange(10) * 150.0 + (frame.index % 500) * 0.3
    top = 100.0 + 20 * (frame.index // 500 % 7)
    boxes = np.stack([left, np.full(10, top), left + 60, np.full(10, top + 160)], axis=1)
    return Detections(boxes + rng.normal(0, 1, (10, 4)), np.full(10, 0.9))


@pytest.mark.slow
def test_memory_stays_flat_over_100000_frames(tmp_path):
    used: dict[int, int] = {}

    def measure(view) -> None:
        if view.frame.index in (FRAMES // 5, FRAMES):
            used[view.frame.index] = tracemalloc.get_traced_memory()[0]

    run = CameraRun(NoImages("cam", 30.0, FRAMES), crowd, ByteTrack())
    sinks = [MotTextSink(tmp_path / "cam.txt", "cam"), JsonLinesSink(tmp_path / "cam.jsonl")]
    tracemalloc.start()
    try:
        summary = run_camera(run, sinks, on_frame=measure)
    finally:
        tracemalloc.stop()
    assert summary.frames == FRAMES
    assert summary.identities > 400
    # only the identities themselves are counted: a few dozen bytes each
    assert used[FRAMES] - used[FRAMES // 5] < 200 * summary.identities + 50_000
