"""An open-set gallery: who of those it could be is this, or is it somebody new.

::

    gallery = Gallery(embedding_dim=512, statistics=embedder_statistics)
    gallery.add(7, crops)                        # guarded: only clean crops are kept
    decision, = gallery.decide([Entrant(vectors, candidates=inactive)])
    decision.kind, decision.identity, decision.to_dict()     # known / new / wait, with evidence
    gallery.forget(7)                            # and its vectors are gone
    gallery.save("site.npz")                     # vectors only, never pictures

The parts have files of their own: `gallery_crops` (what a crop is, and which are clean),
`gallery_thinning` (which are kept), `gallery_distance` and `gallery_search`, `gallery_scale`
(thresholds), `gallery_tracklets` (what a tracklet says), `gallery_decision` and `gallery_files`.
NumPy is all they need.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np

from .distances import DistanceStatistics
from .gallery_config import GalleryConfig
from .gallery_crops import (
    BoolArray,
    Crops,
    Float32Array,
    FloatArray,
    GuardConfig,
    IntArray,
    check_vectors,
    clean,
    has_vector,
)
from .gallery_decision import Candidate, Decision, DecisionConfig, Entrant, decide
from .gallery_distance import mean_over_queries
from .gallery_files import GalleryFile, read_gallery, write_gallery
from .gallery_scale import DistanceScale, ScaleConfig
from .gallery_search import compare, shortlist
from .gallery_store import GalleryStore
from .gallery_thinning import spread_out
from .gallery_tracklets import Misplaced, distance_of_halves, misplaced, purify

__all__ = [
    "Candidate",
    "Crops",
    "Decision",
    "DecisionConfig",
    "DistanceScale",
    "Entrant",
    "Gallery",
    "GalleryConfig",
    "GuardConfig",
    "ScaleConfig",
]

MIB = 1 << 20


class Gallery:
    """Stored appearance of identities, and decisions about those who enter.

    Parameters
    ----------
    embedding_dim : int
        Length D of a vector.
    config : GalleryConfig or None
    statistics : DistanceStatistics or None
        Of the appearance model; thresholds begin with them.

    Raises
    ------
    ValueError
        When the budget holds not even one vector.
    """

    def __init__(
        self,
        embedding_dim: int,
        config: GalleryConfig | None = None,
        statistics: DistanceStatistics | None = None,
    ) -> None:
        self.config = config or GalleryConfig()
        self.scale = DistanceScale(self.config.scale, statistics)
        self._store = GalleryStore(embedding_dim, int(self.config.budget_mib * MIB))

    @property
    def embedding_dim(self) -> int:
        """Length D of a vector."""
        return self._store.embedding_dim

    @property
    def identities(self) -> IntArray:
        """All identities that have crops, (I,) ascending."""
        return self._store.index.identities

    @property
    def nbytes(self) -> int:
        """Bytes that are held now; never above the budget."""
        return self._store.nbytes

    def __len__(self) -> int:
        return len(self.identities)

    def crops_of(self, identity: int) -> int:
        """Number of stored crops."""
        return len(self._store.rows_of(identity))

    def add(self, identity: int, crops: Crops) -> tuple[int, ...]:
        """Take in the clean ones of some crops.

        Beyond ``per_identity`` crops, and beyond the budget, crops are dropped so that the rest is
        spread over tracklets, cameras and time.

        Returns
        -------
        tuple of int
            Identities that had to be dropped altogether to stay within the budget, those seen
            longest ago first: none, while there is more than one crop of anybody.

        Raises
        ------
        ValueError
            For an identity below 1, or vectors of another length.
        """
        if identity < 1:
            raise ValueError(f"identity: expected a number from 1, got {identity}")
        self._check_dim("crops", crops.embeddings)
        store = self._store
        crops = crops[clean(crops, self.config.guard)]
        if len(crops) > self.config.per_identity:
            crops = crops[
                spread_out(crops.camera, crops.tracklet, crops.time_s, self.config.per_identity)
            ]
        dropped = store.make_room(len(crops), keep=identity)
        store.append(identity, crops)
        store.thin(identity, self.config.per_identity)
        return dropped

    def forget(self, identity: int) -> bool:
        """Delete an identity: its vectors are overwritten, not only hidden. False if unknown."""
        rows = self._store.rows_of(identity)
        self._store.remove(rows)
        return len(rows) > 0

    def merge(self, old: int, new: int) -> None:
        """Two identities turned out to be one: the crops of ``old`` are those of ``new``."""
        self._store.rename(self._store.rows_of(old), new)
        self._store.thin(new, self.config.per_identity)

    def move_tracklets(self, tracklets: Iterable[int], old: int, new: int) -> None:
        """Some tracklets of one identity are another one's: after a swap was found."""
        rows = self._store.rows_of(old)
        chosen = np.isin(self._store.tracklet[rows], np.array(list(tracklets), np.int64))
        self._store.rename(rows[chosen], new)
        self._store.thin(new, self.config.per_identity)

    def distances(
        self, queries: Sequence[Float32Array], identities: IntArray | None = None
    ) -> FloatArray:
        """Cosine distances of queries, several crops each, to identities.

        Parameters
        ----------
        queries : sequence of E (Q_e, D) float32
            Rows of NaN are skipped.
        identities : (I,) int64 or None
            None compares with all.

        Returns
        -------
        (E, I) float64
            Mean over the query's crops of the mean of the smallest distances, ``nearest`` of
            ``nearest_share``. NaN for a query without crops, infinite for an identity without.
        """
        whole = self.identities
        wanted = whole if identities is None else np.asarray(identities, np.int64)
        found = np.isin(wanted, whole)
        position = np.searchsorted(whole, wanted[found])
        answer = np.full((len(queries), len(wanted)), np.inf)
        usable = []
        for query in queries:
            vectors = np.asarray(query, np.float32)
            check_vectors("query", vectors)
            self._check_dim("query", vectors)
            usable.append(vectors[has_vector(vectors)])
        count = np.array([len(vectors) for vectors in usable], np.int64)
        if found.any() and len(queries):
            each = compare(self._store, np.concatenate(usable), position, self.config)
            answer[:, found] = mean_over_queries(each, count).T
        answer[count == 0] = np.nan
        return answer

    def vectors_of(self, identity: int) -> Float32Array:
        """Stored crops of an identity, (n, D)."""
        vectors: Float32Array = self._store.vectors[self._store.rows_of(identity)]
        return vectors

    def likely(self, query: Float32Array, others: IntArray) -> IntArray:
        """Those of some identities that are worth comparing crop by crop.

        At most ``shortlist``, whose mean vectors are closest to that of the query (Q, D).
        """
        identities = self.identities
        possible = np.isin(identities, others)
        query = query[has_vector(query)]
        listed = shortlist(self._store, query, possible, self.config.shortlist)
        return np.asarray(identities[listed])

    def distance_between(self, one: int, other: int) -> float:
        """Cosine distance of two identities' stored crops; NaN where one has none."""
        distance = float(self.distances([self.vectors_of(one)], np.array([other], np.int64))[0, 0])
        return distance if np.isfinite(distance) else float("nan")

    def decide(self, entrants: Sequence[Entrant]) -> list[Decision]:
        """Known, new or wait, for several entrants at once; an identity goes to one at most."""
        if not entrants:
            return []
        index = self._store.index
        possible = [np.isin(index.identities, e.candidates) for e in entrants]
        queries = [e.embeddings[has_vector(e.embeddings)] for e in entrants]
        listed: BoolArray = np.zeros(len(index.identities), np.bool_)
        for query, mine in zip(queries, possible, strict=True):
            listed |= shortlist(self._store, query, mine, self.config.shortlist)
        distance = self.distances(queries, index.identities[listed])
        allowed = np.stack(possible)
        return decide(
            entrants,
            np.array([len(query) for query in queries], np.int64),
            np.where(allowed[:, listed], distance, np.inf),
            index.identities[listed],
            np.diff(index.starts)[listed],
            np.array([self.scale.threshold(int(row.sum())) for row in allowed]),
            self.config.decision,
        )

    def refine(
        self, apart: Iterable[tuple[int, int]] = (), whole: Iterable[tuple[int, int]] = ()
    ) -> None:
        """Fit the threshold to the site, without labels.

        Parameters
        ----------
        apart : pairs of identities
            Visible at once, hence different. Give every pair once; it tells no more if repeated.
        whole : pairs of identity and tracklet
            A tracklet is one person: crops of one camera are compared with those of the others, or
            its first half with its second where one camera saw it.
        """
        for one, other in apart:
            self.scale.learn_different(np.array([self.distance_between(one, other)]))
        for identity, tracklet in whole:
            distance = distance_of_halves(self._store, identity, tracklet, self.config)
            if distance is not None:
                self.scale.learn_same(distance)

    def purify(self, identity: int) -> tuple[int, ...]:
        """Drop tracklets of an identity that look more like somebody else; returns which.

        Each tracklet is compared with the rest of its identity and with all others, and dropped
        when another one is closer by ``purify_margin``: editing a nearest-neighbour rule (Wilson,
        IEEE Trans. SMC, 1972), by tracklets, for a tracklet is one person. An identity that has
        only one tracklet is left alone.
        """
        others = self.identities[self.identities != identity]

        def to_others(vectors: Float32Array) -> float:
            return float(self.distances([vectors], others)[0].min(initial=np.inf))

        return purify(self._store, identity, to_others, self.config)

    def tracklets_of(self, identity: int) -> list[int]:
        """Tracklets of which crops are stored, ascending."""
        rows = self._store.rows_of(identity)
        return [int(one) for one in np.unique(self._store.tracklet[rows])]

    def misplaced(
        self,
        pair: tuple[int, int],
        anchors: tuple[Collection[int], Collection[int]],
        free: tuple[Collection[int], Collection[int]],
    ) -> list[Misplaced]:
        """Tracklets of either of two that look like the other one; see `gallery_tracklets`."""
        return misplaced(self._store, pair, anchors, free, self.config)

    def save(self, path: str | Path) -> None:
        """Write an ``.npz`` with vectors, cameras, tracklets, times and thresholds; no pictures."""
        write_gallery(Path(path), GalleryFile.of(self._store, self.scale))

    @classmethod
    def load(cls, path: str | Path, config: GalleryConfig | None = None) -> Gallery:
        """Read what :meth:`save` wrote; nothing is unpickled.

        Raises
        ------
        ValueError, OSError
            When the file is not a gallery; the message names file and key.
        """
        stored = read_gallery(Path(path))
        gallery = cls(stored.vectors.shape[1], config)
        store, most = gallery._store, gallery.config.per_identity
        store.append(stored.identity, stored.crops())
        identities, count = np.unique(stored.identity, return_counts=True)
        for identity in identities[count > most].tolist():
            store.thin(identity, most)
        gallery.scale.restore(stored.scale)
        return gallery

    def _check_dim(self, name: str, vectors: Float32Array) -> None:
        if vectors.shape[1] != self.embedding_dim:
            raise ValueError(
                f"{name}: expected vectors of length {self.embedding_dim}, got {vectors.shape[1]}"
            )
