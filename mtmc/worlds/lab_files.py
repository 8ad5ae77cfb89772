"""The LAB-like world as a multi-camera sequence: a folder with a ``sequence.toml``."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from mtmc.calibration.formats import write_cameras
from mtmc.reid.data import PersonDataset

from ..errors import InputError
from .lab import LabConfig, simulate_lab
from .lab_boxes import DetectorFaults, FoundBoxes, walk_frames
from .lab_crops import DressedBox, Wardrobe
from .lab_room import BOUNDS, DOOR_X, OUTSIDE_Y, REGION, ROOM_X, Door, lab_cameras
from .lab_world import LabWorld
from .render_files import draw_world
from .workers import check_workers

CROP_COLUMNS = ("frame", "row", "image", "visible", "other", "cover", "height")
MARK = "mtmc-lab-world"


def entry_of(door: Door) -> tuple[float, float, float, float]:
    """Where people come in, x0, y0, x1, y1: the door and a step into the room."""
    return door[0] - 0.2, OUTSIDE_Y, min(door[1] + 0.2, ROOM_X[1]), 0.9


ENTRY = entry_of(DOOR_X)
"""Of the world with one door."""


def write_dressed_lab(
    folder: Path,
    config: LabConfig,
    dataset: PersonDataset,
    *,
    low_resolution: bool = False,
    faults: DetectorFaults | None = None,
    on_frame: Callable[[], None] = lambda: None,
) -> Path:
    """Write a world of boxes whose people wear real crops.

    The folder gets ``sequence.toml``, ``calibration.toml``, ``ground_truth.csv`` and, per camera,
    ``det.txt`` (MOT format) and ``crops.csv`` (which crops a detection shows). The crops that are
    shown are copied to ``crops/``, with the data set's terms.

    Parameters
    ----------
    folder : Path
        Replaced once the new one is whole, if it is such a world already.
    config : LabConfig
    dataset : PersonDataset
        Where the crops come from.
    low_resolution : bool
        Crops of 24 to 48 pixels in height.
    faults : DetectorFaults or None
    on_frame : callable
        Called twice per frame: once it is simulated, and once it is written.

    Raises
    ------
    InputError
        When the folder exists and is something else.
    ValueError
        When the data set has too few people.
    """
    with _new_site(folder) as work:
        world = simulate_lab(config, on_frame)
        cameras = lab_cameras()
        people = len(world.height_m)
        wardrobe = Wardrobe(dataset, people, len(cameras), config.seed, low_resolution)
        shown_crops: set[str] = set()
        with ExitStack() as stack:
            writers = [stack.enter_context(_CameraFiles(work / c.name)) for c in cameras]
            views = walk_frames(world, cameras, faults or DetectorFaults(), config.seed)
            for frame, shown in enumerate(views):
                for number, (boxes, found) in enumerate(shown):
                    looks = wardrobe.dress(world, frame, number, boxes, found)
                    writers[number].write(frame + 1, found, looks)
                    shown_crops.update(look.image for look in looks)
                    shown_crops.update(look.other for look in looks if look.other)
                on_frame()
        tables = [
            {"name": c.name, "detections": f"{c.name}/det.txt", "crops": f"{c.name}/crops.csv"}
            for c in cameras
        ]
        _copy_crops(work / "crops", dataset, shown_crops)
        _write_common(work, folder.name, config, world, tables, crops_root="crops")
    return folder


def write_rendered_lab(
    folder: Path,
    config: LabConfig,
    *,
    workers: int = 2,
    on_frame: Callable[[], None] = lambda: None,
) -> Path:
    """Write a world of drawn people: pictures that nobody owns.

    The folder gets ``sequence.toml``, ``calibration.toml``, ``ground_truth.csv`` and, per camera, a
    folder of JPEG images.

    Parameters
    ----------
    folder : Path
        Replaced once the new one is whole, if it is such a world already.
    config : LabConfig
    workers : int
        Processes that draw, 1 or more.
    on_frame : callable
        Called once per frame that is simulated, and once per camera and frame that is drawn.

    Raises
    ------
    InputError
        When the folder exists and is something else.
    ValueError
        When there are fewer workers than 1.
    """
    check_workers(workers)
    with _new_site(folder) as work:
        world = simulate_lab(config, on_frame)
        cameras = lab_cameras()
        draw_world(work, world, cameras, config.seed, workers, on_frame)
        tables = [{"name": camera.name, "images": camera.name} for camera in cameras]
        _write_common(work, folder.name, config, world, tables)
    return folder


def rendering_steps(config: LabConfig) -> int:
    """How often `write_rendered_lab` calls ``on_frame``."""
    return (1 + len(lab_cameras())) * config.frames


def _copy_crops(folder: Path, dataset: PersonDataset, names: set[str]) -> None:
    folder.mkdir()
    (folder / "TERMS.txt").write_text(f"{dataset.name}: {dataset.terms}\n", encoding="utf-8")
    for part in (dataset.query, dataset.gallery):
        for row, name in enumerate(part.names):
            if name in names:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(part.encoded[row])


def write_ground_truth(path: Path, world: LabWorld) -> None:
    """Places of everybody who is in the room, by frame from 1 and identity from 1."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("frame", "id", "x", "y"))
        for frame, person in np.argwhere(world.inside).tolist():
            x, y = world.xy[frame, person].tolist()
            writer.writerow((frame + 1, person + 1, f"{x:.4f}", f"{y:.4f}"))


