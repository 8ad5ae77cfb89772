"""Several data sets as one: people and cameras of different sets stay different."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .types import DISTRACTOR, PersonDataset, PickedImages, Samples


def merge(datasets: Sequence[PersonDataset]) -> PersonDataset:
    """Join data sets part by part, with identities and cameras renumbered to be disjoint.

    Distractors stay distractors. One data set is returned as it is.

    Raises
    ------
    ValueError
        Without any data set, or when one is given twice.
    """
    if not datasets:
        raise ValueError("merge: expected at least one data set, got none")
    names = [dataset.name for dataset in datasets]
    if len(set(names)) != len(names):
        raise ValueError(f"merge: expected different data sets, got {', '.join(names)}")
    if len(datasets) == 1:
        return datasets[0]
    identity_offset, camera_offset = [0], [0]
    for dataset in datasets:
        parts = (dataset.train, dataset.query, dataset.gallery)
        identity_offset.append(identity_offset[-1] + _largest([p.identities for p in parts]))
        camera_offset.append(camera_offset[-1] + _largest([p.cameras for p in parts]))
    terms = "; ".join(dict.fromkeys(f"{d.name}: {d.terms}" for d in datasets))

    def joined(parts: Sequence[Samples]) -> Samples:
        return _join(parts, names, identity_offset, camera_offset)

    return PersonDataset(
        "+".join(names),
        terms,
        joined([d.train for d in datasets]),
        joined([d.query for d in datasets]),
        joined([d.gallery for d in datasets]),
    )


def _largest(values: Sequence[np.ndarray]) -> int:
    return max((int(v.max()) for v in values if len(v)), default=0)


def _join(
    parts: Sequence[Samples],
    names: Sequence[str],
    identity_offset: Sequence[int],
    camera_offset: Sequence[int],
) -> Samples:
    identities = [
        np.where(p.identities == DISTRACTOR, DISTRACTOR, p.identities + offset)
        for p, offset in zip(parts, identity_offset, strict=False)
    ]
    cameras = [p.cameras + offset for p, offset in zip(parts, camera_offset, strict=False)]
    source = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    row = np.concatenate([np.arange(len(p)) for p in parts])
    return Samples(
        PickedImages([p.encoded for p in parts], source, row),
        np.concatenate(identities),
        np.concatenate(cameras),
        tuple(f"{name}/{n}" for name, p in zip(names, parts, strict=True) for n in p.names),
    )
