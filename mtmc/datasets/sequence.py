"""One recorded sequence: where its files lie and what they are said to hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

UNKNOWN_BENCHMARK = "custom"
"""``Sequence.benchmark`` of a folder that belongs to no known benchmark."""


@dataclass(frozen=True)
class Sequence:
    """A single-camera sequence on disk.

    Attributes
    ----------
    name : str
        Name of the folder; results are written to and read from ``NAME.txt``.
    benchmark : str
        ``"MOT15"``, ``"MOT16"``, ``"MOT17"``, ``"MOT20"`` or ``"custom"``; it decides which scoring
        protocol and which score mapping are the default.
    frame_rate : float
        Frames per second.
    frame_count : int
        Number of frames as stated by ``seqinfo.ini``: frames are 1 to ``frame_count``, also where
        the folder holds fewer or more images (``check_sequence`` reports that).
    image_size : tuple of int
        Width and height in pixels.
    image_dir : Path or None
        Folder of the numbered images; None where the sequence comes without images.
    image_ext : str
        Extension of the images, with its dot.
    detections_path, ground_truth_path, features_path : Path or None
        ``det.txt``, ``gt.txt`` and an array of detections with appearance vectors, where present.
    root : Path
        Folder of the sequence.
    """

    name: str
    benchmark: str
    frame_rate: float
    frame_count: int
    image_size: tuple[int, int]
    image_dir: Path | None
    image_ext: str
    detections_path: Path | None
    ground_truth_path: Path | None
    features_path: Path | None
    root: Path

    def __post_init__(self) -> None:
        for field in ("frame_rate", "frame_count"):
            value = getattr(self, field)
            if not value > 0:
                raise InputError(f"{self.root}: expected {field} above 0, got {value}")
        if min(self.image_size) < 1:
            raise InputError(f"{self.root}: expected an image size above 0, got {self.image_size}")


def image_files(sequence: Sequence) -> dict[int, Path]:
    """Image file of each frame, in the order of frames; the number is in the file's name.

    Files that are not images of the sequence, or whose name is not a number, are left out.
    """
    if sequence.image_dir is None:
        return {}
    numbered = [
        (int(path.stem), path)
        for path in sequence.image_dir.iterdir()
        if path.suffix.lower() == sequence.image_ext.lower()
        and path.stem.isascii()
        and path.stem.isdigit()
    ]
    return dict(sorted(numbered))
