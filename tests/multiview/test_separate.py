from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from mtmc.errors import InputError
from mtmc.multiview.separate import SeparateConfig, SeparateTracker
from mtmc.multiview.separate_joining import assign
from mtmc.multiview.travel import TravelConfig, TravelTimes
from mtmc.reid.gallery import GalleryConfig, ScaleConfig
from mtmc.run_config import RunConfig, RunOptions
from mtmc.site_run import run_site
from mtmc.sites import find_site
from mtmc.sites.travel import TravelTime
from mtmc.types import Detections, Frame, GlobalTrack, Relabel, Tracks, View

CAMERAS = ("a", "b", "c")
RATE = 5.0
DIM = 24
TRAVEL = {("a", "b"): 8.0, ("b", "c"): 15.0, ("a", "c"): 25.0}
KNOWN = [TravelTime(*pair, 0.6 * time, time, 1.6 * time) for pair, time in TRAVEL.items()]


@dataclass(frozen=True)
class Visit:
    """A person in view of a camera, from one time to another."""

    person: int
    camera: str
    start_s: float
    stop_s: float


def walks(people: int, seed: int) -> list[Visit]:
    """Everybody walks from camera to camera for two minutes."""
    rng = np.random.default_rng(seed)
    visits = []
    for person in range(people):
        time_s, camera = float(rng.uniform(0, 30)), str(rng.choice(CAMERAS))
        while time_s < 120:
            stop_s = time_s + rng.uniform(4, 9)
            visits.append(Visit(person, camera, time_s, stop_s))
            following = str(rng.choice([name for name in CAMERAS if name != camera]))
            pair = min(camera, following), max(camera, following)
            time_s = stop_s + TRAVEL[pair] * rng.uniform(0.8, 1.25)
            camera = following
    return visits


class World:
    """What perfect trackers of three cameras say of some visits.

    Every person has a row of their own in every image. ``noise`` is that of the vectors, relative
    to their length, and ``bias`` that of a camera.
    """

    def __init__(
        self,
        visits: Sequence[Visit],
        noise: float = 0.0,
        bias: float = 0.0,
        embeds: bool = True,
        seed: int = 0,
    ) -> None:
        self.visits = visits
        self._noise, self._bias, self._embeds, self._seed = noise, bias, embeds, seed
        people = 1 + max((visit.person for visit in visits), default=0)
        self._looks = np.linalg.qr(np.random.default_rng(5).normal(size=(DIM, DIM)))[0][:people]
        self.last = int(max((visit.stop_s for visit in visits), default=0.0) * RATE) + 10

    def truth(self) -> dict[tuple[int, str, float], int]:
        """Person by frame, camera and left edge of the box."""
        found = {}
        for index in range(1, self.last + 1):
            for visit in self._now(index):
                found[index, visit.camera, self._box(visit)[0]] = visit.person
        return found

    def moments(self) -> Iterator[list[View]]:
        rng = np.random.default_rng(self._seed)
        cameras = {name: np.random.default_rng(n).normal(size=DIM) for n, name in enumerate("abc")}
        for index in range(1, self.last + 1):
            time_s = (index - 1) / RATE
            views = []
            for name in CAMERAS:
                here = [visit for visit in self._now(index) if visit.camera == name]
                boxes = np.array([self._box(visit) for visit in here]).reshape(-1, 4)
                vectors = self._looks[[visit.person for visit in here]]
                vectors = vectors + self._noise * rng.normal(size=vectors.shape) / DIM**0.5
                vectors = vectors + self._bias * cameras[name] / DIM**0.5
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                people = Detections(
                    boxes, np.ones(len(here)), vectors.astype(np.float32) if self._embeds else None
                )
                ids = np.array([1 + self.visits.index(visit) for visit in here], np.int64)
                tracks = Tracks(ids, boxes, np.ones(len(here)), np.arange(len(here)))
                views.append(View(Frame(name, index, time_s), people, tracks))
            yield views

    def _now(self, index: int) -> list[Visit]:
        time_s = (index - 1) / RATE
        return [visit for visit in self.visits if visit.start_s <= time_s <= visit.stop_s]

    def _box(self, visit: Visit) -> list[float]:
        left = 100.0 * visit.person
        return [left, 100.0, left + 40.0, 200.0]


