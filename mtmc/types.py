"""The types that flow through the toolkit, and the seams between its stages.

Conventions, kept everywhere: images are BGR uint8 (H, W, 3) as OpenCV gives them; boxes are
``xyxy`` float64 pixels; lengths are metres, Z points up and the ground is Z = 0; identities count
from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mtmc.trackers.types import (
    Detections,
    Float32Array,
    FloatArray,
    IntArray,
    Look,
    Tracker,
    Tracks,
)

__all__ = [
    "AppearanceModel",
    "Detections",
    "Detector",
    "Float32Array",
    "FloatArray",
    "Frame",
    "GlobalTrack",
    "GlobalTracker",
    "Image",
    "IntArray",
    "Look",
    "Relabel",
    "Sink",
    "Tracker",
    "Tracks",
    "View",
]

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of one camera.

    Attributes
    ----------
    camera : str
        Name of the camera; for a single camera the name of the sequence.
    index : int
        Frame number as the source counts it (from the file name, not from list order).
    time_s : float
        Real time in seconds since the source began. Steps may be uneven.
    image : (H, W, 3) uint8 or None
        BGR pixels; ``None`` in runs from files alone.
    """

    camera: str
    index: int
    time_s: float
    image: Image | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.time_s):
            raise ValueError(f"Frame.time_s: expected a finite time, got {self.time_s}")
        image = self.image
        if image is not None and (
            image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape
        ):
            raise ValueError(
                f"Frame.image: expected uint8 (H, W, 3), got {image.dtype} {image.shape}"
            )


@dataclass(frozen=True, eq=False)
class View:
    """What is known of one camera at one moment; ``tracks`` is None where no tracker ran."""

    frame: Frame
    detections: Detections
    tracks: Tracks | None = None


@dataclass(frozen=True)
class GlobalTrack:
    """One person of the site at one moment.

    Attributes
    ----------
    id : int
        Identity across all cameras, from 1.
    frame_index : int
        The moment it speaks of, which may lie behind the newest frame (fixed-lag trackers).
    ground_xy : tuple of two floats or None
        Metres on the ground plane.
    members : tuple of (camera, detection row or per-camera track id)
        Where the person is seen.
    """

    id: int
    frame_index: int
    ground_xy: tuple[float, float] | None
    members: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Relabel:
    """A late decision: what came out as ``old_id`` from ``from_frame`` on is ``new_id``.

    It speaks of what was handed out before it, not of what follows: so three of them let two
    people change places.
    """

    old_id: int
    new_id: int
    from_frame: int


class Detector(Protocol):
    """Finds people in an image."""

    def detect(self, image: Image) -> Detections:
        """Boxes and scores of the people in a BGR uint8 (H, W, 3) image."""
        ...


class AppearanceModel(Protocol):
    """Turns boxes into appearance vectors, in one batch over all cameras."""

    @property
    def embedding_dim(self) -> int:
        """Length D of a vector."""
        ...

    def embed(
        self, images: Sequence[Image], boxes_per_image: Sequence[FloatArray]
    ) -> list[Float32Array]:
        """One (N_i, D) float32 array per image, rows L2-normalised; NaN rows for empty boxes."""
        ...


class GlobalTracker(Protocol):
    """One identity across all cameras."""

    def update(self, views: Sequence[View]) -> list[GlobalTrack | Relabel]:
        """Take all cameras' views of one moment; the answer may speak of an earlier one."""
        ...

    def flush(self) -> list[GlobalTrack | Relabel]:
        """Decide what is still open, at the end of the recording."""
        ...


class Sink(Protocol):
    """Takes results; a context manager that leaves either a whole file or none."""

    def write(self, views: Sequence[View], tracks: Sequence[GlobalTrack]) -> None:
        """One moment: all views, and the global tracks of a multi-camera run."""
        ...

    def relabel(self, event: Relabel) -> None:
        """A late decision about what was written before."""
        ...

    def __enter__(self) -> Sink: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
