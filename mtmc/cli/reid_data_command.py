"""``mtmc reid pack``: a data set in one file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from . import reid_arguments as shared
from .console import output

EPILOG = """example:
  mtmc reid pack --dataset market1501 --data-root DIR --parts train --out market_train.npz
  mtmc reid train --config robust_reid_1x.toml --data-root market_train.npz --out runs/r1x

The file holds the images as they are, so it may be passed on no more than they may.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "pack",
        help="write a data set, or parts of it, to one file",
        description="Write a data set, or parts of it, to one file that `train` and `eval` read.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_dataset(parser, required=True)
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=("train", "query", "gallery"),
        default=("train", "query", "gallery"),
        help="which parts (default: all)",
    )
    parser.add_argument("--out", required=True, metavar="NPZ", help="file to write")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file and say what is in it."""
    from mtmc.reid.data import write_pack

    dataset = shared.open_dataset(arguments)
    path = Path(arguments.out)
    write_pack(dataset, path, arguments.parts)
    held = ", ".join(f"{part} {len(getattr(dataset, part))}" for part in arguments.parts)
    output().print(f"{path}: {path.stat().st_size / 1e6:.1f} MB ({held} images)")
    return 0
