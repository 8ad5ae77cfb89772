"""MOTDT agrees with a plain re-implementation, one object per person; its rules one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from mtmc.trackers import Motdt, MotdtConfig, association
from mtmc.trackers.candidates import CONDITIONS, Tracklets, suppress
from mtmc.trackers.types import Detections

FPS = 30.0
GATE = 9.487729  # chi-square, 4 degrees of freedom, 95 %


class PaintedLook:
    """Scores a box by its overlap with the people who are really there, and embeds on request."""

    def __init__(self, people, looks=None):
        self.people, self.looks = people, looks
        self.scored, self.embedded = [], []

    def score(self, xyxy):
        self.scored.append(xyxy)
        return np.array([max((iou(box, who) for who in self.people), default=0.0) for box in xyxy])

    def embed(self, xyxy):
        self.embedded.append(xyxy)
        return np.array(
            [self.looks[int(np.argmax([iou(box, who) for who in self.people]))] for box in xyxy],
            np.float32,
        ).reshape(len(xyxy), -1)

    def camera_motion(self):
        raise AssertionError("MOTDT does not ask for it")


def iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def xyah(b):
    return np.array(
        [(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, (b[2] - b[0]) / (b[3] - b[1]), b[3] - b[1]]
    )


def plain_suppress(xyxy, scores, max_iou):
    kept = []
    for row in sorted(range(len(scores)), key=lambda k: (-scores[k], k)):
        if all(iou(xyxy[row], xyxy[other]) <= max_iou for other in kept):
            kept.append(row)
    return kept


class Person:
    """A track as the published code keeps it, with a filter of its own."""

    def __init__(self, candidate, frame):
        self.filter = KalmanFilter(dim_x=8, dim_z=4)
        self.filter.F = np.block([[np.eye(4), np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])
        self.filter.H = np.hstack([np.eye(4), np.zeros((4, 4))])
        self.filter.x[:4, 0] = xyah(candidate["xyxy"])
        p, v = self.variances()
        self.filter.P = np.diag([4 * p, 4 * p, 1e-4, 4 * p, 100 * v, 100 * v, 1e-10, 100 * v])
        self.id, self.state, self.end = None, "tracked", frame
        self.n, self.length, self.count = 0, 0, 1
        self.features = [candidate["look"]] if candidate["look"] is not None else []
        self.row, self.score = candidate["row"], candidate["score"]

    def variances(self):
        square = self.filter.x[3, 0] ** 2 + 1.0  # the noise of one more pixel
        return 0.05**2 * square, 0.00625**2 * square

    def predict(self):
        if self.state == "lost":
            self.filter.x[7, 0] = 0.0
        p, v = self.variances()
        self.filter.Q = np.diag([p, p, 1e-4, p, v, v, 1e-10, v])
        self.filter.predict()
        self.row = -1

    @property
    def xyxy(self):
        x, y, a, h = self.filter.x[:4, 0]
        h = max(h, 0.0)
        w = max(a, 0.0) * h
        return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])

    def measurement_noise(self):
        p, _ = self.variances()
        return np.diag([p, p, 1e-2, p])

    def squared_distance(self, candidate):
        off = xyah(candidate["xyxy"]) - self.filter.x[:4, 0]
        return off @ np.linalg.solve(self.filter.P[:4, :4] + self.measurement_noise(), off)

    def confidence(self, condition):
        enough = self.count >= 2 if condition == "detections" else self.length - self.n > 2
        return max(0.0, 1.0 - math.log(1 + 0.05 * self.n)) * enough

    def take(self, candidate, frame):
        self.filter.R = self.measurement_noise()
        self.filter.update(xyah(candidate["xyxy"]))
        if self.state == "lost":
            self.n, self.length, self.count = 0, 0, 1
        else:
            self.n = 0 if candidate["row"] >= 0 else self.n + 1
            self.length += 1
            self.count += candidate["row"] >= 0
        if candidate["look"] is not None:
            self.features = [*self.features, candidate["look"]][-100:]
        self.state, self.end = "tracked", frame
        self.row, self.score = candidate["row"], candidate["score"]


class PlainMotdt:
    """The rules in the order of the paper's published code."""

    def __init__(self, config):
        self.config, self.people, self.frame, self.next_id = config, [], 0, 1

    def update(self, detections, look):
        self.frame += 1
        for person in self.people:
            person.predict()
        candidates = self.select(detections, look)
        fresh = self.associate(candidates)
        for person in self.people:
            if person.id is None and person.length == 1:
                person.id, self.next_id = self.next_id, self.next_id + 1
        for candidate in fresh:
            if candidate["score"] >= 0.6:
                self.people.append(Person(candidate, self.frame))
        return self.report(look)

    def select(self, detections, look):
        candidates = [
            {"xyxy": box, "score": score, "row": row, "look": None, "trust": 1.0}
            for row, (box, score) in enumerate(zip(detections.xyxy, detections.scores, strict=True))
        ]
        if detections.embeddings is not None:
            for candidate, vector in zip(candidates, detections.embeddings, strict=True):
                candidate["look"] = vector
        if self.config.use_scorer:
            condition = self.config.confidence_condition
            candidates += [
                {"xyxy": p.xyxy, "row": -1, "look": None, "trust": p.confidence(condition)}
                for p in self.people
                if p.id
            ]
            boxes = np.array([c["xyxy"] for c in candidates]).reshape(-1, 4)
            for candidate, score in zip(candidates, look.score(boxes), strict=True):
                candidate["score"] = score * candidate["trust"]
            scores = [c["score"] for c in candidates]
            kept = sorted(plain_suppress(boxes, scores, 0.3))
            candidates = [candidates[row] for row in kept]
        return [c for c in candidates if c["score"] >= 0.4]

    def associate(self, candidates):
        detected = [c for c in candidates if c["row"] >= 0]
        predicted = [c for c in candidates if c["row"] < 0]
        tracked = [p for p in self.people if p.id and p.state == "tracked"]
        lost = [p for p in self.people if p.id and p.state == "lost"]
        young = [p for p in self.people if not p.id]

        def alike(person, candidate):
            if not person.features or candidate["look"] is None:
                return np.inf
            if person.squared_distance(candidate) > GATE:
                return np.inf
            return min(np.linalg.norm(each - candidate["look"]) for each in person.features)

        def apart(person, candidate):
            return 1.0 - iou(person.xyxy, candidate["xyxy"])

        limit = math.sqrt(2 * self.config.max_cosine_distance)
        tracked, detected, updates = solve(tracked, detected, alike, limit)
        _, detected, again = solve(lost, detected, alike, limit)
        tracked, rest, more = solve(tracked, detected + predicted, apart, 0.7)
        detected = [c for c in rest if c["row"] >= 0]
        young, detected, last = solve(young, detected, apart, 0.7)
        for person, candidate in updates + again + more + last:
            person.take(candidate, self.frame)
        for person in tracked:
            person.state = "lost"
        self.people = [p for p in self.people if p not in young and self.frame - p.end <= 30]
        return detected

    def report(self, look):
        shown = []
        for person in self.people:
            seen = person.end == self.frame
            if self.config.use_scorer and person.id and not seen and self.frame - person.end <= 4:
                seen = look.score(person.xyxy[None])[0] > 0.3
            if person.id and seen:
                shown.append(person)
        return shown


