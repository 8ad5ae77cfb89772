"""nwojke/deep_sort: the ``.npy`` that ``deep_sort_app.py`` reads.

It is no package: the environment variable ``DEEP_SORT`` names a checkout, ``DEEP_SORT_PYTHON`` a
Python with what it needs (NumPy below 1.24).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from kit import Answer, Constant, Frame, Seam, SeamError

from mtmc.reid.adapters import DeepSortEncoder
from mtmc.reid.adapters.vectors import Embeds
from mtmc.trackers.boxes import tlwh_from_xyxy

DISTRIBUTION = ""
DEFAULT_GATE = 0.2  # its own
SETTINGS = ("--min_confidence=0.3", "--nn_budget=100", "--display=False")


def app(frames: Iterable[Frame], model: Embeds | None, gate: float | None) -> Iterator[Answer]:
    encoder = DeepSortEncoder(model or Constant())
    with tempfile.TemporaryDirectory() as folder:
        sequence = Path(folder) / "sequence"
        (sequence / "img1").mkdir(parents=True)
        rows, indices = [np.zeros((0, 10 + encoder_dim(model)))], []
        for frame in frames:
            count = len(frame.xyxy)
            tlwh = tlwh_from_xyxy(frame.xyxy)
            mot = (np.full((count, 1), frame.index), np.full((count, 1), -1), tlwh)
            rows.append(encoder.rows(frame.image, np.hstack([*mot, frame.scores[:, None]])))
            indices.append(frame.index)
            # Only the size of the images is looked at when nothing is displayed.
            blank = np.zeros(frame.image.shape, np.uint8)
            cv2.imwrite(str(sequence / "img1" / f"{frame.index:06d}.png"), blank)
        np.save(Path(folder) / "features.npy", np.concatenate(rows))
        table = _run(Path(folder), DEFAULT_GATE if gate is None else gate)
    for index in indices:
        found = table[table[:, 0] == index]
        xyxy = np.hstack([found[:, 2:4], found[:, 2:4] + found[:, 4:6]])
        yield Answer(index, found[:, 1], xyxy)


def encoder_dim(model: Embeds | None) -> int:
    return (model or Constant()).embedding_dim


def _run(folder: Path, gate: float) -> np.ndarray:
    checkout = Path(os.environ["DEEP_SORT"]).resolve()
    command = [os.environ["DEEP_SORT_PYTHON"], str(checkout / "deep_sort_app.py"), *SETTINGS]
    command += [f"--sequence_dir={folder / 'sequence'}", f"--max_cosine_distance={gate}"]
    command += [f"--detection_file={folder / 'features.npy'}", f"--output_file={folder / 'o.txt'}"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SeamError(f"deep_sort_app.py: {done.stderr.strip().splitlines()[-1]}")
    text = (folder / "o.txt").read_text(encoding="utf-8")
    lines = [line.split(",")[:6] for line in text.splitlines()]
    return np.array(lines, np.float64).reshape(-1, 6)


SEAMS = [Seam("deep_sort_app.py", "--detection_file, 10 MOT columns and D features", app)]
