"""Scorers for MOTDT: the detector's score map, the patch classifier, and both from the run."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mtmc.cli import main
from mtmc.detectors import OnnxDetector
from mtmc.errors import InputError
from mtmc.mot_files import read_results
from mtmc.run import RunConfig, RunOptions, prepare
from mtmc.scorers import DetectorScorer, PatchScorer
from mtmc.scorers.patch import SHIPPED_WEIGHTS
from mtmc.trackers import MotdtConfig

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper  # noqa: E402


def iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


class Proposals:
    """A detector that proposes given boxes, and counts how often it looks."""

    def __init__(self, xyxy, scores):
        self.xyxy, self.scores, self.looks = xyxy, scores, 0

    def propose(self, image):
        self.looks += 1
        return self.xyxy, self.scores

    def select(self, image, xyxy, scores):
        return (xyxy, scores)


IMAGE = np.zeros((200, 300, 3), np.uint8)


def test_the_score_map_is_the_best_score_times_overlap():
    rng = np.random.default_rng(0)
    corner = rng.uniform(-20, 250, (40, 2))
    proposed = np.hstack([corner, corner + rng.uniform(10, 90, (40, 2))])
    scores = rng.uniform(0.01, 1, 40)
    asked = proposed[:15] + rng.normal(0, 6, (15, 4))

    def inside(box):
        return np.clip(box, 0, [300, 200, 300, 200])

    expected = [
        max(s * iou(inside(box), inside(other)) for s, other in zip(scores, proposed, strict=True))
        for box in asked
    ]
    answer = DetectorScorer(Proposals(proposed, scores))(IMAGE, asked)
    np.testing.assert_allclose(answer, expected, atol=1e-12)


def test_the_score_map_without_boxes_or_proposals():
    none = DetectorScorer(Proposals(np.zeros((0, 4)), np.zeros(0)))
    assert none(IMAGE, np.array([[0.0, 0.0, 9.0, 9.0]])).tolist() == [0.0]
    some = DetectorScorer(Proposals(np.array([[0.0, 0.0, 9.0, 9.0]]), np.ones(1)))
    assert some(IMAGE, np.zeros((0, 4))).shape == (0,)


def test_detecting_and_scoring_look_once_at_each_image():
    detector = Proposals(np.array([[0.0, 0.0, 9.0, 9.0]]), np.ones(1))
    scorer = DetectorScorer(detector)
    for image in (IMAGE.copy(), IMAGE.copy()):
        scorer.detect(image)
        scorer(image, np.array([[0.0, 0.0, 9.0, 9.0]]))
        scorer(image, np.array([[1.0, 0.0, 9.0, 9.0]]))
    assert detector.looks == 2


def test_a_detector_detects_alike_through_the_scorer(real_data):
    detector = OnnxDetector(real_data / "models" / "yolox_nano_416x416.onnx", threads=1)
    image = cv2.imread(str(real_data / "MOT15/train/ADL-Rundle-6/img1/000001.jpg"))
    alone, shared = detector.detect(image), DetectorScorer(detector).detect(image)
    np.testing.assert_array_equal(alone.xyxy, shared.xyxy)
    np.testing.assert_array_equal(alone.scores, shared.scores)
    # What it has detected it finds in its own map, the border of the image aside.
    assert (DetectorScorer(detector)(image, alone.xyxy) >= alone.scores - 1e-9).all()


def test_the_shipped_classifier_is_repeatable_in_any_batch():
    scorer = PatchScorer(threads=1)
    rng = np.random.default_rng(1)
    crops = [rng.integers(0, 255, (int(h), 30, 3), np.uint8) for h in rng.integers(1, 120, 5)]
    together = scorer.score_crops(crops)
    np.testing.assert_allclose(together, [scorer.score_crops([c])[0] for c in crops], atol=1e-6)
    assert ((together >= 0) & (together <= 1)).all()
    assert scorer.score_crops([]).shape == (0,)


def test_boxes_without_pixels_hold_nobody():
    boxes = np.array([[400.0, 10.0, 450.0, 90.0], [20.0, 20.0, 20.0, 90.0]])
    assert PatchScorer(threads=1)(IMAGE, boxes).tolist() == [0.0, 0.0]


def test_the_shipped_classifier_says_what_it_was_trained_on():
    properties = {entry.key: entry.value for entry in onnx.load(SHIPPED_WEIGHTS).metadata_props}
    assert "Market-1501" in properties["trained_on"]
    assert "research" in properties["terms"]


def test_the_shipped_classifier_tells_people_from_misses(real_data):
    scorer = PatchScorer(threads=1)
    folder = real_data / "MOT15" / "train" / "ADL-Rundle-6"
    truth = read_results(folder / "gt" / "gt.txt")
    whole, beside = [], []
    for frame in range(1, 200, 20):
        image = cv2.imread(str(folder / "img1" / f"{frame:06d}.jpg"))
        people = truth.xyxy[truth.frame == frame]
        width = people[:, 2] - people[:, 0]
        shifted = people + np.stack([width, 0 * width, width, 0 * width], axis=1)
        whole += scorer(image, people).tolist()
        beside += scorer(image, shifted).tolist()
    assert np.mean(whole) > np.mean(beside) + 0.2  # measured 0.4 apart


def constant_network(path, value):
    """An ONNX file that answers every patch with one value."""
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["patches", "axes"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "value"], ["person"]),
        ],
        "constant",
        [helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", 3, 64, 32])],
        [helper.make_tensor_value_info("person", TensorProto.FLOAT, ["n"])],
        [
            helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
            helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
            helper.make_tensor("value", TensorProto.FLOAT, [], [value]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(path))
    return path


def test_another_classifier_takes_its_place(tmp_path):
    scorer = PatchScorer(constant_network(tmp_path / "mine.onnx", 0.75))
    assert scorer(IMAGE, np.array([[0.0, 0.0, 9.0, 9.0]] * 3)).tolist() == [0.75] * 3


@pytest.mark.parametrize("value", [1.5, -0.2, float("nan")])
def test_a_network_that_answers_no_probabilities_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match=r"mine\.onnx: expected 1 probabilities"):
        PatchScorer(constant_network(tmp_path / "mine.onnx", value))


def run_config(**options):
    return RunConfig(RunOptions(**options), "motdt", MotdtConfig())


def test_a_run_without_scorer_asks_nothing(street):
    run = prepare(str(street), run_config())
    assert run.scorer is None
    assert not run.tracker.config.use_scorer
    assert not run.source.has_images  # and decodes nothing


def test_a_run_with_scorer_and_appearance_lets_the_tracker_ask(street):
    run = prepare(str(street), run_config(scorer="patch", reid="histogram"))
    assert isinstance(run.scorer, PatchScorer)
    assert run.tracker.config.use_scorer
    assert run.tracker.config.use_embedder
    assert not run.embed_first


@pytest.mark.parametrize("scorer", ["patch", "mine.onnx"])
def test_motdt_runs_from_the_command_line(scorer, street, tmp_path, capsys):
    name = str(constant_network(tmp_path / scorer, 0.9)) if scorer.endswith("onnx") else scorer
    arguments = ["run", "--sequence", str(street), "--tracker", "motdt", "--scorer", name]
    assert main([*arguments, "--reid", "histogram", "--out", str(tmp_path)]) == 0
    results = read_results(tmp_path / "STREET.txt")
    assert len(np.unique(results.id)) >= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tracker", "sort", "--scorer", "patch"], "run.scorer: tracker sort scores no boxes"),
        (["--tracker", "motdt", "--scorer", "detector"], "give detector, too"),
        (["--tracker", "motdt", "--scorer", "none.onnx"], "none.onnx: no such model file"),
    ],
)
def test_a_wrong_scorer_is_one_line(arguments, message, street, tmp_path, capsys):
    assert main(["run", "--sequence", str(street), "--out", str(tmp_path), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in " ".join(error.split())
    assert len(list(tmp_path.iterdir())) == 0


def test_a_scorer_without_images_is_refused(street, tmp_path):
    for part in ("seqinfo.ini", "det", "gt"):
        (tmp_path / "BLIND").mkdir(exist_ok=True)
        (tmp_path / "BLIND" / part).symlink_to(street / part)
    with pytest.raises(InputError, match="a scorer needs images"):
        prepare(str(tmp_path / "BLIND"), run_config(scorer="patch"))
