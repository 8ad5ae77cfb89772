from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linear_sum_assignment

from mtmc.reid.distances import BINS, DistanceStatistics
from mtmc.reid.gallery import (
    Crops,
    DecisionConfig,
    Entrant,
    Gallery,
    GalleryConfig,
    GuardConfig,
    ScaleConfig,
)
from mtmc.reid.gallery_assignment import assign_one_to_one
from mtmc.reid.gallery_crops import clean
from mtmc.reid.gallery_distance import nearest_mean_distance
from mtmc.reid.gallery_scale import DistanceScale
from mtmc.reid.gallery_thinning import spread_out

DIM = 32


def person(identity: int, count: int, seed: int = 0, noise: float = 0.2) -> np.ndarray:
    """Vectors (count, DIM) of one person: a direction of their own, with noise."""
    centre = np.random.default_rng(identity).normal(size=DIM)
    centre /= np.linalg.norm(centre)
    drawn = np.random.default_rng([identity, seed]).normal(size=(count, DIM))
    vectors = centre + noise * drawn / np.sqrt(DIM)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def crops(identity: int, count: int, camera: int = 0, tracklet: int = 1, seed: int = 0) -> Crops:
    return Crops.of_tracklet(
        person(identity, count, seed), camera, tracklet, np.arange(float(count))
    )


def filled(people: int, config: GalleryConfig | None = None) -> Gallery:
    gallery = Gallery(DIM, config)
    for identity in range(1, people + 1):
        gallery.add(identity, crops(identity, 6))
    return gallery


def test_importing_the_gallery_needs_numpy_only():
    code = (
        "import sys\n"
        "for name in ('torch', 'cv2', 'scipy', 'onnxruntime'): sys.modules[name] = None\n"
        "import mtmc.reid.gallery"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---------------------------------------------------------------- distances


@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=6),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_mean_of_the_nearest_equals_sorting(counts, queries, nearest, share, seed):
    rng = np.random.default_rng(seed)
    similarity = rng.uniform(-1, 1, (sum(counts), queries)).astype(np.float32)
    starts = np.concatenate([[0], np.cumsum(counts)])
    found = nearest_mean_distance(similarity, starts, nearest, share)
    for row, (start, stop) in enumerate(pairwise(starts.tolist())):
        for column in range(queries):
            expected = np.sort(1.0 - similarity[start:stop, column].astype(np.float64))
            depth = max(nearest, math.ceil(round(share * len(expected), 6)))
            assert found[row, column] == pytest.approx(expected[:depth].mean(), abs=1e-6)


def test_a_few_crops_of_somebody_else_do_not_make_one_look_like_that():
    gallery = Gallery(DIM)
    for identity in (1, 2):
        gallery.add(identity, crops(identity, 40))
    gallery.add(1, crops(2, 5, tracklet=2, seed=5))  # after an exchange that was not noticed
    own, foreign = gallery.distances([person(2, 8, seed=8)], np.array([2, 1]))[0]
    assert own + 0.3 < foreign
    vectors = np.concatenate([person(1, 40), person(2, 5, seed=5)])
    fixed = nearest_mean_distance(vectors @ person(2, 8, seed=8).T, np.array([0, 45]), 3)
    assert fixed.mean() == pytest.approx(own, abs=0.02)  # the three nearest alone cannot tell


def test_distances_are_means_over_the_crops_of_a_query():
    gallery = filled(3)
    query = person(2, 4, seed=9)
    each = gallery.distances([query[i : i + 1] for i in range(4)], np.array([2, 3]))
    assert gallery.distances([query], np.array([2, 3]))[0] == pytest.approx(each.mean(axis=0))


def test_few_candidates_and_all_give_the_same_distances():
    gallery = filled(40)
    query = [person(5, 3, seed=1), person(6, 2, seed=1)]
    whole = gallery.distances(query)
    some = gallery.distances(query, np.array([6, 5]))
    assert some == pytest.approx(whole[:, [5, 4]], abs=1e-6)


def test_unknown_identities_and_queries_without_crops_have_no_distance():
    gallery = filled(2)
    blind = np.full((3, DIM), np.nan, np.float32)
    answer = gallery.distances([blind, person(1, 2)], np.array([1, 99]))
    assert np.isnan(answer[0]).all()
    assert np.isfinite(answer[1, 0])
    assert answer[1, 1] == np.inf
    assert gallery.distances([], np.array([1])).shape == (0, 1)
    assert Gallery(DIM).distances([person(1, 2)]).shape == (1, 0)


