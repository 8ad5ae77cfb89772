"""The story of an identity from a run's files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtmc.cli import main
from mtmc.ground_files import COLUMNS


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Somebody who was there twice, and somebody else."""
    rows = [",".join(COLUMNS)]
    for frame in [*range(10, 20), *range(100, 120)]:
        rows.append(f"{frame},1,{frame / 10},2.0,0.1,0,0.1,a:0")
    rows += [f"{frame},2,5.0,5.0,0.1,0,0.1,a:1" for frame in range(40, 60)]
    (tmp_path / "ground.csv").write_text("\n".join(rows) + "\n")
    events = [
        {"event": "identity", "answer": "new", "frame": 15, "time_s": 1.5, "track": 1,
         "identity": 1, "since_frame": 10, "crops": 9, "threshold": 0.34, "candidates": []},
        {"event": "appeared", "id": 2, "frame": 40, "x": 5.0, "y": 5.0},
        {"event": "identity", "answer": "new", "frame": 45, "time_s": 4.5, "track": 2,
         "identity": 2, "since_frame": 40, "crops": 8, "threshold": 0.34,
         "candidates": [{"identity": 1, "distance": 0.51, "prior": 0.0}]},
        {"event": "identity", "answer": "known", "frame": 106, "time_s": 10.6, "track": 3,
         "identity": 1, "since_frame": 100, "crops": 12, "threshold": 0.31,
         "candidates": [{"identity": 1, "distance": 0.212, "prior": 0.0},
                        {"identity": 2, "distance": 0.48, "prior": 0.05}]},
        {"event": "identity", "answer": "merged", "frame": 118, "time_s": 11.8, "track": 5,
         "identity": 1, "since_frame": 70, "crops": 20, "threshold": 0.2,
         "candidates": [{"identity": 1, "distance": 0.1, "prior": 0.0}]},
        {"event": "identity", "answer": "corrected", "frame": 119, "time_s": 11.9, "track": 2,
         "identity": 1, "since_frame": 65, "crops": 14, "threshold": 0.3,
         "candidates": [{"identity": 1, "distance": 0.15, "prior": 0.0}]},
    ]  # fmt: skip
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    return tmp_path


def test_visits_come_with_the_decisions_behind_them(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--run", str(run), "--id", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "identity 1: 2 visits"
    assert lines[1] == "visit 1: frames 10 to 19, from (1.0, 2.0) to (1.9, 2.0) m"
    assert "1 is somebody new, from frame 10 on; 9 crops" in lines[2]
    second = lines.index("visit 2: frames 100 to 119, from (10.0, 2.0) to (11.9, 2.0) m")
    after = "\n".join(lines[second:])
    assert "3 is known again as 1, from frame 100 on; 12 crops" in after
    assert "1* 0.212; 2 0.480 +0.05 by place; new above 0.310" in after
    assert "5 and 1 are one person, who is 1, from frame 70 on; 20 crops" in after
    assert "frame 119: what was 2 for a while from frame 65 on was 1; 14 crops" in after


@pytest.mark.parametrize(
    ("identity", "message"), [("9", "nobody has identity 9; there are 1, 2"), ("x", "invalid int")]
)
def test_unknown_identities_are_an_error(
    run: Path, capsys: pytest.CaptureFixture[str], identity: str, message: str
) -> None:
    try:
        code = main(["explain", "--run", str(run), "--id", identity])
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ground.csv", "events.jsonl"])
def test_missing_files_are_named(run: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (run / name).unlink()
    assert main(["explain", "--run", str(run), "--id", "1"]) == 2
    assert f"{name}: no such file" in capsys.readouterr().err


def test_a_broken_event_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (run / "events.jsonl").open("a") as stream:
        stream.write('{"event": "identity"}\n')
    assert main(["explain", "--run", str(run), "--id", "1"]) == 2
    assert "events.jsonl: line 7: expected an event" in capsys.readouterr().err
