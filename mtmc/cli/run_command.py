"""``mtmc run``: track the people of one or more sequences."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w

from mtmc.pipeline import stop_on_signal
from mtmc.progress import StageClock, progress_bars
from mtmc.run import RunConfig, RunOutcome, check_unique_names, open_sequence, run_sequence
from mtmc.run_config import DEFAULT
from mtmc.site_config import SiteConfig
from mtmc.site_run import SiteOutcome
from mtmc.sites import find_site
from mtmc.sources import FrameRange
from mtmc.trackers import TRACKERS
from mtmc.types import View

from . import arguments as shared
from .console import errors, output
from .site_commands import track_site

EXIT_INCOMPLETE = 2
EXIT_INTERRUPTED = 130

EPILOG = """examples:
  mtmc run --sequence MOT16-09 --data-root DIR --tracker bytetrack --out out/
      public detections of a benchmark sequence; writes out/MOT16-09.txt (MOT format)
  mtmc run --sequence clip.mp4 --out out/ --video
      a video of your own; writes out/clip.txt and out/clip.webm, which browsers play
  mtmc run --sequence ADL-Rundle-6 --tracker deepsort --reid rendered_people.pt --out out/
      with appearance; compare it with a run without --reid through `mtmc compare`
  mtmc run --sequence clip.mp4 --detector yolox_nano_416x416.onnx --tracker motdt \\
           --scorer detector --reid rendered_people.pt --out out/
      predicted boxes stand in for missed detections where the detector's score map agrees
  mtmc run --sequence CMC2 --data-root DIR --out out/
      several calibrated cameras: one identity across all of them; writes out/CMC2/ with
      ground.csv (places in metres), CAMERA.txt (MOT format, global identities) and events.jsonl;
      with --video --pictures also video.webm, trajectories.png and heat_map.png
  mtmc run --sequence clip.mp4 --print-config --tracker deepsort > run.toml
      every setting with its default; edit it and give it back with --config run.toml

Times are in seconds, boxes in pixels, scores on 0-1. Ctrl-C finishes the current frame and keeps
what was written; the exit code is then 130. Wrong input is one line and exit code 2.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "run",
        help="track the people of a sequence",
        description="Track the people of one or more sequences, of one camera or of several.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_sequence(parser, several=True)
    parser.add_argument(
        "--out", metavar="DIR", help="folder for NAME.txt, NAME.run.json and what else is asked for"
    )
    parser.add_argument(
        "--tracker",
        choices=sorted(TRACKERS),
        help="; ".join(f"{name}: {entry.description}" for name, entry in TRACKERS.items())
        + f" (default {DEFAULT})",
    )
    parser.add_argument(
        "--video",
        action="store_true",
        help="write NAME.webm, drawn after the run; for several cameras NAME/video.webm, their "
        "images beside a floor plan",
    )
    parser.add_argument(
        "--pictures",
        action="store_true",
        help="several cameras: write NAME/trajectories.png and NAME/heat_map.png",
    )
    parser.add_argument(
        "--jsonl",
        action="store_true",
        help="write NAME.jsonl, one line a frame; for several cameras NAME/ground.jsonl",
    )
    files = parser.add_argument_group("files instead of networks")
    files.add_argument(
        "--detections", metavar="FILE", help="detections in MOT format (`mtmc detect` writes them)"
    )
    files.add_argument(
        "--embeddings",
        metavar="NPY",
        help="detections with appearance vectors (`mtmc embed` writes them, deep_sort's format)",
    )
    shared.add_detector(parser, default="the detections that are there, else people")
    shared.add_appearance(parser, required=False)
    shared.add_scorer(parser)
    shared.add_region(parser)
    shared.add_scores(parser)
    shared.add_frames(parser)
    shared.add_hardware(parser)
    shared.add_settings(parser)
    parser.add_argument("--seed", type=int, help="seed of what is random (default 0)")
    parser.add_argument(
        "--print-config", action="store_true", help="print all settings as TOML and stop"
    )
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Track every sequence in turn; the first that fails ends the command."""
    config = shared.run_config(arguments)
    tables = shared.run_tables(arguments)
    settings = SiteConfig.from_tables(tables)
    if arguments.print_config:
        everything = config.to_tables() | settings.to_tables()
        output().print(tomli_w.dumps(everything), end="", markup=False, soft_wrap=True)
        return 0
    if arguments.out is None:
        raise ValueError("--out: expected a folder for the results")
    names = shared.sequence_list(arguments)
    check_unique_names(names)
    root = shared.data_root(arguments)
    code = 0
    with stop_on_signal() as stop:
        for name in names:
            outcome = _track(name, Path(arguments.out), config, settings, root, stop)
            _report(outcome)
            if not outcome.summary.complete:
                code = EXIT_INTERRUPTED if stop() else EXIT_INCOMPLETE
                break
    return code


def _notice(config: RunConfig) -> None:
    """Say what a user may not expect of tracker and appearance together."""
    options = config.run
    uses = TRACKERS[config.tracker].uses_appearance
    # The default is for both; a tracker that was chosen for its looks should have some.
    if uses and config.tracker != DEFAULT and not (options.reid or options.embeddings):
        errors().print(
            f"note: {config.tracker} runs without appearance; give --reid or --embeddings"
        )
    if options.reid and not uses:
        errors().print(f"note: {config.tracker} does not look at appearance; --reid is not used")


def _track(
    name: str,
    out: Path,
    config: RunConfig,
    settings: SiteConfig,
    root: Path | None,
    stop: Callable[[], bool],
) -> RunOutcome | SiteOutcome:
    site = find_site(name, root)
    if site is not None:
        return track_site(site, out, config, settings, root, stop)
    _notice(config)
    source, _ = open_sequence(name, root, config.run.fps)
    total = source.count(FrameRange.parse(config.run.frames, config.run.every))
    console = errors()
    clock = StageClock()
    with progress_bars(console) as make_bar:
        tracking, drawing = make_bar(source.name, total), make_bar("drawing", total)

        def on_frame(view: View) -> None:
            tracking.advance(f"{len(view.tracks or [])} people  {clock.describe()}")

        return run_sequence(
            name,
            out,
            config,
            root,
            on_frame=on_frame,
            on_video_frame=lambda _: drawing.advance(),
            stop=stop,
            clock=clock,
        )


def _report(outcome: RunOutcome | SiteOutcome) -> None:
    summary, console = outcome.summary, errors()
    console.print(
        f"{summary.name}: {summary.frames} frames, {summary.identities} identities, "
        f"{summary.boxes} boxes; {outcome.clock.describe()}"
    )
    if isinstance(outcome, SiteOutcome) and outcome.faults:
        console.print(
            f"note: {outcome.faults} fault{'' if outcome.faults == 1 else 's'}, told in "
            f"{outcome.files['events']}",
            markup=False,
        )
    for path in outcome.files.values():
        output().print(str(path), soft_wrap=True, markup=False)
    if not summary.complete:
        console.print(
            f"mtmc: {summary.name} is incomplete: {summary.reason}; kept what came before",
            style="bold red",
            markup=False,
        )