def run(world: World, tracker: SeparateTracker) -> dict[tuple[int, str, float], int]:
    """Final identities by frame, camera and left edge; nothing may be reported twice."""
    views: dict[tuple[str, int], View] = {}
    rows: list[tuple[int, int, str, int]] = []
    relabels: list[Relabel] = []

    def take(found: Sequence[GlobalTrack | Relabel]) -> None:
        for one in found:
            if isinstance(one, Relabel):
                relabels.append(one)
            else:
                assert one.ground_xy is None
                rows.extend((one.id, one.frame_index, *member) for member in one.members)

    for moment in world.moments():
        views |= {(view.frame.camera, view.frame.index): view for view in moment}
        take(tracker.update(moment))
    take(tracker.flush())
    final = {}
    for identity, index, camera, row in rows:
        for event in relabels:
            if identity == event.old_id and index >= event.from_frame:
                identity = event.new_id
        key = (index, camera, views[camera, index].detections.xyxy[row, 0])
        assert key not in final
        final[key] = identity
    return final


def mistakes(truth: dict, found: dict) -> int:
    """Rows whose identity is not the one that most of the person's rows have, or is shared."""
    assert found.keys() == truth.keys()
    people = sorted(set(truth.values()))
    count = np.zeros((len(people), 1 + max(found.values())), int)
    for key, person in truth.items():
        count[people.index(person), found[key]] += 1
    own = count.argmax(axis=1)
    assert len(set(own.tolist())) == len(people)
    return int(count.sum() - count[np.arange(len(people)), own].sum())


def names_of(found: dict, camera: str) -> set[int]:
    return {identity for (_, where, _), identity in found.items() if where == camera}


def tracker(config: SeparateConfig | None = None, travel=KNOWN, **kwargs) -> SeparateTracker:
    return SeparateTracker(CAMERAS, config, travel, **kwargs)


# ---------------------------------------------------------------- oracles


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("travel", [KNOWN, []], ids=["travel times", "none"])
def test_perfect_embeddings_give_perfect_identities(seed, travel):
    world = World(walks(8, seed))
    assert mistakes(world.truth(), run(world, tracker(travel=travel))) == 0


@pytest.mark.parametrize("seed", range(3))
def test_noisy_embeddings_and_cameras_with_a_bias(seed):
    world = World(walks(8, seed), noise=0.6, bias=0.4, seed=seed)
    config = SeparateConfig(
        gallery=GalleryConfig(
            scale=ScaleConfig(same=0.3, same_sigma=0.1, different=0.9, different_sigma=0.15)
        )
    )
    truth = world.truth()
    assert mistakes(truth, run(world, tracker(config))) <= 0.02 * len(truth)


def test_travel_times_alone_join_a_lonely_walker():
    visits = [Visit(0, "a", 0, 5), Visit(0, "b", 13, 18), Visit(0, "c", 33, 38)]
    world = World(visits, embeds=False)
    assert set(run(world, tracker()).values()) == {1}
    # without travel times nothing says that this is the same person
    assert len(set(run(world, tracker(travel=[])).values())) == 3


def test_travel_times_rule_out_impossible_joins():
    """Two people who look the same: whoever appears too early is somebody else."""
    visits = [Visit(0, "a", 0, 5), Visit(0, "c", 8, 14)]  # the way takes 15 s at least
    world = World(visits)
    assert len(set(run(world, tracker()).values())) == 2
    assert len(set(run(world, tracker(travel=[])).values())) == 1


def test_travel_times_tell_twins_apart():
    """Who walks from a to b in the usual time, and who has always been somewhere else."""
    visits = [
        Visit(0, "a", 0, 5),
        Visit(1, "c", 0, 5),
        Visit(0, "b", 13, 18),
        Visit(1, "b", 20, 25),
    ]
    world = World(visits)
    world._looks[1] = world._looks[0]
    found = run(world, tracker())
    truth = world.truth()
    assert mistakes(truth, found) == 0


def test_nobody_is_in_two_places_at_once():
    visits = [Visit(0, "a", 0, 20), Visit(0, "b", 5, 15)]
    found = run(World(visits), tracker(travel=[]))
    assert names_of(found, "a").isdisjoint(names_of(found, "b"))


def test_unless_the_cameras_overlap():
    visits = [Visit(0, "a", 0, 20), Visit(0, "b", 5, 15)]
    world = World(visits)
    found = run(world, tracker(travel=[], overlaps=[("a", "b")]))
    assert set(found.values()) == {1}
    both = [
        one
        for views in world.moments()
        for one in tracker(travel=[], overlaps=[("b", "a")]).update(views)
    ]
    assert all(isinstance(one, GlobalTrack) for one in both)


