"""How sure a difference between two result folders is: paired bootstrap over blocks of frames.

Neighbouring frames show the same people, so single frames are not independent samples. Every
sequence is cut into blocks of consecutive frames; blocks are drawn with replacement within each
sequence, as many as it has, and all runs are scored on the same draw. Every metric here is made of
sums over frames (``Counts``): misses, false positives and switches for MOTA; for IDF1 and HOTA the
matches that agree under the assignment of identities, and the association of each match, *as found
over the whole sequence*. So a draw re-weights the evidence and leaves identities alone; cutting
tracks at the borders of blocks would instead reward runs that lose identities.

The intervals tell how much a difference depends on which parts of these sequences were recorded;
with few blocks they are too narrow, and they say nothing about other scenes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..types import FloatArray
from .evaluate import SequenceEvaluation
from .scores import Counts


@dataclass(frozen=True)
class BootstrapConfig:
    """How intervals are made.

    Attributes
    ----------
    resamples : int
        Number of draws.
    block_frames : int
        Length of a block in frames. With longer blocks intervals grow, until a block outlasts what
        its frames have in common. Between SORT and ByteTrack on five MOT16 sequences the standard
        error of the difference in IDF1 is 0.16 with blocks of 1 frame, 0.57 with 25, 0.74 with 50,
        0.89 with 100, 0.92 with 150 and 0.82 with 200; in MOTA 0.11, 0.19, 0.22, 0.21, 0.18, 0.12.
    least_blocks : int
        Sequences with fewer blocks get no interval of their own.
    confidence : float
        Share of the draws that an interval holds.
    seed : int
        Of the draws; the same seed gives the same intervals.
    """

    resamples: int = 1000
    block_frames: int = 100
    least_blocks: int = 4
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("resamples", "block_frames", "least_blocks"):
            if getattr(self, name) < 1:
                raise InputError(f"bootstrap.{name}: expected 1 or more, got {getattr(self, name)}")
        if not 0 < self.confidence < 1:
            raise InputError(
                f"bootstrap.confidence: expected a share between 0 and 1, got {self.confidence}"
            )
        if self.seed < 0:
            raise InputError(f"bootstrap.seed: expected 0 or more, got {self.seed}")


def block_count(length: int, config: BootstrapConfig) -> int:
    """Blocks of a sequence of ``length`` frames; the last one may be shorter."""
    return max(1, -(-length // config.block_frames))


def resample(
    name: str, runs: Sequence[SequenceEvaluation], length: int, config: BootstrapConfig
) -> list[Counts]:
    """Counts of one sequence in every draw, for each run; leading axis (resamples,).

    The draws depend on the seed, the name of the sequence and its length only. Frames beyond the
    length belong to the last block.
    """
    blocks = block_count(length, config)
    rng = np.random.default_rng([config.seed, zlib.crc32(name.encode())])
    draws = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=config.resamples)
    weights = draws.astype(np.float64)
    return [_by_block(run, blocks, config).weighted(weights) for run in runs]


def interval(differences: FloatArray, config: BootstrapConfig) -> tuple[float, float]:
    """Percentile interval of the differences found in the draws."""
    tail = (1 - config.confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail])
    return float(low), float(high)


def _by_block(run: SequenceEvaluation, blocks: int, config: BootstrapConfig) -> Counts:
    block = np.minimum((run.overlaps.frames - 1) // config.block_frames, blocks - 1)
    membership = (np.arange(blocks)[:, None] == block[None]).astype(np.float64)
    return run.per_frame.weighted(membership)
