from __future__ import annotations

import hashlib
import json

import cv2
import numpy as np
import pytest

from mtmc.cli import main
from mtmc.detectors import (
    DETECTORS,
    PEOPLE,
    SHIPPED_DETECTOR,
    BackgroundConfig,
    OnnxDetectorConfig,
    PeopleDetector,
)
from mtmc.detectors.heatmap import STRIDE, decode
from mtmc.detectors.people import fitting_size, network_input
from mtmc.detectors.training.targets import target
from mtmc.mot_files import detections_by_frame, read_detections
from mtmc.trackers.boxes import iou_matrix
from mtmc.worlds.clothes import random_looks
from mtmc.worlds.lab import LabConfig, simulate_lab
from mtmc.worlds.lab_room import lab_cameras
from mtmc.worlds.render import Renderer

ALONE = BackgroundConfig(enabled=False)


@pytest.fixture(scope="module")
def pictures():
    """Pictures of one camera in a rendered room, with the boxes of those who show well."""
    world = simulate_lab(LabConfig("lab-brief", 77, 4.0))
    looks = random_looks(np.random.default_rng(77), len(world.height_m))
    renderer = Renderer(world, looks, lab_cameras()[1], 77)
    drawn = [renderer.picture(frame) for frame in range(0, len(world.time_s), 3)]
    return [(one.image, one.xyxy[one.visible > 0.8]) for one in drawn]