def test_overlapping_cameras_report_one_track_with_several_members():
    visits = [Visit(0, "a", 0, 20), Visit(0, "b", 5, 15)]
    joined = tracker(SeparateConfig(lag_s=10), travel=[], overlaps=[("a", "b")])
    sizes = []
    for views in World(visits).moments():
        for one in joined.update(views):
            sizes.append(len(one.members))
    assert max(sizes) == 2


def test_entrants_are_decided_together():
    """Both look like both; taken one by one, the first would take the wrong name."""
    tracker_ = tracker(SeparateConfig(lag_s=10), travel=[])
    world = World([Visit(0, "a", 0, 5), Visit(1, "a", 0, 5), Visit(2, "b", 20, 25),
                   Visit(3, "b", 20, 25)])  # fmt: skip
    one, two = np.eye(DIM)[:2]
    mixed = [one, two, 0.8 * one + 0.6 * two, one]  # person 2 prefers the name of person 3
    world._looks = np.array([v / np.linalg.norm(v) for v in mixed])
    found = run(world, tracker_)
    name = {person: found[key] for key, person in world.truth().items()}
    assert name[3] == name[0]
    assert name[2] != name[3]


def test_a_resumed_track_whose_identity_went_elsewhere_is_somebody_else():
    """The camera's tracker holds a number through a long pause; the person is seen elsewhere."""
    visits = [Visit(0, "a", 0, 5), Visit(0, "b", 8, 12)]
    world = World(visits)
    joined = tracker(travel=[])
    moments = list(world.moments())
    for views in moments:
        joined.update(views)
    index, time_s = world.last + 1, world.last / RATE
    last = moments[2][0]
    during = [replace(v, frame=Frame(v.frame.camera, index, time_s)) for v in moments[-1]]
    joined.update(during)
    first = [one.id for one in joined.flush()]
    again = replace(last, frame=Frame("a", index + 1, time_s + 0.2))
    joined.update([again])
    found = [*first, *(one.id for one in joined.flush())]
    assert found == [1]  # b is over by now: the same person came back
    joined = tracker(travel=[])
    for views in moments[: int(9 * RATE)]:  # b still sees the person
        joined.update(views)
    time_s = moments[int(9 * RATE)][0].frame.time_s
    resumed = [
        replace(last, frame=Frame("a", 46, time_s)),
        replace(moments[int(9 * RATE)][1], frame=Frame("b", 46, time_s)),
    ]
    reported = [*joined.update(resumed), *joined.flush()]
    here = {one.members[0][0]: one.id for one in reported if one.frame_index == 46}
    assert here["a"] != here["b"]


# ---------------------------------------------------------------- lag, late decisions, evidence


def online(lag_s: float, wait_s: float) -> SeparateConfig:
    return SeparateConfig(lag_s=lag_s, wait_s=wait_s, crops=1000)


def test_without_lag_everybody_is_reported_at_once_and_relabelled_later():
    world = World([Visit(0, "a", 0, 6), Visit(0, "b", 14, 20)])
    joined = tracker(online(0.0, 3.0))
    late = []
    for views in world.moments():
        found = joined.update(views)
        late += [one for one in found if isinstance(one, Relabel)]
        tracks = [one for one in found if isinstance(one, GlobalTrack)]
        shown = sum(len(view.tracks) for view in views)
        assert len(tracks) == shown
        assert all(one.frame_index == views[0].frame.index for one in tracks)
    assert late == [Relabel(2, 1, int(14 * RATE) + 1)]


def test_with_lag_nothing_needs_relabelling():
    world = World(walks(6, 0))
    joined = tracker(online(5.0, 3.0))
    found = [one for views in world.moments() for one in joined.update(views)] + joined.flush()
    assert not any(isinstance(one, Relabel) for one in found)
    assert {one.id for one in found} == set(range(1, 7))


@pytest.mark.parametrize("lag_s", [0.0, 1.0, 2.0, 5.0])
def test_the_lag_changes_when_things_are_said_but_not_what(lag_s):
    world = World(walks(6, 1))
    assert mistakes(world.truth(), run(world, tracker(online(lag_s, 3.0)))) == 0


def test_decisions_come_with_evidence():
    world = World([Visit(0, "a", 0, 6), Visit(1, "c", 0, 6), Visit(0, "b", 14, 20)])
    joined = tracker()
    for views in world.moments():
        joined.update(views)
    first, second, third = (event.details for event in joined.take_events())
    assert joined.take_events() == []
    assert [e["decision"] for e in (first, second, third)] == ["new", "new", "known"]
    assert third["candidates"][0]["id"] == third["id"] == 1
    assert third["candidates"][0]["distance"] == pytest.approx(0.0, abs=1e-4)
    assert third["candidates"][0]["travel"] > 0
    assert third["camera"] == "b"
    json.dumps(third)


