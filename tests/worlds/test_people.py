from __future__ import annotations

import json
import shutil
from dataclasses import fields

import cv2
import numpy as np
import pytest

from mtmc.cli import main
from mtmc.errors import InputError
from mtmc.reid.data import read_dataset
from mtmc.worlds.bodies import body_mesh
from mtmc.worlds.clothes import LEG_PATTERNS, LEGWEAR, TOPS, Look
from mtmc.worlds.clothes_paint import colours, worn
from mtmc.worlds.people_config import PeopleConfig
from mtmc.worlds.people_files import write_people
from mtmc.worlds.shot_cameras import CROP_HEIGHTS_PX
from mtmc.worlds.wardrobe import varied_looks

SMALL = PeopleConfig(people=3, test_people=2, cameras=2, images=2, seed=5)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    out = tmp_path_factory.mktemp("drawn") / "people"
    write_people(out, SMALL)
    return out


def content(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_seed_draws_the_same_files(drawn, tmp_path):
    write_people(tmp_path / "again", SMALL)
    assert content(tmp_path / "again") == content(drawn)


def test_more_people_are_the_same_people_and_others(drawn, tmp_path):
    write_people(tmp_path / "more", PeopleConfig(4, 0, 2, 2, 5))
    less, more = content(drawn / "train"), content(tmp_path / "more" / "train")
    assert less == {path: more[path] for path in less}
    assert len(more) == 4 * 2 * 2


def test_another_seed_and_the_test_part_show_others(drawn, tmp_path):
    write_people(tmp_path / "other", PeopleConfig(3, 0, 2, 2, 6))
    other = set(content(tmp_path / "other" / "train").values())
    train, test = (set(content(drawn / part).values()) for part in ("train", "test"))
    assert not train & other
    assert not train & test


def test_it_is_a_data_set_with_people_of_its_own_to_test_with(drawn):
    dataset = read_dataset("rendered_people", drawn)
    assert dataset.train.num_identities == 3
    assert len(dataset.train) == 3 * 2 * 2
    assert len(dataset.query) == 2 * 2  # one of everybody in every camera
    assert len(dataset.gallery) == 2 * 2
    assert set(dataset.train.cameras.tolist()) == {1, 2}
    assert "Apache-2.0" in dataset.terms
    record = json.loads((drawn / "rendered_people.json").read_text(encoding="utf-8"))
    assert {f.name: record[f.name] for f in fields(SMALL)} == {
        f.name: getattr(SMALL, f.name) for f in fields(SMALL)
    }


def test_crops_are_as_small_as_those_of_far_cameras_and_hold_something(drawn):
    for path in drawn.rglob("*.jpg"):
        image = cv2.imread(str(path))
        assert CROP_HEIGHTS_PX[0] <= image.shape[0] <= CROP_HEIGHTS_PX[1]
        assert 8 <= image.shape[1] <= 2 * image.shape[0]
        assert image.std() > 3


def test_one_person_looks_more_alike_than_two_do():
    """Mean colours of the clothes themselves, without camera and light, tell people apart."""
    mesh = body_mesh()
    looks = varied_looks(np.random.default_rng(0), 40)
    means = np.array([colours(look, mesh)[worn(look, mesh)].mean(axis=0) for look in looks])
    gaps = np.linalg.norm(means[:, None] - means[None], axis=2)[np.triu_indices(40, 1)]
    assert np.median(gaps) > 30
    assert len({look.pattern for look in looks}) >= 5


@pytest.mark.parametrize(
    "change",
    [{"pattern": name} for name in TOPS[1:]]
    + [{"legwear": name} for name in LEGWEAR[1:]]
    + [{"leg_pattern": name} for name in LEG_PATTERNS[1:]],
)
def test_every_piece_of_clothing_shows(change):
    plain = {
        "girth": 1.0, "waist": 0.2, "skin": (200, 160, 130), "hair": (40, 30, 20),
        "top": (180, 30, 30), "second": (20, 200, 20), "trousers": (30, 30, 160),
        "shoes": (10, 10, 10), "bag": (90, 60, 40), "pattern": "plain", "long_sleeves": True,
        "legwear": "trousers", "hair_style": "short", "carries": "none", "habit": 0.55,
        "leg_second": (230, 230, 20),
    }  # fmt: skip
    mesh = body_mesh()
    before, after = Look(**plain), Look(**{**plain, **change})
    differs = (colours(before, mesh) != colours(after, mesh)).any(axis=1)
    seen = worn(after, mesh)
    assert (differs & seen).sum() > 20 or (worn(before, mesh) != seen).sum() > 20


def test_the_command_writes_it_and_refuses_what_makes_no_sense(drawn, tmp_path, capsys):
    out = tmp_path / "people"
    sizes = ["--people", "3", "--test-people", "2", "--cameras", "2", "--images", "2"]
    command = ["simulate", "people", "--seed", "5", "--workers", "1", "--out", str(out), *sizes]
    assert main(command) == 0
    assert content(out) == content(drawn)
    capsys.readouterr()
    assert main(command) == 2
    assert "expected a new or an empty folder" in capsys.readouterr().err
    shutil.rmtree(out)
    assert main([*command, "--cameras", "1"]) == 2
    assert "cameras: expected a number from 2, got 1" in capsys.readouterr().err
    with pytest.raises(InputError, match="people: expected a number from 1, got 0"):
        PeopleConfig(people=0)


def test_a_folder_without_the_record_is_not_taken_for_the_data_set(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"rendered_people\.json"):
        read_dataset("rendered_people", tmp_path)
