"""``mtmc simulate``: synthetic sequences with known truth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mtmc.progress import progress_bars
from mtmc.simulate import StreetConfig, simulate_street
from mtmc.worlds.lab import PRESETS, LabConfig
from mtmc.worlds.workers import check_workers

from . import reid_arguments, simulate_people
from .arguments import add_workers
from .console import errors, output

EPILOG = """examples:
  mtmc simulate street --seed 1 --out world/
  mtmc simulate lab --preset lab-brief --seed 1 --out world/LAB_LIKE
  mtmc simulate people --people 1000 --seed 1 --out rendered_people/
`mtmc simulate WORLD --help` tells more.
"""

STREET_EPILOG = """example:
  mtmc simulate street --seed 1 --out world/
  mtmc run --sequence world/STREET --tracker bytetrack --out out/ --video
  mtmc eval --sequence world/STREET --results out/
"""

LAB_EPILOG = """examples:
  mtmc simulate lab --preset lab-brief --seed 1 --out world/brief
  mtmc run --sequence world/brief --reid rendered_people.pt --out out/ --video
  mtmc eval --sequence world/brief --results out/

  mtmc simulate lab --preset lab-hard --seed 1 --dataset market1501 --data-root DIR --out world/hard
  mtmc run --sequence world/hard --reid rendered_people.pt --out out/   # its detections are files

Presets: lab has the paper's IDF1 of 55 to 60 without ReID; lab-hard has more than twice as many
returns (about 35); lab-brief has a second door, and shows 5 returns or more in 20 seconds. With
--dataset nothing is drawn: boxes with a detector's faults wear the crops of test identities, which
stay where they are. It is a stand-in for the LAB sequence, not the LAB sequence.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "simulate",
        help="make a synthetic sequence with known truth",
        description="Make a synthetic sequence with known truth. The same seed gives the same "
        "files.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    worlds = parser.add_subparsers(title="worlds", metavar="WORLD", required=True)
    _add_street(worlds)
    _add_lab(worlds)
    simulate_people.add_parser(worlds)


def _add_street(worlds: Any) -> None:
    defaults = StreetConfig()
    parser = worlds.add_parser(
        "street",
        help="one camera, drawn people",
        description="Draw people who cross a square before one camera; write frames, ground truth "
        "and faulty detections in MOTChallenge's layout.",
        epilog=STREET_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for STREET/")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument(
        "--frames", type=int, default=defaults.frames, help="length (default %(default)s)"
    )
    parser.add_argument(
        "--people", type=int, default=defaults.people, help="in all (default %(default)s)"
    )
    parser.set_defaults(handler=run_street)


def _add_lab(worlds: Any) -> None:
    parser = worlds.add_parser(
        "lab",
        help="a room with four cameras, whose people leave and come back",
        description="Simulate a room of 5 by 6 m with a camera in each corner, in which at most "
        "7 people at once enter, walk, sit, queue and leave by a door, and come back later. "
        "Writes a folder with a sequence.toml.",
        epilog=LAB_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the sequence")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--preset", choices=tuple(PRESETS), default="lab", help="default: lab")
    lengths = ", ".join(f"{name} {preset.duration_s:g}" for name, preset in PRESETS.items())
    parser.add_argument("--seconds", type=float, help=f"length (default: of the preset: {lengths})")
    add_workers(parser)
    real = parser.add_argument_group("boxes that wear real crops instead of drawn people")
    reid_arguments.add_dataset(real, required=False)
    real.add_argument(
        "--low-resolution", action="store_true", help="crops of 24 to 48 pixels in height"
    )
    parser.set_defaults(handler=run_lab)


def run_street(arguments: argparse.Namespace) -> int:
    """Write the street."""
    config = StreetConfig(arguments.frames, arguments.people, arguments.seed)
    with progress_bars(errors()) as make_bar:
        bar = make_bar("drawing people", config.frames)
        folder = simulate_street(Path(arguments.out), config, lambda _: bar.advance())
    output().print(str(folder), soft_wrap=True, markup=False)
    return 0


def run_lab(arguments: argparse.Namespace) -> int:
    """Write the room."""
    from mtmc.worlds.lab_files import rendering_steps, write_dressed_lab, write_rendered_lab

    config = LabConfig(arguments.preset, arguments.seed, arguments.seconds)
    check_workers(arguments.workers, "--workers")
    if arguments.low_resolution and not arguments.dataset:
        raise ValueError("--low-resolution: only with --dataset")
    out = Path(arguments.out)
    dataset = reid_arguments.open_dataset(arguments) if arguments.dataset else None
    with progress_bars(errors()) as make_bar:
        if dataset is not None:
            bar = make_bar("simulating", 2 * config.frames)
            write_dressed_lab(
                out, config, dataset, low_resolution=arguments.low_resolution,
                on_frame=bar.advance,
            )  # fmt: skip
        else:
            bar = make_bar("simulating and drawing", rendering_steps(config))
            write_rendered_lab(out, config, workers=arguments.workers, on_frame=bar.advance)
    output().print(str(out), soft_wrap=True, markup=False)
    return 0