# ---------------------------------------------------------------- edges


def test_the_order_of_cameras_and_detections_does_not_matter():
    world = World(walks(8, 2), noise=0.5)
    plain = run(world, tracker())

    class Shuffled(World):
        def moments(self):
            rng = np.random.default_rng(3)
            for views in super().moments():
                mixed = []
                for number in rng.permutation(len(views)):
                    view = views[number]
                    order = rng.permutation(len(view.detections))
                    place = np.argsort(order)
                    t = view.tracks
                    pick = rng.permutation(len(t))
                    mixed.append(
                        View(
                            view.frame,
                            view.detections[order],
                            Tracks(
                                t.ids[pick], t.xyxy[pick], t.scores[pick], place[t.det_index[pick]]
                            ),
                        )
                    )
                yield mixed

    mixed = run(Shuffled(world.visits, noise=0.5), tracker())
    names = {}
    for key, identity in plain.items():
        assert names.setdefault(identity, mixed[key]) == mixed[key]
    assert len(set(names.values())) == len(names)


def test_empty_frames_and_missing_cameras():
    joined = tracker()
    assert joined.update([]) == []
    nobody = View(Frame("a", 1, 0.0), Detections.empty(DIM), Tracks.empty())
    assert joined.update([nobody]) == []
    assert joined.flush() == []
    assert run(World([]), tracker()) == {}


def test_coasting_tracks_are_not_seen():
    joined = tracker(SeparateConfig(lag_s=0))
    box = np.array([[0.0, 0.0, 10.0, 20.0]])
    coasting = Tracks(np.array([1]), box, np.ones(1), np.array([-1]))
    assert joined.update([View(Frame("a", 1, 0.0), Detections.empty(), coasting)]) == []


def test_whoever_was_not_seen_for_too_long_is_deleted():
    config = SeparateConfig(travel=TravelConfig(max_gap_s=20.0))
    world = World([Visit(0, "a", 0, 5), Visit(1, "a", 60, 65), Visit(0, "b", 70, 75)])
    joined = tracker(config, travel=[])
    found = run(world, joined)
    assert len(set(found.values())) == 3
    assert joined._looks.identities == {2, 3}


def test_bad_input_is_named():
    view = View(Frame("a", 1, 0.0), Detections.empty())
    with pytest.raises(ValueError, match="view of a: expected tracks of its own tracker"):
        tracker().update([view])
    tracked = replace(view, tracks=Tracks.empty())
    with pytest.raises(ValueError, match="expected one per camera, got two of a"):
        tracker().update([tracked, tracked])
    with pytest.raises(ValueError, match="expected one of the cameras a, b, c, got z"):
        tracker().update([replace(tracked, frame=Frame("z", 1, 0.0))])
    joined = tracker()
    joined.update([tracked])
    with pytest.raises(ValueError, match=r"expected a time after 0\.0, got 0\.0"):
        joined.update([tracked])
    with pytest.raises(ValueError, match="camera 'door': expected one of a, b, c"):
        SeparateTracker(CAMERAS, travel=[TravelTime("a", "door", 1, 2, 3)])
    with pytest.raises(ValueError, match="at least one"):
        SeparateTracker([])
    with pytest.raises(ValueError, match="min_s <= typical_s"):
        TravelTime("a", "b", 5, 2, 8)


# ---------------------------------------------------------------- travel times, assignment


def test_a_travel_time_is_a_log_normal_density_between_its_limits():
    times = TravelTimes([TravelTime("a", "b", 5, 10, 20)], config=TravelConfig(limit=100.0))
    from scipy.stats import lognorm

    sigma = np.log(2.0) / 2.0
    for gap in (5.0, 8.0, 19.0):
        expected = lognorm.logpdf(gap, sigma, scale=10.0) - np.log(1 / 600.0)
        assert times.log_ratio("a", "b", gap) == pytest.approx(expected)
        assert times.log_ratio("b", "a", gap) == pytest.approx(expected)
    for gap in (4.9, 20.1, -1.0, 0.0):
        assert times.log_ratio("a", "b", gap) == -np.inf
    assert times.log_ratio("a", "c", 5.0) == 0.0
    assert times.log_ratio("a", "c", 601.0) == -np.inf


def test_travel_times_are_learnt():
    times = TravelTimes(config=TravelConfig(learn_after=5))
    for gap in (9.0, 10.0, 11.0, 10.0):
        times.learn("a", "b", gap)
    assert times.log_ratio("a", "b", 10.0) == 0.0
    times.learn("a", "b", 10.0)
    times.learn("a", "b", 0.0)  # cannot have been
    assert times.log_ratio("a", "b", 10.0) > 0 > times.log_ratio("a", "b", 100.0)
    assert times.log_ratio("b", "a", 10.0) == 0.0


