"""``mtmc detect``: write the detections of a sequence once, for many runs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from mtmc.detectors import PEOPLE
from mtmc.pipeline import stop_on_signal
from mtmc.precompute import write_detections
from mtmc.progress import progress_bars
from mtmc.run import open_sequence, prepare

from . import arguments as shared
from .console import errors, output
from .run_command import EXIT_INCOMPLETE, EXIT_INTERRUPTED

EPILOG = """example:
  mtmc detect --sequence clip.mp4 --out clip-det.txt
  mtmc run --sequence clip.mp4 --detections clip-det.txt --out out/

The file has a row per box: frame,-1,left,top,width,height,score,-1,-1,-1 with pixels and 0-1.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "detect",
        help="write detections once, for many runs",
        description="Run a person detector over a sequence and write a MOT detection file.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_sequence(parser, several=False)
    parser.add_argument("--out", required=True, metavar="FILE", help="detection file to write")
    shared.add_detector(parser, default=PEOPLE)
    shared.add_region(parser)
    shared.add_frames(parser)
    shared.add_hardware(parser)
    shared.add_settings(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Detect in every frame of one sequence."""
    config = shared.run_config(arguments)
    if config.run.detector is None:
        config = replace(config, run=replace(config.run, detector=PEOPLE))
    root = shared.data_root(arguments)
    source, _ = open_sequence(arguments.sequence, root, config.run.fps)
    job = prepare(arguments.sequence, config, root)
    with stop_on_signal() as stop, progress_bars(errors()) as make_bar:
        bar = make_bar(source.name, source.count(job.frames))
        done = write_detections(
            job.source,
            job.find,
            Path(arguments.out),
            job.frames,
            job.keep,
            on_frame=lambda _, found: bar.advance(f"{len(found)} people"),
            stop=stop,
        )
        interrupted = stop()
    errors().print(f"{source.name}: {done.frames} frames, {done.boxes} boxes")
    output().print(arguments.out, soft_wrap=True, markup=False)
    if done.reason:
        errors().print(f"mtmc: {source.name} is incomplete: {done.reason}", style="bold red")
        return EXIT_INTERRUPTED if interrupted else EXIT_INCOMPLETE
    return 0
