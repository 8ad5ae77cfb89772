"""``mtmc simulate people``: a re-identification data set of drawn people."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mtmc.progress import progress_bars
from mtmc.worlds.people_config import PeopleConfig
from mtmc.worlds.workers import check_workers

from .arguments import add_workers
from .console import errors, output

EPILOG = """examples:
  mtmc simulate people --people 1000 --seed 1 --out rendered_people/
  mtmc reid train --config rendered_people.toml --data-root rendered_people/ --out runs/rendered
  mtmc reid eval --weights rendered_people.pt --dataset rendered_people --data-root rendered_people/

Files are train/00001/cam1_01.jpg and so on, and other people below test/. Nobody real is shown, so
a network trained on them alone comes with no terms of others.
"""


def add_parser(worlds: Any) -> None:
    """Add the world."""
    defaults = PeopleConfig()
    parser = worlds.add_parser(
        "people",
        help="crops of drawn people, to train an appearance network on",
        description="Draw a re-identification data set: people of different build and clothes, "
        "some in the same uniform, each seen by several cameras from different sides, distances "
        "and heights, in different light, colours and sharpness, partly hidden, in boxes as a "
        "detector would cut them, 24 to 128 pixels high.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="new folder for the data set")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    for name, text in (
        ("people", "people to learn from"),
        ("test_people", "other people, to test with"),
        ("cameras", "cameras that see each of them"),
        ("images", "images of each in each camera"),
    ):
        option = "--" + name.replace("_", "-")
        parser.add_argument(
            option, type=int, default=getattr(defaults, name), help=f"{text} (default %(default)s)"
        )
    add_workers(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the data set."""
    from mtmc.worlds.people_files import write_people

    config = PeopleConfig(
        arguments.people, arguments.test_people, arguments.cameras, arguments.images, arguments.seed
    )
    check_workers(arguments.workers, "--workers")
    out = Path(arguments.out)
    with progress_bars(errors()) as make_bar:
        bar = make_bar("drawing people", config.people + config.test_people)
        write_people(out, config, workers=arguments.workers, on_person=bar.advance)
    output().print(str(out), soft_wrap=True, markup=False)
    return 0
