"""The examples in docs/external-trackers run, with stubs in the place of the trackers.

`make peers` runs them with the real packages.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest

from mtmc.reid.distances import measure_distances
from mtmc.reid.spec import InputSpec, ModelCard, sidecar_path

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper  # noqa: E402

PAGES = sorted((Path(__file__).parents[2] / "docs" / "external-trackers").glob("*.md"))
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PLAIN = InputSpec(8, 4, "bgr", (0.0,) * 3, (1.0,) * 3, scale=1.0)


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    """A folder with the weights and the frame that the pages speak of."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, 1, 1])
    node = helper.make_node("GlobalAveragePool", ["x"], ["y"])
    graph = helper.make_graph([node], "mean", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "robust_reid.onnx"
    onnx.save(model, path)
    vectors = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    statistics = measure_distances(vectors, np.arange(60) // 3, np.arange(60) % 3, "noise")
    card = ModelCard(PLAIN, distances=statistics.to_dict())
    sidecar_path(path).write_text(card.to_json(), encoding="utf-8")
    frame = np.full((200, 250, 3), 60, np.uint8)
    frame[30:180, 40:100], frame[30:180, 150:210] = (200, 30, 30), (30, 30, 200)
    cv2.imwrite(str(tmp_path / "frame.jpg"), frame)
    monkeypatch.chdir(tmp_path)
    return tmp_path


RED, BLUE = (2, 0)  # the larger channel, BGR, of the two people in the frame, right and left


def check(vectors) -> None:
    """The stubs' proof: one finite vector per box, of the box it is for."""
    vectors = np.asarray(vectors)
    assert vectors.shape == (2, 3)
    assert vectors.argmax(axis=1).tolist() == [BLUE, RED]


class BoxmotTracker:
    def __init__(self, reid_model=None, appearance_thresh=0.25):
        assert 0 < appearance_thresh < 2
        self.model = reid_model

    def update(self, dets, img):
        check(self.model.get_features(dets[:, :4], img))
        return np.zeros((2, 8))


class TrackingPipeline:
    def __init__(self, detector, tracker, reid):
        assert reid.embedding_dim == 3
        assert reid.requirements.masks is False


class UltralyticsTracker:
    def __init__(self, args):
        assert not args.with_reid
        self.args, self.encoder = args, None

    def update(self, results, img):
        assert self.args.model != "auto"
        x1, y1, x2, y2 = results.data[:, :4].T
        check(self.encoder(img, np.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], 1)))
        return np.zeros((2, 8))


class YOLO:
    def __init__(self, name):
        self.callbacks = {}

    def add_callback(self, event, function):
        self.callbacks[event] = function

    def track(self, source, tracker):
        made = UltralyticsTracker(SimpleNamespace(with_reid=False, model="auto"))
        self.callbacks["on_predict_batch_start"](SimpleNamespace(trackers=[made]))
        assert made.encoder is not None
        return []


class DeepSort:
    def __init__(self, embedder, max_cosine_distance=0.2):
        assert 0 < max_cosine_distance < 2
        self.embedder = embedder

    def update_tracks(self, raw, embeds=None, frame=None):
        if embeds is None:
            crops = [frame[t : t + h, left : left + w] for (left, t, w, h), _, _ in raw]
            embeds = self.embedder.predict(crops)
        check(np.stack(embeds))
        return [SimpleNamespace(track_id="1"), SimpleNamespace(track_id="2")]


class NorfairTracker:
    def __init__(self, reid_distance_function, reid_distance_threshold, **settings):
        self.distance = reid_distance_function

    def update(self, detections):
        check(np.stack([found.embedding for found in detections]))
        left, right = (SimpleNamespace(last_detection=d, past_detections=[d]) for d in detections)
        assert self.distance(left, right) > self.distance(left, left) == pytest.approx(0, abs=1e-6)
        return [SimpleNamespace(id=1)]


class RoboflowTracker:
    def update(self, detections):
        check(detections.data["embedding"])
        detections.tracker_id = np.array([1, 2])
        return detections


def norfair_detection(points, scores):
    return SimpleNamespace(points=points, scores=scores, embedding=None)


def sv_detections(xyxy, confidence, class_id):
    return SimpleNamespace(xyxy=xyxy, data={})


def encoder_requirements(masks):
    return SimpleNamespace(masks=masks)


STUBS = {
    "boxmot": {"BotSort": BoxmotTracker},
    "boxmot.reid": {"EncoderRequirements": encoder_requirements},
    "boxmot.pipelines": {"TrackingPipeline": TrackingPipeline},
    "ultralytics": {"YOLO": YOLO},
    "ultralytics.trackers": {"BOTSORT": UltralyticsTracker},
    "ultralytics.engine": {},
    "ultralytics.engine.results": {"Boxes": lambda rows, shape: SimpleNamespace(data=rows)},
    "deep_sort_realtime": {},
    "deep_sort_realtime.deepsort_tracker": {"DeepSort": DeepSort},
    "norfair": {"Detection": norfair_detection, "Tracker": NorfairTracker},
    "supervision": {"Detections": sv_detections},
    "trackers": {"ByteTrackTracker": RoboflowTracker},
}


@pytest.fixture
def stubs(monkeypatch) -> None:
    for name, contents in STUBS.items():
        module = ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)


def test_there_are_pages():
    assert len(PAGES) >= 9


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "README.md"], ids=lambda p: p.stem)
def test_the_examples_run(page, desk, stubs, capsys):
    code = "\n".join(PYTHON.findall(page.read_text(encoding="utf-8")))
    exec(compile(code, str(page), "exec"), {"__name__": "example"})
    assert capsys.readouterr().out.strip()


def test_the_index_lists_every_page():
    index = next(page for page in PAGES if page.name == "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert page.name == "README.md" or f"({page.name})" in index
