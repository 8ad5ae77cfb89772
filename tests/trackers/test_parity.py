"""SORT and ByteTrack agree with plain re-implementations: one object per person, full matrices."""

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from scipy.optimize import linear_sum_assignment

from mtmc.trackers import ByteTrack, ByteTrackConfig, Sort, SortConfig, association

FPS = 30.0
F = np.block([[np.eye(4), np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])
TENTATIVE, TRACKED, LOST = "tentative", "tracked", "lost"


def iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def solve(people, rows, cost, max_cost):
    """Pairs (person, row) of the assignment, where leaving two alone costs ``max_cost``."""
    if not people or not rows:
        return []
    matrix = np.array(
        [[min(cost(person, row), max_cost + 1e-12) for row in rows] for person in people]
    )
    return [
        (people[i], rows[j])
        for i, j in zip(*linear_sum_assignment(matrix), strict=True)
        if matrix[i, j] <= max_cost
    ]


class Person:
    """One track: its filter, its state and its counters."""

    def __init__(self, model, xyxy, score, frame, row):
        self.model, self.state, self.id = model, TENTATIVE, None
        self.hits, self.seen, self.score, self.row = 1, frame, score, row
        self.filter = KalmanFilter(dim_x=8, dim_z=4)
        self.filter.F, self.filter.H = F, np.hstack([np.eye(4), np.zeros((4, 4))])
        values = model.values(xyxy)
        self.filter.x[:4, 0] = values
        self.filter.P = np.diag(model.initial(values))

    def predict(self):
        self.model.before_predict(self)
        self.filter.Q = np.diag(self.model.process(self.filter.x[:4, 0]))
        self.filter.predict()

    def update(self, xyxy, score, frame, row):
        self.filter.R = np.diag(self.model.measurement(self.filter.x[:4, 0]))
        self.filter.update(self.model.values(xyxy))
        self.hits, self.seen, self.score, self.row = self.hits + 1, frame, score, row

    @property
    def xyxy(self):
        return self.model.xyxy(self.filter.x[:4, 0])


class SortModel:
    def values(self, b):
        width, height = b[2] - b[0], b[3] - b[1]
        return np.array([(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, width * height, width / height])

    def xyxy(self, v):
        if v[2] <= 0 or v[3] <= 0:
            return np.array([v[0], v[1], v[0], v[1]])
        width = np.sqrt(v[2] * v[3])
        height = v[2] / width
        return np.array([v[0] - width / 2, v[1] - height / 2, v[0] + width / 2, v[1] + height / 2])

    def initial(self, values):
        return [10, 10, 10, 10, 1e4, 1e4, 1e4, 0]

    def process(self, values):
        return [1, 1, 1, 1, 1e-2, 1e-2, 1e-4, 0]

    def measurement(self, values):
        return [1, 1, 10, 10]

    def before_predict(self, person):
        x = person.filter.x
        if x[2, 0] + x[6, 0] <= 0:
            x[6, 0] = 0.0


class ByteModel:
    def values(self, b):
        width, height = b[2] - b[0], b[3] - b[1]
        return np.array([(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, width / height, height])

    def xyxy(self, v):
        height = max(v[3], 0.0)
        width = max(v[2], 0.0) * height
        return np.array([v[0] - width / 2, v[1] - height / 2, v[0] + width / 2, v[1] + height / 2])

    def _scale(self, values):  # height, with the noise of one more pixel
        return values[3] ** 2 + 1.0

    def initial(self, values):
        p, v = 0.05**2 * self._scale(values), 0.00625**2 * self._scale(values)
        return [4 * p, 4 * p, 1e-4, 4 * p, 100 * v, 100 * v, 1e-10, 100 * v]

    def process(self, values):
        p, v = 0.05**2 * self._scale(values), 0.00625**2 * self._scale(values)
        return [p, p, 1e-4, p, v, v, 1e-10, v]

    def measurement(self, values):
        p = 0.05**2 * self._scale(values)
        return [p, p, 1e-2, p]

    def before_predict(self, person):
        if person.seen_last_frame is False:
            person.filter.x[7, 0] = 0.0


class Plain:
    """What both have in common: counters, births, deaths and the report."""

    def __init__(self, config, model):
        self.config, self.model = config, model
        self.people, self.next_id, self.frame = [], 1, 0

    def update(self, detections):
        self.frame += 1
        for person in self.people:
            person.seen_last_frame = person.seen == self.frame - 1
            person.predict()
        pairs, left = self.associate(detections)
        for person, row in pairs:
            person.update(detections.xyxy[row], detections.scores[row], self.frame, row)
        max_lost = round(self.config.max_lost_s * FPS)
        self.people = [
            person
            for person in self.people
            if person.seen == self.frame or (person.id and self.frame - person.seen <= max_lost)
        ]
        for row in sorted(left):
            xyxy, score = detections.xyxy[row], detections.scores[row]
            self.people.append(Person(self.model, xyxy, score, self.frame, row))
        for person in self.people:
            if person.id is None and person.hits >= self.config.min_hits:
                person.id, self.next_id = self.next_id, self.next_id + 1
        return [person for person in self.people if person.id and person.seen == self.frame]


class PlainSort(Plain):
    def associate(self, detections):
        rows = [k for k, score in enumerate(detections.scores) if score >= self.config.min_score]
        pairs = solve(
            self.people,
            rows,
            lambda person, row: 1 - iou(person.xyxy, detections.xyxy[row]),
            1 - self.config.min_iou,
        )
        return pairs, set(rows) - {row for _, row in pairs}


class PlainByteTrack(Plain):
    def associate(self, detections):
        config, scores = self.config, detections.scores
        high = [k for k, score in enumerate(scores) if score >= config.high_score]
        low = [k for k, score in enumerate(scores) if config.low_score <= score < config.high_score]

        def distance(person, row):
            return 1 - iou(person.xyxy, detections.xyxy[row])

        def fused(person, row):
            return 1 - iou(person.xyxy, detections.xyxy[row]) * scores[row]

        confirmed = [person for person in self.people if person.id]
        first = solve(
            confirmed, high, fused if config.fuse_scores else distance, 1 - config.min_iou
        )
        taken, used = {id(person) for person, _ in first}, {row for _, row in first}
        waiting = [p for p in confirmed if id(p) not in taken and p.seen_last_frame]
        second = solve(waiting, low, distance, 1 - config.min_iou_low)
        third = solve(
            [person for person in self.people if not person.id],
            [row for row in high if row not in used],
            distance,
            1 - config.min_iou_tentative,
        )
        left = {
            row
            for row in set(high) - used - {row for _, row in third}
            if scores[row] >= config.new_track_score
        }
        return first + second + third, left


def contenders(name):
    if name == "sort":
        config = SortConfig(min_score=0.4, max_lost_s=0.5)
        return Sort(config), PlainSort(config, SortModel())
    config = ByteTrackConfig(
        fuse_scores=name == "bytetrack-fused",
        max_lost_s=0.5,
        high_score=0.5,
        new_track_score=0.6,
        position_std=0.05,
        velocity_std=0.00625,
    )
    return ByteTrack(config), PlainByteTrack(config, ByteModel())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["sort", "bytetrack", "bytetrack-fused"])
def test_it_equals_the_plain_tracker(name, seed, make_world, monkeypatch):
    if seed % 2:  # as in large frames: neighbours are searched, components solved apart
        monkeypatch.setattr(association, "DENSE_OVERLAP_LIMIT", 0)
        monkeypatch.setattr(association, "DENSE_ASSIGNMENT_LIMIT", 0)
    tracker, plain = contenders(name)
    people = 40 if seed < 2 else 9
    reported = 0
    for index, (detections, _) in enumerate(make_world(seed, people=people, frames=60)):
        tracks = tracker.update(detections, (index + 1) / FPS)
        expected = sorted(plain.update(detections), key=lambda person: person.id)
        order = np.argsort(tracks.ids)
        assert tracks.ids[order].tolist() == [person.id for person in expected]
        assert tracks.det_index[order].tolist() == [person.row for person in expected]
        if expected:
            boxes = np.array([person.xyxy for person in expected])
            np.testing.assert_allclose(tracks.xyxy[order], boxes, atol=1e-6)
        reported += len(expected)
    assert reported > 100
