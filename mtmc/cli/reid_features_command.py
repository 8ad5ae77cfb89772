"""``mtmc reid features``: appearance vectors of detections in a file, for trackers of others."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from . import reid_arguments as shared
from .console import errors, output

EPILOG = """example:
  mtmc reid features --weights rendered_people.pt --detections det.txt --images img1/ \\
      --format deep_sort --out MOT16-02.npy

The file holds one row per detection: the ten columns of a MOT file and a unit vector. deep_sort
reads it as --detection_file, StrongSORT from its folder of detections, `mtmc run` as --embeddings.
The threshold that fits the model, for --max_cosine_distance, is shown by `mtmc reid calibrate`.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "features",
        help="write appearance vectors of detections to a file that other trackers read",
        description="Embed the detections in a MOT file and write them as deep_sort's .npy.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--weights",
        required=True,
        metavar="FILE",
        help="checkpoint (.pt) or exported network, by path or by its name in $MTMC_DATA/models; "
        "or 'histogram', a baseline without weights",
    )
    parser.add_argument(
        "--reid-input",
        metavar="JSON",
        help="input of an ONNX file that neither itself nor a sidecar describes, e.g. "
        '\'{"height": 256, "width": 128, "channel_order": "rgb"}\'',
    )
    parser.add_argument(
        "--detections", required=True, metavar="FILE", help="detections in MOT format"
    )
    parser.add_argument(
        "--images",
        required=True,
        metavar="DIR",
        help="folder of images whose names end in the frame number, e.g. 000001.jpg",
    )
    parser.add_argument(
        "--format",
        choices=("deep_sort",),
        default="deep_sort",
        help="deep_sort: 10 MOT columns and D features per row (default; StrongSORT's, too)",
    )
    parser.add_argument("--out", required=True, metavar="NPY", help="file to write")
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="crops per call (32)")
    shared.add_hardware(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Embed, write, and say how much."""
    from mtmc.feature_files import write_deep_sort_features
    from mtmc.reid.embedder import load
    from mtmc.reid.spec import InputSpec

    from .arguments import _json_object

    text = arguments.reid_input
    spec = InputSpec.from_dict(_json_object(text)) if text is not None else None
    model = load(
        arguments.weights,
        spec=spec,
        device=arguments.device,
        threads=arguments.threads,
        batch_size=arguments.batch,
    )
    with shared.counting("embed") as report:
        frames, boxes = write_deep_sort_features(
            Path(arguments.detections), Path(arguments.images), model, Path(arguments.out), report
        )
    errors().print(f"{frames} frames, {boxes} vectors of {model.embedding_dim}")
    output().print(arguments.out, soft_wrap=True, markup=False)
    return 0
