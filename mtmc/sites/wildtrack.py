"""WILDTRACK (Chavdarova et al., CVPR 2018) and MultiviewX (Hou, Zheng and Gould, ECCV 2020).

::

    WILDTRACK/annotations_positions/00000000.json ...
    WILDTRACK/calibrations/intrinsic_original/intr_CVLab1.xml, extrinsic/extr_CVLab1.xml ...
    WILDTRACK/Image_subsets/C1/00000000.png ...                 if at hand

MultiviewX differs in its grid, its unit, its axes (see `mtmc.calibration.formats.wildtrack`) and in
``calibrations/intrinsic``. Files count from 0, frames from 1. Without images, detections are the
annotated boxes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtmc.calibration.formats import wildtrack as formats
from mtmc.calibration.formats.base import AnyCamera, ReadOptions

from ..types import FloatArray, IntArray
from .area import Area
from .positions import read_positions
from .site import Site, SiteCamera
from .sources import boxes_as_detections, numbered_images


def wildtrack_ground(position: IntArray) -> FloatArray:
    """480 x 1440 cells of 2.5 cm from (-3, -9) m, x first."""
    return np.stack([-3.0 + 0.025 * (position % 480), -9.0 + 0.025 * (position // 480)], axis=1)


def multiviewx_ground(position: IntArray) -> FloatArray:
    """1000 x 640 cells of 2.5 cm from the origin, x first; y is negated as in the calibration."""
    return np.stack([0.025 * (position % 1000), -0.025 * (position // 1000)], axis=1)


@dataclass(frozen=True)
class _Variant:
    read_cameras: Callable[[Path, ReadOptions], list[AnyCamera]]
    ground: Callable[[IntArray], FloatArray]
    area: Area
    rate: float
    """Frames per second of the number in the file names."""


_VARIANTS = {
    "WILDTRACK": _Variant(
        formats.read_wildtrack,
        wildtrack_ground,
        Area.rectangle(-3.0, -9.0, 9.0, 27.0),
        10.0,
    ),
    "MultiviewX": _Variant(
        formats.read_multiviewx,
        multiviewx_ground,
        Area.rectangle(0.0, -16.0, 25.0, 0.0),
        2.0,
    ),
}


def names(data_root: Path) -> list[str]:
    """Sequences below a data root."""
    return [name for name in _VARIANTS if (data_root / name / "annotations_positions").is_dir()]


def read(name: str, data_root: Path) -> Site:
    """Read a sequence.

    Raises
    ------
    InputError, CalibrationError, OSError
    """
    variant, folder = _VARIANTS[name], data_root / name
    cameras = variant.read_cameras(folder, ReadOptions())
    truth = read_positions(
        folder / "annotations_positions",
        [camera.name for camera in cameras],
        variant.ground,
        lambda number: number + 1,
    )
    site_cameras = []
    for number, camera in enumerate(cameras, 1):
        images = numbered_images(folder / "Image_subsets" / f"C{number}", shift=1)
        boxes = truth.boxes_of(camera.name)
        site_cameras.append(
            SiteCamera(
                camera.name,
                camera,
                np.array(sorted(images), np.int64) if images else truth.frames,
                variant.rate,
                images=images,
                detections=boxes_as_detections(boxes[0], boxes[2]),
            )
        )
    return Site(name, tuple(site_cameras), variant.rate, variant.area, None, None, truth, folder)
