from __future__ import annotations

import numpy as np
import pytest

from mtmc.detectors import CallableDetector, OnnxDetector, OnnxDetectorConfig
from mtmc.detectors.decoding import RtDetr, YoloV8, YoloX
from mtmc.detectors.letterbox import letterbox, stretch
from mtmc.mot_files import detections_by_frame, read_detections, read_ground_truth
from mtmc.sources import read_image
from mtmc.trackers.boxes import iou_matrix

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

SIZE = (64, 96)
TRUTH = np.array([[10.0, 4.0, 30.0, 60.0], [50.0, 20.0, 70.0, 62.0]])
SCORES = np.array([0.9, 0.6])


def encode_yolox(boxes: np.ndarray, scores: np.ndarray, classes: int = 3) -> np.ndarray:
    """Inverse of the grid encoding, one cell at a time: stride 8, cell under the box's centre."""
    cells = sum((SIZE[0] // s) * (SIZE[1] // s) for s in (8, 16, 32))
    raw = np.zeros((1, cells, 5 + classes), np.float32)
    for (left, top, right, bottom), score in zip(boxes, scores, strict=True):
        x, y = (left + right) / 2, (top + bottom) / 2
        column, row = int(x // 8), int(y // 8)
        cell = row * (SIZE[1] // 8) + column
        raw[0, cell, :4] = [
            x / 8 - column, y / 8 - row, np.log((right - left) / 8), np.log((bottom - top) / 8),
        ]  # fmt: skip
        raw[0, cell, 4], raw[0, cell, 5] = 0.8, score / 0.8
    return raw


def encode_yolov8(boxes: np.ndarray, scores: np.ndarray, classes: int = 3) -> np.ndarray:
    cells = sum((SIZE[0] // s) * (SIZE[1] // s) for s in (8, 16, 32))
    raw = np.zeros((1, 4 + classes, cells), np.float32)
    for i, ((left, top, right, bottom), score) in enumerate(zip(boxes, scores, strict=True)):
        raw[0, :5, i * 7] = [
            (left + right) / 2, (top + bottom) / 2, right - left, bottom - top, score,
        ]  # fmt: skip
    return raw


def encode_rtdetr(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shares = boxes / [SIZE[1], SIZE[0], SIZE[1], SIZE[0]]
    queries = np.zeros((1, 20, 4), np.float32)
    logits = np.full((1, 20, 3), -9.0, np.float32)
    queries[0, : len(boxes)] = np.hstack(
        [(shares[:, :2] + shares[:, 2:]) / 2, shares[:, 2:] - shares[:, :2]]
    )
    logits[0, : len(boxes), 0] = np.log(scores / (1 - scores))
    return logits, queries


@pytest.mark.parametrize(
    ("family", "outputs"),
    [
        (YoloX(), [encode_yolox(TRUTH, SCORES)]),
        (YoloV8(), [encode_yolov8(TRUTH, SCORES)]),
        (RtDetr(), list(encode_rtdetr(TRUTH, SCORES))),
        (RtDetr(), list(encode_rtdetr(TRUTH, SCORES))[::-1]),
    ],
    ids=["yolox", "yolov8", "rtdetr", "rtdetr-boxes-first"],
)
def test_decoding_undoes_the_encoding(family, outputs):
    assert family.matches([o.shape for o in outputs], SIZE)
    candidates = family.decode(outputs, SIZE)
    best = np.argsort(-candidates.class_scores[:, 0])[:2]
    np.testing.assert_allclose(candidates.xyxy[best], TRUTH, atol=1e-4)
    np.testing.assert_allclose(candidates.class_scores[best, 0], SCORES, atol=1e-5)


def test_families_are_told_apart_by_their_shapes():
    shapes = {
        "yolox": [(1, 126, 8)],
        "yolov8": [(1, 7, 126)],
        "rtdetr": [(1, 20, 3), (1, 20, 4)],
    }
    for name, shape in shapes.items():
        first = next(
            n for n, f in (("yolox", YoloX()), ("yolov8", YoloV8()), ("rtdetr", RtDetr()))
            if f.matches(shape, SIZE)
        )  # fmt: skip
        assert first == name


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("shape", [(30, 100), (200, 40), (64, 96), (1, 1)])
def test_letterbox_places_the_image_where_it_says(shape, centred):
    image = np.full((*shape, 3), 255, np.uint8)
    canvas, placement = letterbox(image, SIZE, centred)
    assert canvas.shape == (*SIZE, 3)
    rows, columns = np.nonzero((canvas == 255).all(axis=2))
    corners = np.array([[columns.min(), rows.min(), columns.max() + 1.0, rows.max() + 1.0]])
    whole = np.array([[0.0, 0.0, shape[1], shape[0]]])
    scale = min(SIZE[0] / shape[0], SIZE[1] / shape[1])
    np.testing.assert_allclose(placement.to_image(corners), whole, atol=1.01 / scale)


def test_stretch_maps_corners_exactly():
    _, placement = stretch(np.zeros((50, 200, 3), np.uint8), SIZE)
    np.testing.assert_allclose(
        placement.to_image(np.array([[0.0, 0.0, 96.0, 64.0]])), [[0, 0, 200, 50]]
    )


def constant_network(path, outputs: list[np.ndarray], size: tuple[int, int] = SIZE):
    """An ONNX file that answers the same whatever it sees."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, *size])]
    nodes, infos = [], []
    for i, value in enumerate(outputs):
        tensor = numpy_helper.from_array(value.astype(np.float32), f"c{i}")
        nodes.append(helper.make_node("Constant", [], [f"y{i}"], value=tensor))
        infos.append(helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, value.shape))
    graph = helper.make_graph(nodes, "constant", inputs, infos)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_boxes_come_back_in_image_pixels_best_first_and_suppressed(tmp_path):
    twins = np.vstack([TRUTH, TRUTH[0] + [9, 0, 9, 0]])
    raw = encode_yolox(twins, np.array([0.6, 0.7, 0.5]))
    path = constant_network(tmp_path / "d.onnx", [raw])
    image = np.zeros((128, 192, 3), np.uint8)  # twice the input: boxes double
    loose = OnnxDetector(path, OnnxDetectorConfig(nms_iou=0.9)).detect(image)
    np.testing.assert_allclose(loose.scores, [0.7, 0.6, 0.5], atol=1e-5)
    np.testing.assert_allclose(loose.xyxy[0], TRUTH[1] * 2, atol=1e-3)
    strict = OnnxDetector(path, OnnxDetectorConfig(nms_iou=0.3)).detect(image)
    np.testing.assert_allclose(strict.xyxy, TRUTH[::-1] * 2, atol=1e-3)
    high = OnnxDetector(path, OnnxDetectorConfig(score_threshold=0.65)).detect(image)
    assert len(high) == 1


def test_boxes_are_clipped_to_the_image_and_hopeless_ones_dropped(tmp_path):
    boxes = np.array([[-20.0, 10.0, 20.0, 40.0], [40.0, 50.0, 60.0, 63.0]])
    path = constant_network(tmp_path / "d.onnx", [encode_yolox(boxes.clip(0), np.ones(2) * 0.79)])
    found = OnnxDetector(path).detect(np.zeros((32, 96, 3), np.uint8))  # lower half is padding
    assert (found.xyxy >= 0).all()
    assert (found.xyxy[:, 3] <= 32).all()
    assert len(found) == 1


@pytest.mark.parametrize(
    ("outputs", "config", "message"),
    [
        ([np.zeros((1, 5))], {}, "fit no known detector"),
        ([np.zeros((1, 126, 8))], {"family": "rtdetr", "input_size": (32, 32)}, "input_size"),
        ([np.zeros((1, 5, 8))], {"family": "yolox"}, "are not those of family 'yolox'"),
        ([np.full((1, 126, 8), np.nan)], {}, "not finite"),
        ([np.zeros((1, 126, 8))], {"class_ids": (7,)}, "the network has 3 classes"),
    ],
)
def test_networks_that_do_not_fit_are_named(tmp_path, outputs, config, message):
    path = constant_network(tmp_path / "bad.onnx", outputs)
    with pytest.raises(ValueError, match=message) as caught:
        OnnxDetector(path, OnnxDetectorConfig(**config)).detect(np.zeros((64, 96, 3), np.uint8))
    assert "bad.onnx" in str(caught.value)


def test_files_that_are_no_network(tmp_path):
    path = tmp_path / "text.onnx"
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match=r"text\.onnx: not a usable ONNX file"):
        OnnxDetector(path)
    with pytest.raises(FileNotFoundError, match=r"none\.onnx: no such model file"):
        OnnxDetector(tmp_path / "none.onnx")


def test_a_callable_is_a_detector_and_is_checked():
    good = CallableDetector(lambda image: ([[0, 0, image.shape[1], 5]], [0.5]))
    assert good.detect(np.zeros((8, 6, 3), np.uint8)).xyxy.tolist() == [[0, 0, 6, 5]]
    bad = CallableDetector(lambda image: ([[5, 0, 0, 5]], [0.5]))
    with pytest.raises(ValueError, match="x1 <= x2"):
        bad.detect(np.zeros((8, 6, 3), np.uint8))


def test_yolox_boxes_sit_on_people(real_data):
    """Recall on real frames, of people large enough for the smallest YOLOX."""
    sequence = real_data / "MOT15" / "train" / "ADL-Rundle-6"
    detector = OnnxDetector(real_data / "models" / "yolox_nano_416x416.onnx")
    truth = read_ground_truth(sequence / "gt" / "gt.txt")
    hits = people = 0
    for index in (1, 60, 120, 180):
        found = detector.detect(read_image(sequence / "img1" / f"{index:06d}.jpg", index))
        xyxy = truth.xyxy[truth.frame == index]
        large = xyxy[(xyxy[:, 3] - xyxy[:, 1]) > 250]
        overlap = iou_matrix(large, found.xyxy[found.scores > 0.25])
        hits += int((overlap.max(axis=1, initial=0.0) > 0.5).sum())
        people += len(large)
    assert people >= 10
    assert hits / people > 0.7


def test_public_detections_agree_with_the_reader(real_data):
    path = real_data / "MOT15" / "train" / "ADL-Rundle-6" / "det" / "det.txt"
    first = detections_by_frame(read_detections(path))[1]
    np.testing.assert_allclose(first.xyxy[0], [1689, 385, 1689 + 146.62, 385 + 332.71])
