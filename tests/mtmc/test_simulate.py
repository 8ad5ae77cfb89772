from __future__ import annotations

import filecmp

import numpy as np
import pytest

from mtmc.datasets import check_sequence, find_sequence
from mtmc.errors import InputError
from mtmc.mot_files import read_detections, read_ground_truth
from mtmc.simulate import StreetCamera, StreetConfig, simulate_street
from mtmc.trackers.boxes import iou_matrix

SMALL = StreetConfig(frames=12, people=6, width=320, height=180)


def test_the_same_seed_writes_the_same_files(tmp_path):
    a, b = (simulate_street(tmp_path / name, SMALL) for name in "ab")
    names = [str(path.relative_to(a)) for path in a.rglob("*") if path.is_file()]
    assert len(names) == 12 + 3
    assert filecmp.cmpfiles(a, b, names, shallow=False)[0] == names
    other = simulate_street(tmp_path / "c", StreetConfig(12, 6, seed=2, width=320, height=180))
    assert (other / "gt" / "gt.txt").read_bytes() != (a / "gt" / "gt.txt").read_bytes()


def test_the_sequence_is_sound(street):
    assert check_sequence(find_sequence(str(street))) == []


def test_people_who_show_are_mostly_detected_where_they_are(street):
    truth = read_ground_truth(street / "gt" / "gt.txt")
    found = read_detections(street / "det" / "det.txt")
    hits = shown = 0
    for frame in range(1, 61):
        people = truth.xyxy[(truth.frame == frame) & (truth.visibility > 0.9)]
        overlap = iou_matrix(people, found.xyxy[found.frame == frame])
        hits += int((overlap.max(axis=1, initial=0.0) > 0.7).sum())
        shown += len(people)
    assert 0.85 < hits / shown < 0.99


def test_the_camera_projects_like_a_pinhole():
    """Oracle: rotate into the camera's axes with an explicit matrix, then divide by depth."""
    camera = StreetCamera(960, 540)
    pitch = np.deg2rad(17.0)
    rotation = np.array(
        [[1, 0, 0], [0, -np.sin(pitch), -np.cos(pitch)], [0, np.cos(pitch), -np.sin(pitch)]]
    )
    xyz = np.random.default_rng(0).uniform([-6, 4, 0], [6, 15, 2], (50, 3))
    in_camera = (xyz - [0, 0, 4.2]) @ rotation.T
    expected = in_camera[:, :2] / in_camera[:, 2:] * 0.95 * 960 + [480, 270]
    np.testing.assert_allclose(camera.project(xyz), expected)
    assert np.isnan(camera.project(np.array([[0.0, -5.0, 0.0]]))).all()


def test_visibility_falls_when_somebody_stands_in_front(street):
    truth = read_ground_truth(street / "gt" / "gt.txt")
    assert truth.visibility.min() < 0.5
    assert np.quantile(truth.visibility, 0.9) > 0.95


def test_other_peoples_folders_are_not_overwritten(tmp_path):
    (tmp_path / "STREET").mkdir()
    (tmp_path / "STREET" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="not overwritten"):
        simulate_street(tmp_path, SMALL)
    assert (tmp_path / "STREET" / "thesis.txt").exists()


@pytest.mark.parametrize(
    "settings", [{"frames": 0}, {"people": 0}, {"people": 201}, {"width": 8}, {"miss_rate": 2.0}]
)
def test_settings_out_of_range_are_named(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        StreetConfig(**settings)
