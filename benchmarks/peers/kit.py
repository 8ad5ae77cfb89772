"""What the conformance programs share: frames, answers, and what must hold for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mtmc.reid.adapters.vectors import Embeds

CLASS = 0  # of every detection: a person


class SeamError(Exception):
    """A peer no longer takes what the adapter gives, or answers something else."""


@dataclass(frozen=True)
class Frame:
    """An image with detections: ``xyxy`` (N, 4) float64 pixels, ``scores`` (N,) 0 to 1."""

    index: int
    image: np.ndarray
    xyxy: np.ndarray
    scores: np.ndarray


class Answer(NamedTuple):
    """Tracked people of one frame: ids (M,), ``xyxy`` (M, 4)."""

    index: int
    ids: np.ndarray
    xyxy: np.ndarray


Track = Callable[[Iterable[Frame], Embeds | None, float | None], Iterator[Answer]]
FileTrack = Callable[[Iterable[Frame], str, float | None], Iterator[Answer]]


@dataclass(frozen=True)
class Seam:
    """One way of a peer to take an appearance model.

    Attributes
    ----------
    tracker : str
        Class of the peer.
    seam : str
        The call, in words; the name under which a failure is reported.
    track : callable
        Runs the peer over frames with an appearance model, or without one, and with a cosine
        distance for its gate, or with its own default.
    gate : bool
        Whether the peer has a setting that takes the model's threshold.
    gate_below : float
        Part of the gate at which a distance still passes for certain.
    scenario : str
        World that shows whose appearance the peer saw, see `scenarios.py`.
    carries : callable or None
        For a peer that only carries embeddings along: whether those beside its answers are of the
        people in the boxes.
    file : (track, check) or None
        For a peer that reads an exported file instead of asking an adapter: how it is run with one
        (frames, path, gate), and how its vectors are compared with ours (frame, model, path).
    """

    tracker: str
    seam: str
    track: Track
    gate: bool = True
    gate_below: float = 0.9
    scenario: str = "meet"
    carries: Callable[[Any, Embeds | None], bool] | None = None
    file: tuple[FileTrack, Callable[[Frame, Embeds, str], None]] | None = None


def checked(answers: Iterable[Answer], seam: str) -> Iterator[Answer]:
    """Pass answers on; raise where shapes, identities or boxes are not what they must be."""
    for answer in answers:
        ids, xyxy = np.asarray(answer.ids), np.asarray(answer.xyxy, np.float64)
        where = f"{seam}: frame {answer.index}"
        if xyxy.shape != (len(ids), 4) or ids.ndim != 1:
            raise SeamError(f"{where}: expected ids (M,) and boxes (M, 4), got {xyxy.shape}")
        if not np.isfinite(xyxy).all():
            raise SeamError(f"{where}: boxes are not finite")
        if len(ids) and not np.array_equal(ids, ids.astype(np.int64)):
            raise SeamError(f"{where}: identities are not whole numbers: {ids}")
        if len(set(ids.tolist())) != len(ids):
            raise SeamError(f"{where}: an identity is given twice: {ids}")
        yield Answer(answer.index, ids.astype(np.int64), xyxy)


class Watched:
    """An appearance model that counts what the peer asks for, and checks what it gets."""

    def __init__(self, model: Embeds) -> None:
        self._model = model
        self.embedding_dim = model.embedding_dim
        self.boxes = 0

    def embed(self, images: Any, boxes_per_image: Any) -> list[np.ndarray]:
        """See `Embeds`."""
        self.boxes += sum(len(boxes) for boxes in boxes_per_image)
        return self._model.embed(images, boxes_per_image)

    def embed_crops(self, crops: Any) -> np.ndarray:
        """See `Embeds`."""
        self.boxes += len(crops)
        return self._model.embed_crops(crops)


class Constant:
    """Everybody looks alike: for trackers that cannot go without appearance."""

    embedding_dim = 8

    def embed(self, images: Any, boxes_per_image: Any) -> list[np.ndarray]:
        """See `Embeds`."""
        return [self.embed_crops(boxes) for boxes in boxes_per_image]

    def embed_crops(self, crops: Any) -> np.ndarray:
        """See `Embeds`."""
        return np.full((len(crops), self.embedding_dim), self.embedding_dim**-0.5, np.float32)
