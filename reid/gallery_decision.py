"""Known, new, or not sure yet: what a gallery says about those who entered, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from .gallery_assignment import assign_one_to_one
from .gallery_crops import Float32Array, FloatArray, IntArray

Kind = Literal["known", "new", "wait"]


@dataclass(frozen=True, eq=False)
class Entrant:
    """Somebody who entered and has no identity yet.

    Attributes
    ----------
    embeddings : (Q, D) float32
        Crops so far; rows of NaN are skipped.
    candidates : (C,) int64
        Identities that this can be: those that are not visible elsewhere.
    final : bool
        Whether the time to wait is over; then the answer is known or new.
    """

    embeddings: Float32Array
    candidates: IntArray
    final: bool = False


@dataclass(frozen=True)
class DecisionConfig:
    """When one is sure.

    Attributes
    ----------
    min_crops : int
        Fewer crops decide nothing while there is time to wait.
    wait_margin : float
        Up to so far above the threshold it is worth to wait for more crops, cosine distance.
    min_lead : float
        How much closer than the second candidate the first has to be, cosine distance; less is
        worth to wait.
    told_candidates : int
        How many candidates a decision lists.
    """

    min_crops: int = 4
    wait_margin: float = 0.05
    min_lead: float = 0.02
    told_candidates: int = 5

    def __post_init__(self) -> None:
        for name in ("min_crops", "told_candidates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a number from 1, got {getattr(self, name)}")
        for name in ("wait_margin", "min_lead"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True)
class Candidate:
    """An identity that was compared, its cosine distance, and how many stored crops it has."""

    identity: int
    distance: float
    crops: int


@dataclass(frozen=True)
class Decision:
    """What was decided about an entrant, with its evidence.

    Attributes
    ----------
    kind : "known", "new" or "wait"
    identity : int or None
        Who it is, where known; while waiting the best guess, if there is any.
    reason : str
        One sentence.
    distance : float or None
        Cosine distance to that identity, or to the closest one.
    threshold : float
        Cosine distance up to which a match counted.
    query_crops : int
        How many crops of the entrant were compared.
    compared : int
        With how many identities.
    candidates : tuple of Candidate
        The closest ones, closest first.
    """

    kind: Kind
    identity: int | None
    reason: str
    distance: float | None
    threshold: float
    query_crops: int
    compared: int
    candidates: tuple[Candidate, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def decide(
    entrants: Sequence[Entrant],
    crops: IntArray,
    distance: FloatArray,
    identities: IntArray,
    stored: IntArray,
    thresholds: FloatArray,
    config: DecisionConfig,
) -> list[Decision]:
    """Decide about several entrants at once, each identity given to one of them at most.

    Parameters
    ----------
    entrants : sequence of E Entrant
    crops : (E,) int64
        Query crops of each.
    distance : (E, I)
        To all identities; infinite or NaN where an identity is no candidate.
    identities, stored : (I,) int64
        Who they are, and how many crops each has.
    thresholds : (E,)
        Of each entrant.
    config : DecisionConfig
    """
    distance = np.where(np.isfinite(distance), distance, np.inf)
    possible = np.flatnonzero((distance <= thresholds[:, None]).any(axis=0))
    # A pair just at the threshold still counts as a match: nothing is gained or lost by it, so the
    # assignment is asked about a threshold that is a hair higher.
    gain = distance[:, possible] - np.nextafter(thresholds, np.inf)[:, None]
    chosen = assign_one_to_one(gain)
    taken = np.where(chosen >= 0, possible[chosen] if len(possible) else -1, -1)
    answers = []
    for number, entrant in enumerate(entrants):
        row = distance[number]
        order = np.argsort(row, kind="stable")
        order = order[np.isfinite(row[order])]
        told = tuple(
            Candidate(int(identities[i]), round(float(row[i]), 6), int(stored[i]))
            for i in order[: config.told_candidates]
        )
        others = np.delete(taken, number)
        own = int(taken[number])
        kind, who, reason = _judge(
            row, order, own, others, float(thresholds[number]), int(crops[number]),
            entrant.final, identities, config,
        )  # fmt: skip
        shown = own if own >= 0 else (int(order[0]) if len(order) else -1)
        answers.append(
            Decision(
                kind,
                who,
                reason,
                round(float(row[shown]), 6) if shown >= 0 else None,
                round(float(thresholds[number]), 6),
                int(crops[number]),
                len(order),
                told,
            )
        )
    return answers


def _judge(
    row: FloatArray,
    order: IntArray,
    own: int,
    others: IntArray,
    threshold: float,
    crops: int,
    final: bool,
    identities: IntArray,
    config: DecisionConfig,
) -> tuple[Kind, int | None, str]:
    """Kind, identity and reason for one entrant; ``own`` is the position assigned, or -1."""
    if not len(order):
        if crops == 0 and not final:
            return "wait", None, "no usable crop yet"
        return "new", None, "nobody to compare with" if crops else "no usable crop in time"
    best = int(order[0])
    guess = int(identities[own]) if own >= 0 else None
    if crops < config.min_crops and not final:
        return "wait", guess, f"{crops} crops, {config.min_crops} are needed"
    if own < 0:
        if row[best] <= threshold:
            why = f"{int(identities[best])} fits, but another entrant is closer to it"
            return ("new", None, why) if final else ("wait", None, why)
        if row[best] <= threshold + config.wait_margin and not final:
            return "wait", None, "the closest is just above the threshold"
        return "new", None, "nobody is closer than the threshold"
    rivals = [int(i) for i in order[:2] if i != own and i not in others]
    lead = float(row[rivals[0]] - row[own]) if rivals else np.inf
    if lead < config.min_lead and not final:
        return "wait", guess, f"{int(identities[rivals[0]])} is nearly as close"
    return "known", guess, "closer than the threshold, and than anybody else who is free"
