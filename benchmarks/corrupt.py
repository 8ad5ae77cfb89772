"""Spoil perfect boxes as a detector would: misses, false boxes, jitter; seeded.

Used by ``multiview.py``; by itself it writes MOT detection files, one per camera::

    python -m benchmarks.corrupt --sequence WILDTRACK --data-root DIR --seed 0 --out corrupted/
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mtmc.datasets import resolve_data_root
from mtmc.mot_files import MotTable, write_results
from mtmc.sites import Site, SiteCamera, find_site
from mtmc.trackers.boxes import tlwh_from_xyxy
from mtmc.types import Detections, FloatArray


@dataclass(frozen=True)
class Corruption:
    """What is done to boxes.

    Attributes
    ----------
    misses : float
        Share of boxes that are dropped.
    false_boxes : int
        Boxes per camera and frame that are nobody's: the size of a random true box of the
        sequence, at a random place in the image.
    jitter_px : float
        Standard deviation of the noise on every edge, pixels.
    """

    misses: float = 0.1
    false_boxes: int = 1
    jitter_px: float = 5.0


def corrupt_site(site: Site, corruption: Corruption, seed: int) -> Site:
    """The site with spoilt detections; the same seed gives the same ones."""
    rng = np.random.default_rng(seed)
    sizes = np.concatenate(
        [
            people.xyxy[:, 2:] - people.xyxy[:, :2]
            for camera in site.cameras
            for people in (camera.detections or {}).values()
        ]
    )
    cameras = tuple(_corrupt_camera(camera, sizes, corruption, rng) for camera in site.cameras)
    return replace(site, cameras=cameras)


def drop_detections(site: Site, share: float, seed: int) -> Site:
    """The site without a random share of its detections."""
    return corrupt_site(site, Corruption(share, 0, 0.0), seed)


def _corrupt_camera(
    camera: SiteCamera, sizes: FloatArray, corruption: Corruption, rng: np.random.Generator
) -> SiteCamera:
    spoilt = {}
    for index in camera.indices.tolist():
        people = (camera.detections or {}).get(index, Detections.empty())
        kept = people[rng.random(len(people)) >= corruption.misses]
        xyxy = kept.xyxy + rng.normal(0.0, corruption.jitter_px, kept.xyxy.shape)
        centre = rng.random((corruption.false_boxes, 2)) * camera.image_size
        half = sizes[rng.integers(len(sizes), size=corruption.false_boxes)] / 2
        xyxy = np.vstack([xyxy, np.hstack([centre - half, centre + half])])
        low, high = np.minimum(xyxy[:, :2], xyxy[:, 2:]), np.maximum(xyxy[:, :2], xyxy[:, 2:])
        scores = np.concatenate([kept.scores, np.ones(corruption.false_boxes)])
        spoilt[index] = Detections(np.hstack([low, high]), scores)
    return replace(camera, detections=spoilt)


def write_detections(camera: SiteCamera, path: Path) -> None:
    """Write a camera's detections in MOT format."""
    found = sorted((camera.detections or {}).items())
    xyxy = np.concatenate([np.zeros((0, 4)), *(people.xyxy for _, people in found)])
    frame = np.repeat(
        np.array([index for index, _ in found], np.int64), [len(people) for _, people in found]
    )
    rows = len(frame)
    table = MotTable(
        frame,
        np.full(rows, -1),
        tlwh_from_xyxy(xyxy),
        np.concatenate([np.zeros(0), *(people.scores for _, people in found)]),
        np.full(rows, -1),
        np.full(rows, np.nan),
        np.arange(1, rows + 1),
    )
    write_results(path, table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sequence", default="WILDTRACK")
    parser.add_argument("--data-root")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    site = find_site(arguments.sequence, resolve_data_root(arguments.data_root))
    if site is None:
        parser.error(f"no multi-camera sequence {arguments.sequence}")
    for camera in corrupt_site(site, Corruption(), arguments.seed).cameras:
        write_detections(camera, arguments.out / f"{camera.name}.txt")
        print(arguments.out / f"{camera.name}.txt")


if __name__ == "__main__":
    main()