def test_the_tracker_learns_travel_times():
    visits = []
    for person in range(6):
        start = 40.0 * person
        visits += [Visit(person, "a", start, start + 5), Visit(person, "b", start + 13, start + 18)]
    joined = tracker(SeparateConfig(learn_evidence=0.5), travel=[])
    run(World(visits), joined)
    assert joined._travel.log_ratio("a", "b", 8.0) > 0
    assert joined._travel.log_ratio("a", "b", 80.0) < 0


def test_assignment_is_the_best_of_all():
    score = np.array([[3.0, 2.9, -np.inf], [2.0, -np.inf, -1.0]])
    assert assign(score).tolist() == [1, 0]
    assert assign(np.full((2, 2), -np.inf)).tolist() == [-1, -1]
    assert assign(np.zeros((2, 0))).tolist() == [-1, -1]


# ---------------------------------------------------------------- runs of a site


def write_site(folder, world: World, extra: str = "") -> None:
    """A site without calibration, whose detections are files."""
    folder.mkdir()
    lines = ["rate = 5.0", *extra.splitlines()]
    for name in CAMERAS:
        lines += ["[[camera]]", f'name = "{name}"', f'detections = "{name}.txt"']
        rows = [
            f"{index},-1,{left},100,40,100,0.9,-1,-1,-1\n"
            for index, camera, left in sorted(world.truth())
            if camera == name
        ]
        (folder / f"{name}.txt").write_text("".join(rows))
    for time in KNOWN:
        lines += ["[[travel]]", f'cameras = ["{time.from_camera}", "{time.to_camera}"]']
        lines += [f"min_s = {time.min_s}", f"typical_s = {time.typical_s}", f"max_s = {time.max_s}"]
    (folder / "sequence.toml").write_text("\n".join(lines))


def lonely_walker() -> World:
    return World([Visit(0, "a", 0, 5), Visit(0, "b", 13, 18), Visit(0, "c", 33, 38)])


def test_a_site_without_calibration_runs_camera_by_camera(tmp_path):
    write_site(tmp_path / "shop", lonely_walker())
    site = find_site(tmp_path / "shop")
    assert site.tracker == "separate"
    assert site.calibrations == {}
    outcome = run_site(site, tmp_path / "out")
    assert outcome.summary.identities == 1
    folder = tmp_path / "out" / "shop"
    for name in CAMERAS:
        rows = (folder / f"{name}.txt").read_text().splitlines()
        assert len(rows) >= 20
        assert {row.split(",")[1] for row in rows} == {"1"}
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    decisions = [one for one in events if one["event"] == "decision"]
    assert [one["decision"] for one in decisions] == ["new", "known", "known"]
    assert len((folder / "ground.csv").read_text().splitlines()) == 1  # only the header
    settings = json.loads((folder / "run.json").read_text())["config"]
    assert "separate_tracker" in settings
    assert "ground_tracker" not in settings


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('tracker = "ground"', 'tracker: "ground" needs a calibration'),
        ('tracker = "some"', "tracker: expected"),
        ('overlaps = [["a", "z"]]', "overlaps: expected a camera of a, b, c, got 'z'"),
        ('calibration = "here"', "calibration, calibration_format: expected both or none"),
        ("travel = 5", r"travel: expected tables \[\[travel\]\], got 5"),
    ],
)
def test_what_a_site_says_wrongly_is_named(tmp_path, extra, message):
    write_site(tmp_path / "shop", lonely_walker(), extra)
    if extra.startswith("travel"):
        text = (tmp_path / "shop" / "sequence.toml").read_text()
        (tmp_path / "shop" / "sequence.toml").write_text(text.split("[[travel]]")[0])
    with pytest.raises(InputError, match=message):
        find_site(tmp_path / "shop")


def test_what_needs_the_ground_is_refused(tmp_path):
    write_site(tmp_path / "shop", lonely_walker())
    site = find_site(tmp_path / "shop")
    ground = RunConfig(run=RunOptions(site_tracker="ground"))
    with pytest.raises(InputError, match="camera a: the ground tracker needs calibrations"):
        run_site(site, tmp_path / "out", ground)
    with pytest.raises(InputError, match=r"run\.video: shop has neither images nor a"):
        run_site(site, tmp_path / "out", RunConfig(run=RunOptions(video=True)))
    assert not (tmp_path / "out").exists()