def test_nan_crops_change_nothing():
    gallery = filled(3)
    query = person(1, 4, seed=2)
    with_nan = np.concatenate([query, np.full((2, DIM), np.nan, np.float32)])
    assert np.array_equal(gallery.distances([query]), gallery.distances([with_nan]))


def test_prototypes_are_the_means_per_tracklet_and_camera():
    gallery = Gallery(DIM, GalleryConfig(distance="prototypes", nearest=1))
    first, second = crops(1, 5), crops(1, 5, camera=1, seed=3)
    gallery.add(1, first)
    gallery.add(1, second)
    query = person(1, 1, seed=7)
    means = [part.embeddings.mean(axis=0) for part in (first, second)]
    expected = min(1.0 - float(query[0] @ mean / np.linalg.norm(mean)) for mean in means)
    assert gallery.distances([query])[0, 0] == pytest.approx(expected, abs=1e-6)


def test_misplaced_tracklets_are_found_by_those_that_are_certain():
    gallery = Gallery(DIM)
    for identity, tracklet, who in ((1, 1, 1), (1, 2, 2), (1, 3, 1), (2, 4, 2), (2, 5, 1)):
        gallery.add(identity, crops(who, 8, tracklet=tracklet, seed=tracklet))
    assert gallery.tracklets_of(1) == [1, 2, 3]
    found = gallery.misplaced((1, 2), ([1], [4]), ([2, 3], [5]))
    assert [(one.tracklet, one.identity, one.other) for one in found] == [(2, 1, 2), (5, 2, 1)]
    assert all(one.other_distance + 0.05 < one.distance and one.crops == 8 for one in found)
    assert gallery.misplaced((1, 2), ([1], []), ([2], [])) == []  # nothing is certain of 2


# ---------------------------------------------------------------- assignment


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 6), st.integers(0, 7)),
        elements=st.floats(-5, 5, width=32),
    )
)
@settings(max_examples=200, deadline=None)
def test_assignment_costs_as_little_as_scipys(gain):
    column = assign_one_to_one(gain)
    rows = np.flatnonzero(column >= 0)
    assert len(set(column[rows].tolist())) == len(rows)
    assert (gain[rows, column[rows]] < 0).all()
    best = linear_sum_assignment(np.minimum(gain, 0.0))
    assert gain[rows, column[rows]].sum() == pytest.approx(np.minimum(gain, 0.0)[best].sum())


def test_infinite_pairs_are_never_matched():
    assert assign_one_to_one(np.array([[np.inf, -1.0], [-2.0, np.inf]])).tolist() == [1, 0]
    assert assign_one_to_one(np.full((2, 1), np.inf)).tolist() == [-1, -1]


# ---------------------------------------------------------------- what is kept


def test_only_clean_crops_enter():
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


def test_the_budget_holds_at_all_times():
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


def test_an_identity_keeps_at_most_its_share():
    gallery = Gallery(DIM, GalleryConfig(per_identity=8))
    for tracklet in range(5):
        gallery.add(1, crops(1, 6, tracklet=tracklet, seed=tracklet))
    assert gallery.crops_of(1) == 8


def test_forgetting_deletes_the_vectors(tmp_path):
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


def test_merging_and_moving_tracklets():
    gallery = Gallery(DIM)
    gallery.add(1, crops(1, 3, tracklet=1))
    gallery.add(1, crops(2, 3, tracklet=2))
    gallery.move_tracklets([2], 1, 5)
    assert (gallery.crops_of(1), gallery.crops_of(5)) == (3, 3)
    gallery.merge(5, 1)
    assert gallery.identities.tolist() == [1]
    assert gallery.crops_of(1) == 6


def test_purifying_drops_the_tracklet_of_somebody_else():
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


# ---------------------------------------------------------------- thresholds


def statistics() -> DistanceStatistics:
    middle = (np.arange(BINS) + 0.5) * 2.0 / BINS
    same = 1e5 * np.exp(-0.5 * ((middle - 0.2) / 0.06) ** 2)
    different = 1e5 * np.exp(-0.5 * ((middle - 0.7) / 0.1) ** 2)
    return DistanceStatistics(same.astype(np.int64), different.astype(np.int64), "test")


def test_the_threshold_is_that_of_the_statistics():
    scale = DistanceScale(ScaleConfig(), statistics())
    for rate in (0.001, 0.01, 0.3):
        assert scale.threshold(1, rate) == pytest.approx(statistics().threshold(rate), abs=1e-3)


