"""The worlds of Table 5: what cameras see of people, and who that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from mtmc.evaluation.overlap import iou_matrix
from mtmc.progress import StageClock
from mtmc.reid.data import PersonDataset
from mtmc.run_config import RunConfig
from mtmc.site_setup import prepare_site
from mtmc.site_tracking import build_site_tracker
from mtmc.sites import Area, GroundTruth, Site, SiteCamera, find_site
from mtmc.trackers.boxes import tlwh_from_xyxy
from mtmc.types import Detections, FloatArray, Frame, GlobalTrack, Relabel, View
from mtmc.worlds.lab import LabConfig, simulate_lab
from mtmc.worlds.lab_boxes import CameraBoxes, DetectorFaults, camera_boxes, walk_frames
from mtmc.worlds.lab_crops import DressedBox, Wardrobe, low_height
from mtmc.worlds.lab_files import entry_of, write_rendered_lab
from mtmc.worlds.lab_room import BOUNDS, REGION, lab_cameras
from mtmc.worlds.lab_world import LabWorld

MATCH_IOU = 0.5
"""A detection shows the person whose visible box it overlaps so much."""
HIDES = 0.02
"""Share of a box that somebody nearer has to cover to show in its looks."""
GAP = 15
"""Frames without a person after which the next is another visit."""


@dataclass(frozen=True)
class Inside:
    """One person who is there: column, number of the visit, and place in metres."""

    person: int
    visit: int
    x: float
    y: float


@dataclass(frozen=True, eq=False)
class Played:
    """A world as its cameras saw it; all lists are over frames.

    Attributes
    ----------
    site : Site
        With truth.
    views : list of one View per camera
        Detections without appearance.
    shown : list, over cameras, of the person that each detection shows
        -1 for nobody.
    inside : list of Inside
        Everybody in the scored region.
    looks : list, over cameras, of what each detection wears; None where there are images.
    """

    site: Site
    views: list[list[View]]
    shown: list[list[list[int]]]
    inside: list[list[Inside]]
    looks: list[list[list[DressedBox]]] | None

    @property
    def people(self) -> int:
        """Number of identities."""
        return 1 + max((one.person for now in self.inside for one in now), default=0)


def play_lab(config: LabConfig, dataset: PersonDataset) -> Played:
    """The simulated room, whose people wear crops of a data set."""
    world, cameras = simulate_lab(config), lab_cameras()
    wardrobe = Wardrobe(dataset, len(world.height_m), len(cameras), config.seed, False)
    views, looks, shown = [], [], []
    for frame, seen in enumerate(walk_frames(world, cameras, DetectorFaults(), config.seed)):
        now, dressed, who = [], [], []
        for number, (boxes, found) in enumerate(seen):
            moment = Frame(cameras[number].name, frame + 1, float(world.time_s[frame]))
            now.append(View(moment, Detections(found.xyxy, found.scores)))
            dressed.append(wardrobe.dress(world, frame, number, boxes, found))
            who.append([int(boxes.person[row]) if row >= 0 else -1 for row in found.row.tolist()])
        views.append(now)
        looks.append(dressed)
        shown.append(who)
    return Played(_lab_site(world, config), views, shown, _inside(world), looks)


def in_low_resolution(played: Played) -> Played:
    """The same world seen from far away: the same boxes, and crops of fewer pixels."""
    looks = [
        [
            [
                replace(look, height=low_height(float(box[3] - box[1])))
                for look, box in zip(dressed, view.detections.xyxy, strict=True)
            ]
            for dressed, view in zip(now, views, strict=True)
        ]
        for now, views in zip(played.looks or [], played.views, strict=True)
    ]
    return replace(played, looks=looks)


def play_rendered(config: LabConfig, folder: Path) -> Played:
    """The simulated room in drawn images, through the detector that ships with the package.

    Parameters
    ----------
    config : LabConfig
    folder : Path
        Where the images are, or are drawn to.
    """
    if not (folder / "sequence.toml").is_file():
        write_rendered_lab(folder, config)
    site = find_site(folder)
    if site is None:
        raise ValueError(f"{folder}: no sequence")
    run = prepare_site(site, RunConfig())
    views = [
        [View(Frame(v.frame.camera, v.frame.index, v.frame.time_s), v.detections) for v in now]
        for now in run.views(StageClock(), _refuse)
    ]
    world, cameras = simulate_lab(config), lab_cameras()
    shown = [
        [
            _who(view.detections.xyxy, camera_boxes(world, camera, frame))
            for view, camera in zip(now, cameras, strict=True)
        ]
        for frame, now in enumerate(views)
    ]
    return Played(site, views, shown, _inside(world), None)


def play_shelf(site: Site, dataset: PersonDataset, seed: int) -> Played:
    """Real trajectories and calibration: Shelf's people, who wear crops of a data set."""
    truth = site.truth
    if truth is None:
        raise ValueError(f"{site.name}: expected ground truth")
    column = {who: number for number, who in enumerate(np.unique(truth.id).tolist())}
    inside = _inside_truth(truth, column)
    wardrobe = Wardrobe(dataset, len(column), len(site.cameras), seed, False)
    boxes = {camera.name: truth.boxes_of(camera.name) for camera in site.cameras}
    views, looks, shown = [], [], []
    for frame, here in zip(truth.frames.tolist(), inside, strict=True):
        time_s = frame / site.rate
        now, dressed, who = [], [], []
        for number, camera in enumerate(site.cameras):
            of, identity, xyxy = boxes[camera.name]
            rows = np.flatnonzero(of == frame)
            people = [column[one] for one in identity[rows].tolist()]
            moment = Frame(camera.name, frame, time_s)
            now.append(View(moment, Detections(xyxy[rows], np.ones(len(rows)))))
            visit = {one.person: one.visit for one in here}
            crops = [wardrobe.crop(p, number, time_s, visit[p]) for p in people]
            place = np.array([[one.x, one.y] for p in people for one in here if one.person == p])
            calibration = site.calibrations[camera.name]
            dressed.append(_covered(xyxy[rows], place, calibration.position[:2], crops))
            who.append(people)
        views.append(now)
        looks.append(dressed)
        shown.append(who)
    return Played(site, views, shown, inside, looks)


