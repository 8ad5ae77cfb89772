"""The LAB-like world: its timetable, its walks, its boxes, and the folder it becomes."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.cli import main
from mtmc.errors import InputError
from mtmc.reid.data.types import FileImages, PersonDataset, Samples
from mtmc.sites import find_site
from mtmc.worlds.lab import MOST_AT_ONCE, PRESETS, LabConfig, simulate_lab
from mtmc.worlds.lab_boxes import DetectorFaults, FaultyDetector, camera_boxes
from mtmc.worlds.lab_files import rendering_steps, write_dressed_lab, write_rendered_lab
from mtmc.worlds.lab_habits import Habits
from mtmc.worlds.lab_motion import walk_through
from mtmc.worlds.lab_paths import FloorPlan, walkable
from mtmc.worlds.lab_room import (
    DOOR_X,
    FURNITURE,
    OUTSIDE_Y,
    REGION_Y,
    ROOM_X,
    ROOM_Y,
    TWO_DOORS,
    Door,
    lab_cameras,
)
from mtmc.worlds.lab_visits import Visit, draw_visits, longest_share
from mtmc.worlds.lab_world import LabWorld

BRIEF = LabConfig("lab-brief", seed=3, duration_s=8.0, frame_rate=10.0)


@pytest.fixture(scope="module")
def minute() -> LabWorld:
    return simulate_lab(LabConfig("lab-hard", seed=2, duration_s=60.0))


def still(xy: list[list[float]]) -> LabWorld:
    """One frame of people who stand."""
    people = len(xy)
    return LabWorld(
        np.zeros(1), np.array([xy]), np.zeros((1, people)), np.zeros((1, people)),
        np.zeros((1, people)), np.ones((1, people), np.int64), np.full(people, 1.75),
    )  # fmt: skip


@pytest.mark.parametrize("preset", list(PRESETS))
@pytest.mark.parametrize("seed", range(4))
def test_timetables_have_the_statistics_of_their_preset(preset: str, seed: int) -> None:
    wanted = PRESETS[preset].visits
    end_s = PRESETS[preset].before_s + PRESETS[preset].duration_s
    visits = draw_visits(np.random.default_rng(seed), wanted, end_s, MOST_AT_ONCE)
    people = {visit.person for visit in visits}
    assert wanted.people[0] <= len(people) <= wanted.people[1]
    assert wanted.visits[0] <= len(visits) <= wanted.visits[1]
    assert wanted.longest_share[0] <= longest_share(visits) <= wanted.longest_share[1]
    moments = np.array([visit.start_s for visit in visits])
    inside = [sum(v.start_s <= t < v.start_s + v.stay_s for v in visits) for t in moments]
    assert max(inside) <= MOST_AT_ONCE
    for person in people:
        own = [visit for visit in visits if visit.person == person]
        assert all(a.start_s + a.stay_s < b.start_s for a, b in itertools.pairwise(own))


def test_the_longest_share_by_hand() -> None:
    visits = [Visit(0, 0.0, 30.0), Visit(0, 50.0, 10.0), Visit(1, 0.0, 60.0)]
    assert longest_share(visits) == pytest.approx(90 / 100)
    assert longest_share([]) == 0.0


def test_ways_lead_around_the_furniture() -> None:
    plan = FloorPlan()
    rng = np.random.default_rng(1)
    for _ in range(20):
        start, goal = plan.random_place(rng), plan.random_place(rng)
        points = [start, *plan.path(start, goal)]
        assert np.allclose(points[-1], goal)
        for a, b in itertools.pairwise(points):
            between = a + np.linspace(0.05, 0.95, 40)[:, None] * (b - a)
            # a corner of the grid may be cut by less than half a cell
            middle = [f for f in FURNITURE if ((between > (f.x0, f.y0)) & (between < (f.x1, f.y1)))
                      .all(axis=1).any()]  # fmt: skip
            assert not middle


def check_walks(world: LabWorld, doors: tuple[Door, ...]) -> None:
    """Nobody leaves but by a door, runs, jumps, or walks through furniture or somebody else."""
    x, y = world.xy[..., 0], world.xy[..., 1]
    there = world.visit > 0
    assert (x[there] >= ROOM_X[0]).all()
    assert (x[there] <= ROOM_X[1]).all()
    assert (y[there] <= ROOM_Y[1]).all()
    behind = there & (y < 0.2)
    assert np.any([(x[behind] >= low) & (x[behind] <= high) for low, high in doors], axis=0).all()
    assert there.sum(axis=1).max() <= MOST_AT_ONCE
    for number in np.unique(world.visit[there]):
        frames, person = np.nonzero(world.visit == number)
        assert len(set(person.tolist())) == 1
        assert (np.diff(frames) == 1).all()
        if frames[0] > 0:
            start = world.xy[frames[0], person[0]]
            assert start[1] == pytest.approx(OUTSIDE_Y, abs=0.1)
    same = (there[1:] & there[:-1]) & (world.visit[1:] == world.visit[:-1])
    speed = np.linalg.norm(np.diff(world.xy, axis=0), axis=2)[same] * 15.0
    assert np.percentile(speed, 99.5) < 2.0
    walking = world.xy[there & (world.seated == 0)]
    for block in FURNITURE:
        inside = (walking > (block.x0, block.y0)) & (walking < (block.x1, block.y1))
        assert not inside.all(axis=1).any()
    for frame in range(0, len(there), 5):
        standing = world.xy[frame, there[frame] & (world.seated[frame] == 0)]
        gap = np.linalg.norm(standing[:, None] - standing[None], axis=2)
        np.fill_diagonal(gap, np.inf)
        assert gap.min(initial=np.inf) > 0.15


def test_people_stay_in_the_room_keep_apart_and_use_the_door(minute: LabWorld) -> None:
    check_walks(minute, (DOOR_X,))


def test_the_same_seed_gives_the_same_world() -> None:
    first, again, other = (simulate_lab(LabConfig("lab-brief", seed)) for seed in (5, 5, 6))
    assert np.array_equal(first.xy, again.xy, equal_nan=True)
    assert not np.array_equal(first.xy[:50], other.xy[:50], equal_nan=True)


@pytest.mark.parametrize("seed", range(1, 7))
def test_the_brief_world_shows_returns(seed: int) -> None:
    world = simulate_lab(LabConfig("lab-brief", seed))
    check_walks(world, TWO_DOORS)
    assert world.returns(2.0) >= 5
    assert (world.seated == 1).any()
    for own, y in zip(world.visit.T, world.xy[..., 1].T, strict=True):
        inside = np.flatnonzero((own > 0) & (y >= REGION_Y))
        again = np.diff(own[inside]) != 0
        assert (np.diff(inside)[again] > 2.5 * 15).all()


def test_both_doors_of_the_brief_world_are_used() -> None:
    world = simulate_lab(LabConfig("lab-brief", 1))
    doorway = world.xy[(world.visit > 0) & (world.xy[..., 1] < 0)]
    assert all(((doorway[:, 0] > low) & (doorway[:, 0] < high)).any() for low, high in TWO_DOORS)


def test_returns_are_visits_of_those_who_were_there_before() -> None:
    visit = np.array([[1, 0, 0], [0, 2, 0], [3, 2, 0], [0, 0, 0], [4, 5, 6]])
    blank, xy = np.zeros(visit.shape), np.full((5, 3, 2), 1.0)
    world = LabWorld(np.arange(5.0), xy, blank, blank, blank, visit, np.ones(3))
    assert world.returns(1.0) == 2 + 1
    assert world.returns(2.0) == 0
    xy[4, 0, 1] = 0.0  # in the door
    assert world.returns(1.0) == 1 + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speed": 0.0}, "speed: expected a value above 0"),
        ({"sit": -1.0}, "sit: expected 0 or more"),
        ({"least_absence_s": -1.0}, "least_absence_s: expected 0 or more"),
        ({"stand": 0.0, "cross": 0.0}, "stand, cross: expected one above 0"),
    ],
)
def test_wrong_habits_say_so(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Habits(**change)  # type: ignore[arg-type]


def test_who_stands_behind_is_hidden_and_who_is_alone_is_not() -> None:
    camera = lab_cameras()[0]
    middle = np.array([3.0, 3.6])
    away = (middle - camera.position[:2]) / np.linalg.norm(middle - camera.position[:2])
    behind = middle + 0.5 * away
    alone = camera_boxes(still([behind.tolist()]), camera, 0)
    both = camera_boxes(still([middle.tolist(), behind.tolist()]), camera, 0)
    assert both.visible[0] == pytest.approx(1.0, abs=0.05)
    assert both.visible[1] < 0.6 * alone.visible[0]
    assert both.cover[1, 0] == pytest.approx(alone.visible[0] - both.visible[1], abs=0.06)
    assert both.cover[0].max() == 0.0
    assert both.seen[1, 3] < both.whole[1, 3] - 20  # the feet are hidden


def test_boxes_are_those_of_the_calibration() -> None:
    for camera in lab_cameras():
        boxes = camera_boxes(still([[3.0, 3.6]]), camera, 0)
        foot = camera.project([[3.0, 3.6, 0.0]])[0]
        left, _, right, bottom = boxes.whole[0]
        assert left < foot[0] < right
        assert abs(bottom - foot[1]) < 20
        assert walkable(np.array([[3.0, 3.6]])).all()


def test_a_detector_errs_as_it_is_told_to() -> None:
    camera = lab_cameras()[0]
    shown = camera_boxes(still([[3.0, 3.6], [1.0, 3.4]]), camera, 0)
    sure = FaultyDetector(DetectorFaults(0.0, 0.0, 50.0, 0.0, 0.0, 0.0), 2, (640, 480), (1,))
    found = sure(shown)
    assert np.allclose(found.xyxy, shown.seen[found.row])
    assert set(found.row.tolist()) == {0, 1}
    faulty = FaultyDetector(DetectorFaults(0.4, memory=0.0, false_rate=0.5), 2, (640, 480), (1,))
    answers = [faulty(shown) for _ in range(2000)]
    share = np.mean([(answer.row >= 0).sum() / 2 for answer in answers])
    wrong = np.mean([(answer.row < 0).sum() for answer in answers])
    assert share == pytest.approx(0.6, abs=0.05)
    assert wrong == pytest.approx(0.5, abs=0.07)


def test_luck_has_memory() -> None:
    camera = lab_cameras()[0]
    shown = camera_boxes(still([[3.0, 3.6]]), camera, 0)

    def changes(memory: float) -> int:
        faults = DetectorFaults(0.4, memory=memory, false_rate=0.0)
        detect = FaultyDetector(faults, 1, (640, 480), (3,))
        there = [len(detect(shown).row) for _ in range(1000)]
        return int(np.abs(np.diff(there)).sum())

    assert changes(0.9) < 0.6 * changes(0.0)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> PersonDataset:
    """Plain-coloured crops of eight people from four cameras, three of each."""
    root = tmp_path_factory.mktemp("people")
    names, identities, cameras = [], [], []
    for who in range(1, 9):
        colour = np.random.default_rng(who).integers(0, 255, 3)
        for camera in range(1, 5):
            for number in range(3):
                names.append(f"{who:04d}_c{camera}_{number}.png")
                cv2.imwrite(str(root / names[-1]), np.full((64, 32, 3), colour, np.uint8))
                identities.append(who)
                cameras.append(camera)
    paths = FileImages([root / name for name in names])
    samples = Samples(paths, np.array(identities), np.array(cameras), tuple(names))
    return PersonDataset("plain", "made here", samples, samples, samples)


def test_a_dressed_world_is_a_site(tmp_path: Path, people: PersonDataset) -> None:
    folder = write_dressed_lab(tmp_path / "lab", BRIEF, people)
    site = find_site(folder)
    assert site is not None
    assert site.truth is not None
    assert site.has_crops
    assert [camera.name for camera in site.cameras] == ["cam1", "cam2", "cam3", "cam4"]
    world = simulate_lab(BRIEF)
    frame = int(site.truth.frame[0])
    for who, xy in zip(
        site.truth.id[site.truth.frame == frame], site.truth.xy[site.truth.frame == frame],
        strict=True,
    ):  # fmt: skip
        assert np.allclose(world.xy[frame - 1, who - 1], xy, atol=1e-3)
    shown: dict[str, set[str]] = {}
    for camera in site.cameras:
        assert camera.crops is not None
        assert camera.detections is not None
        for number, looks in camera.crops.looks.items():
            assert len(looks) == len(camera.detections[number])
            for look in looks:
                shown.setdefault(camera.name, set()).add(look.image[0].split("_")[1])
    assert sum(len(cameras) for cameras in shown.values()) <= 4 * 4
    again = write_dressed_lab(tmp_path / "again", BRIEF, people)
    for name in ("ground_truth.csv", "cam2/det.txt", "cam2/crops.csv"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_low_resolution_crops_are_24_to_48_pixels_high(
    tmp_path: Path, people: PersonDataset
) -> None:
    folder = write_dressed_lab(tmp_path / "low", BRIEF, people, low_resolution=True)
    site = find_site(folder)
    assert site is not None
    heights = {
        look.image[1]
        for camera in site.cameras
        if camera.crops is not None
        for looks in camera.crops.looks.values()
        for look in looks
    }
    assert heights
    assert min(heights) >= 24
    assert max(heights) <= 48


def test_other_folders_are_not_overwritten(tmp_path: Path, people: PersonDataset) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("all of it")
    with pytest.raises(InputError, match="no simulated world"):
        write_dressed_lab(tmp_path / "mine", BRIEF, people)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "all of it"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_too_few_people_to_dress_are_an_error(tmp_path: Path) -> None:
    few = Samples(FileImages([]), np.zeros(0, np.int64), np.zeros(0, np.int64), ())
    with pytest.raises(ValueError, match="people seen by 4 cameras"):
        write_dressed_lab(tmp_path / "x", BRIEF, PersonDataset("none", "", few, few, few))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preset": "office"}, "preset: expected one of"),
        ({"seed": -1}, "seed: expected 0 or more"),
        ({"duration_s": 0.5}, "duration_s: expected 2 to"),
        ({"frame_rate": 0.0}, "frame_rate: expected 1 to"),
    ],
)
def test_wrong_settings_say_so(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabConfig(**change)  # type: ignore[arg-type]


def test_a_drawn_world_is_a_site_with_images(tmp_path: Path) -> None:
    config = LabConfig("lab-brief", seed=3, duration_s=2.0, frame_rate=5.0)
    counted: list[int] = []
    folder = write_rendered_lab(
        tmp_path / "drawn", config, workers=1, on_frame=lambda: counted.append(1)
    )
    site = find_site(folder)
    assert site is not None
    assert site.has_images
    assert site.entries[0].contains(np.array([[1.2, 0.4]]))[0]
    assert [len(camera.images) for camera in site.cameras] == [10] * 4
    assert len(counted) == rendering_steps(config) == 10 + 40
    image = cv2.imread(str(site.cameras[0].images[1]))
    assert image is not None
    assert image.shape == (480, 640, 3)


def test_the_command_writes_worlds_and_refuses_nonsense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "brief"
    assert main(["simulate", "lab", "--preset", "lab-brief", "--seconds", "2", "--workers", "1",
                 "--out", str(out)]) == 0  # fmt: skip
    assert find_site(out) is not None
    capsys.readouterr()
    assert main(["simulate", "lab", "--out", str(tmp_path), "--seconds", "2"]) == 2
    assert "no simulated world" in capsys.readouterr().err
    assert main(["simulate", "lab", "--out", str(out), "--low-resolution"]) == 2
    assert "--low-resolution: only with --dataset" in capsys.readouterr().err


def test_who_is_still_there_does_not_come_in_a_second_time():
    # Planned for a moment in which the visit before is not over.
    visits = [Visit(0, 0.0, 16.0), Visit(0, 5.0, 16.0)]
    world = walk_through(visits, np.array([1.7]), 30 * 15, 15.0, 3, MOST_AT_ONCE)
    order = [number for number, _ in itertools.groupby(world.visit[:, 0].tolist())]
    assert order == [1, 0, 2, 0]  # gone for a moment, at least
