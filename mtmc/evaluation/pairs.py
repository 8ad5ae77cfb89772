"""From sequences and a folder of results to the pairs of files that are scored."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..datasets import Sequence
from ..errors import InputError
from .evaluate import Pair
from .protocols import Protocol, default_protocol, find_protocol


def result_pairs(sequences: Iterable[Sequence], results: Path) -> list[Pair]:
    """Pair each sequence's ground truth with ``results/NAME.txt``.

    Raises
    ------
    InputError
        When the folder, the ground truth or the result file of a sequence is missing.
    """
    if not results.is_dir():
        raise InputError(f"{results}: expected a folder of results")
    pairs = []
    for sequence in sequences:
        if sequence.ground_truth_path is None:
            raise InputError(f"{sequence.root / 'gt' / 'gt.txt'}: no such file, nothing to score")
        result_path = results / f"{sequence.name}.txt"
        if not result_path.is_file():
            raise InputError(f"{result_path}: no such file (expected results of {sequence.name})")
        pairs.append(
            Pair(
                name=sequence.name,
                ground_truth_path=sequence.ground_truth_path,
                result_path=result_path,
                frame_count=sequence.frame_count,
                benchmark=sequence.benchmark,
            )
        )
    return pairs


def result_names(results: Path) -> list[str]:
    """Names of the sequences that a folder holds results of, in alphabetical order."""
    return sorted(path.stem for path in results.glob("*.txt"))


def choose_protocol(name: str | None, sequences: Iterable[Sequence]) -> Protocol:
    """Protocol of that name, or else the one that fits the benchmarks of all sequences.

    Raises
    ------
    InputError
        For an unknown name; without a name when a benchmark has no default or they differ.
    """
    if name is not None:
        return find_protocol(name)
    chosen = {sequence.benchmark: default_protocol(sequence.benchmark) for sequence in sequences}
    if len({protocol.name for protocol in chosen.values()}) > 1:
        defaults = ", ".join(
            f"{name} for {benchmark}"
            for benchmark, name in sorted(
                (benchmark, protocol.name) for benchmark, protocol in chosen.items()
            )
        )
        raise InputError(f"protocol: expected one to be named, because defaults differ: {defaults}")
    return next(iter(chosen.values()))
