"""Is there somebody? Log odds of each track, from being seen, and from not being seen.

A camera that sees a share v of a person finds them with probability p v. A miss changes the log
odds by log(1 - p v), a hit by log(p / c) with c the probability that a false box falls there; this
is the existence probability of integrated data association (Musicki, Evans and Stankovic, 1994).
Frames that follow closely are not independent, so all changes are per time, not per frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.trackers.types import BoolArray

from ..types import FloatArray


@dataclass(frozen=True)
class ExistenceConfig:
    """When a track begins, counts and ends.

    Attributes
    ----------
    found : float
        Probability that a person in full view is detected, within 0 to 1.
    false_box : float
        Probability of a false box where a track is, within 0 to 1.
    memory_s : float
        Frames closer than this tell less than one look each, in proportion, seconds.
    birth : float
        Log odds of a new place before anything is seen of it.
    tentative : float
        Log odds that a new place needs to be followed at all.
    confirmed : float
        Log odds from which on a track counts and has an identity.
    ceiling : float
        No track is surer than this.
    ended : float
        Log odds at which a track ends.
    fade_s : float
        A sure track that nobody sees, where all should, takes this long to end, seconds.
    max_unseen_s : float
        Nobody is followed longer than this without being seen, seconds.
    double_sigma_m : float
        How far apart two tracks of one person are, standard deviation in metres.
    """

    found: float = 0.8
    false_box: float = 0.3
    memory_s: float = 0.2
    birth: float = -3.0
    tentative: float = -2.1
    confirmed: float = 3.0
    ceiling: float = 6.0
    ended: float = -3.0
    fade_s: float = 1.0
    max_unseen_s: float = 2.5
    double_sigma_m: float = 0.4

    def __post_init__(self) -> None:
        for name in ("found", "false_box"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name}: expected within 0 to 1, got {getattr(self, name)}")
        for name in ("memory_s", "fade_s", "max_unseen_s", "double_sigma_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        order = (self.ended, self.tentative, self.confirmed, self.ceiling)
        if list(order) != sorted(order):
            raise ValueError(
                f"existence: expected ended <= tentative <= confirmed <= ceiling, got {order}"
            )


def evidence(
    hit: BoolArray,
    visible: FloatArray,
    explained: FloatArray,
    watching: BoolArray,
    config: ExistenceConfig,
) -> FloatArray:
    """Change of log odds by one look of all cameras: (T,).

    Parameters
    ----------
    hit : (C, T)
    visible : (C, T)
        Share that each camera should see.
    explained : (C, T)
        Probability that a box there belongs to a neighbour; see :func:`explained_by_neighbours`.
    watching : (C,)
        Which cameras delivered a frame.
    config : ExistenceConfig
    """
    missed = np.log1p(-config.found * visible)
    found = np.log(config.found / (config.false_box + explained))
    return np.asarray((np.where(hit, found, missed) * watching[:, None]).sum(axis=0))


def explained_by_neighbours(
    xy: FloatArray,
    neighbours: FloatArray,
    unmatched: FloatArray,
    elder: BoolArray,
    config: ExistenceConfig,
) -> FloatArray:
    """Probability that a box at a track's place is that of an elder neighbour: (C, T).

    One person can be followed twice, each track living on the boxes of some of the cameras. A box
    is no evidence for the younger one while the elder, close by, has none in that camera.

    Parameters
    ----------
    xy : (T, 2), neighbours : (O, 2)
        Metres.
    unmatched : (C, O)
        Share of each neighbour inside the image where it has no box; 0 where it has one.
    elder : (T, O)
        Whether the neighbour is the elder one.
    config : ExistenceConfig
    """
    if not len(xy) or not len(neighbours):
        return np.zeros((len(unmatched), len(xy)))
    squared = ((xy[:, None] - neighbours[None]) ** 2).sum(axis=2)
    near = np.exp(-0.5 * squared / config.double_sigma_m**2) * elder
    return np.asarray(config.found * (unmatched[:, None, :] * near).max(axis=2))


def update(
    log_odds: FloatArray, change: FloatArray, step_s: float, config: ExistenceConfig
) -> FloatArray:
    """Log odds (T,) after a look that came ``step_s`` after the last one."""
    change = change * min(1.0, step_s / config.memory_s)
    slowest = -(config.ceiling - config.ended) * step_s / config.fade_s
    return np.minimum(log_odds + np.maximum(change, slowest), config.ceiling)
