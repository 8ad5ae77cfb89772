"""Arguments that the ``mtmc reid`` commands share, and what they open."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import mtmc
from mtmc.errors import InputError

from .console import errors

if TYPE_CHECKING:
    import torch

    from mtmc.reid.data import PersonDataset

DATA_ROOT_VARIABLE = "MTMC_DATA"


def add_dataset(parser: argparse.ArgumentParser, required: bool) -> None:
    """``--dataset`` and ``--data-root``."""
    parser.add_argument(
        "--dataset",
        nargs="+",
        required=required,
        metavar="NAME",
        help="market1501, dukemtmc, msmt17, cuhk01, cuhk01_all, cuhk03_labeled, cuhk03_detected, "
        "rendered_people (made by `mtmc simulate people`), or folder: a folder of your own with "
        "people/NAME/CAMERA_anything.jpg; several are merged",
    )
    parser.add_argument(
        "--data-root",
        metavar="DIR",
        help="folder of the data set, or one that holds it, or a file made by `mtmc reid pack` "
        f"(default: environment variable {DATA_ROOT_VARIABLE})",
    )
    parser.add_argument(
        "--no-check",
        action="store_true",
        help="accept a data set whose number of images is not the published one",
    )


def add_hardware(parser: argparse.ArgumentParser) -> None:
    """``--device`` and ``--threads``."""
    parser.add_argument(
        "--device", default="cpu", metavar="cpu|cuda", help="where to compute (default cpu)"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="threads (default: torch's)")


def open_dataset(
    arguments: argparse.Namespace, names: Sequence[str] | None = None
) -> PersonDataset:
    """The data set that ``--dataset`` (or ``names``) and ``--data-root`` speak of."""
    from mtmc.reid.data import read_dataset

    root = arguments.data_root or os.environ.get(DATA_ROOT_VARIABLE)
    if not root:
        raise InputError(
            f"--data-root: missing; or set the environment variable {DATA_ROOT_VARIABLE}"
        )
    return read_dataset(names or arguments.dataset, Path(root), check=not arguments.no_check)


def set_up_torch(arguments: argparse.Namespace) -> torch.device:
    """Apply ``--threads`` and open ``--device``."""
    import torch

    if arguments.threads is not None:
        if arguments.threads < 1:
            raise InputError(f"--threads: expected 1 or more, got {arguments.threads}")
        torch.set_num_threads(arguments.threads)
    try:
        device = torch.device(arguments.device)
    except RuntimeError:
        raise InputError(f"--device: expected cpu or cuda, got {arguments.device!r}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: this torch sees no CUDA device")
    return device


def code_version() -> str:
    """The commit of the checkout that this code runs from, or the version of the package."""
    folder = Path(mtmc.__file__).parent
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except OSError:
        return f"mtmc {mtmc.__version__}"
    commit = found.stdout.strip()
    return commit if found.returncode == 0 and commit else f"mtmc {mtmc.__version__}"


@contextmanager
def counting(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yield ``report(done, total)`` that shows a progress bar; silent where nobody watches."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = errors()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
