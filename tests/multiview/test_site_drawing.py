"""Mosaic, floor plan, trajectories, heat map and video of a finished run."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.calibration.formats import write_cameras
from mtmc.drawing import identity_colour
from mtmc.errors import InputError
from mtmc.floor.heat_map import LONGEST_STAY_S, heat_map, occupancy, presence_s
from mtmc.floor.map import FloorMap
from mtmc.floor.trajectories import TrajectoriesConfig, path_length, trajectories
from mtmc.mosaic import mosaic
from mtmc.mosaic_tiles import clock_text
from mtmc.run_config import RunConfig, RunOptions
from mtmc.site_drawing import draw_site_pictures, draw_site_video
from mtmc.site_run import run_site
from mtmc.site_video import SiteVideoConfig
from mtmc.sites import find_site, moment_step
from mtmc.sources import FrameRange

BOUNDS = (0.0, 0.0, 10.0, 8.0)
MOMENTS, RATE, PEOPLE = 24, 4.0, 3
LAST_OF_B = 12
"""After this image camera b falls silent."""


@pytest.fixture(scope="module")
def site(tmp_path_factory, room, walk):
    """Three cameras with images, one of which stops half-way and one of which runs at half rate."""
    folder = tmp_path_factory.mktemp("yard")
    write_cameras(folder / "cameras.toml", "mtmc", list(room.cameras.values()))
    lines = [
        f'name = "yard"\nrate = {RATE}\ncalibration = "cameras.toml"\n'
        'calibration_format = "mtmc"\nbounds = [0, 0, 10, 8]\n'
    ]
    for name, last, every in (("a", MOMENTS, 1), ("b", LAST_OF_B, 1), ("c", MOMENTS, 2)):
        (folder / name).mkdir()
        rows = []
        for number, index in enumerate(range(1, last + 1, every), 1):
            places = walk(PEOPLE, (index - 1) / RATE)
            blank = np.full((480, 640, 3), 90, np.uint8)
            cv2.imwrite(str(folder / name / f"{number:04d}.png"), blank)
            view = next(v for v in room.views(index, 0.0, places) if v.frame.camera == name)
            for left, top, right, bottom in view.detections.xyxy / 2:
                rows.append(f"{number},-1,{left},{top},{right - left},{bottom - top},1\n")
        (folder / f"{name}.txt").write_text("".join(rows))
        lines.append(
            f'[[camera]]\nname = "{name}"\nimages = "{name}"\ndetections = "{name}.txt"\n'
            f"size = [640, 480]\nrate = {RATE / every}\n"
        )
    (folder / "sequence.toml").write_text("".join(lines))
    return find_site(folder)


@pytest.fixture(scope="module")
def finished(site, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    run_site(site, out, RunConfig(RunOptions(jsonl=True)))
    return out / "yard"


def frames_of(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        ok, frame = capture.read()
        if not ok:
            return frames, capture.get(cv2.CAP_PROP_FPS)
        frames.append(frame)


def shows(part, colour, tolerance=45):
    """Whether an image shows a colour, as far as video compression leaves it."""
    return (np.abs(part.astype(int) - colour).max(axis=2) < tolerance).sum() > 20


# --- where things go ------------------------------------------------------------------------------


@given(
    st.integers(0, 12),
    st.sampled_from([(1920, 1080), (360, 288), (480, 640), (64, 48)]),
    st.one_of(st.none(), st.floats(0.1, 8)),
)
def test_nothing_in_a_mosaic_overlaps_or_sticks_out(count, size, aspect):
    if not count and aspect is None:
        with pytest.raises(ValueError, match="neither"):
            mosaic([], None)
        return
    found = mosaic([size] * count, aspect)
    assert found.width % 2 == found.height % 2 == 0
    assert found.width <= 1600
    assert found.height <= 900
    assert len(found.tiles) == count
    assert (found.plan is None) == (aspect is None)
    canvas = np.zeros((found.height, found.width), int)
    parts = found.tiles + ((found.plan,) if found.plan else ())
    for left, top, width, height in parts:
        assert left >= 0
        assert top >= 0
        assert width > 20
        assert height > 20
        assert left + width <= found.width
        assert top + height <= found.height
        canvas[top : top + height, left : left + width] += 1
    assert canvas.max() == 1
    assert len({tile[2:] for tile in found.tiles}) <= 1


@pytest.mark.parametrize("count", range(2, 11))
def test_images_get_most_of_a_mosaic(count):
    found = mosaic([(1920, 1080)] * count, 0.8)
    pictures = sum(width * height for _, _, width, height in found.tiles)
    assert pictures > 0.4 * found.width * found.height
    assert found.plan[2] * found.plan[3] > 0.15 * found.width * found.height


@given(st.integers(40, 900), st.integers(40, 900))
def test_a_filled_map_shows_all_of_its_bounds(width, height):
    chart = FloorMap.filling(BOUNDS, width, height)
    corners = chart.pixels(np.array([[0.0, 0.0], [10.0, 8.0]]))
    assert (corners >= -1e-6).all()
    assert (corners <= [width + 1e-6, height + 1e-6]).all()
    assert np.ptp(corners[:, 0]) / np.ptp(corners[:, 1]) == pytest.approx(10 / 8)


def test_clocks():
    assert [clock_text(t) for t in (0, 59.96, 61.25, 3600)] == [
        *("00:00.0", "01:00.0", "01:01.2", "1:00:00.0"),
    ]


# --- pictures -------------------------------------------------------------------------------------


def test_presence_is_until_the_next_sighting_and_never_long():
    time_s = np.array([0.0, 0.2, 0.4, 5.0, 0.0, 0.2])
    ids = np.array([1, 1, 1, 1, 2, 2])
    expected = [0.2, 0.2, LONGEST_STAY_S, 0.2, 0.2, 0.2]
    np.testing.assert_allclose(presence_s(time_s, ids), expected)
    assert presence_s(np.zeros(0), np.zeros(0, int)).shape == (0,)
    np.testing.assert_allclose(presence_s(np.zeros(1), np.ones(1, int)), LONGEST_STAY_S)


@given(st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_occupancy_sums_to_person_seconds(count, seed):
    rng = np.random.default_rng(seed)
    time_s, ids = rng.integers(0, 100, count) * 0.1, rng.integers(1, 5, count)
    xy = rng.uniform([0.0, 0.0], [10.0, 8.0], (count, 2))
    density = occupancy(time_s, ids, xy, BOUNDS, 0.5)
    assert density.shape == (16, 20)
    assert density.sum() * 0.25 == pytest.approx(presence_s(time_s, ids).sum())
    outside = occupancy(time_s, ids, xy + 100.0, BOUNDS, 0.5)
    assert not outside.any()


def test_a_heat_map_is_darkest_where_people_stood(room):
    cameras = list(room.cameras.values())
    time_s = np.arange(400) * 0.25
    ids = np.ones(400, int)
    xy = np.full((400, 2), [2.0, 6.0])
    xy[:40] = np.linspace([5.0, 1.0], [9.0, 1.0], 40)
    image = heat_map(time_s, ids, xy, cameras, BOUNDS)
    chart = FloorMap.of_size(BOUNDS, 1000)
    stood, walked, nobody = (
        image[int(v), int(u)].astype(int)
        for u, v in chart.pixels(np.array([[2.0, 6.0], [7.0, 1.0], [5.1, 4.6]]))
    )
    assert stood.sum() < 200
    assert walked.sum() > stood.sum() + 100
    assert nobody.sum() > 600
    assert np.ptp(walked) > 60, "a colour"
    nobody_at_all = heat_map(time_s[:0], ids[:0], xy[:0], cameras, BOUNDS)
    assert nobody_at_all.shape == image.shape


def test_paths_are_measured_without_jitter():
    rng = np.random.default_rng(0)
    standing = rng.normal(0, 0.03, (500, 2))
    assert path_length(standing) == 0.0
    walk = np.linspace([0.0, 0.0], [30.0, 40.0], 400)
    assert path_length(walk) == pytest.approx(50.0, abs=0.3)


def test_trajectories_show_paths_ends_and_who(room):
    cameras = list(room.cameras.values())
    time_s = np.tile(np.arange(40) * 0.25, 2)
    ids = np.repeat([3, 7], 40)
    xy = np.concatenate(
        [np.linspace([1.0, 1.0], [9.0, 1.5], 40), np.linspace([1.0, 7.0], [9.0, 5.0], 40)]
    )
    xy[60:, 1] -= 1.0  # 7 is not seen for a while ...
    time_s[60:] += 10.0
    image = trajectories(time_s, ids, xy, cameras, BOUNDS)
    chart = FloorMap.of_size(BOUNDS, 1200)
    for row in (10, 30, 45, 70):
        u, v = chart.pixels(xy[row][None])[0].astype(int)
        np.testing.assert_allclose(image[v, u], identity_colour(int(ids[row])), atol=3)
    u, v = chart.pixels(xy[59:61].mean(axis=0)[None])[0].astype(int)
    assert image[v, u].tolist() != list(identity_colour(7)), "... and not drawn there"
    strip = image[:, chart.width :]
    assert all(shows(strip, identity_colour(identity), 3) for identity in (3, 7))
    many = np.arange(1, 301)
    crowd = trajectories(
        np.zeros(300), many, np.full((300, 2), 4.0), cameras, BOUNDS, (), TrajectoriesConfig(400)
    )
    assert crowd.shape[0] == 320


# --- a finished run -------------------------------------------------------------------------------


def test_the_video_shows_images_boxes_people_and_what_is_missing(site, finished):
    shown = []
    path = draw_site_video(site, finished, SiteVideoConfig(800, 450), shown.append)
    frames, rate = frames_of(path)
    assert shown == list(range(1, MOMENTS + 1))
    assert len(frames) == MOMENTS
    assert rate == pytest.approx(RATE, abs=0.05)
    last = frames[-1]
    layout = mosaic([(640, 480)] * 3, 10 / 8, (800, 450))
    assert last.shape[1] <= 800
    tiles = [
        last[top + 8 : top + height - 8, left + 8 : left + width - 8]
        for left, top, width, height in layout.tiles
    ]
    grey = [np.median(tile) for tile in tiles]
    assert grey[0] == pytest.approx(90, abs=12)
    assert grey[1] < 50, "camera b is missing"
    assert grey[2] == pytest.approx(90, abs=12), "a slow camera is not"
    early = frames[LAST_OF_B - 2]
    left, top, width, height = layout.tiles[1]
    assert np.median(early[top : top + height, left : left + width]) == pytest.approx(90, abs=12)
    identity = 1
    left, top, width, height = layout.plan
    assert shows(last[top : top + height, left : left + width], identity_colour(identity), 60)
    assert shows(np.concatenate([tiles[0], tiles[2]]), identity_colour(identity), 60)


def test_the_same_video_twice_is_the_same(site, finished):
    config = SiteVideoConfig(320, 240)
    first = draw_site_video(site, finished, config).read_bytes()
    assert draw_site_video(site, finished, config).read_bytes() == first


def test_without_images_the_video_is_the_plan_alone(site, finished, tmp_path):
    text = (site.root / "sequence.toml").read_text()
    plain = tmp_path / "plain"
    plain.mkdir()
    for path in site.root.glob("*.t*"):
        (plain / path.name).write_bytes(path.read_bytes())
    lines = [line for line in text.splitlines() if not line.startswith("images")]
    (plain / "sequence.toml").write_text("\n".join(lines))
    outcome = run_site(
        find_site(plain), tmp_path / "out", RunConfig(RunOptions(video=True, pictures=True))
    )
    assert {"video", "trajectories", "heat_map"} <= set(outcome.files)
    assert all(path.stat().st_size > 0 for path in outcome.files.values())
    frames, _ = frames_of(outcome.files["video"])
    assert len(frames) == MOMENTS
    assert np.median(frames[-1]) > 200


def test_a_thinned_recording_plays_in_real_time(site):
    assert moment_step(site) == 1
    assert moment_step(site, FrameRange(every=3)) == 3
    terrace_like = FrameRange(2, 2)
    assert moment_step(site, terrace_like) == 1


def test_json_lines_hold_what_the_csv_holds(finished):
    rows = (finished / "ground.csv").read_text().splitlines()[1:]
    records = [json.loads(line) for line in (finished / "ground.jsonl").read_text().splitlines()]
    people = [(r["frame"], r["time_s"], p) for r in records for p in r["people"]]
    people.sort(key=lambda found: (found[0], found[2]["id"]))
    rows.sort(key=lambda row: [int(field) for field in row.split(",")[:2]])  # some are told late
    assert len(people) == len(rows) > 0
    for row, (frame, time_s, person) in zip(rows, people, strict=True):
        fields = row.split(",")
        assert (frame, person["id"]) == (int(fields[0]), int(fields[1]))
        assert time_s == pytest.approx((frame - 1) / RATE)
        assert (person["x"], person["y"]) == (float(fields[2]), float(fields[3]))
        np.testing.assert_allclose(person["covariance"], [float(f) for f in fields[4:7]], atol=1e-5)
        boxes = [f"{box['camera']}:{box['detection']}" for box in person["boxes"]]
        assert " ".join(boxes) == fields[7]
        assert all(box["xyxy"][2] > box["xyxy"][0] for box in person["boxes"])


def test_what_is_missing_is_named(site, finished, tmp_path):
    with pytest.raises(InputError, match=r"run\.json: no such file"):
        draw_site_video(site, tmp_path)
    with pytest.raises(InputError, match=r"ground\.csv: no such file"):
        draw_site_pictures(site, tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(InputError, match="expected the summary of a run"):
        draw_site_video(site, tmp_path)
    with pytest.raises(ValueError, match="max_width: expected 160"):
        SiteVideoConfig(max_width=10)


def test_cameras_of_separate_places_are_shown_without_a_floor(site, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    lines = [f"rate = {RATE}"]
    for name in "ac":
        (plain / name).symlink_to(site.root / name, target_is_directory=True)
        (plain / f"{name}.txt").write_bytes((site.root / f"{name}.txt").read_bytes())
        lines.append(
            f'[[camera]]\nname = "{name}"\nimages = "{name}"\ndetections = "{name}.txt"\n'
            f"rate = {RATE if name == 'a' else RATE / 2}"
        )
    (plain / "sequence.toml").write_text("\n".join(lines))
    config = RunConfig(RunOptions(video=True, jsonl=True))
    outcome = run_site(find_site(plain), tmp_path / "out", config)
    frames, _ = frames_of(outcome.files["video"])
    assert len(frames) == MOMENTS
    assert np.median(frames[-1]) == pytest.approx(90, abs=12)
    records = [json.loads(line) for line in outcome.files["jsonl"].read_text().splitlines()]
    people = [person for record in records for person in record.get("people", ())]
    assert people
    assert all(person["x"] is None and person["boxes"] for person in people)
    with pytest.raises(InputError, match=r"run\.pictures: plain has no calibration"):
        run_site(find_site(plain), tmp_path / "no", RunConfig(RunOptions(pictures=True)))
    with pytest.raises(InputError, match="need calibrated cameras"):
        draw_site_pictures(find_site(plain), tmp_path / "out" / "plain")
