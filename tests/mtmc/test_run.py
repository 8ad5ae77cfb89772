"""The whole way of one camera, through the command line and through Python."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.cli import build_parser, main
from mtmc.errors import InputError
from mtmc.evaluation import evaluate_sequence
from mtmc.mot_files import read_detections, read_results
from mtmc.people import BoxFilter, find_in, join_embeddings
from mtmc.pipeline import CameraRun, run_camera, stop_on_signal
from mtmc.run import (
    RunConfig,
    RunOptions,
    check_unique_names,
    find_model,
    prepare,
    run_sequence,
)
from mtmc.sinks import MotTextSink
from mtmc.sources import FrameRange, ImageFolder, NoImages
from mtmc.trackers import Sort
from mtmc.types import Detections, Frame


def run_cli(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture
def broken_street(street, tmp_path) -> Path:
    """The street with an unreadable frame 31."""
    copy = tmp_path / "STREET"
    shutil.copytree(street, copy)
    (copy / "img1" / "000031.jpg").write_bytes(b"no image")
    return copy


@pytest.mark.parametrize("tracker", ["sort", "bytetrack", "deepsort"])
def test_people_of_the_street_are_tracked(street, tmp_path, tracker):
    assert run_cli("run", "--sequence", street, "--tracker", tracker, "--out", tmp_path) == 0
    scores = evaluate_sequence(street / "gt" / "gt.txt", tmp_path / "STREET.txt")
    # two frames to confirm each person, 6 % missed boxes, and people behind pillars and others
    assert scores.metrics["MOTA"] > 65
    assert scores.metrics["IDF1"] > 60


def test_the_same_command_twice_writes_the_same_bytes(street, tmp_path):
    for out in ("a", "b"):
        code = run_cli(
            "run", "--sequence", street, "--tracker", "deepsort", "--reid", "histogram",
            "--out", tmp_path / out, "--video", "--jsonl", "--frames", "1:30",
        )  # fmt: skip
        assert code == 0
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["STREET.jsonl", "STREET.run.json", "STREET.txt", "STREET.webm"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_detections_and_embeddings_from_files_give_the_same_tracks(street, tmp_path, capsys):
    base = ("--sequence", street, "--frames", "1:40")
    tracked = (*base, "--tracker", "deepsort", "--out")
    assert run_cli("run", *tracked, tmp_path / "live", "--reid", "histogram") == 0
    assert run_cli("embed", *base, "--reid", "histogram", "--out", tmp_path / "e.npy") == 0
    assert run_cli("run", *tracked, tmp_path / "file", "--embeddings", tmp_path / "e.npy") == 0
    live = read_results(tmp_path / "live" / "STREET.txt")
    file = read_results(tmp_path / "file" / "STREET.txt")
    assert live.id.tolist() == file.id.tolist()
    np.testing.assert_allclose(live.tlwh, file.tlwh, atol=0.011)  # boxes are float32 there
    det = street / "det" / "det.txt"
    both = ("--detections", det, "--embeddings", tmp_path / "e.npy")
    assert run_cli("run", *tracked, tmp_path / "both", *both) == 0
    np.testing.assert_array_equal(read_results(tmp_path / "both" / "STREET.txt").id, live.id)


def test_embeddings_join_by_box_not_by_row():
    boxes = np.array([[0.0, 0, 10, 20], [30, 0, 40, 20]])
    vectors = np.eye(2, dtype=np.float32)
    joined = join_embeddings(
        {4: Detections(boxes, np.ones(2))}, {4: Detections(boxes[::-1], np.ones(2), vectors)}
    )
    np.testing.assert_array_equal(joined[4].embeddings, vectors[::-1])
    with pytest.raises(InputError, match="frame 4: no embedding for the detection"):
        join_embeddings(
            {4: Detections(boxes, np.ones(2))}, {4: Detections(boxes + 3, np.ones(2), vectors)}
        )
    with pytest.raises(InputError, match="frame 5: 2 detections but no embeddings"):
        join_embeddings({5: Detections(boxes, np.ones(2))}, {})


def test_an_unreadable_frame_keeps_what_came_before(broken_street, tmp_path, capsys):
    out = tmp_path / "out"
    code = run_cli(
        "run", "--sequence", broken_street, "--out", out, "--tracker", "deepsort",
        "--reid", "histogram", "--video",
    )  # fmt: skip
    assert code == 2
    assert "000031.jpg: frame 31 is not a readable image" in capsys.readouterr().err
    assert read_results(out / "STREET.txt").frame.max() == 30
    summary = json.loads((out / "STREET.run.json").read_text(encoding="utf-8"))
    assert summary["complete"] is False
    assert summary["last_frame"] == 30
    assert "frame 31" in summary["reason"]


def test_frames_nobody_looks_at_are_not_decoded(broken_street, tmp_path):
    assert run_cli("run", "--sequence", broken_street, "--out", tmp_path / "out") == 0


def test_an_interrupt_finishes_the_frame_and_renames_the_files(street, tmp_path):
    def interrupt(view) -> None:
        if view.frame.index == 20:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with stop_on_signal() as stop:
        outcome = run_sequence(str(street), tmp_path, on_frame=interrupt, stop=stop)
        assert stop()
    assert signal.getsignal(signal.SIGINT) is before
    assert not outcome.summary.complete
    assert outcome.summary.reason == "interrupted after frame 20"
    assert read_results(tmp_path / "STREET.txt").frame.max() == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["STREET.run.json", "STREET.txt"]


def test_a_second_interrupt_leaves_at_once(tmp_path):
    def twice(view) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    run = CameraRun(NoImages("cam", 10.0, 5), find_in({}), Sort())
    with pytest.raises(KeyboardInterrupt), stop_on_signal() as stop:
        run_camera(run, [MotTextSink(tmp_path / "cam.txt", "cam")], on_frame=twice, stop=stop)
    assert list(tmp_path.iterdir()) == []


def test_frames_every_and_region_limit_what_is_tracked(street, tmp_path):
    run = ("run", "--sequence", street, "--tracker", "sort", "--set", "tracker.min_hits=1")
    assert run_cli(*run, "--out", tmp_path / "f", "--frames", "10:30", "--every", 5) == 0
    frames = np.unique(read_results(tmp_path / "f" / "STREET.txt").frame)
    assert set(frames.tolist()) <= {10, 15, 20, 25, 30}
    assert run_cli(*run, "--out", tmp_path / "r", "--roi", "0,0,240,270") == 0
    xyxy = read_results(tmp_path / "r" / "STREET.txt").xyxy
    assert len(xyxy)
    assert ((xyxy[:, 0] + xyxy[:, 2]) / 2 < 250).all()


def test_the_filter_drops_by_height_score_region_and_mask():
    xyxy = np.array([[0.0, 0, 10, 20], [20, 0, 30, 40], [40, 0, 50, 60]])
    people = Detections(xyxy, np.array([0.2, 0.5, 0.9]))
    assert BoxFilter(min_height=30)(people).scores.tolist() == [0.5, 0.9]
    assert BoxFilter(min_score=0.5)(people).scores.tolist() == [0.5, 0.9]
    assert BoxFilter(roi=(0, 0, 30, 50))(people).scores.tolist() == [0.2, 0.5]
    mask = np.zeros((50, 60), np.uint8)
    mask[:, 40:] = 255
    assert BoxFilter(mask=mask)(people).scores.tolist() == [0.9]  # feet below: nearest row counts
    assert BoxFilter()(people) is people


def test_the_configuration_file_flags_and_settings_override_in_this_order(street, tmp_path, capsys):
    file = tmp_path / "run.toml"
    file.write_text('[run]\nframes = "1:9"\n[tracker]\nname = "sort"\nmin_hits = 4\n')
    code = run_cli(
        "run", "--sequence", street, "--config", file, "--tracker", "bytetrack", "--print-config",
        "--set", "tracker.min_hits=2", "--set", "run.every=3",
    )  # fmt: skip
    assert code == 0
    text = capsys.readouterr().out
    assert 'name = "bytetrack"' in text
    assert "min_hits = 2" in text
    assert 'frames = "1:9"' in text
    assert "every = 3" in text
    file.write_text(text)
    assert run_cli("run", "--sequence", street, "--config", file, "--out", tmp_path / "out") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tracker", "sort", "--set", "tracker.max_agee=3"), "tracker.max_agee: unknown key"),
        (("--detector", "none.onnx"), "none.onnx: no such model file"),
        (("--reid", "none.onnx"), "none.onnx: no such model file"),
        (("--frames", "9:3"), "frames: expected last >= first"),
        (("--mask", "none.png"), "none.png: not a readable mask image"),
        (("--config", "none.toml"), "none.toml: no such configuration file"),
        (("--roi", "1,2,3"), "--roi: expected 4 numbers"),
        (("--detections", "none.txt"), "none.txt"),
        (("--device", "tpu"), "run.device: expected 'cpu' or 'cuda'"),
        (("--reid", "histogram", "--embeddings", "x.npy"), "run.reid: expected either"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(street, tmp_path, capsys, arguments, message):
    out = tmp_path / "out"
    assert run_cli("run", "--sequence", street, "--out", out, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.strip().count("\n") == 0
    assert not out.exists()


def test_wrong_detections_are_named_by_file_and_line(street, tmp_path, capsys):
    bad = tmp_path / "det.txt"
    bad.write_text("1,-1,5,5,10,20,0.9\n2,-1,nan,5,10,20,0.9\n", encoding="utf-8")
    code = run_cli("run", "--sequence", street, "--detections", bad, "--out", tmp_path / "out")
    assert code == 2
    assert "det.txt: line 2" in capsys.readouterr().err


def test_scores_on_another_scale_ask_for_a_mapping(street, tmp_path, capsys):
    det = tmp_path / "det.txt"
    det.write_text("1,-1,5,5,10,20,37.5\n", encoding="utf-8")
    run = ("run", "--sequence", street, "--detections", det, "--out", tmp_path / "out")
    assert run_cli(*run) == 2
    assert "score mapping" in capsys.readouterr().err
    assert run_cli(*run, "--scores", "mot15") == 0


def test_unknown_sequences_and_models_say_where_was_looked(tmp_path, capsys):
    assert run_cli("run", "--sequence", "NOPE", "--data-root", tmp_path, "--out", tmp_path) == 2
    assert "NOPE" in capsys.readouterr().err
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.onnx").write_bytes(b"x")
    assert find_model("net.onnx", tmp_path) == tmp_path / "models" / "net.onnx"
    with pytest.raises(InputError, match=r"other\.onnx: no such model file"):
        find_model("other.onnx", tmp_path)


def test_a_wrong_network_file_ends_before_anything_is_written(street, tmp_path, capsys):
    (tmp_path / "net.onnx").write_bytes(b"not a network")
    out = tmp_path / "out"
    code = run_cli(
        "run", "--sequence", street, "--detector", tmp_path / "net.onnx", "--out", out
    )  # fmt: skip
    assert code == 2
    assert "net.onnx: not a usable ONNX file" in capsys.readouterr().err
    assert not out.exists()


def test_an_output_folder_that_cannot_be_written(street, tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run_cli("run", "--sequence", street, "--out", tmp_path / "file" / "out") == 2
    assert "file" in capsys.readouterr().err


def test_results_that_would_collide_are_refused():
    with pytest.raises(InputError, match="clip is given twice"):
        check_unique_names(["a/clip.mp4", "b/clip.avi"])


def test_a_detector_writes_a_file_that_gives_the_same_tracks(street, tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    cells = sum((64 // s) * (96 // s) for s in (8, 16, 32))
    raw = np.zeros((1, cells, 6), np.float32)
    raw[0, 30] = [0.5, 0.5, 1.0, 1.5, 0.9, 0.9]
    raw[0, 60] = [0.5, 0.5, 1.2, 1.6, 0.9, 0.8]
    value = numpy_helper.from_array(raw, "c")
    graph = helper.make_graph(
        [helper.make_node("Constant", [], ["y"], value=value)],
        "constant",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 64, 96])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, raw.shape)],
    )
    path = tmp_path / "net.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    base = ("--sequence", street, "--frames", "1:12")
    assert run_cli("run", *base, "--detector", path, "--out", tmp_path / "live") == 0
    assert run_cli("detect", *base, "--detector", path, "--out", tmp_path / "det.txt") == 0
    assert len(read_detections(tmp_path / "det.txt")) == 24
    assert run_cli(
        "run", *base, "--detections", tmp_path / "det.txt", "--out", tmp_path / "file"
    ) == 0  # fmt: skip
    live = read_results(tmp_path / "live" / "STREET.txt")
    file = read_results(tmp_path / "file" / "STREET.txt")
    assert len(live)
    assert live.id.tolist() == file.id.tolist()
    np.testing.assert_allclose(live.tlwh, file.tlwh, atol=0.02)


def test_a_video_file_is_a_sequence(street, tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (480, 270))
    for frame in ImageFolder(street / "img1", "s", 25.0).read(FrameRange(1, 30)):
        writer.write(frame.image)
    writer.release()
    code = run_cli(
        "run", "--sequence", path, "--detections", street / "det" / "det.txt",
        "--tracker", "deepsort", "--reid", "histogram", "--out", tmp_path / "out", "--video",
    )  # fmt: skip
    assert code == 0
    assert len(read_results(tmp_path / "out" / "clip.txt")) > 20
    assert (tmp_path / "out" / "clip.webm").stat().st_size > 1000


def test_sequences_without_images_are_drawn_on_a_plain_background(street, tmp_path):
    copy = tmp_path / "BARE"
    shutil.copytree(street, copy, ignore=shutil.ignore_patterns("img1"))
    (copy / "seqinfo.ini").write_text(
        (copy / "seqinfo.ini").read_text().replace("name=STREET", "name=BARE")
    )
    out = tmp_path / "out"
    assert run_cli("run", "--sequence", copy, "--out", out, "--video", "--frames", "1:10") == 0
    capture = cv2.VideoCapture(str(out / "BARE.webm"))
    assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == 480
    base = ("run", "--sequence", copy, "--out", out)
    assert run_cli(*base, "--tracker", "deepsort", "--reid", "histogram") == 2


def test_the_appearance_gate_follows_from_a_false_match_rate(street, tmp_path, capsys):
    run = ("run", "--sequence", street, "--out", tmp_path, "--false-match-rate", 0.01)
    assert run_cli(*run, "--tracker", "deepsort") == 2
    assert "needs an appearance model" in capsys.readouterr().err
    assert run_cli(*run, "--tracker", "deepsort", "--reid", "histogram") == 2
    assert "no distance statistics" in capsys.readouterr().err
    assert run_cli(*run, "--tracker", "sort", "--reid", "histogram") == 2
    assert "tracker sort has no appearance gate" in capsys.readouterr().err
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    from mtmc.reid.distances import measure_distances
    from mtmc.reid.spec import InputSpec, ModelCard, sidecar_path

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, 1, 1])
    graph = helper.make_graph([helper.make_node("GlobalAveragePool", ["x"], ["y"])], "m", [x], [y])
    model = tmp_path / "net.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), model)
    vectors = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    statistics = measure_distances(vectors, np.arange(60) // 4, np.arange(60) % 2, "noise")
    card = ModelCard(InputSpec(8, 4), "noise", distances=statistics.to_dict())
    sidecar_path(model).write_text(card.to_json(), encoding="utf-8")
    config = RunConfig(RunOptions(reid=str(model), false_match_rate=0.25), "deepsort")
    gate = prepare(str(street), config).tracker.config.max_cosine_distance
    assert gate == pytest.approx(statistics.threshold(0.25))


def test_what_a_tracker_does_not_use_is_said(street, tmp_path, capsys):
    base = ("run", "--sequence", street, "--out", tmp_path, "--frames", "1:3")
    assert run_cli(*base, "--tracker", "sort", "--reid", "histogram") == 0
    assert "does not look at appearance" in capsys.readouterr().err
    assert run_cli(*base, "--tracker", "deepsort") == 0
    assert "runs without appearance" in capsys.readouterr().err


def test_a_tracker_can_ask_for_the_image(street):
    """The look of each frame reaches the tracker, bound to that very frame."""
    seen = []

    class Curious:
        def update(self, detections, time_s, look=None):
            seen.append((look.embed(detections.xyxy).shape, look.camera_motion().shape))
            return Sort().update(detections, time_s)

    from mtmc.reid.embedder import load

    source = ImageFolder(street / "img1", "cam", 25.0)
    box = Detections(np.array([[10.0, 10, 60, 200]]), np.ones(1))
    run = CameraRun(
        source, lambda frame: box, Curious(), load("histogram"), frames=FrameRange(1, 3)
    )
    run_camera(run, [])
    assert [motion for _, motion in seen] == [(2, 3)] * 3
    assert [vectors[0] for vectors, _ in seen] == [1, 1, 1]


def test_camera_motion_is_found(street):
    from mtmc.look import ImageLook

    frame = next(ImageFolder(street / "img1", "cam", 25.0).read(FrameRange()))
    shift = np.array([[1.0, 0.02, 7.0], [-0.02, 1.0, -4.0]])
    moved = cv2.warpAffine(frame.image, shift, (480, 270), borderMode=cv2.BORDER_REFLECT)
    look = ImageLook(Frame("cam", 2, 0.04, moved), frame)
    np.testing.assert_allclose(look.camera_motion()[:, :2], shift[:, :2], atol=0.01)
    np.testing.assert_allclose(look.camera_motion()[:, 2], shift[:, 2], atol=0.8)
    np.testing.assert_array_equal(ImageLook(frame).camera_motion(), np.eye(2, 3))
    with pytest.raises(InputError, match="needs --reid"):
        ImageLook(frame).embed(np.zeros((1, 4)))
    with pytest.raises(InputError, match="needs a scorer"):
        ImageLook(frame).score(np.zeros((1, 4)))


def test_every_command_teaches_by_help(capsys):
    parser = build_parser()
    commands = next(
        action.choices for action in parser._actions if isinstance(action.choices, dict)
    )
    assert {"run", "detect", "embed", "eval", "compare", "data", "simulate", "demo"} <= set(
        commands
    )
    for name in commands:
        with pytest.raises(SystemExit) as done:
            main([name, "--help"])
        assert done.value.code == 0
        assert f"usage: mtmc {name}" in capsys.readouterr().out


def test_settings_reach_the_summary(street, tmp_path):
    config = RunConfig(RunOptions(frames="1:5"), "sort")
    outcome = run_sequence(str(street), tmp_path, config)
    assert outcome.summary.frames == 5
    document = json.loads((tmp_path / "STREET.run.json").read_text(encoding="utf-8"))
    assert RunConfig.from_tables(document["config"]) == config
