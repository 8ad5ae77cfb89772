"""The paper's LAB sequence: read like any site where it is, and missed in one helpful line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtmc.cli import main
from mtmc.sites import find_site
from mtmc.worlds.lab import LabConfig
from mtmc.worlds.lab_files import write_rendered_lab


def test_without_it_the_error_says_how_to_lay_it_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["run", "--sequence", "LAB", "--data-root", str(tmp_path), "--out", str(tmp_path)])
    assert code == 2
    line = capsys.readouterr().err
    assert f"{tmp_path}/LAB/sequence.toml" in line.replace("\n", "")
    assert "mtmc simulate lab" in line
    assert not list(tmp_path.iterdir())


def test_with_it_the_command_finds_it_by_name(tmp_path: Path) -> None:
    config = LabConfig("lab-brief", seed=3, duration_s=2.0, frame_rate=5.0)
    write_rendered_lab(tmp_path / "LAB", config, workers=1)  # any folder in that layout
    site = find_site("LAB", tmp_path)
    assert site is not None
    assert site.name == "LAB"
    assert len(site.cameras) == 4