def solve(people, candidates, cost, limit):
    """People and candidates that are left, and the pairs."""
    if not people or not candidates:
        return people, candidates, []
    matrix = np.array([[min(cost(p, c), limit + 1e-12) for c in candidates] for p in people])
    pairs = [
        (i, j) for i, j in zip(*linear_sum_assignment(matrix), strict=True) if matrix[i, j] <= limit
    ]
    rows, columns = {i for i, _ in pairs}, {j for _, j in pairs}
    return (
        [p for i, p in enumerate(people) if i not in rows],
        [c for j, c in enumerate(candidates) if j not in columns],
        [(people[i], candidates[j]) for i, j in pairs],
    )


def painted(detections, names, rng):
    """A look that knows the true people of a frame, a few of whom the detector has missed."""
    return PaintedLook(
        [
            box + rng.normal(0, 2.0, 4)
            for box, name in zip(detections.xyxy, names, strict=True)
            if name
        ]
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("condition", [None, *CONDITIONS])
def test_it_equals_the_plain_tracker(condition, seed, make_world, monkeypatch):
    if seed % 2:  # as in large frames: neighbours are searched, components solved apart
        monkeypatch.setattr(association, "DENSE_OVERLAP_LIMIT", 0)
        monkeypatch.setattr(association, "DENSE_ASSIGNMENT_LIMIT", 0)
    config = MotdtConfig(
        use_scorer=condition is not None, confidence_condition=condition or "updates"
    )
    tracker, plain = Motdt(config), PlainMotdt(config)
    rng = np.random.default_rng(seed)
    reported = coasting = 0
    for index, (whole, names) in enumerate(make_world(seed, people=12, frames=60)):
        look = painted(whole, names, rng)
        found = rng.random(len(whole)) < 0.75  # the scorer sees people whom the detector misses
        detections = whole[found]
        tracks = tracker.update(detections, (index + 1) / FPS, look)
        expected = sorted(plain.update(detections, look), key=lambda person: person.id)
        order = np.argsort(tracks.ids)
        assert tracks.ids[order].tolist() == [person.id for person in expected]
        assert tracks.det_index[order].tolist() == [person.row for person in expected]
        if expected:
            np.testing.assert_allclose(tracks.scores[order], [p.score for p in expected], atol=1e-9)
            boxes = np.array([person.xyxy for person in expected])
            np.testing.assert_allclose(tracks.xyxy[order], boxes, atol=1e-6)
        reported += len(expected)
        coasting += sum(person.row < 0 for person in expected)
    assert reported > 100
    assert (coasting > 20) == (condition is not None)


@given(st.integers(0, 10_000), st.floats(0.05, 0.9), st.sampled_from([4, 30, 80]))
@settings(max_examples=60, deadline=None)
def test_suppression_equals_its_definition(seed, max_iou, count):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 150, (count, 2))
    xyxy = np.hstack([corner, corner + rng.uniform(5, 90, (count, 2))])
    scores = rng.integers(0, 6, count) / 5.0  # many are equal
    kept = suppress(xyxy, scores, max_iou)
    assert set(np.flatnonzero(kept).tolist()) == set(plain_suppress(xyxy, scores, max_iou))


