"""What the gallery keeps of people, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.reid.gallery import Crops, Entrant, Gallery, GalleryConfig, GuardConfig
from mtmc.reid.gallery_crops import clean
from mtmc.reid.gallery_thinning import spread_out

DIM = 32  # of the vectors of `person`


def test_importing_the_gallery_needs_numpy_only():
    code = (
        "import sys\n"
        "for name in ('torch', 'cv2', 'scipy', 'onnxruntime'): sys.modules[name] = None\n"
        "import mtmc.reid.gallery"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_clean_crops_enter(person):
    vectors = person(1, 5)
    vectors[4] = np.nan
    column = np.arange(5)
    given_crops = Crops(
        vectors,
        column * 0,
        column * 0 + 1,
        column.astype(float),
        visible=np.array([1.0, 0.5, 1.0, 1.0, 1.0]),
        overlap=np.array([0.0, 0.0, 0.5, 0.0, 0.0]),
        clearance_m=np.array([2.0, 2.0, 2.0, 0.3, 2.0]),
    )
    assert clean(given_crops, GuardConfig()).tolist() == [True, False, False, False, False]
    gallery = Gallery(DIM)
    gallery.add(1, given_crops)
    assert gallery.crops_of(1) == 1


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_thinning_keeps_every_tracklet_while_there_is_room(count, limit, seed):
    rng = np.random.default_rng(seed)
    camera, tracklet = rng.integers(3, size=count), rng.integers(4, size=count)
    time_s = rng.permutation(count).astype(float)
    keep = spread_out(camera, tracklet, time_s, limit)
    assert keep.sum() == min(limit, count)
    groups = set(zip(tracklet.tolist(), camera.tolist(), strict=True))
    kept = set(zip(tracklet[keep].tolist(), camera[keep].tolist(), strict=True))
    assert len(kept) == min(limit, len(groups))
    order = rng.permutation(count)
    again = spread_out(camera[order], tracklet[order], time_s[order], limit)
    assert np.array_equal(again, keep[order])


def test_thinning_spreads_over_time():
    time_s = np.concatenate([np.linspace(0.0, 1.0, 30), [50.0, 100.0]])
    keep = spread_out(np.zeros(32, int), np.zeros(32, int), time_s, 4)
    assert {0.0, 50.0, 100.0} <= set(time_s[keep].tolist())


def test_the_budget_holds_at_all_times(crops):
    config = GalleryConfig(budget_mib=0.01)  # 65 vectors of 160 bytes
    gallery = Gallery(DIM, config)
    dropped = []
    for identity in range(1, 101):
        column = crops(identity, 4)
        column = replace(column, time_s=column.time_s + identity)
        dropped += gallery.add(identity, column)
        assert gallery.nbytes <= 0.01 * 2**20
        assert gallery.crops_of(identity) > 0
    assert len(gallery) + len(dropped) == 100
    assert dropped == sorted(dropped)  # those seen longest ago first
    assert len(gallery) > 50


def test_an_identity_keeps_at_most_its_share(crops):
    gallery = Gallery(DIM, GalleryConfig(per_identity=8))
    for tracklet in range(5):
        gallery.add(1, crops(1, 6, tracklet=tracklet, seed=tracklet))
    assert gallery.crops_of(1) == 8


def test_forgetting_deletes_the_vectors(tmp_path, person, crops, filled):
    gallery = filled(3)
    gallery.distances([person(2, 1)])
    Gallery.decide(gallery, [Entrant(person(2, 4), gallery.identities)])
    gallery._store.prototypes()
    gallery._store.means()
    before = gallery.distances([person(3, 2, seed=5)], np.array([1, 3]))
    secret = [vector.tobytes() for vector in crops(2, 6).embeddings]
    assert gallery.forget(2)
    assert not gallery.forget(2)
    store = gallery._store
    for name in ("_vectors", "_means"):
        held = getattr(store, name).tobytes()
        assert not any(vector in held for vector in secret), name
    assert store._prototypes is None
    gallery.save(tmp_path / "g.npz")
    written = (tmp_path / "g.npz").read_bytes()
    assert not any(vector in written for vector in secret)
    assert gallery.identities.tolist() == [1, 3]
    assert gallery.distances([person(3, 2, seed=5)], np.array([1, 3])) == pytest.approx(before)


def test_merging_and_moving_tracklets(crops):
    gallery = Gallery(DIM)
    gallery.add(1, crops(1, 3, tracklet=1))
    gallery.add(1, crops(2, 3, tracklet=2))
    gallery.move_tracklets([2], 1, 5)
    assert (gallery.crops_of(1), gallery.crops_of(5)) == (3, 3)
    gallery.merge(5, 1)
    assert gallery.identities.tolist() == [1]
    assert gallery.crops_of(1) == 6


def test_purifying_drops_the_tracklet_of_somebody_else(crops):
    gallery = Gallery(DIM)
    for tracklet in (1, 2, 3):
        gallery.add(1, crops(1, 4, tracklet=tracklet, seed=tracklet))
        gallery.add(2, crops(2, 4, tracklet=tracklet + 10, seed=tracklet))
    gallery.add(1, crops(2, 4, tracklet=4, seed=8))
    assert gallery.purify(1) == (4,)
    assert gallery.purify(1) == ()
    assert gallery.crops_of(1) == 12
    assert gallery.purify(2) == ()
    assert gallery.purify(99) == ()


def test_means_follow_what_is_stored(crops, filled):
    gallery = filled(4)
    store = gallery._store
    store.means()
    gallery.add(2, crops(2, 4, tracklet=3, seed=6))
    gallery.forget(3)
    gallery.add(9, crops(9, 4))
    gallery.merge(9, 1)
    for identity, mean in zip(gallery.identities.tolist(), store.means(), strict=True):
        expected = store.vectors[store.rows_of(identity)].mean(axis=0)
        assert mean == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_bad_input_is_named(person, crops, filled):
    gallery = filled(1)
    with pytest.raises(ValueError, match="identity: expected a number from 1, got 0"):
        gallery.add(0, crops(1, 2))
    with pytest.raises(ValueError, match="expected vectors of length 32, got 2"):
        gallery.distances([np.array([[1.0, 0.0]], np.float32)])
    with pytest.raises(ValueError, match="rows of length 1, got 2 in row 0"):
        gallery.distances([2 * person(1, 1)])
    with pytest.raises(ValueError, match="budget: expected at least 160 bytes"):
        Gallery(DIM, GalleryConfig(budget_mib=1e-6))
    with pytest.raises(ValueError, match="distance: expected nearest or prototypes"):
        GalleryConfig(distance="cosine")
    with pytest.raises(ValueError, match=r"Crops\.camera: expected \(2,\), got \(1,\)"):
        replace(crops(1, 2), camera=np.zeros(1))
