"""Compare folders of results on the same sequences: differences, intervals, and who wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from ..errors import InputError
from ..types import FloatArray
from .bootstrap import BootstrapConfig, block_count, interval, resample
from .evaluate import Pair, SequenceEvaluation, analyse_pair, check_pairs
from .scores import Counts, SequenceScores

OVERALL = "overall"
COMPARED = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDs", "FP", "FN")
LESS_IS_BETTER = frozenset({"IDs", "FP", "FN"})


@dataclass(frozen=True)
class Difference:
    """How one run differs from another in one metric.

    Attributes
    ----------
    difference : float
        The run's value minus the other's: percentage points, or a number of boxes.
    low, high : float or None
        Ends of the bootstrap interval; None where the sequence is too short for one.
    """

    difference: float
    low: float | None
    high: float | None

    @property
    def is_decided(self) -> bool:
        """Whether the interval leaves no doubt about the sign."""
        if self.low is None or self.high is None:
            return False
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several runs on the same sequences.

    Attributes
    ----------
    protocol : str
        Name of the protocol.
    runs : tuple of str
        Names of the runs; the first is the one others are compared with.
    sequences : tuple of str
        Names of the sequences.
    config : BootstrapConfig
        How intervals were made.
    values : mapping of (run, sequence or "overall", metric) to float
        The scores themselves.
    draws : mapping of (run, sequence or "overall") to mapping of metric to (R,) float64
        The scores in every draw of the bootstrap; sequences that are too short are absent.
    """

    protocol: str
    runs: tuple[str, ...]
    sequences: tuple[str, ...]
    config: BootstrapConfig
    values: Mapping[tuple[str, str, str], float]
    draws: Mapping[tuple[str, str], Mapping[str, FloatArray]]

    def difference(self, run: str, other: str, metric: str, where: str = OVERALL) -> Difference:
        """``run`` minus ``other`` in one metric, on one sequence or on all together."""
        difference = self.values[run, where, metric] - self.values[other, where, metric]
        if (run, where) not in self.draws:
            return Difference(difference, None, None)
        drawn = self.draws[run, where][metric] - self.draws[other, where][metric]
        return Difference(difference, *interval(drawn, self.config))

    def ranking(self, metric: str, where: str = OVERALL) -> list[str]:
        """Runs from best to worst; equals in the order they were given."""
        sign = 1 if metric in LESS_IS_BETTER else -1
        return sorted(self.runs, key=lambda run: sign * self.values[run, where, metric])

    def to_json(self) -> dict[str, Any]:
        """Values, differences to the first run, and winners, with plain numbers."""
        return {
            "protocol": self.protocol,
            "runs": list(self.runs),
            "bootstrap": asdict(self.config),
            OVERALL: self._metrics_json(OVERALL),
            "sequences": {name: self._metrics_json(name) for name in self.sequences},
        }

    def _metrics_json(self, where: str) -> dict[str, Any]:
        first = self.runs[0]
        found = {}
        for metric in COMPARED:
            best, second = self.ranking(metric, where)[:2]
            found[metric] = {
                "values": {run: self.values[run, where, metric] for run in self.runs},
                "differences": {
                    run: asdict(self.difference(run, first, metric, where)) for run in self.runs[1:]
                },
                "best": best,
                "is_decided": self.difference(best, second, metric, where).is_decided,
            }
        return found


def compare(
    runs: Mapping[str, Sequence[Pair]],
    protocol: str = "motchallenge",
    config: BootstrapConfig | None = None,
    *,
    jobs: int = 1,
) -> Comparison:
    """Score several runs on the same sequences and compare them, with paired bootstrap intervals.

    Parameters
    ----------
    runs : mapping of str to sequence of Pair
        At least two; the pairs of all runs must name the same sequences in the same order.
    protocol : str
        A name of ``PROTOCOLS``.
    config : BootstrapConfig or None
        How intervals are made; see :mod:`mtmc.evaluation.bootstrap`.
    jobs : int
        Number of processes that score sequences.

    Raises
    ------
    InputError
        For fewer than two runs, runs with different sequences, or wrong files.
    """
    config = config or BootstrapConfig()
    sequences = _common_sequences(runs)
    by_sequence = [[pairs[index] for pairs in runs.values()] for index in range(len(sequences))]
    work = partial(_score_and_resample, protocol=protocol, config=config)
    if jobs == 1 or len(sequences) == 1:
        parts = [work(pairs) for pairs in by_sequence]
    else:
        with ProcessPoolExecutor(min(jobs, len(sequences)), get_context("spawn")) as pool:
            parts = list(pool.map(work, by_sequence))
    values: dict[tuple[str, str, str], float] = {}
    draws: dict[tuple[str, str], Mapping[str, FloatArray]] = {}
    for index, run in enumerate(runs):
        scores = [part.scores[index] for part in parts]
        drawn = [part.draws[index] for part in parts]
        for name, part, counts, score in zip(sequences, parts, drawn, scores, strict=True):
            values |= _values(run, name, score)
            if part.blocks >= config.least_blocks:
                draws[run, name] = _metrics(counts)
        values |= _values(run, OVERALL, SequenceScores.pool(scores))
        if sum(part.blocks for part in parts) >= config.least_blocks:
            draws[run, OVERALL] = _metrics(Counts.stack(drawn).total())
    return Comparison(protocol, tuple(runs), sequences, config, values, draws)


@dataclass(frozen=True, eq=False)
class _SequencePart:
    """One sequence: scores and draws of each run, and the number of blocks drawn from."""

    scores: list[SequenceScores]
    draws: list[Counts]
    blocks: int


def _score_and_resample(
    pairs: Sequence[Pair], protocol: str, config: BootstrapConfig
) -> _SequencePart:
    evaluations: list[SequenceEvaluation] = [analyse_pair(pair, protocol) for pair in pairs]
    length = pairs[0].frame_count or _last_annotated_frame(evaluations[0])
    draws = resample(pairs[0].name, evaluations, length, config)
    scores = [evaluation.scores for evaluation in evaluations]
    return _SequencePart(scores, draws, block_count(length, config))


def _last_annotated_frame(evaluation: SequenceEvaluation) -> int:
    overlaps = evaluation.overlaps
    annotated = overlaps.frames[overlaps.gt_per_frame > 0]
    return int(annotated.max(initial=1))


def _common_sequences(runs: Mapping[str, Sequence[Pair]]) -> tuple[str, ...]:
    if len(runs) < 2:
        raise InputError(f"compare: expected two or more runs, got {len(runs)}")
    names = {run: tuple(pair.name for pair in pairs) for run, pairs in runs.items()}
    first, expected = next(iter(names.items()))
    for run, found in names.items():
        check_pairs(list(runs[run]))
        if found != expected:
            raise InputError(
                f"compare: expected the same sequences in all runs, got {', '.join(expected)} "
                f"in {first} and {', '.join(found)} in {run}"
            )
    return expected


def _values(run: str, where: str, scores: SequenceScores) -> dict[tuple[str, str, str], float]:
    metrics = scores.metrics
    return {(run, where, metric): metrics[metric] for metric in COMPARED}


def _metrics(counts: Counts) -> dict[str, FloatArray]:
    """The compared metrics of counts with any leading axes."""
    metrics = counts.ratios() | {
        "IDs": counts.switches,
        "FP": counts.result_boxes - counts.true_positives,
        "FN": counts.gt_boxes - counts.true_positives,
    }
    return {metric: np.asarray(metrics[metric]) for metric in COMPARED}
