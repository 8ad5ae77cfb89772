"""All trackers but DeepSORT and MOTDT agree with plain re-implementations.

Those have one object per person, full matrices, and a loop for everything.
"""

import copy
import dataclasses
import math

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from scipy.optimize import linear_sum_assignment

from mtmc.trackers import (
    BotSort,
    BotSortConfig,
    ByteTrack,
    ByteTrackConfig,
    CbIou,
    CbIouConfig,
    Evidence,
    EvidenceConfig,
    OcSort,
    OcSortConfig,
    Sort,
    SortConfig,
    association,
)

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

    person = Person

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
        self.people = [
            person
            for person in self.people
            if person.seen == self.frame
            or (person.id and self.frame - person.seen <= self.max_lost_frames(person))
        ]
        for row in sorted(row for row in left if not self.is_double(row)):
            xyxy, score = detections.xyxy[row], detections.scores[row]
            self.people.append(self.person(self.model, xyxy, score, self.frame, row))
            self.born(self.people[-1], row)
        for person in self.people:
            if person.id is None and person.hits >= self.config.min_hits:
                person.id, self.next_id = self.next_id, self.next_id + 1
        return [person for person in self.people if person.id and person.seen == self.frame]

    def is_double(self, row):
        return False

    def max_lost_frames(self, person):
        return round(self.config.max_lost_s * FPS)

    def born(self, person, row):
        """What a tracker wants to note of a new track."""


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
    def fused(self, person, row, detections):
        return 1 - iou(person.xyxy, detections.xyxy[row]) * detections.scores[row]

    def associate(self, detections):
        config, scores = self.config, detections.scores
        high = [k for k, score in enumerate(scores) if score >= config.high_score]
        low = [k for k, score in enumerate(scores) if config.low_score <= score < config.high_score]

        def distance(person, row):
            return 1 - iou(person.xyxy, detections.xyxy[row])

        def fused(person, row):
            return self.fused(person, row, detections)

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


class ObservedPerson(Person):
    """A track of OC-SORT: it also knows its boxes and the filter as its last box left it."""

    def __init__(self, model, xyxy, score, frame, row):
        super().__init__(model, xyxy, score, frame, row)
        self.boxes = {frame: xyxy}
        self.seen_filter = copy.deepcopy(self.filter)

    def update(self, xyxy, score, frame, row):
        gap = frame - self.seen
        if gap > 1:  # the filter is run anew along the line between the two boxes
            first = self.boxes[self.seen]
            self.filter = copy.deepcopy(self.seen_filter)
            for step in range(1, gap):
                self.predict()
                virtual = first + (xyxy - first) * step / gap
                self.filter.R = np.diag(self.model.measurement(None))
                self.filter.update(self.model.values(virtual))
            self.predict()
        super().update(xyxy, score, frame, row)
        self.boxes[frame] = xyxy
        self.seen_filter = copy.deepcopy(self.filter)

    def turn(self, xyxy, window):
        """Half turns between the way it went and the way to a box."""
        earlier = [frame for frame in self.boxes if frame < self.seen]
        if not earlier:
            return 0.5
        recent = [frame for frame in earlier if frame >= self.seen - window]
        before = self.boxes[min(recent) if recent else max(earlier)]
        went = centre(self.boxes[self.seen]) - centre(before)
        goes = centre(xyxy) - centre(self.boxes[self.seen])
        if not went.any() or not goes.any():
            return 0.5
        cosine = went @ goes / (math.hypot(*went) * math.hypot(*goes))
        return math.acos(min(max(cosine, -1.0), 1.0)) / math.pi


def centre(xyxy):
    return (xyxy[:2] + xyxy[2:]) / 2