def test_suppression_of_none_and_of_boxes_without_area():
    assert suppress(np.zeros((0, 4)), np.zeros(0), 0.3).shape == (0,)
    assert suppress(np.zeros((3, 4)), np.ones(3), 0.3).all()


def counters(events):
    """A tracklet after 'd' (detection), 'p' (prediction) and 'f' (found again) updates."""
    tracklets = Tracklets.empty()
    tracklets.add(1)
    for event in events:
        if event == "f":
            tracklets.restart(np.array([0]))
        else:
            tracklets.update(np.array([0]), np.array([event == "d"]))
    return tracklets


@pytest.mark.parametrize(
    ("events", "by_updates", "by_detections"),
    [
        ("", 0.0, 0.0),  # just born: L = 0, one detection
        ("d", 0.0, 1.0),  # L - n = 1; two detections
        ("dd", 0.0, 1.0),
        ("ddd", 1.0, 1.0),
        ("dddp", 1 - math.log(1.05), 1 - math.log(1.05)),
        ("dddpp", 1 - math.log(1.10), 1 - math.log(1.10)),
        ("dppd", 1.0, 1.0),  # n is reset, L = 4: predictions of the gap count for the code
        ("dp", 0.0, 1 - math.log(1.05)),
        ("dddf", 0.0, 0.0),  # found again: everything begins anew
        ("dddfd", 0.0, 1.0),
        ("ddd" + "p" * 40, 0.0, 0.0),  # 1 - ln 3 is below 0
    ],
)
def test_confidence_by_both_conditions(events, by_updates, by_detections):
    tracklets = counters(events)
    assert tracklets.confidence("updates") == pytest.approx([by_updates])
    assert tracklets.confidence("detections") == pytest.approx([by_detections])


BOX = np.array([100.0, 100.0, 150.0, 220.0])
LOOK = np.eye(8, dtype=np.float32)


def one(box=BOX, score=0.9, look=None):
    vectors = None if look is None else LOOK[look][None]
    return Detections(np.array(box)[None], np.array([score]), vectors)


class FixedLook(PaintedLook):
    """Gives every box the same score."""

    def __init__(self, value):
        super().__init__([])
        self.value = value

    def score(self, xyxy):
        self.scored.append(xyxy)
        return np.full(len(xyxy), self.value)


def feed(tracker, frames, look=None, first=0):
    return [tracker.update(each, (first + k + 1) / FPS, look) for k, each in enumerate(frames)]


def test_a_prediction_takes_the_place_of_a_missed_detection():
    tracker = Motdt(MotdtConfig(use_scorer=True))
    feed(tracker, [one()] * 8, FixedLook(0.95))
    results = feed(tracker, [Detections.empty()] * 9, FixedLook(0.95), first=8)
    assert all(len(tracks) == 1 for tracks in results)
    assert all(tracks.det_index.tolist() == [-1] for tracks in results)
    # Its confidence falls: 1 - ln(1 + 0.05 n) for the n updates by predictions before.
    expected = [0.95 * (1 - math.log(1 + 0.05 * n)) for n in range(9)]
    np.testing.assert_allclose([tracks.scores[0] for tracks in results], expected)


def test_a_prediction_that_shows_nobody_is_lost_at_once():
    tracker = Motdt(MotdtConfig(use_scorer=True))
    feed(tracker, [one()] * 8, FixedLook(0.95))
    assert len(feed(tracker, [Detections.empty()], FixedLook(0.2), first=8)[0]) == 0