def test_more_candidates_mean_a_stricter_threshold():
    scale = DistanceScale(ScaleConfig(false_match_rate=0.1), statistics())
    each = 1 - (1 - 0.1) ** (1 / 20)
    assert scale.threshold(20) == pytest.approx(statistics().threshold(each), abs=1e-3)


def test_the_site_moves_the_threshold():
    rng = np.random.default_rng(0)
    scale = DistanceScale(ScaleConfig(), statistics())
    scale.learn_different(rng.normal(0.5, 0.05, 20_000))
    # the same tail at the moments of the site: mean 0.5, half the deviation
    expected = 0.5 + (statistics().threshold(0.01) - 0.7) * 0.5
    assert scale.threshold(1, 0.01) == pytest.approx(expected, abs=5e-3)
    before = scale.to_dict()
    scale.learn_different(np.array([np.nan]))
    assert scale.to_dict() == before


def test_a_network_that_tells_people_apart_badly_still_knows_them():
    rng = np.random.default_rng(0)
    scale = DistanceScale(ScaleConfig(different_sigma=0.13))
    assert np.isnan(scale.equal_error)  # nothing is known of the site yet
    assert scale.balanced_threshold(10) == scale.threshold(10)
    own, others = rng.normal(0.32, 0.06, 2000), rng.normal(0.7, 0.13, 2000)
    scale.learn_own(own)
    assert np.isnan(scale.equal_error)
    scale.learn_different(others)
    missed, taken = (own > scale.equal_error).mean(), (others < scale.equal_error).mean()
    assert missed == pytest.approx(taken, abs=0.01)
    assert (own > scale.threshold(10)).mean() > 5 * missed
    assert scale.balanced_threshold(10) == scale.equal_error
    again = DistanceScale(ScaleConfig(different_sigma=0.13))
    again.restore(scale.to_dict())
    assert again.equal_error == scale.equal_error


def test_a_network_that_tells_people_apart_well_keeps_its_false_match_rate():
    scale = DistanceScale()
    scale.learn_own(np.full(50, 0.1))
    scale.learn_different(np.random.default_rng(0).normal(0.5, 0.05, 200))
    assert scale.equal_error < scale.threshold(1) == scale.balanced_threshold(1)


def test_log_ratio_never_rises_and_is_neutral_for_unknown_distances():
    scale = DistanceScale(ScaleConfig(), statistics())
    ratio = scale.log_ratio(np.linspace(-0.1, 2.0, 500))
    assert (np.diff(ratio) <= 1e-12).all()
    assert ratio[0] > 0 > ratio[-1]
    assert scale.log_ratio(np.array([np.nan])).tolist() == [0.0]


def test_refining_learns_who_is_apart_and_who_is_one():
    gallery = filled(2)
    different, same = gallery.scale.different.mean, gallery.scale.same.mean
    for _ in range(300):
        gallery.refine(apart=[(1, 2)], whole=[(1, 1)])
    distance = gallery.distances([person(1, 6)], np.array([2]))[0, 0]
    assert gallery.scale.different.mean != different
    assert gallery.scale.different.mean == pytest.approx(distance, abs=0.06)
    assert gallery.scale.same.mean < same
    gallery.refine(apart=[(1, 99), (99, 1)], whole=[(99, 1), (1, 7)])  # nobody there: nothing


# ---------------------------------------------------------------- decisions


def test_known_new_and_wait_with_evidence():
    gallery = filled(5)
    everybody = gallery.identities
    known, new, early = gallery.decide(
        [
            Entrant(person(3, 6, seed=4), everybody),
            Entrant(person(77, 6, seed=4), everybody),
            Entrant(person(4, 2, seed=4), everybody),
        ]
    )
    assert (known.kind, known.identity) == ("known", 3)
    assert known.candidates[0].identity == 3
    assert known.candidates[0].crops == 6
    assert known.compared == 5
    assert [c.distance for c in known.candidates] == sorted(c.distance for c in known.candidates)
    assert (new.kind, new.identity) == ("new", None)
    assert new.distance > new.threshold
    assert (early.kind, early.identity) == ("wait", 4)
    assert json.loads(json.dumps(known.to_dict()))["reason"] == known.reason


def test_what_is_final_is_never_wait():
    gallery = filled(3)
    everybody = gallery.identities
    blind = np.full((1, DIM), np.nan, np.float32)
    for vectors in (person(1, 1, seed=3), person(55, 1), blind, person(1, 0)):
        for entrant in (Entrant(vectors, everybody, True), Entrant(vectors, everybody[:0], True)):
            assert gallery.decide([entrant])[0].kind != "wait"
    assert gallery.decide([Entrant(blind, everybody)])[0].kind == "wait"
    assert gallery.decide([]) == []


