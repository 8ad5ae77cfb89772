"""CMC, mAP, re-ranking and ranked lists against literal versions of their definitions."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.reid import evaluation
from mtmc.reid.data import read_dataset
from mtmc.reid.embedder import load
from mtmc.reid.evaluation import (
    Labelled,
    cosine_distances,
    evaluate,
    evaluate_distances,
)
from mtmc.reid.image_sets import embed_samples, unit_rows
from mtmc.reid.ranked_lists import (
    BORDER,
    GAP,
    RIGHT_BGR,
    TILE_HEIGHT,
    TILE_WIDTH,
    WRONG_BGR,
    ranked_lists,
    write_ranked_lists,
)
from mtmc.reid.reranking import RerankConfig, rerank


def random_set(rng: np.random.Generator, rows: int, people: int, cameras: int) -> Labelled:
    # Coarse values make many distances equal, so that ties are tested too.
    vectors = unit_rows(rng.integers(-2, 3, (rows, 4)).astype(np.float32) + np.float32(0.1))
    return Labelled(vectors, rng.integers(0, people, rows), rng.integers(1, cameras + 1, rows))


def brute_force(distances, query: Labelled, gallery: Labelled, trapezoid: bool = False):
    """The protocol, one query and one image at a time, as in the data set's MATLAB code."""
    ranks, precisions = [], []
    for q in range(len(query)):
        listed = []
        for g in np.argsort(distances[q], kind="stable"):
            same = gallery.identities[g] == query.identities[q]
            if not (same and gallery.cameras[g] == query.cameras[q]):
                listed.append(bool(same))
        total = sum(listed)
        if total == 0:
            continue
        ranks.append(listed.index(True))
        hits, ap, old_precision = 0, 0.0, 1.0
        for position, hit in enumerate(listed, start=1):
            hits += hit
            precision = hits / position
            if hit:
                ap += ((old_precision + precision) / 2 if trapezoid else precision) / total
            old_precision = precision
        precisions.append(ap)
    cmc = [100 * np.mean([r < k for r in ranks]) for k in (1, 5, 10)]
    return (*cmc, 100 * np.mean(precisions), len(ranks))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), people=st.integers(1, 12), cameras=st.integers(2, 4))
@pytest.mark.parametrize("kind", ["hits", "trapezoid"])
def test_equals_brute_force(kind, seed, people, cameras):
    rng = np.random.default_rng(seed)
    query, gallery = random_set(rng, 20, people, cameras), random_set(rng, 50, people, cameras)
    distances = cosine_distances(query.embeddings, gallery.embeddings)
    *expected, counted = brute_force(distances, query, gallery, kind == "trapezoid")
    if counted == 0:
        return
    ours = evaluate_distances(distances, query, gallery, average_precision=kind)
    got = (ours.rank1, ours.rank5, ours.rank10, ours.mean_ap)
    assert got == pytest.approx(tuple(expected), abs=1e-4)
    assert ours.queries == counted
    assert ours.gallery == 50


def test_blocks_do_not_change_the_result(monkeypatch):
    rng = np.random.default_rng(0)
    vectors = unit_rows(rng.normal(size=(117, 8)).astype(np.float32))
    people, cameras = rng.integers(0, 6, 117), rng.integers(1, 4, 117)
    query = Labelled(vectors[:37], people[:37], cameras[:37])
    gallery = Labelled(vectors[37:], people[37:], cameras[37:])
    whole = evaluate(query, gallery)
    monkeypatch.setattr(evaluation, "BLOCK_ENTRIES", 500)
    assert evaluate(query, gallery) == whole


def test_embeddings_and_their_distances_score_alike():
    rng = np.random.default_rng(1)
    vectors = unit_rows(rng.normal(size=(60, 8)).astype(np.float32))
    labels, cameras = rng.integers(1, 6, 60), rng.integers(1, 4, 60)
    query = Labelled(vectors[:20], labels[:20], cameras[:20])
    gallery = Labelled(vectors[20:], labels[20:], cameras[20:])
    distances = cosine_distances(query.embeddings, gallery.embeddings)
    assert evaluate(query, gallery) == evaluate_distances(distances, query, gallery)


