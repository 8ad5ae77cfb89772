"""Look for what is wrong with a multi-camera sequence before a run stumbles over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..datasets import Finding
from ..errors import InputError
from ..sources import VideoFile
from .site import Site, SiteCamera

DECODED_IMAGES = 5
"""So many images of each camera are decoded, to compare their size."""

LOST_M = 1.0
"""Ground truth further outside the bounds than this is remarked."""

FAR_SHARE = 0.5
"""A camera of which more than this share of boxes stands on no ground is hardly calibrated."""


def check_site(site: Site) -> list[Finding]:
    """Check images, videos, detections, ground truth and calibrations; an empty list is good.

    Cameras without anything to see, images that are unreadable or of another size than the
    calibration, boxes that stand on no ground, recordings that do not overlap in time, ground
    truth outside the bounds or the recording.
    """
    findings = [finding for camera in site.cameras for finding in _check_camera(site, camera)]
    findings += _check_times(site)
    findings += _check_truth(site)
    return findings


def _check_camera(site: Site, camera: SiteCamera) -> Iterator[Finding]:
    if not len(camera.indices) and camera.video is None:
        yield Finding("warning", site.root, f"camera {camera.name}: neither images nor detections")
    yield from _check_sizes(camera)
    calibration = camera.calibration
    if calibration is None or not camera.detections:
        return
    boxes = np.concatenate([found.xyxy for found in camera.detections.values()])
    feet = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2.0, boxes[:, 3]])
    lost = ~np.isfinite(calibration.ground_from_image(feet)).all(axis=1)
    if len(boxes) and lost.mean() > FAR_SHARE:
        yield Finding(
            "warning",
            site.root,
            f"camera {camera.name}: {100 * lost.mean():.0f} % of its boxes stand above the "
            "horizon: is the calibration of another camera, or for another size of image?",
        )
    width, height = calibration.image_size
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2.0
    outside = ((middle < 0) | (middle > [width, height])).any(axis=1)
    if len(boxes) and outside.mean() > FAR_SHARE:
        yield Finding(
            "warning",
            site.root,
            f"camera {camera.name}: {100 * outside.mean():.0f} % of its boxes lie outside the "
            f"{width}×{height} pixels of its calibration",
        )


def _check_sizes(camera: SiteCamera) -> Iterator[Finding]:
    import cv2  # here, because finding sites must not cost loading OpenCV

    expected = None if camera.calibration is None else camera.calibration.image_size
    if camera.video is not None:
        try:
            size = VideoFile(camera.video).image_size
        except InputError as error:
            yield Finding("error", camera.video, str(error).removeprefix(f"{camera.video}: "))
            return
        if expected is not None and size != expected:
            yield _wrong_size(camera.video, expected, size)
        return
    paths = list(camera.images.values())
    chosen = np.linspace(0, len(paths) - 1, min(DECODED_IMAGES, len(paths))).astype(int)
    for path in (paths[index] for index in chosen):
        image = cv2.imread(str(path))
        if image is None:
            yield Finding("error", path, "expected an image, got something unreadable")
        elif expected is not None and (image.shape[1], image.shape[0]) != expected:
            yield _wrong_size(path, expected, (image.shape[1], image.shape[0]))
            return  # the others are wrong as well


def _wrong_size(path: Path, expected: tuple[int, int], got: tuple[int, int] | None) -> Finding:
    shown = "none" if got is None else f"{got[0]}×{got[1]}"
    return Finding(
        "error",
        path,
        f"expected {expected[0]}×{expected[1]} pixels as calibrated, got {shown}",
    )


def _check_times(site: Site) -> Iterable[Finding]:
    """Cameras that never look at the same time as any other."""
    spans = {}
    for camera in site.cameras:
        if camera.video is None and len(camera.indices):
            times = camera.offset_s + (camera.indices[[0, -1]] - 1) / (camera.rate or 1.0)
            spans[camera.name] = (float(times[0]), float(times[1]))
    for name, (start, end) in spans.items():
        others = [span for other, span in spans.items() if other != name]
        if others and not any(start <= stop and begin <= end for begin, stop in others):
            yield Finding(
                "warning",
                site.root,
                f"camera {name}: its recording ({start:.1f} to {end:.1f} s) overlaps with no "
                "other: are rate and offset_s right?",
            )


def _check_truth(site: Site) -> Iterable[Finding]:
    truth = site.truth
    if truth is None:
        return
    if not len(truth.frame):
        yield Finding("warning", site.root, "ground truth: expected people, got none")
        return
    if not np.isfinite(truth.xy).all():
        yield Finding("error", site.root, "ground truth: expected finite positions")
        return
    if site.bounds is not None:
        far = site.bounds.distance(truth.xy) > LOST_M
        if far.any():
            yield Finding(
                "warning",
                site.root,
                f"ground truth: {100 * far.mean():.0f} % of the positions lie more than "
                f"{LOST_M:g} m outside the bounds, where nobody is tracked",
            )
    if all(camera.video is None for camera in site.cameras):
        seconds = [
            float(camera.offset_s + (camera.indices[-1] - 1) / (camera.rate or 1.0))
            for camera in site.cameras
            if len(camera.indices)
        ]
        last = (float(truth.frames[-1]) - 1) / site.rate
        if seconds and last > max(seconds) + 1.0 / site.rate:
            yield Finding(
                "warning",
                site.root,
                f"ground truth: reaches to {last:.1f} s, the recording ends at {max(seconds):.1f} "
                "s: does frame count on the site's clock?",
            )
