"""Score result files against ground truth files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..mot_files import MotTable, read_ground_truth, read_results
from ..types import FloatArray, IntArray
from .clear import ClearMatches, count_tracks, match_clear
from .hota import count_hota
from .identity import count_identity_matches
from .overlap import Overlaps
from .protocols import Protocol, apply_protocol, find_protocol
from .scores import Counts, Scores, SequenceScores, make_counts

WORTH_PROCESSES_BYTES = 20_000_000  # below, starting processes takes longer than scoring


@dataclass(frozen=True)
class Pair:
    """A result file and the ground truth it is scored against.

    Attributes
    ----------
    name : str
        Name of the sequence.
    ground_truth_path, result_path : Path
        Files in MOT format.
    frame_count : int or None
        Number of frames of the sequence; results beyond it are an error. None: not known.
    benchmark : str or None
        ``"MOT20"`` has one distractor class more than the others.
    """

    name: str
    ground_truth_path: Path
    result_path: Path
    frame_count: int | None = None
    benchmark: str | None = None


@dataclass(frozen=True, eq=False)
class SequenceEvaluation:
    """All that is known about one sequence: the scores and what they are made of.

    Attributes
    ----------
    scores : SequenceScores
        Its totals.
    overlaps : Overlaps
        The boxes that were scored.
    matches : ClearMatches
        The true positives of CLEAR.
    per_frame : Counts
        Counts of each of ``overlaps.frames``, (F,).
    """

    scores: SequenceScores
    overlaps: Overlaps
    matches: ClearMatches
    per_frame: Counts


def evaluate(pairs: Iterable[Pair], protocol: str = "motchallenge", *, jobs: int = 1) -> Scores:
    """Score sequences, ``jobs`` at a time in processes of their own.

    Parameters
    ----------
    pairs : iterable of Pair
        At least one; names must differ.
    protocol : str
        A name of ``PROTOCOLS``.
    jobs : int
        Number of processes; 1 stays in this one. The scores do not depend on it.

    Raises
    ------
    InputError
        For a missing or wrong file, an unknown protocol, no pairs, or a name given twice.
    """
    pairs = list(pairs)
    find_protocol(protocol)
    check_pairs(pairs)
    score = partial(score_pair, protocol=protocol)
    if jobs == 1 or len(pairs) == 1:
        scores = [score(pair) for pair in pairs]
    else:
        # The longest files first, so that no process is left alone with one at the end.
        order = sorted(range(len(pairs)), key=lambda i: -_bytes(pairs[i]))
        # Spawned, not forked: the libraries loaded here have threads.
        with ProcessPoolExecutor(min(jobs, len(pairs)), get_context("spawn")) as pool:
            done = dict(zip(order, pool.map(score, [pairs[i] for i in order]), strict=True))
        scores = [done[i] for i in range(len(pairs))]
    sequences = {pair.name: part for pair, part in zip(pairs, scores, strict=True)}
    return Scores(protocol, sequences, SequenceScores.pool(scores))


def suggest_jobs(pairs: Iterable[Pair]) -> int:
    """Number of processes that scores these pairs soonest: 1 for little files, else all CPUs."""
    size = sum(_bytes(pair) for pair in pairs)
    return 1 if size < WORTH_PROCESSES_BYTES else os.cpu_count() or 1


def evaluate_sequence(
    ground_truth_path: str | os.PathLike[str],
    result_path: str | os.PathLike[str],
    protocol: str = "motchallenge",
    *,
    frame_count: int | None = None,
    benchmark: str | None = None,
) -> SequenceScores:
    """Score one result file; parameters and errors as :class:`Pair` and :func:`evaluate`."""
    pair = Pair("", Path(ground_truth_path), Path(result_path), frame_count, benchmark)
    return score_pair(pair, protocol)


def score_pair(pair: Pair, protocol: str) -> SequenceScores:
    """Read both files of a pair and score them."""
    return analyse_pair(pair, protocol).scores


def analyse_pair(pair: Pair, protocol: str) -> SequenceEvaluation:
    """Read both files of a pair, and keep what their scores are made of."""
    gt = read_ground_truth(pair.ground_truth_path)
    results = read_results(pair.result_path)
    for path, table in ((pair.ground_truth_path, gt), (pair.result_path, results)):
        _check_frames(path, table, pair.frame_count)
    try:
        return analyse(gt, results, find_protocol(protocol), pair.frame_count, pair.benchmark)
    except InputError as error:
        raise InputError(f"{pair.ground_truth_path}: {error}") from error


def analyse(
    gt: MotTable,
    results: MotTable,
    protocol: Protocol,
    frame_count: int | None = None,
    benchmark: str | None = None,
) -> SequenceEvaluation:
    """Score two tables, and keep what the scores are made of."""
    overlaps = apply_protocol(gt, results, protocol, benchmark)
    seen = np.concatenate([gt.frame, results.frame, [0]])
    length = int(seen.max()) if frame_count is None else frame_count
    return analyse_overlaps(overlaps, protocol, length)


def analyse_overlaps(overlaps: Overlaps, protocol: Protocol, length: int) -> SequenceEvaluation:
    """Score what overlaps in a sequence of ``length`` frames, by the rules of a protocol."""
    matches = match_clear(overlaps, protocol)
    frames = len(overlaps.frames)
    per_frame = make_counts(
        overlaps.gt_per_frame,
        overlaps.results_per_frame,
        (
            _per_frame(matches.frame, None, frames),
            _per_frame(matches.frame, matches.iou, frames),
            _per_frame(matches.frame, matches.is_switch().astype(np.float64), frames),
        ),
        count_identity_matches(overlaps, protocol),
        count_hota(overlaps),
    )
    scores = SequenceScores(
        counts=per_frame.total(),
        tracks=count_tracks(overlaps, matches, protocol),
        people=len(overlaps.gt_ids),
        identities=len(overlaps.result_ids),
        length=length,
    )
    return SequenceEvaluation(scores, overlaps, matches, per_frame)


def _per_frame(frame: IntArray, values: FloatArray | None, frames: int) -> FloatArray:
    return np.bincount(frame, values, minlength=frames).astype(np.float64)


def _bytes(pair: Pair) -> int:
    return pair.ground_truth_path.stat().st_size + pair.result_path.stat().st_size


def check_pairs(pairs: list[Pair]) -> None:
    """Raise InputError when there are none, a name occurs twice or a file is missing."""
    if not pairs:
        raise InputError("evaluation: expected at least one sequence, got none")
    names = [pair.name for pair in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"evaluation: expected every sequence once, got {repeated[0]} twice")
    for pair in pairs:
        for kind, path in (("ground truth", pair.ground_truth_path), ("results", pair.result_path)):
            if not path.is_file():
                raise InputError(f"{path}: no such file (expected the {kind} of {pair.name})")


def _check_frames(path: Path, table: MotTable, frame_count: int | None) -> None:
    if frame_count is None or not len(table) or table.frame[-1] <= frame_count:
        return
    row = int(np.flatnonzero(table.frame > frame_count)[0])
    raise InputError(
        f"{path}: line {table.line[row]}, column 1 (frame): expected at most {frame_count}, "
        f"the length of the sequence, got {table.frame[row]}"
    )