def tracked(played: Played) -> list[list[GlobalTrack | Relabel]]:
    """What the ground tracker says, without appearance."""
    tracker, _ = build_site_tracker(played.site, RunConfig())
    return [*(tracker.update(views) for views in played.views), tracker.flush()]


def perfect(played: Played) -> list[list[GlobalTrack | Relabel]]:
    """A tracker that errs in nothing but that every visit is somebody new."""
    answers: list[list[GlobalTrack | Relabel]] = []
    for views, shown, inside in zip(played.views, played.shown, played.inside, strict=True):
        tracks: list[GlobalTrack | Relabel] = []
        for one in inside:
            members = tuple(
                (view.frame.camera, row)
                for view, who in zip(views, shown, strict=True)
                for row, person in enumerate(who)
                if person == one.person
            )
            if members:
                index = views[0].frame.index
                tracks.append(GlobalTrack(one.visit, index, (one.x, one.y), members))
        answers.append(tracks)
    return [*answers, []]


def _lab_site(world: LabWorld, config: LabConfig) -> Site:
    frame, person = np.nonzero(world.inside)
    indices = np.arange(1, len(world.time_s) + 1)
    truth = GroundTruth(indices, frame + 1, person + 1, world.xy[frame, person])
    cameras = tuple(SiteCamera(c.name, c, indices, config.frame_rate) for c in lab_cameras())
    return Site(
        config.preset, cameras, config.frame_rate,
        bounds=Area.rectangle(*BOUNDS),
        region=Area.rectangle(*REGION),
        min_score=None, truth=truth, root=Path(),
        entries=tuple(Area.rectangle(*entry_of(door)) for door in world.doors),
    )  # fmt: skip


def _inside(world: LabWorld) -> list[list[Inside]]:
    return [
        [
            Inside(person, int(world.visit[frame, person]), *world.xy[frame, person].tolist())
            for person in np.flatnonzero(inside).tolist()
        ]
        for frame, inside in enumerate(world.inside)
    ]


def _inside_truth(truth: GroundTruth, column: dict[int, int]) -> list[list[Inside]]:
    """Everybody of an annotated sequence; a visit ends when somebody is away for a while."""
    last: dict[int, tuple[int, int]] = {}
    visits = 0
    inside = []
    for frame in truth.frames.tolist():
        now = []
        for row in np.flatnonzero(truth.frame == frame).tolist():
            person = column[int(truth.id[row])]
            before, visit = last.get(person, (-GAP, 0))
            if not visit or frame - before > GAP:
                visits += 1
                visit = visits
            last[person] = (frame, visit)
            now.append(Inside(person, visit, *truth.xy[row].tolist()))
        inside.append(now)
    return inside


def _covered(
    xyxy: FloatArray, place: FloatArray, camera_xy: FloatArray, crops: Sequence[str]
) -> list[DressedBox]:
    """What boxes (N, 4) wear where people at places (N, 2) stand before each other."""
    distance = np.linalg.norm(place.reshape(-1, 2) - camera_xy, axis=1)
    dressed = []
    for row, (x0, y0, x1, y1) in enumerate(xyxy.tolist()):
        width = np.clip(np.minimum(x1, xyxy[:, 2]) - np.maximum(x0, xyxy[:, 0]), 0, None)
        height = np.clip(np.minimum(y1, xyxy[:, 3]) - np.maximum(y0, xyxy[:, 1]), 0, None)
        share = np.where(distance < distance[row], width * height, 0.0) / ((x1 - x0) * (y1 - y0))
        other, cover = int(share.argmax()), float(share.max())
        hider = crops[other] if cover > HIDES else ""
        dressed.append(DressedBox(crops[row], 1 - cover, hider, cover if hider else 0.0, 0))
    return dressed


def _who(xyxy: FloatArray, boxes: CameraBoxes) -> list[int]:
    """Columns of the people whom detections (N, 4) show; -1 for nobody."""
    seen = np.flatnonzero(np.isfinite(boxes.seen).all(axis=1))
    overlap = iou_matrix(tlwh_from_xyxy(xyxy), tlwh_from_xyxy(boxes.seen[seen]))
    who = [-1] * len(xyxy)
    for row, one in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[row, one] >= MATCH_IOU:
            who[row] = int(boxes.person[seen[one]])
    return who


def _refuse(fault: str) -> None:
    raise ValueError(fault)
