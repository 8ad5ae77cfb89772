"""``mtmc compare``: which of several result folders is better, and how sure that is."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.atomic import atomic_writer
from mtmc.datasets import Sequence, image_files
from mtmc.errors import InputError
from mtmc.evaluation import (
    BootstrapConfig,
    IdentitySwitch,
    Pair,
    choose_protocol,
    compare,
    differences_table,
    find_switches,
    result_names,
    result_pairs,
    suggest_jobs,
    winners_table,
    write_switches,
)
from mtmc.types import Image

from .console import errors, output
from .eval_command import add_scoring, find_sequences, positive

KEPT_IMAGES = 8  # switches of neighbouring frames often share an image

EPILOG = """examples:
  mtmc compare out_a/ out_b/ --sequence MOT16-02 MOT16-09 --data-root DIR
  mtmc compare plain/ reid/ --sequence ADL-Rundle-6 --contact-sheet switches/
      also draws every identity switch: the person before and after, with frames and identities
  mtmc compare out_a/ out_b/ --json diff.json --switches switches/

The first folder is the one that the others are compared with. Intervals are a paired bootstrap:
blocks of consecutive frames are drawn again and again, the same ones for all folders; a difference
is decided (bold) when the interval leaves out 0. They speak about these sequences, not about other
scenes. Ratios are percentage points; IDs, FP and FN are numbers of boxes, where less is better.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    defaults = BootstrapConfig()
    parser = subparsers.add_parser(
        "compare",
        help="compare folders of results",
        description="Compare two or more folders of results on the same sequences.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", nargs="+", metavar="DIR", help="folders of NAME.txt files")
    add_scoring(parser)
    parser.add_argument("--json", metavar="FILE", help="write values, differences and winners")
    parser.add_argument(
        "--switches",
        metavar="DIR",
        help="list every identity switch as DIR/RUN/NAME.csv, also without images",
    )
    parser.add_argument(
        "--contact-sheet",
        metavar="DIR",
        help="draw every identity switch on pages DIR/RUN/NAME_switches_01.png, ... where the "
        "sequence has images",
    )
    group = parser.add_argument_group("intervals")
    group.add_argument(
        "--resamples", type=positive, default=defaults.resamples, help="draws (default %(default)s)"
    )
    group.add_argument(
        "--block",
        type=positive,
        metavar="FRAMES",
        default=defaults.block_frames,
        help="frames drawn together (default %(default)s); shorter ones make intervals too narrow",
    )
    group.add_argument("--seed", type=int, default=defaults.seed, help="default %(default)s")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the tables, and write what was asked for."""
    folders = _named_folders(arguments.results)
    sequences = find_sequences(arguments.sequence or _common_names(folders), arguments)
    protocol = choose_protocol(arguments.protocol, sequences).name
    runs = {name: result_pairs(sequences, folder) for name, folder in folders.items()}
    config = BootstrapConfig(
        resamples=arguments.resamples, block_frames=arguments.block, seed=arguments.seed
    )
    every_pair = [pair for pairs in runs.values() for pair in pairs]
    jobs = arguments.jobs or suggest_jobs(every_pair)
    comparison = compare(runs, protocol, config, jobs=jobs)
    for run_name in comparison.runs[1:]:
        output().print(differences_table(comparison, run_name))
    output().print(winners_table(comparison))
    if not comparison.draws:
        errors().print(
            f"no intervals, because there are fewer than {config.least_blocks} blocks of "
            f"{config.block_frames} frames (see --block)"
        )
    if arguments.json:
        with atomic_writer(arguments.json) as stream:
            json.dump(comparison.to_json(), stream, indent=1)
            stream.write("\n")
    if arguments.switches or arguments.contact_sheet:
        _report_switches(arguments, runs, sequences, protocol)
    return 0


def _named_folders(paths: list[str]) -> dict[str, Path]:
    """Folders by their last names, or by their whole paths where those are not different."""
    folders = [Path(path) for path in paths]
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: expected a folder of results")
    names = [folder.absolute().name for folder in folders]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    if len(set(names)) < len(names):
        raise InputError(f"compare: expected different folders, got {', '.join(names)}")
    return dict(zip(names, folders, strict=True))


def _common_names(folders: Mapping[str, Path]) -> list[str]:
    """Sequences that every folder has results of; says which are left out."""
    found = [set(result_names(folder)) for folder in folders.values()]
    common, every = set.intersection(*found), set.union(*found)
    if every - common:
        left_out = ", ".join(sorted(every - common))
        errors().print(f"left out, because not every folder has them: {left_out}", markup=False)
    return sorted(common)


def _report_switches(
    arguments: argparse.Namespace,
    runs: Mapping[str, list[Pair]],
    sequences: list[Sequence],
    protocol: str,
) -> None:
    for run_name, pairs in runs.items():
        folder_name = run_name.strip("/").replace("/", "_")
        for sequence, pair in zip(sequences, pairs, strict=True):
            switches = find_switches(pair, protocol)
            if arguments.switches:
                path = Path(arguments.switches) / folder_name / f"{sequence.name}.csv"
                write_switches(path, switches)
            if arguments.contact_sheet:
                _draw(switches, sequence, Path(arguments.contact_sheet) / folder_name)


def _draw(switches: list[IdentitySwitch], sequence: Sequence, folder: Path) -> None:
    from mtmc.evaluation.contact_sheet import write_contact_sheets  # loads OpenCV

    images = image_files(sequence)
    if not images:
        errors().print(f"{sequence.name}: no images, no contact sheet", markup=False)
        return

    @lru_cache(maxsize=KEPT_IMAGES)
    def read_image(frame: int) -> Image | None:
        return _read_image(images.get(frame))

    for path in write_contact_sheets(switches, read_image, folder):
        output().print(str(path), soft_wrap=True, markup=False)


def _read_image(path: Path | None) -> Image | None:
    import cv2

    if path is None:
        return None
    image = cv2.imread(str(path))
    return None if image is None else np.asarray(image, np.uint8)