def encode(boxes: np.ndarray, scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What the network should answer, one box at a time."""
    answer = np.zeros((5, size[0] // STRIDE, size[1] // STRIDE), np.float32)
    for (left, top, right, bottom), score in zip(boxes, scores, strict=True):
        column, row = int((left + right) / 2 // STRIDE), int((top + bottom) / 2 // STRIDE)
        x, y = (column + 0.5) * STRIDE, (row + 0.5) * STRIDE
        ways = np.array([x - left, y - top, right - x, bottom - y]) / STRIDE
        answer[0, row, column], answer[1:, row, column] = score, np.log(ways)
    return answer


def test_decoding_undoes_the_encoding():
    boxes = np.array([[10.0, 4.0, 30.0, 60.0], [50.0, 20.0, 70.0, 62.0], [2.0, 2.0, 9.0, 21.0]])
    scores = np.array([0.9, 0.6, 0.2])
    xyxy, found = decode(encode(boxes, scores, (64, 96)), 0.1)
    order = np.argsort(-found)
    np.testing.assert_allclose(xyxy[order], boxes, atol=1e-4)
    np.testing.assert_allclose(found[order], scores, rtol=1e-6)
    assert len(decode(encode(boxes, scores, (64, 96)), 0.5)[0]) == 2
    assert decode(np.zeros((5, 8, 8), np.float32), 0.1)[0].shape == (0, 4)


def test_only_peaks_are_people():
    answer = np.zeros((5, 8, 8), np.float32)
    answer[0, 3, 2:5] = 0.5, 0.8, 0.6
    answer[0, 6, 6] = 0.4
    _, scores = decode(answer, 0.1)
    np.testing.assert_allclose(np.sort(scores), [0.4, 0.8], rtol=1e-6)


def test_what_is_asked_for_is_what_is_decoded():
    """Targets put through the decoder give the boxes back."""
    boxes = np.array([[10.0, 4.0, 30.0, 60.0], [50.0, 10.0, 90.0, 120.0]])
    wanted = target(boxes, np.zeros(2, bool), (128, 96))
    assert wanted.weight.sum() == pytest.approx(2)
    assert (wanted.heat == 1).sum() == 2
    rows, columns = np.nonzero(wanted.heat == 1)
    np.testing.assert_allclose(wanted.xyxy[:, rows, columns].T, boxes)
    hidden = target(boxes, np.array([False, True]), (128, 96))
    assert (hidden.heat == 1).sum() == 1
    assert hidden.heat.min() == -1
    assert hidden.weight.sum() == pytest.approx(1)
    assert not target(np.zeros((0, 4)), np.zeros(0, bool), (64, 64)).heat.any()


def test_both_runtimes_agree(pictures):
    image = pictures[-1][0]
    ours, theirs = (
        PeopleDetector(background=ALONE, runtime=runtime).detect(image)
        for runtime in ("onnxruntime", "opencv")
    )
    assert len(ours) > 0
    np.testing.assert_allclose(ours.xyxy, theirs.xyxy, atol=1e-2)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-4)


def test_people_of_a_rendered_room_are_found(pictures):
    detector = PeopleDetector(OnnxDetectorConfig(score_threshold=0.5))
    hits = people = told = 0
    for image, boxes in pictures:
        found = detector.detect(image)
        assert (np.diff(found.scores) <= 0).all()
        hits += int((iou_matrix(boxes, found.xyxy) >= 0.5).any(axis=1).sum())
        people, told = people + len(boxes), told + len(found)
    assert people > 20
    assert hits / people > 0.6
    assert told < 2 * people


def test_cameras_learn_apart(pictures):
    first = PeopleDetector()
    for image, _ in pictures:
        found = first.detect(image)
    second = first.another()
    fresh = PeopleDetector().detect(pictures[-1][0])
    answer = second.detect(pictures[-1][0])
    np.testing.assert_array_equal(answer.xyxy, fresh.xyxy)
    assert not np.array_equal(found.scores, answer.scores)


@pytest.mark.parametrize("shape", [(480, 640), (288, 360), (1080, 1920), (1920, 1080), (40, 900)])
def test_inputs_fit_the_shape_of_the_image(shape):
    rows, columns = fitting_size(*shape)
    assert rows % 32 == columns % 32 == 0
    assert min(rows, columns) >= 32
    assert rows * columns == pytest.approx(384 * 512, rel=0.3)
    found = PeopleDetector().detect(np.zeros((*shape, 3), np.uint8))
    assert (found.xyxy <= [shape[1], shape[0], shape[1], shape[0]]).all()


def test_network_input_is_scaled_and_unknown_is_half():
    image = np.zeros((32, 32, 3), np.uint8)
    image[..., 2] = 255
    planes = network_input(image, None)
    assert planes.dtype == np.float32
    assert [float(plane.mean()) for plane in planes] == [0.0, 0.0, 1.0, 0.5]
    assert network_input(image, np.ones((32, 32), np.float32))[3].min() == 1


def test_settings_that_do_not_fit_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"input_size: expected multiples of 32, got \(100, 64\)"):
        PeopleDetector(OnnxDetectorConfig(input_size=(100, 64)))
    with pytest.raises(ValueError, match="family: only for detectors from a file"):
        PeopleDetector(OnnxDetectorConfig(family="yolox"))
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        PeopleDetector(path=tmp_path / "none.onnx")
    assert DETECTORS[PEOPLE] is PeopleDetector


def test_a_site_needs_no_detector(tmp_path):
    world = tmp_path / "room"
    arguments = ["simulate", "lab", "--preset", "lab-brief", "--seconds", "2", "--workers", "1"]
    assert main([*arguments, "--seed", "3", "--out", str(world)]) == 0
    brief = ["--frames", "1:12"]
    assert main(["run", "--sequence", str(world), "--out", str(tmp_path / "out"), *brief]) == 0
    record = json.loads((tmp_path / "out" / "room" / "run.json").read_text())
    digest = hashlib.sha256(SHIPPED_DETECTOR.read_bytes()).hexdigest()
    assert record["detector"] == {"name": "people", "file": "people.onnx", "sha256": digest}
    assert record["boxes"] > 5
    # one camera, and by name
    images = str(world / "cam1")
    out = tmp_path / "det.txt"
    assert main(["detect", "--sequence", images, "--out", str(out), *brief]) == 0
    assert len(detections_by_frame(read_detections(out))) > 5
    again = tmp_path / "one"
    named = ["run", "--sequence", images, "--detector", "people", "--out", str(again), *brief]
    assert main(named) == 0
    assert json.loads((again / "cam1.run.json").read_text())["detector"]["name"] == "people"


def test_detections_that_are_there_win(street, tmp_path):
    assert main(["run", "--sequence", str(street), "--out", str(tmp_path)]) == 0
    assert "detector" not in json.loads((tmp_path / f"{street.name}.run.json").read_text())


def test_neither_images_nor_detections_is_one_line(tmp_path, capsys):
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "seqinfo.ini").write_text(
        "[Sequence]\nname=empty\nframeRate=25\nseqLength=3\nimWidth=64\nimHeight=48\nimExt=.jpg\n"
    )
    assert main(["run", "--sequence", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "neither detections nor images here" in " ".join(capsys.readouterr().err.split())


def test_background_settings_reach_the_detector(tmp_path, capsys):
    for index in range(1, 4):
        cv2.imwrite(str(tmp_path / f"{index:06d}.png"), np.zeros((48, 64, 3), np.uint8))
    arguments = ["run", "--sequence", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--set", "background.samples=2"]) == 2
    assert "background.samples: expected a number from 3" in capsys.readouterr().err
    assert main([*arguments, "--set", "background.enabled=false"]) == 0
