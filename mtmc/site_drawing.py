"""Video and pictures of a site's finished run, from the files in ``OUT/NAME/``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2

from .atomic import atomic_path
from .errors import InputError
from .floor.heat_map import heat_map
from .floor.site_plan import site_outlines, site_plan_bounds
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
    if not site.calibrations:
        raise InputError(f"{site.name}: pictures of the floor need calibrated cameras")
    ground = read_ground(folder / "ground.csv")
    time_s = (ground.frame - 1) / site.rate
    cameras = list(site.calibrations.values())
    bounds = site_plan_bounds(site, ground.xy)
    data = (time_s, ground.id, ground.xy, cameras, bounds, site_outlines(site))
    pictures = {TRAJECTORIES: trajectories(*data), HEAT_MAP: heat_map(*data)}
    for name, picture in pictures.items():
        _write(folder / name, picture)
    return [folder / name for name in pictures]


def _write(path: Path, picture: Image) -> None:
    with atomic_path(path) as temporary:
        if not cv2.imwrite(str(temporary), picture):
            raise InputError(f"{path}: cannot be written")
