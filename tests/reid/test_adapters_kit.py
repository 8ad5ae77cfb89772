"""The conformance kit itself: it passes a tracker that sees appearance, and names a broken seam."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers"


@pytest.fixture
def kit(monkeypatch):
    """The kit's modules, which are programs rather than a package."""
    monkeypatch.syspath_prepend(str(PEERS))
    names = ("kit", "scenarios", "worker")
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    for name in names:
        del sys.modules[name]


def ideal(kit, reads=lambda model, frame: model.embed([frame.image], [frame.xyxy])[0]):
    """A tracker that goes by appearance alone, with a gate on the cosine distance."""

    def track(frames, model, gate):
        known: list[np.ndarray] = []
        for frame in frames:
            alike = np.ones((len(frame.xyxy), 1))
            vectors = alike if model is None else reads(model, frame)
            ids = []
            for row, vector in enumerate(vectors):
                near = [i for i, v in enumerate(known) if 1 - v @ vector <= (gate or 0.3)]
                if not near:
                    known.append(vector)
                    near = [len(known) - 1]
                ids.append(near[0] if near[0] not in ids else 90 + row)
            yield kit.kit.Answer(frame.index, np.array(ids, np.int64), frame.xyxy)

    return track


@pytest.mark.parametrize("scenario", ["meet", "return"])
def test_a_tracker_that_sees_appearance_passes(kit, scenario):
    seam = kit.kit.Seam("Ideal", "embed(image, boxes)", ideal(kit), scenario=scenario)
    kit.worker.check_order(seam)
    kit.worker.check_gate(seam)


def first_row_for_all(model, frame):
    rows = model.embed([frame.image], [frame.xyxy])[0]
    return rows[[0] * len(rows)]


def changed(model, frame):
    raise TypeError("embed() takes 2 positional arguments but 3 were given")


@pytest.mark.parametrize(
    ("reads", "message"),
    [
        (first_row_for_all, "identities do not follow appearance"),
        (changed, "TypeError: embed() takes 2 positional arguments"),
    ],
)
def test_a_broken_seam_is_reported_by_its_name(kit, reads, message):
    seam = kit.kit.Seam("Broken", "embed(image, boxes)", ideal(kit, reads))
    report = kit.worker.run_seam(seam, {"jobs": []}, 0)
    assert not report["ran"]
    assert report["error"].startswith("Broken: embed(image, boxes): ")
    assert message in report["error"]


def test_a_gate_on_another_scale_is_noticed(kit):
    def halved(frames, model, gate):
        return ideal(kit)(frames, model, None if gate is None else gate / 2)

    report = kit.worker.run_seam(kit.kit.Seam("Scaled", "gate", halved), {"jobs": []}, 0)
    assert "gate: a distance of 0.27 fails at 0.3" in report["error"]


def test_real_frames_go_through_the_adapter(kit, tmp_path):
    image = tmp_path / "000001.png"
    cv2.imwrite(str(image), np.full((90, 90, 3), 80, np.uint8))
    np.savez(tmp_path / "d.npz", rows=np.array([[1, 5, 5, 40, 80, 0.9]]))
    request = {"images": [str(image)], "detections": str(tmp_path / "d.npz"), "out": str(tmp_path)}
    job = {"name": "colours", "model": "histogram", "gate": None}
    run = kit.worker.run_real(kit.kit.Seam("Ideal", "embed", ideal(kit)), job, request, 0)
    assert run["embedded_boxes"] == 1
    np.testing.assert_allclose(np.load(run["rows"])[0, 2:], [5, 5, 40, 80])
    blind = kit.kit.Seam(
        "Blind", "embed", lambda frames, model, gate: ideal(kit)(frames, None, gate)
    )
    with pytest.raises(kit.kit.SeamError, match="asked for no embedding"):
        kit.worker.run_real(blind, job, request, 0)
    json.dumps(run)


@pytest.mark.parametrize(
    ("ids", "xyxy", "message"),
    [
        ([1, 1], np.zeros((2, 4)), "given twice"),
        ([1.5], np.zeros((1, 4)), "not whole numbers"),
        ([1], np.full((1, 4), np.nan), "not finite"),
        ([1, 2], np.zeros((1, 4)), "expected ids"),
    ],
)
def test_answers_are_checked(kit, ids, xyxy, message):
    answer = kit.kit.Answer(3, np.array(ids), xyxy)
    with pytest.raises(kit.kit.SeamError, match=f"name: frame 3.*{message}"):
        list(kit.kit.checked([answer], "name"))
