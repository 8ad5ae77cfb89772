"""PxK batches: what holds for every data set, and what holds on average."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.reid.sampler import IdentitySampler, SamplerConfig


def labels_of(counts: list[int], seed: int = 0) -> np.ndarray:
    """Labels in random order, with numbers that have gaps."""
    labels = np.repeat(np.arange(len(counts)) * 7 + 3, counts)
    return np.random.default_rng(seed).permutation(labels)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(1, 30), min_size=6, max_size=25),
    identities=st.integers(2, 6),
    images=st.integers(2, 5),
    seed=st.integers(0, 1000),
)
def test_every_batch_has_p_people_with_k_images(counts, identities, images, seed):
    labels = labels_of(counts, seed)
    sampler = IdentitySampler(labels, SamplerConfig(identities, images))
    epoch = sampler.epoch(np.random.default_rng(seed))
    assert epoch.shape == (sampler.batches_per_epoch, identities * images)
    groups = epoch.reshape(-1, identities, images)
    people = labels[groups]
    assert (people == people[:, :, :1]).all()
    for batch in people[:, :, 0]:
        assert len(set(batch)) == identities
    owned = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    for group in groups.reshape(-1, images):
        distinct = min(images, owned[labels[group[0]]])
        assert len(set(group)) == distinct


@pytest.mark.parametrize("counts", [[500, 4, 4, 4], [500, 500, 4, 4], [1, 1, 1, 1], [40, 1, 1, 1]])
def test_people_who_own_most_images(counts):
    labels = labels_of(counts)
    sampler = IdentitySampler(labels, SamplerConfig(4, 4))
    epoch = labels[sampler.epoch(np.random.default_rng(0))].reshape(-1, 4, 4)[:, :, 0]
    assert len(epoch) >= 1
    assert all(len(set(batch)) == 4 for batch in epoch)


def test_epoch_has_as_many_images_as_the_data_set():
    labels = labels_of([17, 23, 9, 14, 31, 12, 8, 20] * 5)
    sampler = IdentitySampler(labels, SamplerConfig(8, 4))
    assert sampler.batches_per_epoch == len(labels) // 32


def test_every_image_is_seen_once_per_epoch_on_average():
    labels = labels_of([17, 23, 9, 14, 31, 12, 8, 20, 5, 3] * 4)
    sampler = IdentitySampler(labels, SamplerConfig(8, 4))
    rng = np.random.default_rng(0)
    epochs = 400
    seen = np.zeros(len(labels))
    for _ in range(epochs):
        seen += np.bincount(sampler.epoch(rng).ravel(), minlength=len(labels))
    mean = seen / epochs
    # the last, incomplete batch of an epoch is left out
    assert mean.mean() == pytest.approx(sampler.batches_per_epoch * 32 / len(labels), abs=1e-9)
    assert abs(mean - mean.mean()).max() < 0.12  # 5 standard deviations of 400 draws of chance 1/4


def test_full_groups_all_take_part():
    labels = labels_of([8] * 16)  # only full groups, and exactly enough batches for them
    sampler = IdentitySampler(labels, SamplerConfig(8, 4))
    assert sorted(sampler.epoch(np.random.default_rng(3)).ravel()) == list(range(len(labels)))


def test_seed_decides_the_epoch():
    sampler = IdentitySampler(labels_of([9] * 20), SamplerConfig(8, 4))
    first, again, other = (sampler.epoch(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_who_meets_whom_is_random():
    """Two people who meet in one batch are not more likely to meet in the next one."""
    labels = labels_of([16] * 40)
    sampler = IdentitySampler(labels, SamplerConfig(8, 4))
    rng = np.random.default_rng(0)
    met = np.zeros((40, 40))
    for _ in range(200):
        people = (labels[sampler.epoch(rng)].reshape(-1, 8, 4)[:, :, 0] - 3) // 7
        for batch in people:
            met[np.ix_(batch, batch)] += 1
    pairs = met[~np.eye(40, dtype=bool)]
    assert pairs.std() / pairs.mean() < 0.15


def test_too_few_people():
    with pytest.raises(ValueError, match="at most the 3 people of the training data, got 8"):
        IdentitySampler(labels_of([5, 5, 5]), SamplerConfig())


@pytest.mark.parametrize("field", ["identities", "images"])
def test_config_refuses_batches_without_pairs(field):
    with pytest.raises(ValueError, match=f"{field}: expected a number from 2, got 1"):
        SamplerConfig(**{field: 1})
