"""``mtmc data``: which sequences there are, and what is wrong with them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from mtmc.datasets import (
    DATASETS,
    Sequence,
    check_sequence,
    find_sequence,
    resolve_data_root,
    sequence_names,
)
from mtmc.errors import InputError

from . import arguments as shared
from .console import errors, output

EXIT_FOUND_ERRORS = 1

LIST_EPILOG = """example:
  mtmc data list --data-root DIR

Looks for DIR/MOT15/train/NAME/seqinfo.ini and likewise for MOT16, MOT17, MOT20 and test/. Sizes are
pixels, rates frames per second.
"""
CHECK_EPILOG = """examples:
  mtmc data check --data-root DIR                        all sequences
  mtmc data check --sequence MOT16-09 --data-root DIR
  mtmc data check --sequence path/to/my_sequence

Checks: frames that are missing or too many, images that are cut off or of another size, rows beyond
the end, numbers that are none, negative sizes, boxes outside the image, rows out of order,
identities given twice, unknown classes. Errors stop a run or falsify its scores, and make the exit
code 1; warnings are legal but surprising.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command and its two sub-commands."""
    parser = subparsers.add_parser("data", help="list and check sequences")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    lister = commands.add_parser(
        "list",
        help="which sequences there are",
        description="List the sequences below the data root.",
        epilog=LIST_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_data_root(lister)
    lister.set_defaults(handler=run_list)
    checker = commands.add_parser(
        "check",
        help="what is wrong with them",
        description="Look for what is wrong with sequences before a run stumbles over it.",
        epilog=CHECK_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    checker.add_argument(
        "--sequence",
        nargs="+",
        metavar="NAME",
        help="names of sequences below the data root, or paths of sequence folders (default: all)",
    )
    shared.add_data_root(checker)
    checker.set_defaults(handler=run_check)


def run_list(arguments: argparse.Namespace) -> int:
    """Print a table of sequences."""
    root = resolve_data_root(arguments.data_root)
    names = sequence_names(root)
    if not names:
        layouts = ", ".join(f"{root / benchmark}" for benchmark in DATASETS)
        raise InputError(f"data root: expected sequences in {layouts}, got none")
    table = Table()
    for column in ("benchmark", "sequence"):
        table.add_column(column, no_wrap=True)
    for column in ("frames", "fps", "size"):
        table.add_column(column, justify="right")
    for column in ("images", "detections", "ground truth", "features"):
        table.add_column(column, justify="center")
    broken = []
    for name in names:
        try:
            sequence = find_sequence(name, root)
        except InputError as error:
            broken.append(str(error))
            continue
        table.add_row(*_row(sequence))
    output().print(table)
    for message in broken:
        errors().print(message, style="red", markup=False)
    return EXIT_FOUND_ERRORS if broken else 0


def _row(sequence: Sequence) -> list[Text]:
    files = (
        sequence.image_dir,
        sequence.detections_path,
        sequence.ground_truth_path,
        sequence.features_path,
    )
    width, height = sequence.image_size
    cells = [
        sequence.benchmark,
        sequence.name,
        str(sequence.frame_count),
        f"{sequence.frame_rate:g}",
        f"{width}×{height}",
        *("–" if path is None else "yes" for path in files),
    ]
    return [Text(cell) for cell in cells]


def run_check(arguments: argparse.Namespace) -> int:
    """Print what is wrong; the exit code says whether anything is an error."""
    root = shared.data_root(arguments)
    names = arguments.sequence or sequence_names(resolve_data_root(arguments.data_root))
    if not names:
        raise InputError(f"data root: expected sequences below {root}, got none")
    failed = False
    for name in names:
        try:
            sequence = find_sequence(name, root)
        except InputError as error:
            if arguments.sequence:
                raise
            failed = True
            output().print(Text.assemble(("error", "bold red"), f"  {error}"), soft_wrap=True)
            continue
        failed |= _print_findings(sequence)
    return EXIT_FOUND_ERRORS if failed else 0


def _print_findings(sequence: Sequence) -> bool:
    """Print the findings of one sequence; True when one is an error."""
    findings = check_sequence(sequence)
    counts = f"{sequence.frame_count} frames" + ("" if sequence.image_dir else ", no images")
    verdict = "" if findings else ", nothing wrong"
    output().print(Text.assemble((sequence.name, "bold"), f": {counts}{verdict}"), soft_wrap=True)
    for finding in findings:
        style = "bold red" if finding.severity == "error" else "yellow"
        place = _shown(finding.path, sequence.root)
        line = Text.assemble((f"  {finding.severity}", style), f"  {place}: {finding.message}")
        output().print(line, soft_wrap=True)
    return any(finding.severity == "error" for finding in findings)


def _shown(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