def test_perfect_and_worst_rankings():
    one_hot = np.eye(4, dtype=np.float32)
    ids = np.arange(1, 5)
    query = Labelled(one_hot, ids, np.ones(4, np.int64))
    gallery = Labelled(one_hot, ids, np.full(4, 2))
    best = evaluate(query, gallery)
    assert (best.rank1, best.mean_ap) == (100.0, 100.0)
    worst = evaluate_distances(
        1 - cosine_distances(one_hot, one_hot), query, gallery
    )  # right image last of four
    assert (worst.rank1, worst.mean_ap) == (0.0, 25.0)


def test_distractors_count_as_negatives():
    query = Labelled(np.array([[1.0, 0]], np.float32), np.array([5]), np.array([1]))
    vectors = unit_rows(np.array([[1, 0.1], [1, 0.2]], np.float32))
    gallery = Labelled(vectors, np.array([0, 5]), np.array([1, 2]))
    assert evaluate(query, gallery).rank1 == 0.0


def test_queries_without_a_right_image_are_not_counted():
    vectors = np.eye(2, dtype=np.float32)
    query = Labelled(vectors, np.array([1, 2]), np.array([1, 1]))
    gallery = Labelled(vectors, np.array([1, 2]), np.array([2, 1]))  # 2 only in the same camera
    assert evaluate(query, gallery).queries == 1
    alone = Labelled(vectors[1:], np.array([2]), np.array([1]))
    with pytest.raises(ValueError, match="no query has an image of its person in another camera"):
        evaluate(alone, gallery)


def test_wrong_input_is_named():
    vectors = np.eye(2, dtype=np.float32)
    labels = np.array([1, 2])
    good = Labelled(vectors, labels, labels)
    with pytest.raises(ValueError, match="query embeddings have 2 values, gallery embeddings 3"):
        evaluate(good, Labelled(np.eye(2, 3, dtype=np.float32), labels, labels))
    with pytest.raises(ValueError, match="expected shape \\(2, 2\\)"):
        evaluate_distances(np.zeros((2, 3), np.float32), good, good)
    with pytest.raises(ValueError, match="expected 2 identities and cameras"):
        Labelled(vectors, labels[:1], labels)
    with pytest.raises(ValueError, match="finite"):
        Labelled(vectors * np.float32(np.nan), labels, labels)
    with pytest.raises(ValueError, match="expected shape"):
        Labelled(vectors[0], labels, labels)
    nobody = Labelled(np.zeros((0, 2), np.float32), labels[:0], labels[:0])
    with pytest.raises(ValueError, match="at least one query"):
        evaluate(nobody, good)


def dense_rerank(query, gallery, k1, k2, weight):
    """Zhong et al. (2017), section 3, with dense matrices and plain loops."""
    features = np.concatenate([query, gallery]).astype(np.float64)
    n = len(features)
    squared = np.maximum(2 - 2 * features @ features.T, 0)
    np.fill_diagonal(squared, -1)
    rank = np.argsort(squared, axis=1, kind="stable")
    np.fill_diagonal(squared, 0)
    original = squared / squared.max(axis=1, keepdims=True)

    def reciprocal(i, k):
        return [j for j in rank[i, : k + 1] if i in rank[j, : k + 1]]

    V = np.zeros((n, n))
    for i in range(n):
        core = reciprocal(i, k1)
        members = set(core)
        for j in core:
            other = reciprocal(j, round(k1 / 2))
            if len(set(other) & set(core)) > 2 / 3 * len(other):
                members |= set(other)
        for j in members:
            V[i, j] = np.exp(-original[i, j])
        V[i] /= V[i].sum()
    V = np.stack([V[rank[i, :k2]].mean(axis=0) for i in range(n)])
    q = len(query)
    jaccard = np.array(
        [[1 - np.minimum(V[a], V[b]).sum() / np.maximum(V[a], V[b]).sum() for b in range(q, n)]
         for a in range(q)]
    )  # fmt: skip
    return (1 - weight) * jaccard + weight * original[:q, q:]


