"""``mtmc calibrate solve``: intrinsics from boards, poses from floor points."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.table import Table

from mtmc.calibration import Camera, Intrinsics
from mtmc.calibration.boards import Board, BoardView, find_boards
from mtmc.calibration.formats import (
    FORMATS,
    read_cameras,
    read_intrinsics,
    write_cameras,
    write_intrinsics,
)
from mtmc.calibration.point_pairs import read_point_pairs
from mtmc.calibration.rig import solve_rig
from mtmc.calibration.solve import CameraFit, SolveConfig, intrinsics_guess, solve_site
from mtmc.calibration.solve_intrinsics import MODELS, IntrinsicsFit, solve_intrinsics
from mtmc.errors import InputError
from mtmc.sources import IMAGE_SUFFIXES

from .calibrate_arguments import parse_pairs, parse_size
from .console import errors, output

INTRINSICS_EPILOG = """examples:
  mtmc calibrate solve intrinsics boards/ --chessboard 9x6 --name north --out north.yml
  mtmc calibrate solve intrinsics boards/ --charuco 10x7 --marker-share 0.74 --name north \\
                                          --out north.yml

Take 15 or more pictures with the board tilted in several directions, all over the image.
"""
EXTRINSICS_EPILOG = """examples:
  mtmc calibrate solve extrinsics pairs.csv --intrinsics north.yml south.yml --out cameras.toml
  mtmc calibrate solve extrinsics pairs.csv --image-size 1920x1080 --out cameras.toml

pairs.csv has the columns camera,u,v,x,y and optionally z,point: a pixel, and where on the floor (in
metres) the place lies that it shows. At least four places per camera, spread over the floor and not
on a line. x,y left empty, with a name in point, are a place that several cameras see and nobody
measured. Without intrinsics the focal length and one lens coefficient are estimated, which takes
more and better spread points.
"""


RIG_EPILOG = """example:
  mtmc calibrate solve rig north=north/ south=south/ --intrinsics north.yml south.yml \\
                           --charuco 10x7 --square-m 0.1 --floor 001 --out cameras.toml

