"""What detections look like to a network, or to an oracle that tells people apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from mtmc.reid.data import PersonDataset
from mtmc.reid.embedder import Embedder
from mtmc.sites import moments
from mtmc.types import Float32Array
from mtmc.worlds.lab_crops import DressedBox

from .table5_worlds import Played

ORACLE_DIM = 64

Vectors = Callable[[int, int], Float32Array]
"""Vectors (N, D) of the detections of a frame and a camera, both as rows of `Played`."""


def oracle(played: Played) -> Vectors:
    """Everybody has a direction of their own, and what shows nobody a new one every time."""
    rng = np.random.default_rng(0)
    bank = _unit(rng.normal(size=(played.people, ORACLE_DIM)))

    def vectors(frame: int, camera: int) -> Float32Array:
        who = np.array(played.shown[frame][camera], np.int64)
        found = bank[who] if len(who) else np.zeros((0, ORACLE_DIM), np.float32)
        return np.where(who[:, None] >= 0, found, _unit(rng.normal(size=(len(who), ORACLE_DIM))))

    return vectors


def network(played: Played, embedder: Embedder, dataset: PersonDataset | None) -> Vectors:
    """Of crops that are worn, every one embedded once, or of images."""
    if played.looks is None:
        return _of_pictures(played, embedder)
    if dataset is None:
        raise ValueError("people who wear crops need the data set that these come from")
    return _of_crops(played.looks, embedder, dataset)


def _of_crops(
    looks: list[list[list[DressedBox]]], embedder: Embedder, dataset: PersonDataset
) -> Vectors:
    wanted = sorted({
        (name, look.height)
        for cameras in looks for dressed in cameras for look in dressed
        for name in (look.image, look.other) if name
    })  # fmt: skip
    names = {name for name, _ in wanted}
    encoded = {
        name: part.encoded[row]
        for part in (dataset.query, dataset.gallery)
        for row, name in enumerate(part.names)
        if name in names
    }
    bank = embedder.embed_crops([_decode(encoded[name], height) for name, height in wanted])
    row = {key: number for number, key in enumerate(wanted)}

    def vectors(frame: int, camera: int) -> Float32Array:
        """The mean of both people of a box, weighted by what shows; see `sites.crops`."""
        dressed = looks[frame][camera]
        mixed = np.zeros((len(dressed), embedder.embedding_dim), np.float32)
        for number, look in enumerate(dressed):
            mixed[number] = look.visible * bank[row[look.image, look.height]]
            if look.other:
                mixed[number] += look.cover * bank[row[look.other, look.height]]
        return _unit(mixed)

    return vectors


def _of_pictures(played: Played, embedder: Embedder) -> Vectors:
    found = []
    source = moments(played.site)
    for moment, views in zip(source, played.views, strict=True):
        images = [frame.image for frame in moment.frames if frame.image is not None]
        found.append(embedder.embed(images, [view.detections.xyxy for view in views]))
    return lambda frame, camera: found[frame][camera]


def _decode(encoded: bytes, height: int) -> Any:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a crop of the data set is not a readable image")
    if height:
        width = max(1, round(image.shape[1] * height / image.shape[0]))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image


def _unit(vectors: Any) -> Float32Array:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)
