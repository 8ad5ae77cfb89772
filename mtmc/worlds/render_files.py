"""Drawing a whole world into image files, on several cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from mtmc.calibration import Camera

from .clothes import world_looks
from .lab_world import LabWorld
from .render import Renderer
from .workers import draw_all

FRAMES_PER_TASK = 150
JPEG_QUALITY = 90


def draw_world(
    folder: Path,
    world: LabWorld,
    cameras: Sequence[Camera],
    seed: int,
    workers: int = 2,
    on_frame: Callable[[], None] = lambda: None,
) -> None:
    """Write ``CAMERA/000001.jpg`` and so on below a folder.

    Parameters
    ----------
    folder : Path
    world : LabWorld
    cameras : sequence of Camera
    seed : int
        Of clothes, and of the cameras' colours and noise.
    workers : int
        Processes, 1 or more; with 1, everything happens in this one.
    on_frame : callable
        Called once per image.
    """
    tasks = []
    for camera in cameras:
        (folder / camera.name).mkdir()
        for start in range(0, len(world.time_s), FRAMES_PER_TASK):
            stop = min(start + FRAMES_PER_TASK, len(world.time_s))
            tasks.append((folder / camera.name, world, camera, seed, start, stop))
    draw_all(_draw, tasks, workers, on_frame)


def _draw(folder: Path, world: LabWorld, camera: Camera, seed: int, start: int, stop: int) -> int:
    """Draw some frames of one camera; how many."""
    cv2.setNumThreads(1)
    looks = world_looks(seed, len(world.height_m))
    renderer = Renderer(world, looks, camera, seed)
    for frame in range(start, stop):
        image, _ = renderer.frame(frame)
        path = folder / f"{frame + 1:06d}.jpg"
        if not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise OSError(f"{path}: could not be written")
    return stop - start
