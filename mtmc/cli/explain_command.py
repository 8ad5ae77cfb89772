"""``mtmc explain``: why somebody has the identity they have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mtmc.entry.story import read_story, tell

from .console import output

EPILOG = """example:
  mtmc run --sequence path/to/my_site --reid rendered_people.pt --out out/
  mtmc explain --run out/my_site --id 7

Every visit is listed with the decisions behind it: who was compared, the cosine distances of looks,
what place and time added, and the threshold above which somebody is new. A star marks the identity
asked about.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "explain",
        help="the story of an identity, with its evidence",
        description="Tell the visits of an identity in a finished multi-camera run with "
        "appearance, and every decision about it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--run", required=True, metavar="DIR", help="OUT/NAME, the folder of a finished run"
    )
    parser.add_argument("--id", required=True, type=int, metavar="N", help="identity")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the story."""
    for line in tell(read_story(Path(arguments.run), arguments.id)):
        output().print(line, soft_wrap=True, markup=False, highlight=False)
    return 0
