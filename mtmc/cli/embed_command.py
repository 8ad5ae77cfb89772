"""``mtmc embed``: write the appearance vectors of a sequence once, for many runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mtmc.pipeline import stop_on_signal
from mtmc.precompute import write_embeddings
from mtmc.progress import progress_bars
from mtmc.run import load_appearance, open_sequence, prepare

from . import arguments as shared
from .console import errors, output
from .run_command import EXIT_INCOMPLETE, EXIT_INTERRUPTED

EPILOG = """example:
  mtmc embed --sequence ADL-Rundle-6 --reid rendered_people.pt --out adl6.npy
  mtmc run --sequence ADL-Rundle-6 --embeddings adl6.npy --tracker deepsort --out out/

The file is what deep_sort and StrongSORT read: a float32 array of 10 MOT columns and D features.
Scores stay those of the detector. If you embed the boxes of a detector of your own on a sequence of
a benchmark, say `--scores identity` when you run on the file.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "embed",
        help="write appearance vectors once, for many runs",
        description="Embed the detections of a sequence with an appearance model.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_sequence(parser, several=False)
    parser.add_argument("--out", required=True, metavar="NPY", help="file to write")
    parser.add_argument(
        "--detections", metavar="FILE", help="detections in MOT format (default: the sequence's)"
    )
    shared.add_appearance(parser, required=True)
    shared.add_detector(parser, default="the detections that are there, else people")
    shared.add_region(parser)
    shared.add_frames(parser)
    shared.add_hardware(parser)
    shared.add_settings(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Embed the detections of one sequence."""
    config = shared.run_config(arguments)
    root = shared.data_root(arguments)
    appearance = load_appearance(arguments.reid, config, root)
    job = prepare(arguments.sequence, config, root, map_scores=False)
    source, _ = open_sequence(arguments.sequence, root, config.run.fps)
    with stop_on_signal() as stop, progress_bars(errors()) as make_bar:
        bar = make_bar(source.name, source.count(job.frames))
        done = write_embeddings(
            source,
            lambda frame: job.keep(job.find(frame)),
            appearance,
            Path(arguments.out),
            job.frames,
            on_frame=lambda _, found: bar.advance(f"{len(found)} people"),
            stop=stop,
        )
        interrupted = stop()
    errors().print(f"{source.name}: {done.frames} frames, {done.boxes} vectors")
    output().print(arguments.out, soft_wrap=True, markup=False)
    if done.reason:
        errors().print(f"mtmc: {source.name} is incomplete: {done.reason}", style="bold red")
        return EXIT_INTERRUPTED if interrupted else EXIT_INCOMPLETE
    return 0
