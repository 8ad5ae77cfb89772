"""``mtmc data``: which sequences there are, and what is wrong with them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from mtmc.calibration import CalibrationError
from mtmc.calibration_view import remarks
from mtmc.datasets import (
    DATASETS,
    Finding,
    Sequence,
    check_sequence,
    find_sequence,
    resolve_data_root,
    sequence_names,
)
from mtmc.errors import InputError
from mtmc.sites import Site, find_site, site_names
from mtmc.sites.check import check_site

from . import arguments as shared
from .console import errors, output

EXIT_FOUND_ERRORS = 1

LIST_EPILOG = """example:
  mtmc data list --data-root DIR

Looks for DIR/MOT15/train/NAME/seqinfo.ini and likewise for MOT16, MOT17, MOT20 and test/, and for
sites with several cameras: DIR/Terrace, CMC, WILDTRACK, MultiviewX, PETS09, Shelf, and every folder
DIR/NAME with a sequence.toml. Sizes are pixels, rates frames per second.
"""
CHECK_EPILOG = """examples:
  mtmc data check --data-root DIR                        all sequences
  mtmc data check --sequence MOT16-09 --data-root DIR
  mtmc data check --sequence path/to/my_sequence path/to/my_site

Checks: frames that are missing or too many, images that are cut off or of another size, rows beyond
the end, numbers that are none, negative sizes, boxes outside the image, rows out of order,
identities given twice, unknown classes. Of sites with several cameras: cameras without anything,
images of another size than calibrated, boxes above the horizon, cameras below the floor, recordings
that do not overlap in time, ground truth outside the bounds or the recording. Errors stop a run or
falsify its scores, and make the exit code 1; warnings are legal but surprising.
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
        help="names of sequences below the data root, or paths of sequence folders; of one camera "
        "or of several (default: all)",
    )
    shared.add_data_root(checker)
    checker.set_defaults(handler=run_check)


def run_list(arguments: argparse.Namespace) -> int:
    """Print a table of sequences, and one of sites."""
    root = resolve_data_root(arguments.data_root)
    names, sites = sequence_names(root), site_names(root)
    if not names and not sites:
        layouts = ", ".join(f"{root / benchmark}" for benchmark in DATASETS)
        raise InputError(
            f"data root: expected sequences in {layouts}, or sites with several cameras below "
            f"{root}, got none"
        )
    broken = _list_sequences(names, root) if names else []
    broken += _list_sites(sites, root) if sites else []
    for message in broken:
        errors().print(message, style="red", markup=False)
    return EXIT_FOUND_ERRORS if broken else 0


def _list_sequences(names: list[str], root: Path) -> list[str]:
    """Print the single-camera sequences; what is wrong with those that cannot be read."""
    table = Table(title="one camera", title_justify="left")
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
    return broken


def _list_sites(names: list[str], root: Path) -> list[str]:
    """Print the multi-camera sequences; what is wrong with those that cannot be read."""
    table = Table(title="several cameras", title_justify="left")
    table.add_column("site", no_wrap=True)
    for column in ("cameras", "frames", "fps", "bounds m"):
        table.add_column(column, justify="right")
    for column in ("images", "detections", "ground truth"):
        table.add_column(column, justify="center")
    broken = []
    for name in names:
        try:
            site = find_site(name, root)
        except (InputError, CalibrationError, OSError) as error:
            broken.append(str(error))
            continue
        if site is not None:
            table.add_row(*_site_row(site))
    output().print(table)
    return broken


def _site_row(site: Site) -> list[Text]:
    counts = [len(camera.indices) for camera in site.cameras if camera.video is None]
    bounds = "–"
    if site.bounds is not None:
        left, bottom, right, top = site.bounds.box
        bounds = f"{right - left:.3g}×{top - bottom:.3g}"
    with_detections = [camera for camera in site.cameras if camera.detections is not None]
    annotated = 0 if site.truth is None else len(site.truth.frames)
    cells = [
        site.name,
        str(len(site.cameras)),
        str(max(counts)) if counts else "video",
        f"{site.rate:g}",
        bounds,
        _share([camera for camera in site.cameras if camera.has_images], site),
        _share(with_detections, site),
        f"{annotated} frames" if annotated else "–",
    ]
    return [Text(cell) for cell in cells]


def _share(cameras: list[Any], site: Site) -> str:
    """Of how many cameras something is there."""
    if not cameras:
        return "–"
    return "yes" if len(cameras) == len(site.cameras) else f"{len(cameras)} of {len(site.cameras)}"


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
    if arguments.sequence:
        names = arguments.sequence
    else:
        names = sequence_names(resolve_data_root(arguments.data_root))
        names += site_names(resolve_data_root(arguments.data_root))
    if not names:
        raise InputError(f"data root: expected sequences below {root}, got none")
    failed = False
    for name in names:
        try:
            found = find_site(name, root) or find_sequence(name, root)
        except (InputError, CalibrationError, OSError) as error:
            if arguments.sequence:
                raise
            failed = True
            output().print(Text.assemble(("error", "bold red"), f"  {error}"), soft_wrap=True)
            continue
        failed |= _check_site(found) if isinstance(found, Site) else _check_sequence(found)
    return EXIT_FOUND_ERRORS if failed else 0


def _check_sequence(sequence: Sequence) -> bool:
    """Print the findings of one sequence; True when one is an error."""
    counts = f"{sequence.frame_count} frames" + ("" if sequence.image_dir else ", no images")
    return _print_findings(sequence.name, counts, check_sequence(sequence), sequence.root)


def _check_site(site: Site) -> bool:
    """Print the findings of one site, and what its calibrations look like; True for an error."""
    findings = check_site(site)
    cameras = list(site.calibrations.values())
    findings += [Finding("warning", site.root, remark) for remark in remarks(cameras)]
    with_images = sum(camera.has_images for camera in site.cameras)
    counts = f"{len(site.cameras)} cameras"
    if with_images < len(site.cameras):
        counts += f", {with_images or 'none'} of them with images"
    return _print_findings(site.name, counts, findings, site.root)


def _print_findings(name: str, counts: str, findings: list[Finding], root: Path) -> bool:
    verdict = "" if findings else ", nothing wrong"
    output().print(Text.assemble((name, "bold"), f": {counts}{verdict}"), soft_wrap=True)
    for finding in findings:
        style = "bold red" if finding.severity == "error" else "yellow"
        place = _shown(finding.path, root)
        line = Text.assemble((f"  {finding.severity}", style), f"  {place}: {finding.message}")
        output().print(line, soft_wrap=True)
    return any(finding.severity == "error" for finding in findings)


def _shown(path: Path, root: Path) -> Path:
    if path == root:
        return path
    return path.relative_to(root) if path.is_relative_to(root) else path
