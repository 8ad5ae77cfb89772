"""Multi-camera sequences through the command line, on real calibrated data."""

from __future__ import annotations

import json

import pytest

from mtmc.cli import main


def run_cli(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def tracked(real_data, tmp_path_factory):
    if not (real_data / "CMC" / "CMC1").is_dir():
        pytest.skip("needs CMC/CMC1 below MTMC_DATA")
    out = tmp_path_factory.mktemp("sites")
    assert run_cli("run", "--sequence", "CMC1", "--data-root", real_data, "--out", out) == 0
    return out


def test_a_site_is_tracked_and_scored_by_its_name(real_data, tracked, tmp_path):
    names = {path.name for path in (tracked / "CMC1").iterdir()}
    assert {"ground.csv", "events.jsonl", "run.json", "cam1.txt", "cam4.txt"} <= names
    scores = tmp_path / "scores.json"
    code = run_cli(
        "eval", "--sequence", "CMC1", "--data-root", real_data, "--results", tracked,
        "--json", scores,
    )  # fmt: skip
    assert code == 0
    assert run_cli("eval", "--data-root", real_data, "--results", tracked) == 0
    overall = json.loads(scores.read_text(encoding="utf-8"))["overall"]
    assert overall["MOTA"] >= 98
    assert overall["IDF1"] >= 98
    assert overall["at_1m"]["MOTA"] >= overall["MOTA"] - 0.5


def test_sites_and_single_cameras_are_scored_apart(real_data, tracked, street, capsys):
    base = ("eval", "--data-root", real_data, "--results", tracked)
    assert run_cli(*base, "--sequence", "CMC1", street) == 2
    assert "score them apart" in capsys.readouterr().err
    assert run_cli(*base, "--sequence", "CMC1", "--protocol", "motdt") == 2
    assert "--protocol" in capsys.readouterr().err


def test_settings_of_the_ground_tracker_are_strict(real_data, tracked, tmp_path, capsys):
    base = ("run", "--sequence", "CMC1", "--data-root", real_data, "--out", tmp_path)
    assert run_cli(*base, "--set", "ground_tracker.lagg_s=1") == 2
    assert "ground_tracker.lagg_s: unknown key" in capsys.readouterr().err
    for unused in (("--roi", "0,0,5,5"), ("--mask", "x.png")):
        assert run_cli(*base, *unused) == 2
        assert "not for multi-camera sequences" in capsys.readouterr().err
    assert not (tmp_path / "CMC1").exists()


def test_print_config_round_trips_with_the_ground_tracker(real_data, tmp_path, capsys):
    assert run_cli("run", "--sequence", "CMC1", "--print-config") == 0
    text = capsys.readouterr().out
    assert "[ground_tracker]" in text
    assert "[ground_tracker.births]" in text
    file = tmp_path / "run.toml"
    file.write_text(text, encoding="utf-8")
    assert run_cli("run", "--sequence", "CMC1", "--config", file, "--print-config") == 0
    assert capsys.readouterr().out == text


def test_a_finished_run_is_drawn(real_data, tracked):
    base = ("draw", "--sequence", "CMC1", "--data-root", real_data, "--results", tracked)
    assert run_cli(*base, "--only", "pictures") == 0
    assert (tracked / "CMC1" / "trajectories.png").stat().st_size > 0
    assert (tracked / "CMC1" / "heat_map.png").stat().st_size > 0
    assert not (tracked / "CMC1" / "video.webm").exists()


def test_a_finished_run_of_one_camera_is_drawn_as_after_the_run(street, tmp_path, capsys):
    out = tmp_path / "out"
    base = ("--sequence", street, "--out", out, "--frames", "11:30", "--every", "2")
    assert run_cli("run", *base, "--video") == 0
    video = out / f"{street.name}.webm"
    expected = video.read_bytes()
    video.unlink()
    assert run_cli("draw", "--sequence", street, "--results", out) == 0
    assert video.read_bytes() == expected
    assert str(video) in capsys.readouterr().out
    assert run_cli("draw", "--sequence", street, "--results", out, "--only", "pictures") == 2
    assert "is no multi-camera sequence" in capsys.readouterr().err
    assert run_cli("draw", "--sequence", street, "--results", tmp_path) == 2
    assert "no such" in capsys.readouterr().err