def test_only_candidates_are_compared():
    gallery = filled(4)
    answer = gallery.decide([Entrant(person(2, 6, seed=1), np.array([1, 3, 4, 99]))])[0]
    assert answer.kind == "new"
    assert 2 not in [c.identity for c in answer.candidates]


def test_two_entrants_cannot_be_one():
    gallery = filled(3)
    mine, noisy = person(1, 6, seed=1), person(1, 6, seed=2, noise=0.5)
    for order in ((mine, noisy), (noisy, mine)):
        answers = gallery.decide([Entrant(v, gallery.identities, True) for v in order])
        by_query = {id(v): answer for v, answer in zip(order, answers, strict=True)}
        assert (by_query[id(mine)].kind, by_query[id(mine)].identity) == ("known", 1)
        assert by_query[id(noisy)].kind == "new"
        assert "another entrant" in by_query[id(noisy)].reason


def test_a_close_second_is_worth_waiting_for():
    gallery = Gallery(DIM, GalleryConfig(decision=DecisionConfig(min_lead=0.02)))
    gallery.add(1, crops(1, 5))
    gallery.add(2, crops(1, 5, tracklet=2, seed=1))  # the same person, twice
    entrant = Entrant(person(1, 6, seed=2), gallery.identities)
    assert gallery.decide([entrant])[0].kind == "wait"
    assert gallery.decide([replace(entrant, final=True)])[0].kind == "known"


def test_the_shortlist_finds_who_an_exact_search_finds():
    people = 120
    whole, short = (filled(people, GalleryConfig(shortlist=shortlist)) for shortlist in (people, 6))
    for identity in range(1, people + 1, 7):
        entrant = Entrant(person(identity, 5, seed=3), whole.identities)
        exact, quick = whole.decide([entrant])[0], short.decide([entrant])[0]
        assert (quick.kind, quick.identity) == (exact.kind, exact.identity) == ("known", identity)
        assert quick.threshold == exact.threshold
        assert quick.compared == 6


def test_those_worth_comparing_are_the_closest_by_their_means():
    gallery = filled(30, GalleryConfig(shortlist=4))
    query, others = person(9, 5, seed=3), np.arange(2, 31)
    likely = gallery.likely(query, others)
    distance = gallery.distances([query], others)[0]
    assert len(likely) == 4
    assert 9 in likely.tolist()
    assert set(likely.tolist()) <= set(others[np.argsort(distance)[:10]].tolist())
    assert filled(30).likely(query, others).tolist() == others.tolist()  # fewer than the shortlist
    assert gallery.vectors_of(9) == pytest.approx(person(9, 6))


def test_means_follow_what_is_stored():
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


# ---------------------------------------------------------------- files


def test_saving_and_loading_changes_nothing(tmp_path):
    gallery = filled(7)
    gallery.refine(apart=[(1, 2), (3, 4)])
    gallery.save(tmp_path / "site.npz")
    again = Gallery.load(tmp_path / "site.npz")
    query = [person(4, 5, seed=3)]
    assert np.array_equal(again.distances(query), gallery.distances(query))
    assert again.scale.threshold(7) == gallery.scale.threshold(7)
    assert again.decide([Entrant(query[0], again.identities)]) == gallery.decide(
        [Entrant(query[0], gallery.identities)]
    )
    Gallery(DIM).save(tmp_path / "empty.npz")
    assert len(Gallery.load(tmp_path / "empty.npz")) == 0


@pytest.mark.parametrize("missing", ["header", "vectors", "time_s"])
def test_a_damaged_file_names_what_is_wrong(tmp_path, missing):
    path = tmp_path / "g.npz"
    filled(1).save(path)
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files if name != missing}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=rf"g\.npz: {missing}: missing"):
        Gallery.load(path)


def test_pickled_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "g.npz"
    np.savez(path, header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="not a gallery"):
        Gallery.load(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(ValueError, match="not a gallery"):
        Gallery.load(path)
    np.save(tmp_path / "g.npy", np.zeros(3))
    with pytest.raises(ValueError, match="not a gallery"):
        Gallery.load(tmp_path / "g.npy")
    filled(1).save(path)
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(path, **{**arrays, "camera": arrays["camera"].astype(np.float32)})
    with pytest.raises(ValueError, match="camera: expected int64 of 6 rows"):
        Gallery.load(path)


# ---------------------------------------------------------------- bad input


def test_bad_input_is_named():
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
