"""``mtmc reid``: train, evaluate, describe and export appearance models."""

from __future__ import annotations

import argparse
from typing import Any

from . import (
    reid_curve_command,
    reid_data_command,
    reid_export_command,
    reid_features_command,
    reid_model_command,
    reid_swag_command,
    reid_train_command,
)

DESCRIPTION = """Appearance models: networks that tell whether two images show the same person.

A model is a checkpoint of ours (.pt) or an ONNX file. Data sets are read from --data-root, which
is their own folder, a folder that holds them, or one file made by `mtmc reid pack`.
"""

EPILOG = """examples:
  mtmc reid train --config robust_reid_1x.toml --data-root DIR --out runs/r1x
  mtmc reid curve runs/r1x
  mtmc reid eval --weights runs/r1x/best.pt --dataset market1501 --data-root DIR
  mtmc reid info --model robust_reid_2x
  mtmc reid export --weights runs/r1x/best.pt --format onnx

`mtmc reid COMMAND --help` explains a command.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command and its sub-commands."""
    parser = subparsers.add_parser(
        "reid",
        help="train, evaluate, describe and export appearance models",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (
        reid_train_command,
        reid_curve_command,
        reid_swag_command,
        reid_model_command,
        reid_data_command,
        reid_export_command,
        reid_features_command,
    ):
        module.add_parser(commands)