def _write_common(
    folder: Path, name: str, config: LabConfig, world: LabWorld, cameras: list[dict[str, Any]],
    **more: Any,
) -> None:  # fmt: skip
    """Truth, calibration, ``sequence.toml``, and a mark that says what made the folder."""
    write_ground_truth(folder / "ground_truth.csv", world)
    write_cameras(folder / "calibration.toml", "mtmc", lab_cameras())
    site = {
        "name": name,
        "rate": config.frame_rate,
        "calibration": "calibration.toml",
        "calibration_format": "mtmc",
        "bounds": list(BOUNDS),
        "region": list(REGION),
        "entries": [list(entry_of(door)) for door in world.doors],
        "ground_truth": "ground_truth.csv",
        **more,
        "camera": cameras,
    }
    (folder / "sequence.toml").write_text(tomli_w.dumps(site), encoding="utf-8")
    about = {"preset": config.preset, "seed": config.seed, "seconds": config.length_s}
    (folder / f"{MARK}.json").write_text(json.dumps(about) + "\n", encoding="utf-8")


@contextmanager
def _new_site(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of ``folder`` once it is whole."""
    if folder.exists() and not (folder / f"{MARK}.json").is_file():
        raise InputError(f"{folder}: exists and is no simulated world; not overwritten")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield work
        work.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        work.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _CameraFiles:
    """``det.txt`` and ``crops.csv`` of one camera; a context manager."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._boxes = (folder / "det.txt").open("w", encoding="utf-8")
        self._looks = (folder / "crops.csv").open("w", encoding="utf-8", newline="")
        self._table = csv.writer(self._looks, lineterminator="\n")
        self._table.writerow(CROP_COLUMNS)

    def __enter__(self) -> _CameraFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._boxes.close()
        self._looks.close()

    def write(self, frame: int, found: FoundBoxes, looks: list[DressedBox]) -> None:
        rows = zip(found.xyxy.tolist(), found.scores.tolist(), looks, strict=True)
        for row, ((left, top, right, bottom), score, look) in enumerate(rows):
            self._boxes.write(
                f"{frame},-1,{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f},"
                f"{score:.3f},-1,-1,-1\n"
            )
            self._table.writerow(
                (frame, row, look.image, f"{look.visible:.3f}", look.other, f"{look.cover:.3f}",
                 look.height)
            )  # fmt: skip
