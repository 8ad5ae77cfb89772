"""``mtmc simulate``: synthetic sequences with known truth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mtmc.progress import progress_bars
from mtmc.simulate import StreetConfig, simulate_street

from .console import errors, output

EPILOG = """example:
  mtmc simulate street --seed 1 --out world/
  mtmc run --sequence world/STREET --tracker bytetrack --out out/ --video
  mtmc eval --sequence world/STREET --results out/
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "simulate",
        help="make a synthetic sequence with known truth",
        description="Draw people who cross a square before one camera; write frames, ground truth "
        "and faulty detections in MOTChallenge's layout. The same seed gives the same files.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("world", choices=("street",), help="street: one camera, drawn people")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for STREET/")
    defaults = StreetConfig()
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument(
        "--frames", type=int, default=defaults.frames, help="length (default %(default)s)"
    )
    parser.add_argument(
        "--people", type=int, default=defaults.people, help="in all (default %(default)s)"
    )
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the sequence."""
    config = StreetConfig(arguments.frames, arguments.people, arguments.seed)
    with progress_bars(errors()) as make_bar:
        bar = make_bar("drawing people", config.frames)
        folder = simulate_street(Path(arguments.out), config, lambda _: bar.advance())
    output().print(str(folder), soft_wrap=True, markup=False)
    return 0
