"""``mtmc demo``: see it work, without data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.table import Table

from mtmc.progress import progress_bars

from . import arguments as shared
from .console import errors, output

EPILOG = """example:
  mtmc demo --out out/demo
      then open out/demo/index.html in a browser

Left in --out: index.html (one file with everything), video.webm, picture.png, paths.png,
scores.json, room/ (the drawn sequence), detections/, and without/ and with/ (the files of the two
runs; `mtmc explain --run out/demo/with/room --id 1` tells an identity's story). A demonstration
that is there already is replaced.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "demo",
        help="see it work, without any data",
        description="Draw 20 seconds of a room with four cameras whose people leave and come back; "
        "find them, track them with and without appearance, score both, and make a page that shows "
        "it. Everything is written below --out; nothing is downloaded.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", default="out/demo", metavar="DIR", help="default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="another world (default %(default)s)")
    parser.add_argument("--seconds", type=float, help="a shorter one, 2 to 20")
    shared.add_workers(parser)
    parser.add_argument(
        "--detector", metavar="FILE", help="an ONNX detector (default: the one that ships)"
    )
    parser.add_argument(
        "--reid", metavar="FILE", help="an appearance model (default: the one that ships)"
    )
    shared.add_data_root(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration and say where everything lies."""
    from mtmc.demo import DemoConfig, run_demo
    from mtmc.demo.run import REID
    from mtmc.demo.steps import Steps

    config = DemoConfig(
        arguments.seed, arguments.seconds, arguments.detector, arguments.reid or REID,
        arguments.workers,
    )  # fmt: skip
    console = errors()
    with progress_bars(console) as make_bar:
        steps = Steps(make_bar, lambda title, s: console.print(f"{title:<24} {s:6.1f} s"))
        demo = run_demo(Path(arguments.out), config, steps, shared.data_root(arguments))
    output().print(_table(demo.record.runs))
    places = ("page", demo.page), ("video", demo.video), ("picture", demo.picture)
    for title, path in places:
        output().print(f"{title:<9} {path}", soft_wrap=True, markup=False)
    return 0


def _table(runs: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="on the ground plane, within 0.5 m", title_justify="left")
    for name in ("", "MOTA", "IDF1", "switches", "returns recognised", "wrong identity"):
        table.add_column(name, justify="right" if name else "left")
    for key, name in (("without", "by place alone"), ("with", "with appearance")):
        run = runs[key]
        table.add_row(
            name, f"{run['MOTA']:.1f}", f"{run['IDF1']:.1f}", str(run["IDs"]),
            f"{run['recognised']} of {run['returns']}", f"{run['wrong_percent']:.1f} % of time",
        )  # fmt: skip
    return table
