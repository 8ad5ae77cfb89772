"""What a run's summary, ``run.json``, says to those who draw or read its results later."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import InputError
from .sources import FrameRange


@dataclass(frozen=True)
class RunRecord:
    """What of a finished run later readers need.

    Attributes
    ----------
    frames : FrameRange
        What it visited, up to its last frame.
    fps : float
        Frame rate that it gave to plain folders of images.
    """

    frames: FrameRange
    fps: float


def read_record(path: Path) -> RunRecord:
    """Read a summary.

    Raises
    ------
    InputError
        When it is missing, or something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the folder of a finished run")
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        options = record["config"]["run"]
        frames = FrameRange.parse(options["frames"], options["every"])
        last, fps = int(record["last_frame"]), float(options["fps"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: expected the summary of a run: {error!r}") from error
    return RunRecord(replace(frames, last=max(last, frames.first)), fps)
