"""``mtmc eval``: score results against ground truth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from mtmc.atomic import atomic_writer
from mtmc.datasets import Sequence, find_sequence
from mtmc.errors import InputError
from mtmc.evaluation import (
    PROTOCOLS,
    choose_protocol,
    evaluate,
    result_names,
    result_pairs,
    scores_table,
    suggest_jobs,
)
from mtmc.evaluation.table import BRIEF_COLUMNS, COLUMNS

from . import arguments as shared
from .console import errors, output
from .site_commands import find_sites, score_sites, site_results

ALL_COLUMNS_WIDTH = 140  # characters; narrower terminals get the main columns

EPILOG = """examples:
  mtmc eval --sequence MOT16-02 MOT16-09 --data-root DIR --results out/ --protocol motdt
  mtmc eval --results out/ --json scores.json
      every NAME.txt in out/, the protocol by benchmark, DIR from the variable MTMC_DATA

Results are OUT/NAME.txt in MOT format: frame, id, left, top, width, height, confidence, ...; frames
from 1, boxes in pixels. Ratios (HOTA, MOTA, IDF1, ...) are percent; IDs (identity switches), FP and
FN are numbers of boxes; MT, PT, ML and GT are numbers of people. "overall" adds up the counts of
all sequences, it is no mean of percentages. The JSON file holds more metrics than the table.

Multi-camera sequences (OUT/NAME/ground.csv) are scored on the ground plane: people match within
0.5 m. The JSON file has the figures at 1 m and over the boxes of all cameras beside them.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "eval",
        help="score results against ground truth",
        description="Score result files with CLEAR, identity metrics and HOTA.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--results", required=True, metavar="DIR", help="folder of NAME.txt files")
    add_scoring(parser)
    parser.add_argument("--json", metavar="FILE", help="write the scores there, too")
    parser.set_defaults(handler=run)


def add_scoring(parser: argparse.ArgumentParser) -> None:
    """What to score and how; shared with ``mtmc compare``."""
    parser.add_argument(
        "--sequence",
        nargs="+",
        metavar="NAME",
        help="names of sequences below the data root, or paths of sequence folders (default: all "
        "that there are results of)",
    )
    shared.add_data_root(parser)
    protocols = "; ".join(f"{name}: {entry.summary}" for name, entry in PROTOCOLS.items())
    parser.add_argument(
        "--protocol",
        choices=tuple(PROTOCOLS),
        help=f"{protocols} (default: mot15 for MOT15, otherwise motchallenge)",
    )
    parser.add_argument(
        "--jobs",
        type=positive,
        metavar="N",
        help="processes that score sequences side by side (default: one for small files, which is "
        "quickest, otherwise one per CPU)",
    )


def positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def find_sequences(names: list[str], arguments: argparse.Namespace) -> list[Sequence]:
    """Sequences of these names or folders."""
    if not names:
        raise InputError("results: expected NAME.txt files, got none")
    root = shared.data_root(arguments)
    return [find_sequence(name, root) for name in names]


def run(arguments: argparse.Namespace) -> int:
    """Score, print the table and write the JSON file."""
    results = Path(arguments.results)
    sites = find_sites(arguments.sequence or site_results(results), arguments)
    if sites:
        if arguments.protocol is not None:
            raise InputError("--protocol: for sequences of one camera; sites are scored in metres")
        score_sites(sites, results, arguments.json)
        return 0
    sequences = find_sequences(arguments.sequence or result_names(results), arguments)
    protocol = choose_protocol(arguments.protocol, sequences)
    pairs = result_pairs(sequences, results)
    scores = evaluate(pairs, protocol.name, jobs=arguments.jobs or suggest_jobs(pairs))
    console = output()
    columns = COLUMNS if console.width >= ALL_COLUMNS_WIDTH else BRIEF_COLUMNS
    console.print(scores_table(scores, columns))
    if arguments.protocol is None:
        benchmarks = ", ".join(sorted({sequence.benchmark for sequence in sequences}))
        errors().print(
            f"protocol {protocol.name} ({protocol.summary}), by default for {benchmarks}"
        )
    if arguments.json:
        with atomic_writer(arguments.json) as stream:
            json.dump(scores.to_json(), stream, indent=1)
            stream.write("\n")
    return 0
