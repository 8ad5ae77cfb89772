"""The gallery against a dictionary of lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.trackers.gallery import Gallery, has_vector


def vectors(rng, count, dim=8):
    values = rng.normal(size=(count, dim))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_it_equals_lists_of_vectors(seed, budget):
    rng = np.random.default_rng(seed)
    gallery, lists = Gallery(budget), []
    for _ in range(12):
        born = int(rng.integers(0, 4))
        gallery.add_tracks(born)
        lists += [[] for _ in range(born)]
        rows = np.flatnonzero(rng.random(len(lists)) < 0.6)
        seen = vectors(rng, len(rows))
        seen[rng.random(len(rows)) < 0.2] = np.nan
        gallery.append(rows, seen)
        for row, vector in zip(rows, seen, strict=True):
            if not np.isnan(vector).any():
                lists[row] = [*lists[row], vector][-budget:]
        rows = rng.integers(0, max(len(lists), 1), 10)[: 10 * bool(lists)]
        asked = vectors(rng, len(rows))
        expected = [
            min((1.0 - float(v @ q) for v in lists[row]), default=np.inf)
            for row, q in zip(rows, asked, strict=True)
        ]
        np.testing.assert_allclose(gallery.cosine_distance(rows, asked), expected, atol=1e-5)
        keep = rng.random(len(lists)) < 0.8
        gallery.keep(keep)
        lists = [each for each, stays in zip(lists, keep, strict=True) if stays]
        assert gallery.known.tolist() == [bool(each) for each in lists]


def test_vectors_of_the_dead_are_not_inherited():
    gallery = Gallery(3)
    gallery.add_tracks(1)
    gallery.append(np.array([0]), np.array([[1.0, 0.0]], np.float32))
    gallery.keep(np.array([False]))
    gallery.add_tracks(1)
    assert gallery.cosine_distance(np.array([0]), np.array([[1.0, 0.0]], np.float32)) == [np.inf]


def test_the_pool_does_not_grow_with_the_dead():
    gallery, rng = Gallery(4), np.random.default_rng(0)
    for _ in range(200):
        gallery.add_tracks(5)
        gallery.append(np.arange(5), vectors(rng, 5))
        gallery.keep(np.zeros(5, dtype=bool))
    assert len(gallery._pool) <= 10


def test_another_length_of_vectors_is_an_error():
    gallery = Gallery(3)
    gallery.add_tracks(1)
    gallery.append(np.array([0]), np.ones((1, 4), np.float32))
    with pytest.raises(ValueError, match="expected 4 columns, got 6"):
        gallery.append(np.array([0]), np.ones((1, 6), np.float32))


def test_rows_of_nan_hold_no_vector():
    embeddings = np.array([[1.0, 0.0], [np.nan, np.nan], [np.nan, 1.0]], np.float32)
    assert has_vector(embeddings).tolist() == [True, False, False]
    assert has_vector(np.zeros((0, 5), np.float32)).shape == (0,)
