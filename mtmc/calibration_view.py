"""What ``mtmc calibrate show`` shows: cameras of a file or a sequence, remarks, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from mtmc.calibration import Camera

from .atomic import atomic_path
from .errors import InputError
from .floor.coverage import bounds_around
from .floor.coverage_picture import coverage_picture
from .floor.ground_grid import AnyCamera, draw_ground_grid
from .floor.map import Bounds
from .types import FloatArray, Image

MAX_HEIGHT_M = 50.0
"""A camera higher than this has its unit wrong more likely than a mast that high."""

MOMENTS_TO_TRY = 20
"""How far into a sequence to look for an image of every camera."""

SMALL_IMAGE_PX = 720
"""Images narrower than this are enlarged, so that numbers in them can be read."""


@dataclass(frozen=True, eq=False)
class CalibrationView:
    """Cameras, and an image of some of them.

    Attributes
    ----------
    cameras : sequence of cameras
    images : mapping of camera name to (H, W, 3) uint8
    bounds : (left, bottom, right, top) or None
        The part of the floor to draw, metres; chosen by what the cameras cover if None.
    outlines : sequence of (N, 2)
        Polygons on the floor, metres: a site's bounds and region.
    """

    cameras: Sequence[AnyCamera]
    images: Mapping[str, Image] = field(default_factory=dict)
    bounds: Bounds | None = None
    outlines: Sequence[FloatArray] = ()


def view_of_sequence(name: str, data_root: Path | None) -> CalibrationView:
    """The cameras of a multi-camera sequence, with the first image of each.

    Raises
    ------
    InputError
        When there is no such sequence.
    """
    from .sites import find_site, moments

    site = find_site(name, data_root)
    if site is None:
        where = f" below {data_root}" if data_root else "; give --data-root or set MTMC_DATA"
        raise InputError(f"no multi-camera sequence {name!r}{where}")
    if not site.calibrations:
        raise InputError(f"{name}: its cameras are not calibrated; there is nothing to show")
    images: dict[str, Image] = {}
    if any(camera.has_images for camera in site.cameras):
        for moment in islice(moments(site), MOMENTS_TO_TRY):
            for frame in moment.frames:
                if frame.image is not None:
                    images.setdefault(frame.camera, frame.image)
            if len(images) == len(site.cameras):
                break
    cameras = [replace(camera, name=own) for own, camera in site.calibrations.items()]
    bounds = None if site.bounds is None else bounds_around(site.bounds.box, cameras)
    outlines = [np.array(area.corners) for area in (site.bounds, site.region) if area is not None]
    return CalibrationView(cameras, images, bounds, outlines)


def with_images(view: CalibrationView, files: Mapping[str, Path]) -> CalibrationView:
    """The same view with images read from files, by camera name.

    Raises
    ------
    InputError
        For a camera that there is not, or a file that is no image.
    """
    names = [camera.name for camera in view.cameras]
    images = dict(view.images)
    for name, path in files.items():
        if name not in names:
            raise InputError(f"--image: no camera {name!r}; there are {', '.join(names)}")
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise InputError(f"{path}: not an image that can be read")
        images[name] = np.asarray(image, np.uint8)
    return replace(view, images=images)


def remarks(cameras: Sequence[AnyCamera]) -> list[str]:
    """What is legal but hardly meant: one line each."""
    found = []
    for camera in cameras:
        width, height = camera.image_size
        lowest = camera.ground_from_image(np.array([[width / 2.0, height - 1.0]]))
        if isinstance(camera, Camera):
            z = float(camera.position[2])
            if z <= 0:
                found.append(f"{camera.name}: stands {-z:.2f} m below the floor")
            elif z > MAX_HEIGHT_M:
                found.append(f"{camera.name}: stands {z:.0f} m high: is the unit right?")
            if camera.R[1, 2] > 0:
                found.append(f"{camera.name}: its image is upside down")
        if np.isnan(lowest).any():
            found.append(f"{camera.name}: the middle of its lowest row shows no ground")
    mirrored = [getattr(camera, "is_mirrored", False) for camera in cameras]
    if any(mirrored) and not all(mirrored):
        found.append("some cameras have mirrored ground axes and others have not")
    return found


def write_pictures(view: CalibrationView, out: Path) -> list[Path]:
    """Write the site from above, and beside it every image with the ground's grid.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    InputError
        When the ending is that of no image format.
    ValueError
        When no camera sees any ground.
    """
    pictures = {out: coverage_picture(view.cameras, view.bounds, outlines=view.outlines)}
    for camera in view.cameras:
        if camera.name in view.images:
            image = _enlarged(view.images[camera.name])
            fitted = camera.resized((image.shape[1], image.shape[0]))
            draw_ground_grid(image, fitted)
            pictures[out.with_name(f"{out.stem}-{camera.name}{out.suffix}")] = image
    for path, picture in pictures.items():
        with atomic_path(path) as temporary:
            _write_image(temporary, picture, path)
    return list(pictures)


def _enlarged(image: Image) -> Image:
    """A copy that is wide enough to be written into."""
    factor = -(-SMALL_IMAGE_PX // image.shape[1])
    size = (image.shape[1] * factor, image.shape[0] * factor)
    enlarged: Image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    return enlarged


def _write_image(temporary: Path, picture: Image, path: Path) -> None:
    try:
        written = cv2.imwrite(str(temporary), picture)
    except cv2.error:
        written = False
    if not written:
        raise InputError(f"{path}: cannot write an image with this ending; use .png or .jpg")
