"""``mtmc calibrate``: look at calibrations, convert them, solve for them, pick points."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from mtmc.calibration import Camera, HomographyCamera
from mtmc.calibration.formats import FORMATS, AnyCamera, read_cameras, write_cameras
from mtmc.calibration.refit import refit_lens
from mtmc.calibration_view import (
    CalibrationView,
    remarks,
    view_of_sequence,
    with_images,
    write_pictures,
)
from mtmc.errors import InputError

from . import arguments as shared
from . import calibrate_click, calibrate_solve
from .calibrate_arguments import add_reading, format_table, parse_numbers, parse_pairs, parse_size
from .console import errors, output

SHOW_EPILOG = """examples:
  mtmc calibrate show --sequence Terrace --data-root DIR --out floor.png
  mtmc calibrate show --format wildtrack WILDTRACK/ --out floor.png
  mtmc calibrate show --format opencv rig.yml --image north=north.jpg --out floor.png

Prints where every camera stands and draws the site from above. Where there are images (those of a
sequence, or given with --image), the ground's grid is drawn into one of each camera, beside OUT.
"""
CONVERT_EPILOG = """examples:
  mtmc calibrate convert --from wildtrack WILDTRACK/ --to opencv cameras.yml
  mtmc calibrate convert --from tsai calibration/ --refit-lens --to opencv cameras.yml

Cameras come out in metres with Z up and the ground at Z = 0.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command and its sub-commands."""
    parser = subparsers.add_parser(
        "calibrate", help="show, convert and solve for calibrations; pick points"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_show(commands)
    _add_convert(commands)
    calibrate_solve.add_parser(commands)
    calibrate_click.add_parser(commands)


def _add_show(commands: Any) -> None:
    parser = commands.add_parser(
        "show",
        help="draw cameras, fields of view and coverage",
        description="Draw a site from above: where cameras stand and what they cover.",
        epilog=SHOW_EPILOG + format_table(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", nargs="?", metavar="PATH", help="calibration file or folder")
    parser.add_argument(
        "--format", choices=tuple(FORMATS), metavar="FORMAT", help="format of PATH, see below"
    )
    parser.add_argument("--sequence", metavar="NAME", help="a multi-camera sequence instead")
    shared.add_data_root(parser)
    add_reading(parser)
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="CAMERA=FILE",
        help="an image of a camera, to draw the ground's grid into; may be repeated",
    )
    parser.add_argument(
        "--bounds", metavar="L,B,R,T", help="part of the floor to draw, metres (default: chosen)"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="picture to write, e.g. PNG")
    parser.set_defaults(handler=run_show)


def _add_convert(commands: Any) -> None:
    parser = commands.add_parser(
        "convert",
        help="from one format to another",
        description="Read cameras in one format and write them in another.",
        epilog=CONVERT_EPILOG + format_table(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--from", dest="source", nargs=2, required=True, metavar=("FORMAT", "PATH"))
    parser.add_argument("--to", dest="target", nargs=2, required=True, metavar=("FORMAT", "PATH"))
    add_reading(parser)
    parser.add_argument(
        "--refit-lens",
        action="store_true",
        help="replace lenses by OpenCV's polynomial or rational one, and say how near it is",
    )
    parser.set_defaults(handler=run_convert)


def run_show(arguments: argparse.Namespace) -> int:
    """Print a table of cameras and write the pictures."""
    if (arguments.sequence is None) == (arguments.path is None):
        raise InputError("expected either --sequence NAME, or --format FORMAT PATH")
    if arguments.sequence is not None:
        view = view_of_sequence(arguments.sequence, shared.data_root(arguments))
    elif arguments.format is None:
        raise InputError(f"--format: expected the format of {arguments.path}")
    else:
        size = parse_size(arguments.image_size, "--image-size")
        view = CalibrationView(
            read_cameras(arguments.path, arguments.format, size, arguments.unit_m)
        )
    files = parse_pairs(arguments.image, "--image", "CAMERA=FILE")
    view = with_images(view, {name: Path(file) for name, file in files.items()})
    if arguments.bounds:
        left, bottom, right, top = parse_numbers(arguments.bounds, 4, "--bounds")
        view = replace(view, bounds=(left, bottom, right, top))
    output().print(camera_table(view.cameras))
    for remark in remarks(view.cameras):
        errors().print(remark, style="yellow", markup=False)
    for path in write_pictures(view, Path(arguments.out)):
        output().print(str(path), soft_wrap=True, markup=False)
    return 0


def run_convert(arguments: argparse.Namespace) -> int:
    """Read, and write."""
    size = parse_size(arguments.image_size, "--image-size")
    cameras = read_cameras(arguments.source[1], arguments.source[0], size, arguments.unit_m)
    if arguments.refit_lens:
        cameras = [_refitted(camera) for camera in cameras]
    write_cameras(arguments.target[1], arguments.target[0], cameras)
    output().print(arguments.target[1], soft_wrap=True, markup=False)
    return 0


def _refitted(camera: AnyCamera) -> AnyCamera:
    if isinstance(camera, HomographyCamera):
        return camera
    refitted, error_px = refit_lens(camera)
    if refitted is not camera:
        output().print(f"{camera.name}: new lens within {error_px:.2f} px", markup=False)
    return refitted


def camera_table(cameras: Any) -> Table:
    """Where cameras stand and look; metres, pixels and degrees."""
    table = Table(box=None, pad_edge=False)
    table.add_column("camera")
    for name in ("image", "x m", "y m", "z m", "looks at m", "down °", "focal px", "view °"):
        table.add_column(name, justify="right")
    table.add_column("lens")
    for camera in cameras:
        width, height = camera.image_size
        middle = camera.ground_from_image(np.array([[width / 2.0, height / 2.0]]))[0]
        looks = "the sky" if np.isnan(middle).any() else f"{middle[0]:.1f}, {middle[1]:.1f}"
        row = [camera.name, f"{width}x{height}"]
        if isinstance(camera, Camera):
            x, y, z = camera.position
            down = math.degrees(math.asin(float(np.clip(-camera.R[2, 2], -1.0, 1.0))))
            row += [f"{x:.2f}", f"{y:.2f}", f"{z:.2f}", looks, f"{down:.0f}"]
            row += [f"{camera.K[0, 0]:.0f}", _view_angle(camera)]
            row.append("none" if camera.distortion is None else camera.distortion.model)
        else:
            row += ["", "", "", looks, "", "", "", "homography"]
        table.add_row(*row)
    return table


def _view_angle(camera: Camera) -> str:
    """Angle between the ends of the middle row, degrees."""
    width, height = camera.image_size
    _, rays = camera.ray(np.array([[0.0, height / 2.0], [float(width), height / 2.0]]))
    cosine = float(rays[0] @ rays[1])
    return "" if math.isnan(cosine) else f"{math.degrees(math.acos(min(1.0, cosine))):.0f}"
