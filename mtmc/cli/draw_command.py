"""``mtmc draw``: video and pictures of runs that are finished."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mtmc.errors import InputError
from mtmc.mot_files import read_results
from mtmc.progress import progress_bars
from mtmc.run import open_sequence
from mtmc.run_record import read_record
from mtmc.site_drawing import draw_site_pictures, draw_site_video
from mtmc.sites import Site, find_site
from mtmc.video import render_video

from . import arguments as shared
from .console import errors, output

EPILOG = """examples:
  mtmc draw --sequence Terrace --data-root DIR --results out/
      writes out/Terrace/video.webm (all cameras beside the floor plan; the plan alone where there
      are no images), trajectories.png and heat_map.png
  mtmc draw --sequence CMC2 --data-root DIR --results out/ --only pictures
  mtmc draw --sequence clip.mp4 --results out/
      one camera: writes out/clip.webm

The files of the run are all that is drawn: final identities, late decisions included.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "draw",
        help="video and pictures of a finished run",
        description="Draw what `mtmc run` has written, without tracking again.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_sequence(parser, several=True)
    parser.add_argument(
        "--results", required=True, metavar="DIR", help="the folder given to `mtmc run --out`"
    )
    parser.add_argument(
        "--only",
        choices=("video", "pictures"),
        help="default: both for several calibrated cameras, else the video",
    )
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw every sequence in turn."""
    root = shared.data_root(arguments)
    for name in shared.sequence_list(arguments):
        site = find_site(name, root)
        results = Path(arguments.results)
        if site is not None:
            paths = _draw_site(site, results / site.name, arguments.only)
        elif arguments.only == "pictures":
            raise InputError(f"--only pictures: {name} is no multi-camera sequence")
        else:
            paths = [_draw_camera(name, results, root)]
        for path in paths:
            output().print(str(path), soft_wrap=True, markup=False)
    return 0


def _draw_site(site: Site, folder: Path, only: str | None) -> list[Path]:
    paths = []
    if only != "pictures":
        with progress_bars(errors()) as make_bar:
            bar = make_bar(site.name, None)
            paths.append(draw_site_video(site, folder, on_moment=lambda _: bar.advance()))
    if only == "pictures" or (only is None and site.calibrations):
        paths += draw_site_pictures(site, folder)
    return paths


def _draw_camera(name: str, results: Path, root: Path | None) -> Path:
    source, _ = open_sequence(name, root)
    table = read_results(results / f"{source.name}.txt")
    record = read_record(results / f"{source.name}.run.json")
    source, _ = open_sequence(name, root, record.fps)
    path = results / f"{source.name}.webm"
    with progress_bars(errors()) as make_bar:
        bar = make_bar(source.name, source.count(record.frames))
        render_video(source, table, path, record.frames, on_frame=lambda _: bar.advance())
    return path
