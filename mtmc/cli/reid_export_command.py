"""``mtmc reid export``: a network for other runtimes and other trackers."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtmc.atomic import atomic_writer
from mtmc.errors import InputError

from .console import output

if TYPE_CHECKING:
    import numpy as np

EPILOG = """examples:
  mtmc reid export --weights rendered_people.pt --format onnx
  mtmc reid export --weights runs/r1x/best.pt --format onnx --profile ultralytics
  mtmc reid export --weights rendered_people.pt --format openvino --int8 --crops DIR

The file says itself what its input is and carries the distance statistics, so --reid, --weights and
mtmc.reid.load take it like the checkpoint. It is compared with its source before it gets its name.
int8 is calibrated on half of the images in --crops and compared on the other half; its distance
statistics are to be measured anew with `mtmc reid calibrate`.
"""

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
MOST_CROPS = 512


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        help="write a network as ONNX, OpenVINO or TorchScript",
        description="Write a network for another runtime, or for a tracker that loads a file.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--weights",
        required=True,
        metavar="FILE",
        help="checkpoint (.pt) or ONNX file (.onnx), by path or name",
    )
    parser.add_argument("--format", required=True, choices=("onnx", "openvino", "torchscript"))
    parser.add_argument(
        "--profile",
        choices=("core", "ultralytics"),
        default="core",
        help="core: images arrive normalised (default; boxmot takes such a file, too). "
        "ultralytics: they arrive as RGB from 0 to 1 and the graph normalises",
    )
    parser.add_argument(
        "--int8", action="store_true", help="weights and activations in int8; needs --crops"
    )
    parser.add_argument(
        "--crops",
        metavar="DIR",
        help=f"folder of images of people to compare on, and to calibrate int8 on (at most "
        f"{MOST_CROPS} of them, evenly spread, are read)",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="file to write (default: beside the weights, named after them; of shipped weights, "
        "here)",
    )
    parser.add_argument("--json", metavar="FILE", help="write size and similarity as JSON")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Export, and say how close the result is to its source."""
    from mtmc.reid.export_file import ExportConfig, export
    from mtmc.reid.shipped import find_weights, is_shipped

    config = ExportConfig(arguments.format, arguments.profile, arguments.int8)
    if arguments.int8 and arguments.crops is None:
        raise InputError("--int8: needs --crops, a folder of images of people to calibrate on")
    weights = find_weights(arguments.weights)
    beside = Path(weights.name) if is_shipped(weights) else weights
    out = Path(arguments.out) if arguments.out else config.default_name(beside)
    crops = read_crops(Path(arguments.crops)) if arguments.crops else []
    done = export(weights, out, config, crops)
    kind = "int8" if config.int8 else "float32"
    output().print(
        f"{done.path}: {done.size_mb:.1f} MB, {kind}; cosine similarity to {weights.name} on "
        f"{done.crops} crops: mean {done.mean_cosine:.6f}, least {done.min_cosine:.6f}",
        soft_wrap=True,
        markup=False,
    )
    if arguments.json:
        with atomic_writer(arguments.json) as stream:
            json.dump({**asdict(done), "path": str(done.path), **asdict(config)}, stream, indent=2)
            stream.write("\n")
    return 0


def read_crops(folder: Path) -> list[np.ndarray]:
    """Images in a folder and below, at most `MOST_CROPS`, evenly spread over their names."""
    import cv2

    if not folder.is_dir():
        raise InputError(f"--crops: {folder}: no such folder")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise InputError(f"--crops: {folder}: no images ({', '.join(IMAGE_SUFFIXES)}) in it")
    step = max(1, -(-len(paths) // MOST_CROPS))
    crops = []
    for path in paths[::step]:
        image = cv2.imread(str(path))
        if image is None:
            raise InputError(f"{path}: not an image that OpenCV can read")
        crops.append(image)
    return crops