def test_a_lost_track_is_shown_for_four_frames_while_it_scores():
    tracker = Motdt(MotdtConfig(use_scorer=True))
    feed(tracker, [one()] * 8, FixedLook(0.95))
    # Not enough for a candidate, enough to be shown.
    results = feed(tracker, [Detections.empty()] * 6, FixedLook(0.35), first=8)
    assert [len(tracks) for tracks in results] == [1, 1, 1, 1, 0, 0]


def test_the_score_of_the_detector_is_not_used_with_a_scorer():
    sure = feed(Motdt(MotdtConfig(use_scorer=True)), [one(score=0.01)] * 5, FixedLook(0.9))
    assert len(sure[-1]) == 1
    assert sure[-1].scores.tolist() == [0.9]
    doubtful = feed(Motdt(MotdtConfig(use_scorer=True)), [one(score=0.99)] * 5, FixedLook(0.5))
    assert len(doubtful[-1]) == 0  # 0.5 is a candidate, but begins no track


def test_only_what_is_kept_is_embedded():
    tracker = Motdt(MotdtConfig(use_scorer=True, use_embedder=True))
    far = BOX + 400.0
    look = PaintedLook([BOX, far], [LOOK[0], LOOK[1]])
    near_double = BOX + np.array([4.0, 0.0, 4.0, 0.0])
    boxes = np.array([BOX, near_double, BOX + 800.0, far])
    tracker.update(Detections(boxes, np.full(4, 0.9)), 0.1, look)
    (embedded,) = look.embedded
    np.testing.assert_array_equal(embedded, np.array([BOX, far]))


def test_vectors_that_detections_bring_are_used_as_they_are():
    tracker = Motdt(MotdtConfig(use_embedder=True))
    look = PaintedLook([BOX], [LOOK[0]])
    feed(tracker, [one(look=0)] * 3, look)
    assert look.embedded == []


def jump(looks):
    """Somebody is lost for 20 frames and comes back two box widths on."""
    tracker = Motdt(MotdtConfig(max_lost_s=2.0))
    first = feed(tracker, [one(look=looks and 0)] * 10)
    feed(tracker, [Detections.empty()] * 20, first=10)
    moved = BOX + np.array([60.0, 0.0, 60.0, 0.0])
    last = feed(tracker, [one(moved, look=looks and 0)] * 3, first=30)
    return first[-1].ids.tolist(), last[-1].ids.tolist()


def test_a_lost_track_is_found_again_by_appearance():
    before, after = jump(looks=True)
    assert before == after == [1]


def test_without_appearance_only_overlap_finds_it():
    before, after = jump(looks=None)
    assert before != after


def test_a_lost_track_is_not_found_by_overlap_when_looks_differ():
    tracker = Motdt()
    before = feed(tracker, [one(look=0)] * 10)[-1].ids.tolist()
    feed(tracker, [Detections.empty()] * 3, first=10)
    after = feed(tracker, [one(look=1)] * 3, first=13)[-1].ids.tolist()
    assert before != after


def test_a_tracked_person_may_change_looks():
    # The first association fails; overlap with the prediction holds the track.
    tracker = Motdt()
    before = feed(tracker, [one(look=0)] * 10)[-1].ids.tolist()
    assert feed(tracker, [one(look=1)] * 3, first=10)[-1].ids.tolist() == before


def test_an_unconfirmed_track_needs_a_second_detection():
    tracker = Motdt(MotdtConfig(use_scorer=True))
    look = FixedLook(0.95)
    counts = [len(t) for t in feed(tracker, [one(), Detections.empty(), Detections.empty()], look)]
    assert counts == [0, 0, 0]


def test_what_is_asked_for_must_be_there():
    for config in (MotdtConfig(use_scorer=True), MotdtConfig(use_embedder=True)):
        with pytest.raises(ValueError, match="look: expected one"):
            Motdt(config).update(one(), 0.1)


@pytest.mark.parametrize("value", [float("nan"), 1.5, -0.1])
def test_scores_of_a_scorer_are_checked(value):
    with pytest.raises(ValueError, match=r"look\.score: expected 1 numbers from 0 to 1"):
        Motdt(MotdtConfig(use_scorer=True)).update(one(), 0.1, FixedLook(value))


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="confidence_condition: expected one of updates, detect"):
        MotdtConfig(confidence_condition="often")
    with pytest.raises(ValueError, match=r"new_track_score: expected at least 0\.7"):
        MotdtConfig(min_score=0.7, new_track_score=0.6)
