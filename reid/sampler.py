"""P x K batches: P people, K images of each, planned for a whole epoch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SamplerConfig:
    """Shape of a training batch.

    Attributes
    ----------
    identities : int
        P, different people in a batch; from 2, for otherwise there are no negatives.
    images : int
        K, images of each; from 2, for otherwise there are no positives.
    """

    identities: int = 8
    images: int = 4

    def __post_init__(self) -> None:
        for name in ("identities", "images"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name}: expected a number from 2, got {getattr(self, name)}")


class IdentitySampler:
    """Plans epochs of P x K batches.

    An epoch is ``floor(N / (P K))`` batches for N images: as many images as there are, so that
    epochs compare with those of other samplers. Every person's images are shuffled and cut into
    groups of K. A group left incomplete, with k of K images, is topped up with other images of the
    same person (with repetition only for people with fewer than K images) and takes part with
    chance k / K. So every batch holds P different people, and every image appears once per epoch on
    average.

    Where few people own most images, people would be missing to fill that many batches with
    *different* people; such epochs are shorter.

    Parameters
    ----------
    labels : (N,) int64
        Person of each image.
    config : SamplerConfig

    Raises
    ------
    ValueError
        With fewer than P people.
    """

    def __init__(self, labels: IntArray, config: SamplerConfig) -> None:
        self._config = config
        people, owners, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if len(people) < config.identities:
            raise ValueError(
                f"sampler.identities: expected at most the {len(people)} people of the training "
                f"data, got {config.identities}"
            )
        self._owners = owners
        self._counts = counts
        self.batches_per_epoch = self._feasible_batches(len(labels))

    def _feasible_batches(self, num_images: int) -> int:
        """Batches of an epoch: a person can be in each batch only once."""
        wanted, groups = self._config.identities, -(-self._counts // self._config.images)
        batches = max(1, num_images // (wanted * self._config.images))
        while np.minimum(groups, batches).sum() < wanted * batches:
            batches -= 1
        return batches

    def epoch(self, generator: np.random.Generator) -> IntArray:
        """Image rows of all batches of one epoch.

        Parameters
        ----------
        generator : numpy Generator
            The same state gives the same epoch.

        Returns
        -------
        (batches_per_epoch, P * K) int64; images of one person stand side by side.
        """
        group_rows, group_owner = self._groups(generator)
        chosen = self._choose(group_owner, generator)
        order = self._deal(group_owner[chosen], generator)
        return group_rows[chosen][order].reshape(self.batches_per_epoch, -1)

    def _groups(self, generator: np.random.Generator) -> tuple[IntArray, IntArray]:
        """All groups of the epoch, full ones and topped-up ones: rows (G, K) and owners (G,).

        Rows of a group lie in the shuffled list of its owner's images, from ``K * number`` on,
        wrapping round at the list's end: that is what tops an incomplete group up.
        """
        size = self._config.images
        shuffled = np.lexsort((generator.random(len(self._owners)), self._owners))
        per_person = -(-self._counts // size)
        owner = np.repeat(np.arange(len(self._counts)), per_person)
        first_group = np.cumsum(per_person) - per_person
        number = np.arange(len(owner)) - first_group[owner]
        position = number[:, None] * size + np.arange(size)
        first_image = np.cumsum(self._counts) - self._counts
        rows = first_image[owner][:, None] + position % self._counts[owner][:, None]
        return shuffled[rows], owner

    def _choose(self, owner: IntArray, generator: np.random.Generator) -> IntArray:
        """Which groups take part: exactly P * batches, at most one per person and batch."""
        size, wanted = self._config.images, self._config.identities * self.batches_per_epoch
        per_person = np.bincount(owner)
        number = np.arange(len(owner)) - (np.cumsum(per_person) - per_person)[owner]
        filled = np.minimum(self._counts[owner] - number * size, size) / size
        taking_part = _draw_with_chances(filled, generator)
        # Those drawn come before those not drawn, each in random order; an epoch that cannot hold
        # all leaves out some at random.
        key = generator.random(len(owner)) + ~taking_part
        by_owner = np.lexsort((key, owner))
        rank = np.empty(len(owner), np.int64)
        rank[by_owner] = number  # number counts 0, 1, ... within each owner
        key[rank >= self.batches_per_epoch] = np.inf
        return np.argsort(key, kind="stable")[:wanted]

    def _deal(self, owner: IntArray, generator: np.random.Generator) -> IntArray:
        """Order of the chosen groups so that every batch of P in a row has different people.

        Groups of one person stand together in a list that is cut into P rows of B columns; each row
        is shuffled over the B batches. A person's groups can lie in two rows: those of the second
        row go to columns that the first one left free, of which there are enough, since nobody has
        more than B groups.
        """
        rows, columns = self._config.identities, self.batches_per_epoch
        rank = generator.permutation(len(self._counts))
        ordered = np.argsort(rank[owner], kind="stable").reshape(rows, columns)
        dealt = np.empty((rows, columns), np.int64)
        for row in range(rows):
            carried = 0
            taken = np.zeros(columns, np.bool_)
            if row:
                person = owner[ordered[row - 1, -1]]
                carried = int((owner[ordered[row]] == person).sum())
                taken = owner[dealt[row - 1]] == person
            free = generator.permutation(np.flatnonzero(~taken))
            rest = generator.permutation(np.concatenate([free[carried:], np.flatnonzero(taken)]))
            dealt[row, np.concatenate([free[:carried], rest])] = ordered[row]
        return dealt.T[generator.permutation(columns)].ravel()


def _draw_with_chances(
    chances: npt.NDArray[np.float64], generator: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Draw entries with exactly these chances, as many in all as their sum (rounded up or down).

    Systematic sampling: points at distance 1 are laid over the chances in random order.
    """
    order = generator.permutation(len(chances))
    ends = np.cumsum(chances[order]) + generator.random()
    # Sums of multiples of 1 / K meet whole numbers only up to rounding.
    ends = np.floor(np.round(ends, 9))
    drawn = np.zeros(len(chances), np.bool_)
    drawn[order] = np.diff(ends, prepend=0.0) >= 1
    return drawn
