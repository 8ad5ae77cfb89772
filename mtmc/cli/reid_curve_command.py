"""``mtmc reid curve``: the learning curve of a training as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .console import output

EPILOG = """examples:
  mtmc reid curve runs/r1x
      draws runs/r1x/log.csv into runs/r1x/curve.svg, also while the training is under way
  mtmc reid curve runs/r1x --out curve.png --title "Robust-ReID 1x"
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "curve",
        help="draw a training's learning curve",
        description="Draw losses, accuracy, figures of the people held out, and the learning rate "
        "over the epochs of a training.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="DIR", help="folder of a training, or its log.csv")
    parser.add_argument(
        "--out", metavar="FILE", help=".svg, .png or .pdf (default: curve.svg beside the log)"
    )
    parser.add_argument("--title", help="heading (default: the name of the folder)")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw, and say where the picture is."""
    from mtmc.training_curve import draw_curve, read_log, save_curve

    path = Path(arguments.run)
    folder = path if path.is_dir() else path.parent
    out = Path(arguments.out) if arguments.out else folder / "curve.svg"
    log = read_log(path)
    title = folder.resolve().name if arguments.title is None else arguments.title
    save_curve(draw_curve(log, title, _small_epochs(folder)), out)
    output().print(f"{out}: {len(log.epochs)} epochs", highlight=False)
    return 0


def _small_epochs(folder: Path) -> int:
    """Epochs on small images, where a checkpoint beside the log tells."""
    from mtmc.reid.checkpoint import load_checkpoint

    for name in ("last.pt", "best.pt"):
        if (folder / name).is_file():
            recipe = load_checkpoint(folder / name, announce=False).recipe
            return int(recipe.get("train", {}).get("small_epochs", 0))
    return 0
