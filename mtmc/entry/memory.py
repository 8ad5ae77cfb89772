"""What people look like, as far as it is known: the gallery of the entry query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mtmc.reid.distances import DistanceStatistics
from mtmc.reid.gallery import Gallery

from ..types import Float32Array, FloatArray
from .config import EntryConfig
from .people import Present


@dataclass(frozen=True)
class Double:
    """An identity that looks like another one.

    Attributes
    ----------
    identity : int
    distance : float
        The larger one of either's crops to the other's, cosine distance.
    threshold : float
        The largest one of those who look the same; see `EntryConfig.same_rate`.
    crops : int
        Of the other one.
    """

    identity: int
    distance: float
    threshold: float
    crops: int


class Memory:
    """A gallery that comes into being with the first crops.

    Parameters
    ----------
    config : EntryConfig
    statistics : DistanceStatistics or None
        Of the appearance model.
    """

    def __init__(self, config: EntryConfig, statistics: DistanceStatistics | None) -> None:
        self._config, self._statistics = config, statistics
        self._apart: set[tuple[int, int]] = set()
        self._changed: set[int] = set()
        self.gallery: Gallery | None = None
        """None before anybody was seen clearly."""

    def forget(self, identity: int) -> bool:
        """Delete what is kept of somebody; False when nothing is."""
        self._apart = {pair for pair in self._apart if identity not in pair}
        self._changed.discard(identity)
        return self.gallery is not None and self.gallery.forget(identity)

    def vectors(self, person: Present) -> Float32Array:
        """Crops (Q, D) that somebody is compared by."""
        if not len(person.stretch.buffer) and self.gallery is not None:
            return np.zeros((0, self.gallery.embedding_dim), np.float32)
        return person.stretch.buffer.vectors(self._config.query_crops)

    def distances(self, people: Sequence[Present], identities: Sequence[int]) -> FloatArray:
        """Cosine distances (P, I) of looks; NaN or infinite where nothing is known."""
        if self.gallery is None:
            return np.full((len(people), len(identities)), np.nan)
        queries = [self.vectors(person) for person in people]
        return self.gallery.distances(queries, np.array(identities, np.int64))

    def threshold(self, candidates: int) -> float:
        """Distance above which somebody is none of several candidates."""
        return 1.0 if self.gallery is None else self.gallery.scale.balanced_threshold(candidates)

    @property
    def unknown(self) -> float:
        """A distance that says nothing: that of two people."""
        return 1.0 if self.gallery is None else self.gallery.scale.different.mean

    def keep(self, person: Present, checked: bool = False) -> None:
        """Take what is known to be this person into the gallery.

        ``checked`` tells that nobody else is closer, who would be asked for otherwise.
        """
        buffer = person.stretch.buffer
        if not person.stretch.decided or not len(buffer):
            return
        if not checked and self.closer(person) is not None:
            # too late to ask, but not to keep the gallery clean
            buffer.clear()
            return
        if self.gallery is None:
            dim = buffer.vectors(1).shape[1]
            self.gallery = Gallery(dim, self._config.gallery, self._statistics)
        self.gallery.add(person.identity, buffer.crops())
        self.gallery.refine(whole=[(person.identity, buffer.tracklet)])
        self._changed.add(person.identity)
        buffer.clear()

    def closer(self, person: Present) -> int | None:
        """Somebody else whom the crops since the last answer show rather than this one."""
        gallery = self.gallery
        if gallery is None or not gallery.crops_of(person.identity):
            return None
        vectors = self.vectors(person)
        others = gallery.identities[gallery.identities != person.identity]
        others = gallery.likely(vectors, others)
        if not len(others):
            return None
        identities = np.concatenate([[person.identity], others])
        distance = gallery.distances([vectors], identities)[0]
        best = int(distance[1:].argmin())
        if distance[0] - distance[1 + best] > self._config.recheck:
            return int(others[best])
        gallery.scale.learn_own(distance[:1])
        return None

    def learn_apart(self, people: Iterable[Present]) -> None:
        """People who are there at once are different: what that says of distances."""
        if self.gallery is None:
            return
        known = set(self.gallery.identities.tolist())
        there = sorted(
            p.identity for p in people if p.stretch.decided and not p.close and p.identity in known
        )
        pairs = {(a, b) for i, a in enumerate(there) for b in there[i + 1 :]} - self._apart
        if pairs:
            self.gallery.refine(apart=sorted(pairs))
            self._apart |= pairs

    def take_changed(self) -> list[int]:
        """Identities of whom more is kept than at the last call."""
        changed, self._changed = sorted(self._changed), set()
        return changed

    def alike(self, identity: int) -> list[Double]:
        """Others whom a newcomer with an identity's looks would be taken for, closest first."""
        gallery = self.gallery
        if gallery is None or not gallery.crops_of(identity) or len(gallery) < 2:
            return []
        others = gallery.identities[gallery.identities != identity]
        threshold = gallery.scale.threshold(len(others), self._config.same_rate)
        loose = gallery.scale.balanced_threshold(len(others))
        own = gallery.vectors_of(identity)
        others = gallery.likely(own, others)
        there = gallery.distances([own], others)[0]
        found = []
        for other, distance in zip(others.tolist(), there.tolist(), strict=True):
            if distance <= loose:
                either = max(distance, gallery.distance_between(other, identity))
                found.append(Double(other, either, threshold, gallery.crops_of(identity)))
        return sorted(found, key=lambda double: double.distance)

    def move(self, tracklet: int, old: int, new: int) -> None:
        """A tracklet is somebody else's."""
        if self.gallery is not None:
            self.gallery.move_tracklets([tracklet], old, new)

    def merge(self, old: int, new: int) -> None:
        """Two identities are one: all crops are those of ``new``."""
        if self.gallery is not None:
            self.gallery.merge(old, new)
        renamed = ({new if who == old else who for who in pair} for pair in self._apart)
        self._apart = {(min(pair), max(pair)) for pair in renamed if len(pair) == 2}
