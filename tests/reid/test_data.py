"""Readers of re-identification data sets, on small copies with the traps of the real ones."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from mtmc.reid.crops import input_batch
from mtmc.reid.data import (
    DATASETS,
    Samples,
    hold_out,
    keep_identities,
    merge,
    read_dataset,
    read_pack,
    write_pack,
)
from mtmc.reid.data.images import decode, load_images
from mtmc.reid.data.market1501 import GALLERY, QUERY, TRAIN
from mtmc.reid.spec import InputSpec
from mtmc.reid.transforms import Normaliser

SPEC = InputSpec(40, 16)


def read_mini(mini_market: Path):
    return read_dataset("market1501", mini_market, check=False)


def test_market_layout_drops_junk_and_keeps_distractors(mini_market):
    dataset = read_mini(mini_market)
    assert (dataset.train.num_identities, len(dataset.train)) == (12, 72)
    assert len(dataset.query) == 12
    # 4 people x 3 cameras x 2 images, and the two distractors; junk and Thumbs.db are gone
    assert len(dataset.gallery) == 26
    assert (dataset.gallery.identities == 0).sum() == 2
    assert dataset.gallery.identities.min() == 0
    assert dataset.gallery.num_identities == 4
    assert any(name.endswith(".jpg.jpg") for name in dataset.gallery.names)


def test_identity_and_camera_come_from_the_file_name(mini_market):
    train = read_mini(mini_market).train
    row = train.names.index("bounding_box_train/0005_c2s1_000004_00.jpg")
    assert (train.identities[row], train.cameras[row]) == (5, 2)


@pytest.mark.parametrize("above", [0, 1])
def test_root_may_be_the_data_set_or_hold_it(mini_market, above):
    root = [mini_market, mini_market.parent][above]
    assert len(read_dataset("market1501", root, check=False).train) == 72


def test_counts_are_checked(mini_market):
    with pytest.raises(ValueError, match=r"expected 12936 training images of 751 people, got 72"):
        read_dataset("market1501", mini_market)


def test_foreign_file_name_is_an_error(mini_market, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(mini_market, root)
    (root / "query" / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"holiday\.jpg: expected a file name like"):
        read_dataset("market1501", root, check=False)


@pytest.mark.parametrize("name", DATASETS)
def test_missing_root_names_what_was_looked_for(name, tmp_path):
    with pytest.raises(OSError, match=str(tmp_path / "none")):
        read_dataset(name, tmp_path / "none")


def test_unknown_data_set_names_the_known(tmp_path):
    with pytest.raises(ValueError, match=r"'market' is unknown; known are .*market1501"):
        read_dataset("market", tmp_path)


def test_dukemtmc_is_read_like_market(mini_market, tmp_path):
    shutil.copytree(mini_market, tmp_path / "DukeMTMC-reID")
    dataset = read_dataset("dukemtmc", tmp_path, check=False)
    assert (dataset.name, len(dataset.train)) == ("dukemtmc", 72)


@pytest.fixture
def msmt_root(tmp_path, draw_person) -> Path:
    root = tmp_path / "MSMT17_V1"
    lists: dict[str, list[str]] = {name: [] for name in ("train", "val", "query", "gallery")}
    for part, folder in (("train", "train"), ("val", "train"), ("query", "test")):
        for identity in range(2):
            relative = (
                f"{identity:04d}/{identity:04d}_000_{identity + 3:02d}_0303morning_{part}.jpg"
            )
            draw_person(root / folder / relative, identity, 1, 0)
            lists[part].append(f"{relative} {identity}")
    for name, lines in lists.items():
        (root / f"list_{name}.txt").write_text("\n".join(lines) + "\n")
    return root


def test_msmt17_joins_train_and_val(msmt_root):
    dataset = read_dataset("msmt17", msmt_root.parent, check=False)
    assert dataset.train.identities.tolist() == [1, 2, 1, 2]
    assert dataset.train.cameras.tolist() == [3, 4, 3, 4]
    assert len(dataset.query) == 2
    assert len(dataset.gallery) == 0
    assert decode(dataset.train, 0).shape == (128, 64, 3)


def test_msmt17_malformed_row_names_the_line(msmt_root):
    (msmt_root / "list_val.txt").write_text("0000/0000_000_01_x_1.jpg 0\n0000/nothing.jpg 0\n")
    with pytest.raises(ValueError, match=r"list_val\.txt, line 2: expected"):
        read_dataset("msmt17", msmt_root, check=False)


@pytest.fixture
def cuhk_root(tmp_path, draw_person) -> Path:
    for identity in (1, 485, 486, 971):
        for image in (1, 2, 3, 4):
            draw_person(tmp_path / "campus" / f"{identity:04d}{image:03d}.png", identity, 1, image)
    return tmp_path


def test_cuhk01_splits_people_and_cameras(cuhk_root):
    dataset = read_dataset("cuhk01", cuhk_root, check=False)
    assert sorted(set(dataset.train.identities)) == [1, 485]
    assert dataset.query.identities.tolist() == [486, 486, 971, 971]
    assert set(dataset.query.cameras) == {1}
    assert set(dataset.gallery.cameras) == {2}


def test_cuhk01_all_has_nothing_to_learn_from(cuhk_root):
    dataset = read_dataset("cuhk01_all", cuhk_root, check=False)
    assert (len(dataset.train), len(dataset.query), len(dataset.gallery)) == (0, 8, 8)


@pytest.mark.parametrize("kind", ["labeled", "detected"])
def test_cuhk03_is_in_markets_layout(kind, mini_market, tmp_path):
    shutil.copytree(mini_market, tmp_path / "CUHK03-NP" / kind)
    dataset = read_dataset(f"cuhk03_{kind}", tmp_path, check=False)
    assert dataset.name == f"cuhk03_{kind}"
    with pytest.raises(ValueError, match="incomplete or another edition"):
        read_dataset(f"cuhk03_{kind}", tmp_path)


@pytest.fixture
def people(tmp_path, draw_person) -> Path:
    root = tmp_path / "people"
    for identity, name in enumerate(["ann", "bob"]):
        for camera in ("door", "hall"):
            for number in range(3):
                draw_person(root / name / f"{camera}_{number}.jpg", identity, 1, number)
    return root


def test_plain_folder(people):
    dataset = read_dataset("folder", people)
    assert dataset.train.num_identities == 2
    assert set(dataset.train.cameras) == {1, 2}
    # one query per person and camera, all others gallery
    assert (len(dataset.query), len(dataset.gallery)) == (4, 8)
    assert dataset.query.names[0] == "ann/door_0.jpg"


def test_plain_folder_needs_cameras_and_pairs(people, draw_person):
    draw_person(people / "cid" / "door_1.jpg", 3, 1, 0)
    with pytest.raises(ValueError, match="cid: expected at least 2 images, got 1"):
        read_dataset("folder", people)
    draw_person(people / "cid" / "portrait.jpg", 3, 1, 1)
    with pytest.raises(ValueError, match=r"portrait\.jpg: expected CAMERA_anything\.jpg"):
        read_dataset("folder", people)


def test_plain_folder_without_people(tmp_path):
    with pytest.raises(ValueError, match="expected one sub-folder per person"):
        read_dataset("folder", tmp_path)


def test_hold_out_takes_people_from_training_only(mini_market):
    dataset = read_mini(mini_market)
    held = hold_out(dataset, 3, seed=1)
    left, taken = set(held.train.identities), set(held.query.identities)
    assert len(taken) == 3
    assert not left & taken
    assert left | taken == set(dataset.train.identities)
    assert set(held.gallery.identities) == taken
    again = hold_out(dataset, 3, seed=1)
    assert again.query.names == held.query.names
    assert hold_out(dataset, 3, seed=2).query.names != held.query.names


@pytest.mark.parametrize("number", [0, 12, 40])
def test_hold_out_must_leave_somebody(mini_market, number):
    with pytest.raises(ValueError, match=rf"expected 1 to 11 for market1501, got {number}"):
        hold_out(read_mini(mini_market), number, seed=0)


def test_keep_identities(mini_market):
    kept = keep_identities(read_mini(mini_market), 5, seed=0)
    assert kept.train.num_identities == 5
    assert len(kept.gallery) == 26
    with pytest.raises(ValueError, match="expected 1 to 12"):
        keep_identities(read_mini(mini_market), 13, seed=0)


def test_merged_people_and_cameras_stay_apart(mini_market, people):
    market, folder = read_mini(mini_market), read_dataset("folder", people)
    merged = merge([market, folder])
    assert merged.name == "market1501+folder"
    assert "research only" in merged.terms
    size = len(market.train)
    assert len(merged.train) == size + len(folder.train)
    assert not set(merged.train.identities[:size]) & set(merged.train.identities[size:])
    assert not set(merged.train.cameras[:size]) & set(merged.train.cameras[size:])
    assert (merged.gallery.identities == 0).sum() == 2
    assert merged.train.encoded[size] == folder.train.encoded[0]
    assert merged.train.names[size] == f"folder/{folder.train.names[0]}"


def test_merge_of_one_is_that_one(mini_market):
    dataset = read_mini(mini_market)
    assert merge([dataset]) is dataset
    with pytest.raises(ValueError, match="different data sets"):
        merge([dataset, dataset])
    with pytest.raises(ValueError, match="at least one"):
        merge([])


def test_pack_reads_back_exactly(mini_market, tmp_path):
    dataset = read_mini(mini_market)
    path = tmp_path / "mini.npz"
    write_pack(dataset, path)
    packed = read_dataset("market1501", path)
    assert (packed.name, packed.terms) == (dataset.name, dataset.terms)
    for part in ("train", "query", "gallery"):
        ours, theirs = getattr(packed, part), getattr(dataset, part)
        assert ours.names == theirs.names
        assert (ours.identities == theirs.identities).all()
        assert (ours.cameras == theirs.cameras).all()
        assert list(ours.encoded) == list(theirs.encoded)


def test_pack_of_a_part_leaves_the_others_empty(mini_market, tmp_path):
    path = tmp_path / "train.npz"
    write_pack(read_mini(mini_market), path, ["train"])
    packed = read_pack(path)
    assert (len(packed.train), len(packed.query), len(packed.gallery)) == (72, 0, 0)


def test_pack_refuses_other_files(mini_market, tmp_path):
    path = tmp_path / "mini.npz"
    with pytest.raises(FileNotFoundError, match="no such packed data set"):
        read_pack(path)
    write_pack(read_mini(mini_market), path, ["query"])
    with pytest.raises(ValueError, match="holds market1501, not msmt17"):
        read_dataset("msmt17", path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="damaged"):
        read_pack(path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(ValueError, match="not a packed data set"):
        read_pack(path)
    with pytest.raises(ValueError, match=r"ends in \.npz"):
        write_pack(read_mini(mini_market), tmp_path / "mini.bin")
    with pytest.raises(ValueError, match="got 'test'"):
        write_pack(read_mini(mini_market), path, ["test"])


def test_images_are_resized_as_crops_are(mini_market):
    train = read_mini(mini_market).train.select(np.arange(5))
    images = load_images(train, SPEC)
    assert images.pixels.shape == (5, 40, 16, 3)
    assert images.pixels.dtype == torch.uint8
    expected = input_batch([decode(train, row) for row in range(5)], SPEC)
    ours = Normaliser(SPEC)(images.pixels).permute(0, 3, 1, 2).numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_labels_are_renumbered_without_gaps(mini_market):
    train = read_mini(mini_market).train
    images = load_images(train, SPEC)
    assert images.num_classes == 12
    assert sorted(set(images.labels.tolist())) == list(range(12))
    same = train.identities[:, None] == train.identities
    labels = images.labels.numpy()
    assert ((labels[:, None] == labels) == same).all()


def test_unreadable_image_is_named(mini_market):
    train = read_mini(mini_market).train
    broken = Samples([b"no image", b""], np.array([1, 2]), np.array([1, 1]), ("a.jpg", "b.jpg"))
    for row, name in enumerate(["a.jpg", "b.jpg"]):
        with pytest.raises(ValueError, match=f"{name}: not a readable image"):
            decode(broken, row)
    with pytest.raises(ValueError, match=r"a\.jpg: not a readable image"):
        load_images(broken, SPEC)
    assert decode(train, 0).shape == (128, 64, 3)


def test_samples_check_their_lengths():
    with pytest.raises(ValueError, match="expected 1 identities and cameras"):
        Samples([b""], np.array([1, 2]), np.array([1]), ("a",))
    with pytest.raises(ValueError, match="expected 1 names, got 2"):
        Samples([b""], np.array([1]), np.array([1]), ("a", "b"))
    with pytest.raises(ValueError, match="expected identities from 0, got -1 for a"):
        Samples([b""], np.array([-1]), np.array([1]), ("a",))


def test_market1501_itself():
    root = os.environ.get("MTMC_MARKET1501", os.environ.get("MTMC_DATA", "."))
    try:
        dataset = read_dataset("market1501", Path(root))
    except FileNotFoundError:
        pytest.skip("needs Market-1501 below MTMC_DATA or at MTMC_MARKET1501")
    assert (len(dataset.train), dataset.train.num_identities) == (TRAIN.images, TRAIN.identities)
    assert (len(dataset.query), len(dataset.gallery)) == (QUERY.images, GALLERY.images)
    assert (dataset.gallery.identities == 0).sum() == 2798
