"""``mtmc interpolate``: fill gaps of finished tracks, offline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

from mtmc.errors import InputError
from mtmc.evaluation import result_names
from mtmc.interpolate import InterpolationConfig, Method, interpolate_file

from .console import errors, output

EPILOG = """examples:
  mtmc interpolate out/ --out out_interpolated/
  mtmc interpolate out/ --out out_smooth/ --method gaussian --max-gap 30
  mtmc compare out/ out_interpolated/

This is a post-process: it needs the whole sequence, and its results are no online results. They go
to a folder of their own, where NAME.interpolated.json says what was done. Identities stay as they
are; only missing boxes between two boxes of one identity are filled in. Say "interpolated" when you
quote figures of them.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    defaults = InterpolationConfig()
    parser = subparsers.add_parser(
        "interpolate",
        help="fill gaps of finished tracks (offline post-process)",
        description="Fill gaps in result files, and smooth them; offline, into another folder.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", metavar="DIR", help="folder of NAME.txt files")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--sequence", nargs="+", metavar="NAME", help="names of results (default: all)"
    )
    parser.add_argument(
        "--method",
        choices=get_args(Method),
        default=defaults.method,
        help="linear: fill gaps; gaussian: smooth all boxes, too (default %(default)s)",
    )
    parser.add_argument(
        "--max-gap",
        type=int,
        metavar="FRAMES",
        default=defaults.max_gap,
        help="longest gap that is filled (default %(default)s)",
    )
    parser.add_argument(
        "--sigma",
        type=float,
        metavar="FRAMES",
        default=defaults.sigma,
        help="width of the smoothing (default %(default)s)",
    )
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Complete every file."""
    config = InterpolationConfig(arguments.method, arguments.max_gap, arguments.sigma)
    source, target = Path(arguments.results), Path(arguments.out)
    if source.resolve() == target.resolve():
        raise InputError("--out: expected another folder than that of the online results")
    names = arguments.sequence or result_names(source)
    if not names:
        raise InputError(f"{source}: expected NAME.txt files, got none")
    for name in names:
        rows, filled = interpolate_file(source / f"{name}.txt", target / f"{name}.txt", config)
        errors().print(f"{name}: {rows} boxes, {filled} filled in (offline, {config.method})")
    output().print(str(target), soft_wrap=True, markup=False)
    return 0