class PlainOcSort(Plain):
    person = ObservedPerson

    def associate(self, detections):
        config, xyxy = self.config, detections.xyxy
        rows = [k for k, score in enumerate(detections.scores) if score >= config.min_score]
        window = round(config.direction_s * FPS)
        weight, most = config.direction_weight, 1 - config.min_iou + config.direction_weight

        def cost(person, row):
            overlap = iou(person.xyxy, xyxy[row])
            if overlap < config.min_iou:
                return np.inf
            return 1 - overlap + weight * person.turn(xyxy[row], window)

        first = solve(self.people, rows, cost, most)
        taken, used = {id(person) for person, _ in first}, {row for _, row in first}
        second = solve(
            [person for person in self.people if id(person) not in taken],
            [row for row in rows if row not in used],
            lambda person, row: 1 - iou(person.boxes[person.seen], xyxy[row]),
            1 - config.min_iou,
        )
        pairs = first + second
        return pairs, set(rows) - {row for _, row in pairs}


class SizeModel:
    """Centre, width and height with noise in proportion to the size (BoT-SORT)."""

    def values(self, b):
        return np.array([(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, b[2] - b[0], b[3] - b[1]])

    def xyxy(self, v):
        width, height = max(v[2], 0.0), max(v[3], 0.0)
        return np.array([v[0] - width / 2, v[1] - height / 2, v[0] + width / 2, v[1] + height / 2])

    def _sizes(self, values):
        return np.maximum(values[[2, 3, 2, 3]], 1.0) ** 2

    def initial(self, values):
        sizes = self._sizes(values)
        return [*(4 * 0.05**2 * sizes), *(100 * 0.00625**2 * sizes)]

    def process(self, values):
        sizes = self._sizes(values)
        return [*(0.05**2 * sizes), *(0.00625**2 * sizes)]

    def measurement(self, values):
        return 0.05**2 * self._sizes(values)

    def before_predict(self, person):
        if person.seen_last_frame is False:
            person.filter.x[6:, 0] = 0.0


class PlainBotSort(PlainByteTrack):
    """With a camera that moves, which the filters are told, and looks."""

    def __init__(self, config, model, affine):
        super().__init__(config, model)
        self.matrix = np.kron(np.eye(4), affine[:, :2])
        self.shift = np.array([*affine[:, 2], 0, 0, 0, 0, 0, 0])[:, None]

    def associate(self, detections):
        for person in self.people:
            person.filter.x = self.matrix @ person.filter.x + self.shift
            person.filter.P = self.matrix @ person.filter.P @ self.matrix.T
        self.looks = detections.embeddings
        pairs, left = super().associate(detections)
        for person, row in pairs:
            if detections.scores[row] >= self.config.high_score:
                mixed = 0.9 * person.look + 0.1 * detections.embeddings[row]
                person.look = mixed / np.linalg.norm(mixed)
        return pairs, left

    def born(self, person, row):
        person.look = self.looks[row]

    def fused(self, person, row, detections):
        overlap = iou(person.xyxy, detections.xyxy[row])
        cost = 1 - overlap * detections.scores[row]
        distance = 1 - person.look @ detections.embeddings[row]
        if distance < self.config.max_cosine_distance and overlap > self.config.min_iou_appearance:
            cost = min(cost, 0.5 * distance)
        return cost


class PlainEvidence(Plain):
    """Every cost of every pair, straight from the formula."""

    def cost(self, person, xyxy, score, look):
        config, values = self.config, self.model.values(xyxy)
        mean, cov = person.filter.x[:4, 0], person.filter.P[:4, :4]
        height = max(mean[3], 1.0)
        noise = self.model.measurement(mean)
        cost = -2 * math.log(max(score, 1e-3))
        for axis in (0, 1):
            variance = cov[axis, axis] + noise[axis]
            cost += (values[axis] - mean[axis]) ** 2 / variance
            cost += math.log(variance / (2 * (config.position_std * height) ** 2))
        cost += (math.log(height / values[3]) / config.size_std) ** 2
        distance = self.distance(person, look)
        if distance is not None:
            cost += config.appearance_weight * (distance / config.max_cosine_distance - 1)
        return cost

    def distance(self, person, look):
        if look is None or not person.gallery:
            return None
        return 1 - max(float(stored @ look) for stored in person.gallery)

    def reachable(self, person, xyxy, look):
        """Cosine distance to a look that a lost person could have brought there, or infinity."""
        config, values = self.config, self.model.values(xyxy)
        distance, mean = self.distance(person, look), person.filter.x[:4, 0]
        height = max(mean[3], 1.0)
        lost_s = (self.frame - person.seen) / FPS
        far = math.hypot(*(values[:2] - mean[:2]))
        ratio = max(height / values[3], values[3] / height)
        if distance is None or far > height * (config.reach + config.reach_per_s * lost_s):
            return np.inf
        return distance if ratio <= config.max_height_ratio else np.inf

    def associate(self, detections):
        config, xyxy, scores = self.config, detections.xyxy, detections.scores
        high = [k for k, score in enumerate(scores) if score >= config.high_score]
        low = [k for k, score in enumerate(scores) if config.low_score <= score < config.high_score]
        looks = {
            k: detections.embeddings[k]
            for k in high
            if all(iou(xyxy[k], xyxy[j]) < config.max_crop_iou for j in high + low if j != k)
        }

        def overlap(person, row):
            return 1 - iou(person.xyxy, xyxy[row])

        confirmed = [person for person in self.people if person.id]
        proven = [p for p in confirmed if p.seen_last_frame or p.hits >= config.min_hits_lost]
        rounds = [
            (
                confirmed,
                high,
                lambda p, k: self.cost(p, xyxy[k], scores[k], looks.get(k)),
                config.max_cost,
            ),
            (proven, low, overlap, 1 - config.min_iou_low),
            (
                proven,
                high,
                lambda p, k: self.reachable(p, xyxy[k], looks.get(k)),
                config.max_cosine_distance,
            ),
            (
                [person for person in self.people if not person.id],
                high,
                overlap,
                1 - config.min_iou_tentative,
            ),
        ]
        pairs = []
        for people, rows, cost, most in rounds:
            busy, used = {id(person) for person, _ in pairs}, {row for _, row in pairs}
            pairs += solve(
                [person for person in people if id(person) not in busy],
                [row for row in rows if row not in used],
                cost,
                most,
            )
        self.looks, self.boxes = looks, xyxy
        for person, row in pairs:
            if row in looks:
                person.gallery = [*person.gallery, looks[row]][-config.gallery_size :]
        left = set(high) - {row for _, row in pairs}
        return pairs, {row for row in left if scores[row] >= config.new_track_score}

    def is_double(self, row):
        tracked = [person for person in self.people if person.id and person.seen == self.frame]
        return any(iou(p.xyxy, self.boxes[row]) >= self.config.max_birth_iou for p in tracked)

    def max_lost_frames(self, person):
        limit = self.config.max_lost_s if person.gallery else self.config.max_blind_s
        return round(limit * FPS)

    def born(self, person, row):
        person.gallery = [self.looks[row]] if row in self.looks else []


class LastBoxes:
    """A track of C-BIoU: its boxes and nothing else."""

    def __init__(self, model, xyxy, score, frame, row):
        self.steps, self.id, self.hits = model, None, 1
        self.seen, self.row, self.boxes, self.now = frame, row, [(frame, xyxy)], frame

    def predict(self):
        self.now += 1

    def update(self, xyxy, score, frame, row):
        self.boxes = [*self.boxes, (frame, xyxy)][-self.steps - 1 :]
        self.hits, self.seen, self.row = self.hits + 1, frame, row

    @property
    def xyxy(self):
        (first, old), (last, new) = self.boxes[0], self.boxes[-1]
        if first == last:
            return new
        box = new + (new - old) / (last - first) * (self.now - last)
        for low, high in ((0, 2), (1, 3)):
            if box[high] < box[low]:
                box[low] = box[high] = (box[low] + box[high]) / 2
        return box


class PlainCbIou(Plain):
    person = LastBoxes

    def associate(self, detections):
        config, xyxy = self.config, detections.xyxy
        rows = [k for k, score in enumerate(detections.scores) if score >= config.min_score]
        people, pairs = list(self.people), []
        for buffer in (config.small_buffer, config.large_buffer):

            def distance(person, row, buffer=buffer):
                return 1 - iou(wider(person.xyxy, buffer), wider(xyxy[row], buffer))

            found = solve(people, rows, distance, 1 - config.min_iou)
            pairs += found
            people = [each for each in people if all(each is not other for other, _ in found)]
            rows = [row for row in rows if all(row != other for _, other in found)]
        return pairs, set(rows)


def wider(b, buffer):
    x, y = buffer * (b[2] - b[0]), buffer * (b[3] - b[1])
    return np.array([b[0] - x, b[1] - y, b[2] + x, b[3] + y])


def contenders(name):
    if name == "sort":
        config = SortConfig(min_score=0.4, max_lost_s=0.5)
        return Sort(config), PlainSort(config, SortModel())
    if name == "ocsort":
        config = OcSortConfig(min_score=0.4, max_lost_s=0.5)
        return OcSort(config), PlainOcSort(config, SortModel())
    if name == "cbiou":
        config = CbIouConfig(min_score=0.4, max_lost_s=0.5)
        return CbIou(config), PlainCbIou(config, config.velocity_steps)
    thresholds = {"max_lost_s": 0.5, "high_score": 0.5, "new_track_score": 0.6}
    noise = {"position_std": 0.05, "velocity_std": 0.00625}
    if name == "botsort":
        config = BotSortConfig(**thresholds, **noise)
        return BotSort(config), PlainBotSort(config, SizeModel(), CAMERA)
    if name == "evidence":
        # Narrow limits, so that all of them decide something in a small world.
        config = EvidenceConfig(
            max_cost=3.0,
            reach=0.03,
            reach_per_s=0.2,
            max_height_ratio=1.02,
            max_cosine_distance=0.012,
            max_blind_s=0.4,
            max_birth_iou=0.2,
            min_hits_lost=6,
            gallery_size=3,
            coast_s=0.0,
            **thresholds,
            **noise,
        )
        return Evidence(config), PlainEvidence(config, ByteModel())
    fuse = name == "bytetrack-fused"
    config = ByteTrackConfig(fuse_scores=fuse, **thresholds, **noise)
    return ByteTrack(config), PlainByteTrack(config, ByteModel())


# From frame to frame the camera turns and shifts a little.
CAMERA = np.array(
    [[math.cos(0.002), -math.sin(0.002), 1.5], [math.sin(0.002), math.cos(0.002), -0.5]]
)


class Turning:
    """A look that knows how the camera moved, and nothing else."""

    def camera_motion(self):
        return CAMERA


def seen_by_turning_camera(world):
    """The same people in images of a camera that turns; boxes keep their size."""
    position = np.eye(3)
    for detections, names in world:
        middle = (detections.xyxy[:, :2] + detections.xyxy[:, 2:]) / 2
        moved = middle @ position[:2, :2].T + position[:2, 2] - middle
        yield dataclasses.replace(detections, xyxy=detections.xyxy + np.tile(moved, 2)), names
        position = np.vstack([CAMERA, [0, 0, 1]]) @ position


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "name", ["sort", "bytetrack", "bytetrack-fused", "ocsort", "botsort", "cbiou", "evidence"]
)
def test_it_equals_the_plain_tracker(name, seed, make_world, monkeypatch):
    if seed % 2:  # as in large frames: neighbours are searched, components solved apart
        monkeypatch.setattr(association, "DENSE_OVERLAP_LIMIT", 0)
        monkeypatch.setattr(association, "DENSE_ASSIGNMENT_LIMIT", 0)
    tracker, plain = contenders(name)
    people = 40 if seed < 2 else 9
    reported = 0
    dropout = 0.3 if name == "evidence" else 0.1
    world = make_world(seed, people=people, frames=60, dropout=dropout)
    if name == "botsort":
        world = seen_by_turning_camera(world)
    for index, (detections, _) in enumerate(world):
        tracks = tracker.update(detections, (index + 1) / FPS, Turning())
        expected = sorted(plain.update(detections), key=lambda person: person.id)
        order = np.argsort(tracks.ids)
        assert tracks.ids[order].tolist() == [person.id for person in expected]
        assert tracks.det_index[order].tolist() == [person.row for person in expected]
        if expected:
            boxes = np.array([person.xyxy for person in expected])
            np.testing.assert_allclose(tracks.xyxy[order], boxes, atol=1e-6)
        reported += len(expected)
    assert reported > 100
