"""The whole way in one call: draw a world, find and track its people, score it, and show it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ..atomic import atomic_path, atomic_writer
from ..detecting import choose_detector
from ..errors import InputError
from ..floor.site_plan import site_outlines, site_plan_bounds
from ..floor.trajectories import TrajectoriesConfig, trajectories
from ..ground_files import read_ground
from ..mot_files import MotTable, detections_by_frame, read_detections, read_results
from ..precompute import write_detections
from ..run import RunConfig, RunOptions, find_model, load_appearance
from ..site_run import run_site
from ..site_setup import prepare_site
from ..site_video import SiteVideoConfig, render_site_video, site_picture
from ..sites import Site, find_site
from ..sources import FrameRange, ImageFolder
from ..types import Image
from ..worlds.lab import PRESETS, LabConfig
from ..worlds.lab_files import rendering_steps, write_rendered_lab
from ..worlds.workers import check_workers
from .figures import RunFigures, measure
from .page import write_page
from .record import DemoRecord, record_of
from .steps import Steps

PRESET = "lab-brief"
REID = "rendered_people.pt"
"""The appearance model that ships."""
VIDEO_WIDTH = 960
STILL_LEVELS = 8
"""The page holds the whole video: the noise of the drawn cameras would be most of it."""
PLAIN, WITH_LOOKS = "without", "with"
"""Folders of the two runs."""


@dataclass(frozen=True)
class DemoConfig:
    """What is shown, and with what.

    Attributes
    ----------
    seed : int
        Of the world.
    seconds : float or None
        Length; None is the preset's own, 20. Shorter ones have returns as they come.
    detector : str or None
        As ``RunOptions.detector``; None is the one that ships.
    reid : str
        As ``RunOptions.reid``; the default ships.
    workers : int
        Processes that draw.
    """

    seed: int = 1
    seconds: float | None = None
    detector: str | None = None
    reid: str = REID
    workers: int = 2

    def __post_init__(self) -> None:
        LabConfig(PRESET, self.seed)
        most = PRESETS[PRESET].duration_s
        if self.seconds is not None and not 2 <= self.seconds <= most:
            raise ValueError(f"seconds: expected 2 to {most:g}, got {self.seconds}")
        check_workers(self.workers)


@dataclass(frozen=True, eq=False)
class Demo:
    """What the demonstration left behind.

    Attributes
    ----------
    record : DemoRecord
        All figures, as in ``scores.json``.
    page, video, picture, paths : Path
    """

    record: DemoRecord
    page: Path
    video: Path
    picture: Path
    paths: Path


def run_demo(
    out: Path, config: DemoConfig | None = None, steps: Steps | None = None,
    data_root: Path | None = None,
) -> Demo:  # fmt: skip
    """Make everything below ``out``, in place of what an earlier demonstration left there.

    Raises
    ------
    InputError, OSError
        When a model is missing or unusable, or something else is in the way.
    """
    config, steps = config or DemoConfig(), steps or Steps()
    _check_models(config, data_root)
    site = _draw(out / "room", config, steps)
    site = _detect(site, out / "detections", config, steps, data_root)
    with steps.step("track by place alone", len(site.cameras[0].indices)) as bar:
        plain = RunConfig(RunOptions(jsonl=True))
        run_site(site, out / PLAIN, plain, None, data_root, lambda _: bar.advance())
    with steps.step("track with appearance", len(site.cameras[0].indices)) as bar:
        looks = RunConfig(RunOptions(reid=config.reid, jsonl=True))
        run_site(site, out / WITH_LOOKS, looks, None, data_root, lambda _: bar.advance())
    with steps.step("score"):
        folder = out / WITH_LOOKS / site.name
        figures = {
            PLAIN: measure(site, out / PLAIN / site.name),
            WITH_LOOKS: measure(site, folder),
        }
    video, picture, paths = out / "video.webm", out / "picture.png", out / "paths.png"
    _show(site, folder, video, steps)
    _save(picture, _best_moment(site, folder, figures[WITH_LOOKS]))
    _save(paths, _paths(site, folder))
    return _write(out, site, config, figures, steps, (video, picture, paths))


def _check_models(config: DemoConfig, data_root: Path | None) -> None:
    """What is wrong with a model shows before anything is drawn."""
    choose_detector(config.detector, True, False, lambda name: find_model(name, data_root))
    load_appearance(config.reid, RunConfig(), data_root)


def _draw(folder: Path, config: DemoConfig, steps: Steps) -> Site:
    world = LabConfig(PRESET, config.seed, config.seconds)
    with steps.step("draw the room", rendering_steps(world)) as bar:
        write_rendered_lab(folder, world, workers=config.workers, on_frame=bar.advance)
    site = find_site(folder)
    if site is None or site.truth is None or not len(site.truth.frame):
        raise InputError(f"{folder}: nobody comes in; expected a longer recording")
    return site


def _detect(
    site: Site, folder: Path, config: DemoConfig, steps: Steps, data_root: Path | None
) -> Site:
    """Find people once for both runs: the site with detections, as sure as a run wants them."""
    run = prepare_site(site, RunConfig(RunOptions(detector=config.detector)), None, data_root)
    cameras = []
    total = sum(len(camera.indices) for camera in site.cameras)
    with steps.step("find people", total) as bar:
        for camera in site.cameras:
            images = ImageFolder(site.root / camera.name, camera.name, site.rate)
            path = folder / f"{camera.name}.txt"
            write_detections(
                images, run.find[camera.name], path, FrameRange(), run.keep,
                lambda _, found: bar.advance(f"{len(found)} people"),
            )  # fmt: skip
            found = detections_by_frame(read_detections(path))
            cameras.append(replace(camera, detections=found))
    return replace(site, cameras=tuple(cameras))


def _boxes(site: Site, folder: Path) -> dict[str, MotTable]:
    return {camera.name: read_results(folder / f"{camera.name}.txt") for camera in site.cameras}


def _show(site: Site, folder: Path, path: Path, steps: Steps) -> None:
    with steps.step("draw the video", len(site.cameras[0].indices)) as bar:
        render_site_video(
            site, read_ground(folder / "ground.csv"), _boxes(site, folder), path, FrameRange(),
            SiteVideoConfig(max_width=VIDEO_WIDTH, still=STILL_LEVELS), lambda _: bar.advance(),
        )  # fmt: skip


def _best_moment(site: Site, folder: Path, figures: RunFigures) -> Image:
    """The moment that shows most boxes, after somebody has come back if anybody has."""
    boxes = _boxes(site, folder)
    shown = np.bincount(np.concatenate([table.frame for table in boxes.values()]))
    back = [visit for visit in figures.visits.visits if visit.counts and visit.recognised]
    first = min((visit.spans[0].first_frame for visit in back), default=0)
    if first >= len(shown):
        first = 0
    index = max(1, first + int(shown[first:].argmax()))
    return site_picture(site, read_ground(folder / "ground.csv"), boxes, index)


def _paths(site: Site, folder: Path) -> Image:
    ground = read_ground(folder / "ground.csv")
    return trajectories(
        (ground.frame - 1) / site.rate, ground.id, ground.xy, list(site.calibrations.values()),
        site_plan_bounds(site, ground.xy), site_outlines(site), TrajectoriesConfig(size_px=1000),
    )  # fmt: skip


def _save(path: Path, image: Image) -> None:
    with atomic_path(path) as temporary:
        if not cv2.imwrite(str(temporary), image, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
            raise InputError(f"{path}: cannot be written")


def _write(
    out: Path, site: Site, config: DemoConfig, figures: dict[str, RunFigures], steps: Steps,
    shown: tuple[Path, Path, Path],
) -> Demo:  # fmt: skip
    video, picture, paths = shown
    record = record_of(site, config.seed, config.detector, config.reid, figures, steps)
    with atomic_writer(out / "scores.json") as stream:
        json.dump(asdict(record), stream, indent=1)
        stream.write("\n")
    page = out / "index.html"
    write_page(page, record, figures, out / WITH_LOOKS / site.name, video, picture, paths)
    return Demo(record, page, video, picture, paths)
