"""Video and pictures of a site's finished run, from the files in ``OUT/NAME/``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from .atomic import atomic_path
from .errors import InputError
from .floor.heat_map import heat_map
from .floor.plan import plan_bounds
from .floor.trajectories import trajectories
from .ground_files import read_ground
from .mot_files import read_results
from .run_record import read_record
from .site_video import SiteVideoConfig, render_site_video
from .sites import Site
from .types import Image

VIDEO, TRAJECTORIES, HEAT_MAP = "video.webm", "trajectories.png", "heat_map.png"


def draw_site_video(
    site: Site,
    folder: Path,
    config: SiteVideoConfig | None = None,
    on_moment: Callable[[int], None] | None = None,
) -> Path:
    """Write ``video.webm`` into the folder of a finished run, and return its path.

    Raises
    ------
    InputError
        When files of the run are missing or wrong, or nothing was tracked.
    """
    frames = read_record(folder / "run.json").frames
    ground = read_ground(folder / "ground.csv")
    boxes = {camera.name: read_results(folder / f"{camera.name}.txt") for camera in site.cameras}
    render_site_video(site, ground, boxes, folder / VIDEO, frames, config, on_moment)
    return folder / VIDEO


def draw_site_pictures(site: Site, folder: Path) -> list[Path]:
    """Write ``trajectories.png`` and ``heat_map.png`` into the folder of a finished run.

    Raises
    ------
    InputError
        When a file of the run is missing or wrong.
    """
    ground = read_ground(folder / "ground.csv")
    time_s = (ground.frame - 1) / site.rate
    cameras = list(site.calibrations.values())
    area = site.bounds or site.region
    tracked = None if area is None else np.array(area.corners)
    bounds = plan_bounds(cameras, tracked, ground.xy)
    outlines = [np.array(one.corners) for one in (site.bounds, site.region) if one is not None]
    data = (time_s, ground.id, ground.xy, cameras, bounds, outlines)
    pictures = {TRAJECTORIES: trajectories(*data), HEAT_MAP: heat_map(*data)}
    for name, picture in pictures.items():
        _write(folder / name, picture)
    return [folder / name for name in pictures]


def _write(path: Path, picture: Image) -> None:
    with atomic_path(path) as temporary:
        if not cv2.imwrite(str(temporary), picture):
            raise InputError(f"{path}: cannot be written")