@pytest.mark.parametrize(("k1", "k2", "weight"), [(20, 6, 0.3), (6, 3, 0.3), (5, 1, 0.0)])
def test_reranking_equals_its_definition(k1, k2, weight):
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(8, 6))
    people = rng.integers(0, 8, 70)
    vectors = unit_rows((centres[people] + 0.5 * rng.normal(size=(70, 6))).astype(np.float32))
    ours = rerank(vectors[:15], vectors[15:], RerankConfig(k1, k2, weight))
    expected = dense_rerank(vectors[:15], vectors[15:], k1, k2, weight)
    assert ours.shape == (15, 55)
    np.testing.assert_allclose(ours, expected, atol=2e-5)


def test_reranking_of_fewer_images_than_neighbours():
    vectors = np.eye(4, dtype=np.float32)
    assert np.isfinite(rerank(vectors[:1], vectors[1:], RerankConfig())).all()


@pytest.mark.parametrize("changes", [{"k1": 0}, {"k2": 0}, {"weight": 1.5}])
def test_rerank_config_is_checked(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        RerankConfig(**changes)


def test_flip_averages_image_and_mirror_image(mini_market):
    samples = read_dataset("market1501", mini_market, check=False).query

    def embed(crops):
        return unit_rows(np.stack([c[:, :, 0].mean(axis=0)[:8] for c in crops]).astype(np.float32))

    plain = embed_samples(samples, embed)
    flipped = embed_samples(samples, lambda crops: embed([c[:, ::-1] for c in crops]))
    both = embed_samples(samples, embed, flip=True)
    expected = unit_rows(plain.embeddings + flipped.embeddings)
    np.testing.assert_allclose(both.embeddings, expected, atol=1e-6)
    assert (both.identities == samples.identities).all()


def test_ranked_lists_mark_right_and_wrong(mini_market, tmp_path):
    dataset = read_dataset("market1501", mini_market, check=False)
    same = dataset.query.identities[:, None] == dataset.gallery.identities
    distances = np.where(same, 0.0, 1.0).astype(np.float32)
    image = ranked_lists(distances[[0, 5]], dataset.query, dataset.gallery, [0, 5], length=6)
    tile = (TILE_HEIGHT + 2 * BORDER, TILE_WIDTH + 2 * BORDER)
    assert image.shape == (2 * tile[0] + GAP, 7 * tile[1] + 6 * GAP, 3)
    # 4 of the person's 6 images are in other cameras; they come first, then others
    starts = [column * (tile[1] + GAP) for column in range(1, 7)]
    colours = [tuple(image[0, start].tolist()) for start in starts]
    assert colours == [RIGHT_BGR] * 4 + [WRONG_BGR] * 2
    write_ranked_lists(image, tmp_path / "new" / "lists.png")
    assert (tmp_path / "new" / "lists.png").stat().st_size > 0
    with pytest.raises(ValueError, match="expected queries and a length"):
        ranked_lists(distances[:0], dataset.query, dataset.gallery, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "rank1", "mean_ap"),
    [  # measured with another evaluator on the whole test part
        ("osnet_x0_25_market1501", 85.8, 68.0),
        ("osnet_x0_25_msmt17", 49.7, 24.7),
        ("person-reidentification-retail-0287", 78.1, 47.7),
    ],
)
def test_given_networks_reach_their_figures(model, rank1, mean_ap):
    root = Path(os.environ.get("MTMC_DATA", "."))
    path = root / "models" / f"{model}.onnx"
    if not path.is_file():
        pytest.skip("needs models/ below MTMC_DATA")
    try:
        dataset = read_dataset("market1501", Path(os.environ.get("MTMC_MARKET1501", root)))
    except FileNotFoundError:
        pytest.skip("needs Market-1501 below MTMC_DATA or at MTMC_MARKET1501")
    embed = load(path).embed_crops
    query, gallery = (embed_samples(part, embed) for part in (dataset.query, dataset.gallery))
    scores = evaluate(query, gallery)
    assert scores.rank1 == pytest.approx(rank1, abs=0.1)
    assert scores.mean_ap == pytest.approx(mean_ap, abs=0.1)