Pictures of the same name were taken at the same time. In one of them (--floor) the board lies on
the floor, face up: its corner is the origin of the world, its rows point along X.
"""


def add_parser(commands: Any) -> None:
    """Add the command and its two sub-commands."""
    parser = commands.add_parser(
        "solve",
        help="intrinsics from boards, poses from floor points",
        description="Calibrate cameras from pictures and measurements.",
    )
    kinds = parser.add_subparsers(title="what to solve for", metavar="WHAT", required=True)
    _add_intrinsics(kinds)
    _add_extrinsics(kinds)
    _add_rig(kinds)


def _add_intrinsics(kinds: Any) -> None:
    parser = kinds.add_parser(
        "intrinsics",
        help="camera matrix and lens, from pictures of a board",
        description="Fit a camera matrix and lens to pictures of a chessboard or ChArUco board.",
        epilog=INTRINSICS_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of them")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--chessboard", metavar="CxR", help="inner corners of a chessboard, e.g. 9x6")
    kind.add_argument("--charuco", metavar="CxR", help="squares of a ChArUco board, e.g. 10x7")
    _add_markers(parser)
    parser.add_argument("--name", required=True, help="of the camera, as in pairs.csv")
    parser.add_argument(
        "--model", choices=MODELS, default="opencv5", help="lens model (default %(default)s)"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="OpenCV YAML or XML to write")
    parser.set_defaults(handler=run_intrinsics)


def _add_extrinsics(kinds: Any) -> None:
    defaults = SolveConfig()
    parser = kinds.add_parser(
        "extrinsics",
        help="where cameras stand, from points on the floor",
        description="Solve for the poses of all cameras of a site, together and robustly.",
        epilog=EXTRINSICS_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pairs", metavar="CSV", help="pixels and places on the floor")
    known = parser.add_mutually_exclusive_group(required=True)
    known.add_argument(
        "--intrinsics", nargs="+", metavar="FILE", help="OpenCV files, one or more cameras each"
    )
    known.add_argument(
        "--cameras",
        nargs=2,
        metavar=("FORMAT", "PATH"),
        help="take the intrinsics of cameras calibrated before",
    )
    known.add_argument(
        "--image-size", metavar="WxH", help="nothing but this is known: estimate focal lengths"
    )
    parser.add_argument(
        "--pixel-sigma",
        type=float,
        default=defaults.pixel_sigma,
        metavar="PX",
        help="how well pixels were picked, px (default %(default)s)",
    )
    parser.add_argument(
        "--floor-sigma-m",
        type=float,
        default=defaults.floor_sigma_m,
        metavar="M",
        help="how well the floor was measured, metres; 0: exactly (default %(default)s)",
    )
    parser.add_argument(
        "--unit-m",
        type=float,
        default=1.0,
        metavar="M",
        help="length of the CSV's unit in metres (default %(default)s)",
    )
    _add_output(parser)
    parser.set_defaults(handler=run_extrinsics)


def _add_rig(kinds: Any) -> None:
    parser = kinds.add_parser(
        "rig",
        help="where cameras stand, from a board that was carried around",
        description="Solve for the poses of cameras that saw one ChArUco board at the same times.",
        epilog=RIG_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", metavar="CAMERA=FOLDER", help="pictures of each")
    parser.add_argument("--intrinsics", nargs="+", required=True, metavar="FILE", help="OpenCV's")
    parser.add_argument("--charuco", required=True, metavar="CxR", help="squares of the board")
    _add_markers(parser)
    parser.add_argument("--square-m", type=float, required=True, metavar="M", help="its side")
    parser.add_argument(
        "--floor", required=True, metavar="NAME", help="pictures with the board on the floor"
    )
    _add_output(parser)
    parser.set_defaults(handler=run_rig)


def _add_markers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--marker-share",
        type=float,
        default=0.75,
        metavar="S",
        help="side of a ChArUco marker in sides of a square (default %(default)s)",
    )
    parser.add_argument(
        "--dictionary",
        default="DICT_4X4_50",
        metavar="NAME",
        help="ArUco dictionary of the markers (default %(default)s)",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        default="mtmc",
        choices=[name for name, entry in FORMATS.items() if entry.write],
        help="format to write (default %(default)s)",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="calibration to write")


def run_intrinsics(arguments: argparse.Namespace) -> int:
    """Find boards, fit, write, and report."""
    text = arguments.chessboard or arguments.charuco
    size = parse_size(text, "--chessboard" if arguments.chessboard else "--charuco")
    if size is None:
        raise InputError("expected --chessboard or --charuco")
    marker = None if arguments.chessboard else arguments.marker_share
    board = Board(size[0], size[1], 1.0, marker, arguments.dictionary)
    views, image_size, missed = find_boards(_image_files(arguments.images), board)
    for path in missed:
        errors().print(f"{path}: no board found", style="yellow", markup=False)
    fit = solve_intrinsics(arguments.name, views, image_size, arguments.model)
    write_intrinsics(Path(arguments.out), [fit.intrinsics])
    _report_intrinsics(fit)
    output().print(arguments.out, soft_wrap=True, markup=False)
    return 0


def _image_files(given: list[str]) -> list[Path]:
    files: list[Path] = []
    for name in given:
        path = Path(name)
        if path.is_dir():
            files += sorted(f for f in path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES)
        else:
            files.append(path)
    if not files:
        raise InputError(f"{given[0]}: no images in it")
    return files


def _report_intrinsics(fit: IntrinsicsFit) -> None:
    console = output()
    K = fit.intrinsics.K
    lens = fit.intrinsics.distortion
    coefficients = [] if lens is None else [f"{value:.5f}" for value in lens.coefficients]
    console.print(f"focal length {K[0, 0]:.1f}, {K[1, 1]:.1f} px")
    console.print(f"principal point {K[0, 2]:.1f}, {K[1, 2]:.1f} px")
    console.print(f"lens {lens.model if lens else 'none'}: {' '.join(coefficients)}")
    worst = max(fit.view_errors_px, key=lambda name: fit.view_errors_px[name])
    console.print(
        f"reprojection error {fit.rms_px:.3f} px over {len(fit.view_errors_px)} views, worst "
        f"{fit.view_errors_px[worst]:.3f} px in {worst}",
        markup=False,
    )
    console.print(f"corners seen in {100 * fit.coverage:.0f} % of the image")
    for name in fit.dropped:
        errors().print(f"{name}: does not fit, left out", style="yellow", markup=False)


def run_extrinsics(arguments: argparse.Namespace) -> int:
    """Solve, write, and report."""
    pairs = read_point_pairs(arguments.pairs, arguments.unit_m)
    unknown = arguments.image_size is not None
    config = SolveConfig(
        pixel_sigma=arguments.pixel_sigma,
        floor_sigma_m=arguments.floor_sigma_m,
        estimate_focal=unknown,
        estimate_distortion=unknown,
    )
    solution = solve_site(pairs, _intrinsics(arguments, pairs.camera_names()), config)
    write_cameras(arguments.out, arguments.to, solution.cameras)
    output().print(fit_table(solution.fits))
    for fit in solution.fits:
        for name in fit.outliers:
            error = fit.errors_px[fit.points.index(name)]
            errors().print(
                f"{fit.camera.name}: {name} is {error:.1f} px off; is that pair right?",
                style="yellow",
                markup=False,
            )
    output().print(arguments.out, soft_wrap=True, markup=False)
    return 0


def _intrinsics(arguments: argparse.Namespace, names: list[str]) -> dict[str, Intrinsics]:
    if arguments.image_size is not None:
        size = parse_size(arguments.image_size, "--image-size") or (0, 0)
        return {name: intrinsics_guess(name, size) for name in names}
    if arguments.intrinsics is not None:
        found = [entry for file in arguments.intrinsics for entry in read_intrinsics(Path(file))]
        return {entry.name: entry for entry in found}
    cameras = read_cameras(arguments.cameras[1], arguments.cameras[0])
    return {
        camera.name: Intrinsics(camera.name, camera.K, camera.image_size, camera.distortion)
        for camera in cameras
        if isinstance(camera, Camera)
    }


def run_rig(arguments: argparse.Namespace) -> int:
    """Find boards in all folders, solve, write, and report."""
    size = parse_size(arguments.charuco, "--charuco") or (0, 0)
    square_m = arguments.square_m
    board = Board(*size, square_m, arguments.marker_share * square_m, arguments.dictionary)
    views = {}
    for name, folder in parse_pairs(arguments.folders, "rig", "CAMERA=FOLDER").items():
        found, _, missed = find_boards(_image_files([folder]), board)
        errors().print(f"{name}: board found in {len(found)} of {len(found) + len(missed)}")
        views[name] = [BoardView(Path(view.name).stem, view.uv, view.xy) for view in found]
    inner = [entry for file in arguments.intrinsics for entry in read_intrinsics(Path(file))]
    fit = solve_rig(board, views, {entry.name: entry for entry in inner}, arguments.floor)
    write_cameras(arguments.out, arguments.to, fit.cameras)
    for camera in fit.cameras:
        x, y, z = camera.position
        output().print(f"{camera.name}: {x:.3f}, {y:.3f}, {z:.3f} m", markup=False)
    (camera_name, view_name), worst = max(fit.view_errors_px.items(), key=lambda item: item[1])
    output().print(
        f"reprojection error {fit.rms_px:.3f} px, worst {worst:.3f} px in {view_name} of "
        f"{camera_name}",
        markup=False,
    )
    output().print(arguments.out, soft_wrap=True, markup=False)
    return 0


def fit_table(fits: tuple[CameraFit, ...]) -> Table:
    """Reprojection error and position of every camera."""
    table = Table(box=None, pad_edge=False)
    table.add_column("camera")
    for name in ("points", "error px", "worst px", "x m", "y m", "z m", "± m", "focal px"):
        table.add_column(name, justify="right")
    for fit in fits:
        x, y, z = fit.camera.position
        focal = f"{fit.camera.K[0, 0]:.0f}"
        if fit.focal_sigma_px is not None:
            focal += f" ± {fit.focal_sigma_px:.0f}"
        table.add_row(
            fit.camera.name,
            str(len(fit.points)),
            f"{fit.rms_px:.2f}",
            f"{fit.errors_px.max():.2f}",
            f"{x:.3f}",
            f"{y:.3f}",
            f"{z:.3f}",
            f"{float(max(fit.position_sigma_m)):.3f}",
            focal,
        )
    return table
