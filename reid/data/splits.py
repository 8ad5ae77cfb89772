"""Cutting data sets: queries out of a set of people, and people held out of the training part."""

from __future__ import annotations

import numpy as np

from .types import DISTRACTOR, PersonDataset, Samples


def split_queries(samples: Samples) -> tuple[Samples, Samples]:
    """Query and gallery out of labelled images, in the manner of Market-1501.

    The first image of every person in every camera is a query, all others are the gallery.
    Distractors stay in the gallery.
    """
    pairs = np.stack([samples.identities, samples.cameras], axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    is_query = np.zeros(len(samples), np.bool_)
    is_query[first] = True
    is_query &= samples.identities != DISTRACTOR
    return samples.select(is_query), samples.select(~is_query)


def hold_out(dataset: PersonDataset, num_identities: int, seed: int) -> PersonDataset:
    """Move people from the training part into a test part of their own, to choose settings by.

    Whatever is tuned is tuned on these, so that the data set's own test part stays unseen.

    Parameters
    ----------
    dataset : PersonDataset
        Its training part is split; its own query and gallery are dropped.
    num_identities : int
        How many people to hold out.
    seed : int
        Which ones.

    Raises
    ------
    ValueError
        When that would leave nobody to learn from, or holds nobody out.
    """
    people = np.unique(dataset.train.identities[dataset.train.identities != DISTRACTOR])
    if not 1 <= num_identities < len(people):
        raise ValueError(
            f"val_identities: expected 1 to {len(people) - 1} for {dataset.name}, "
            f"got {num_identities}"
        )
    held = np.random.default_rng(seed).permutation(people)[:num_identities]
    is_held = np.isin(dataset.train.identities, held)
    query, gallery = split_queries(dataset.train.select(is_held))
    return PersonDataset(
        dataset.name, dataset.terms, dataset.train.select(~is_held), query, gallery
    )


def keep_identities(dataset: PersonDataset, num_identities: int, seed: int) -> PersonDataset:
    """The same data set with a random part of its training people, for short experiments.

    Raises
    ------
    ValueError
        When there are fewer people than that.
    """
    people = np.unique(dataset.train.identities)
    if not 1 <= num_identities <= len(people):
        raise ValueError(
            f"train_identities: expected 1 to {len(people)} for {dataset.name}, "
            f"got {num_identities}"
        )
    kept = np.random.default_rng(seed).permutation(people)[:num_identities]
    train = dataset.train.select(np.isin(dataset.train.identities, kept))
    return PersonDataset(dataset.name, dataset.terms, train, dataset.query, dataset.gallery)
