"""Cumulative matching characteristic and mean average precision by Market-1501's protocol.

For every query the gallery is ranked by cosine distance. Gallery images of the same person *and*
the same camera are left out of that query's list (Zheng et al., ICCV 2015); rank-k says how often
the right person is among the first k, average precision is the mean precision at the hits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

MAX_RANK = 50
BLOCK_ENTRIES = 1 << 24
"""Distances handled at a time: 64 MB of float32, so memory does not grow with the queries."""

AveragePrecision = Literal["hits", "trapezoid"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Embeddings with the labels that the protocol needs.

    Attributes
    ----------
    embeddings : (N, D) float32
        Rows of unit length.
    identities, cameras : (N,) int64

    Raises
    ------
    ValueError
        On shapes that do not fit, or values that are not finite.
    """

    embeddings: FloatArray
    identities: IntArray
    cameras: IntArray

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2:
            raise ValueError(f"embeddings: expected shape (N, D), got {self.embeddings.shape}")
        rows = (len(self.embeddings),)
        if self.identities.shape != rows or self.cameras.shape != rows:
            raise ValueError(
                f"expected {rows[0]} identities and cameras, got shapes "
                f"{self.identities.shape} and {self.cameras.shape}"
            )
        if not np.isfinite(self.embeddings).all():
            raise ValueError("embeddings: expected finite values")

    def __len__(self) -> int:
        return len(self.embeddings)


@dataclass(frozen=True)
class Scores:
    """Result of an evaluation, in percent.

    Attributes
    ----------
    rank1, rank5, rank10 : float
        Share of queries with a right image among the first 1, 5, 10.
    mean_ap : float
        Mean average precision.
    queries, gallery : int
        Numbers of images; queries without any right image in the gallery are not counted.
    """

    rank1: float
    rank5: float
    rank10: float
    mean_ap: float
    queries: int
    gallery: int

    def to_dict(self) -> dict[str, float | int]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class QueryScores:
    """Result per query, for pictures and for statistics.

    Attributes
    ----------
    first_hit : (Q,) int64
        Rank of the first right image, from 0; -1 where the gallery holds none.
    average_precision : (Q,) float64
        NaN where the gallery holds no right image.
    """

    first_hit: IntArray
    average_precision: npt.NDArray[np.float64]

    def summary(self, gallery: int) -> Scores:
        """Means over the queries that have a right image.

        Raises
        ------
        ValueError
            When no query has one.
        """
        counted = self.first_hit >= 0
        if not counted.any():
            raise ValueError("evaluation: no query has an image of its person in another camera")
        first = self.first_hit[counted]
        rank1, rank5, rank10 = (100 * float((first < k).mean()) for k in (1, 5, 10))
        mean_ap = 100 * float(self.average_precision[counted].mean())
        return Scores(rank1, rank5, rank10, mean_ap, int(counted.sum()), gallery)


def cosine_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """``1 - a . b`` for rows of unit length: (N, D), (M, D) -> (N, M) float32 in 0 to 2."""
    return np.asarray(1.0 - a @ b.T, dtype=np.float32)


def evaluate(
    query: Labelled,
    gallery: Labelled,
    *,
    device: str = "cpu",
    average_precision: AveragePrecision = "hits",
) -> Scores:
    """CMC and mAP of embeddings, in blocks of queries.

    Parameters
    ----------
    query, gallery : Labelled
    device : str
        Where distances are computed and sorted.
    average_precision : "hits" or "trapezoid"
        ``"hits"`` is the mean precision at the hits, as everybody reports it. ``"trapezoid"``, of
        the data set's own MATLAB code, averages the precision before and after each hit and reads
        lower.

    Raises
    ------
    ValueError
        When dimensions differ or no query has a right image.
    """
    if query.embeddings.shape[1] != gallery.embeddings.shape[1]:
        raise ValueError(
            f"evaluation: query embeddings have {query.embeddings.shape[1]} values, "
            f"gallery embeddings {gallery.embeddings.shape[1]}"
        )
    references = torch.from_numpy(gallery.embeddings).to(device)
    parts = []
    for rows in _blocks(len(query), len(gallery)):
        probes = torch.from_numpy(query.embeddings[rows]).to(device)
        distances = 1.0 - probes @ references.T
        parts.append(rank_block(distances, _take(query, rows), gallery, average_precision))
    return _join(parts).summary(len(gallery))


def evaluate_distances(
    distances: FloatArray,
    query: Labelled,
    gallery: Labelled,
    *,
    average_precision: AveragePrecision = "hits",
) -> Scores:
    """CMC and mAP of given distances (Q, G), such as re-ranked ones. Otherwise as `evaluate`."""
    if distances.shape != (len(query), len(gallery)):
        raise ValueError(
            f"distances: expected shape {(len(query), len(gallery))}, got {distances.shape}"
        )
    parts = [
        rank_block(
            torch.from_numpy(distances[rows]), _take(query, rows), gallery, average_precision
        )
        for rows in _blocks(len(query), len(gallery))
    ]
    return _join(parts).summary(len(gallery))


def rank_block(
    distances: torch.Tensor,
    query: Labelled,
    gallery: Labelled,
    average_precision: AveragePrecision = "hits",
) -> QueryScores:
    """Score a block of queries.

    Equal distances rank in the order of the gallery.

    Parameters
    ----------
    distances : (Q, G) float tensor
    query, gallery : Labelled
    average_precision : "hits" or "trapezoid"
    """
    same_person, ignored = _relations(query, gallery, distances.device)
    right = same_person & ~ignored
    # Ignored images go to the end, where they are no hits and move nobody.
    order = distances.masked_fill(ignored, torch.inf).sort(dim=1, stable=True).indices
    hit = right.gather(1, order)
    hits = hit.cumsum(dim=1, dtype=torch.int32)
    total = hits[:, -1]
    rank = torch.arange(hit.shape[1], device=hit.device)
    if average_precision == "hits":
        precision = hits / (rank + 1)
    else:
        # Before the first image the precision is 1 by that code's definition.
        before = torch.where(rank > 0, (hits - 1) / rank.clamp(min=1), 1.0)
        precision = (hits / (rank + 1) + before) / 2
    ap = (precision.double() * hit).sum(dim=1) / total  # 0 / 0 = NaN: no right image
    first = torch.where(total > 0, hit.int().argmax(dim=1), -1)
    return QueryScores(first.cpu().numpy().astype(np.int64), ap.cpu().numpy())


def _relations(
    query: Labelled, gallery: Labelled, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    def column(values: IntArray) -> torch.Tensor:
        return torch.from_numpy(values).to(device)[:, None]

    same_person = column(query.identities) == column(gallery.identities).T
    same_camera = column(query.cameras) == column(gallery.cameras).T
    return same_person, same_person & same_camera


def _take(labelled: Labelled, rows: slice) -> Labelled:
    return Labelled(labelled.embeddings[rows], labelled.identities[rows], labelled.cameras[rows])


def _blocks(queries: int, gallery: int) -> list[slice]:
    size = max(1, BLOCK_ENTRIES // max(gallery, 1))
    return [slice(start, start + size) for start in range(0, queries, size)]


def _join(parts: list[QueryScores]) -> QueryScores:
    if not parts:
        raise ValueError("evaluation: expected at least one query, got none")
    return QueryScores(
        np.concatenate([part.first_hit for part in parts]),
        np.concatenate([part.average_precision for part in parts]),
    )
