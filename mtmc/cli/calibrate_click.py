"""``mtmc calibrate click``: pick floor points in an image, for ``mtmc calibrate solve``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mtmc.clicking.picker import PointPicker
from mtmc.clicking.points import load_picked, read_places, save_picked
from mtmc.clicking.viewport import Viewport
from mtmc.clicking.window import FloorPlan, pick
from mtmc.errors import InputError
from mtmc.types import Image

from .calibrate_arguments import parse_numbers
from .console import errors, output

EXIT_DISCARDED = 130
ENOUGH = 4

EPILOG = """examples:
  mtmc calibrate click --image north.jpg --out pairs.csv
      click a place on the floor, type where it is (4.0, 2.5), Enter; and again
  mtmc calibrate click --image north.jpg --places places.csv --out pairs.csv
      places.csv has the columns point,x,y; each click takes the next one, n leaves one out
  mtmc calibrate click --image north.jpg --plan floor.png --plan-origin 120,840 \\
                       --plan-m-per-px 0.02 --out pairs.csv
      click a place in the image, then the same place on the plan
  mtmc calibrate solve extrinsics pairs.csv --image-size 1920x1080 --out cameras.toml

Click the cameras one after the other into the same file: it keeps what it has, and clicking a
camera again goes on where it was left. A name instead of x, y is a place that nobody measured, but
that several cameras see. At least four places per camera, better ten, spread over the floor.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "click",
        help="pick floor points in an image, in a window",
        description="Pick pixels and the places on the floor that they show, by clicking.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--image", required=True, metavar="FILE", help="image of the camera")
    parser.add_argument(
        "--camera", metavar="NAME", help="name of the camera (default: the image's without ending)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--places", metavar="CSV", help="places to click, in this order: point,x,y")
    where.add_argument("--plan", metavar="IMAGE", help="floor plan to click into; x right, y up")
    parser.add_argument(
        "--plan-origin", metavar="U,V", help="pixel of the plan where x = 0 and y = 0"
    )
    parser.add_argument("--plan-m-per-px", type=float, metavar="M", help="metres per pixel of it")
    parser.add_argument("--out", required=True, metavar="CSV", help="file of pairs to write")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Open the window, and write what was picked."""
    image = _read(arguments.image)
    camera = arguments.camera or Path(arguments.image).stem
    out = Path(arguments.out)
    plan = _plan(arguments)
    places = read_places(Path(arguments.places)) if arguments.places else []
    view = Viewport.fitted((image.shape[1], image.shape[0]))
    picker = PointPicker(view, places, load_picked(out, camera))
    pick(image, picker, f"mtmc: {camera}", plan)
    if picker.discarded:
        errors().print("mtmc: left without saving")
        return EXIT_DISCARDED
    if not picker.picked:
        raise InputError("nothing was picked; nothing is written")
    save_picked(out, camera, picker.picked)
    note = "" if len(picker.picked) >= ENOUGH else f" (solving needs {ENOUGH} or more)"
    errors().print(f"{camera}: {len(picker.picked)} points{note}", markup=False)
    output().print(str(out), soft_wrap=True, markup=False)
    return 0


def _plan(arguments: argparse.Namespace) -> FloorPlan | None:
    given = (arguments.plan, arguments.plan_origin, arguments.plan_m_per_px)
    if all(value is None for value in given):
        return None
    if any(value is None for value in given):
        raise InputError("--plan, --plan-origin, --plan-m-per-px: expected all three or none")
    u, v = parse_numbers(arguments.plan_origin, 2, "--plan-origin")
    return FloorPlan(_read(arguments.plan), (u, v), arguments.plan_m_per_px)


def _read(path: str) -> Image:
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{path}: not an image that can be read")
    return np.asarray(image, np.uint8)
