"""Small worlds in which only appearance tells who is who.

``meet``: two people stand side by side and step to places that both may have come from, one above
the other. Position alone cannot tell who took which, so a tracker that sees appearance follows the
looks in both variants of the scenario, and one that does not is wrong in one of the two.

``return``: two people leave and come back later in each other's place.

The order in which detections are given changes from frame to frame, so that what tells people apart
is neither their row nor their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from kit import Answer, Frame

WIDTH, HEIGHT = 40, 80  # of a person, pixels
IMAGE_SIZE = (480, 640)
SETTLE = 15  # frames before anything happens
SCORE = 0.95
PEOPLE = (1, 2)
DIM = 8


@dataclass(frozen=True)
class Scenario:
    """Frames, the two moments to compare, and the left top corner of each person by frame."""

    frames: list[Frame]
    begin: int
    end: int
    places: dict[int, dict[int, np.ndarray]] = field(repr=False)


def meet(variant: int) -> Scenario:
    side, step, apart = 10, 6, 4
    middle, top = 300, 200
    places = {}
    for index in range(1, SETTLE + 1):
        places[index] = {1: (middle - side, top), 2: (middle + side, top)}
    sign = 1 if variant == 0 else -1
    for count in range(SETTLE):
        offset = sign * (step + apart * count)
        places[SETTLE + 1 + count] = {1: (middle, top - offset), 2: (middle, top + offset)}
    return _scenario(places, changed_from=SETTLE + 1)


def come_back(variant: int) -> Scenario:
    gap = 25
    left, right = (150, 200), (450, 200)
    places: dict[int, dict[int, tuple[int, int]]] = {}
    for index in range(1, SETTLE + 1):
        places[index] = {1: left, 2: right}
    for index in range(SETTLE + 1, SETTLE + gap + 1):
        places[index] = {}
    back = {1: right, 2: left} if variant == 0 else {1: left, 2: right}
    shifted = {person: (x, y + 150) for person, (x, y) in back.items()}
    for index in range(SETTLE + gap + 1, 3 * SETTLE + gap + 1):
        places[index] = shifted
    return _scenario(places, changed_from=SETTLE + gap + 1)


SCENARIOS: dict[str, Callable[[int], Scenario]] = {"meet": meet, "return": come_back}
VARIANTS = (0, 1)


def _scenario(places: dict[int, dict[int, tuple[int, int]]], changed_from: int) -> Scenario:
    # A still, textured background, so that estimates of camera motion find none.
    background = np.random.default_rng(0).integers(60, 200, (*IMAGE_SIZE, 3)).astype(np.uint8)
    frames = []
    for index, people in places.items():
        image = background.copy()
        order = list(people) if index % 2 else list(people)[::-1]
        for person in order:
            x, y = people[person]
            image[y, x] = (person, int(index >= changed_from), 255)
        boxes = [[x, y, x + WIDTH, y + HEIGHT] for x, y in (people[person] for person in order)]
        xyxy = np.array(boxes, np.float64).reshape(-1, 4)
        frames.append(Frame(index, image, xyxy, np.full(len(xyxy), SCORE)))
    corners = {
        index: {person: np.array(place, np.float64) for person, place in people.items()}
        for index, people in places.items()
    }
    return Scenario(frames, SETTLE, max(places), corners)


class KnownLooks:
    """An appearance model that reads who somebody is off the corner of the box.

    Different people have cosine distance 1. From the moment on when places are taken anew, people
    have a cosine distance of ``change`` to their former selves.
    """

    embedding_dim = DIM

    def __init__(self, change: float = 0.0) -> None:
        self._change = change

    def embed(self, images: Any, boxes_per_image: Any) -> list[np.ndarray]:
        """See `Embeds`."""
        return [
            self._vectors([image[round(y), round(x)] for x, y in np.reshape(boxes, (-1, 4))[:, :2]])
            for image, boxes in zip(images, boxes_per_image, strict=True)
        ]

    def embed_crops(self, crops: Any) -> np.ndarray:
        """See `Embeds`."""
        return self._vectors([crop[0, 0] for crop in crops])

    def _vectors(self, corners: list[np.ndarray]) -> np.ndarray:
        vectors = np.zeros((len(corners), DIM), np.float32)
        cosine = 1.0 - self._change
        for row, (person, changed, mark) in enumerate(corners):
            if mark != 255 or person not in PEOPLE:
                raise ValueError(f"row {row}: the box does not begin where a person does")
            vectors[row, person] = cosine if changed else 1.0
            vectors[row, person + len(PEOPLE)] = np.sqrt(1 - cosine**2) if changed else 0.0
        return vectors


class Disordered:
    """A model whose rows come in reverse from the moment on when places are taken anew.

    As from a broken adapter. (Two people whose looks were exchanged from the beginning would still
    be two people.)
    """

    def __init__(self, model: KnownLooks) -> None:
        self._model = model
        self._calls = 0
        self.embedding_dim = model.embedding_dim

    def embed(self, images: Any, boxes_per_image: Any) -> list[np.ndarray]:
        """See `Embeds`."""
        return [self._mix(rows) for rows in self._model.embed(images, boxes_per_image)]

    def embed_crops(self, crops: Any) -> np.ndarray:
        """See `Embeds`."""
        return self._mix(self._model.embed_crops(crops))

    def _mix(self, rows: np.ndarray) -> np.ndarray:
        self._calls += 1
        return rows[::-1] if self._calls > SETTLE else rows


def follows_looks(scenario: Scenario, answers: Iterable[Answer]) -> bool:
    """Whether both people have the same identity at the end as at the beginning."""
    by_index = {answer.index: answer for answer in answers}
    ids = []
    for index in (scenario.begin, scenario.end):
        answer, places = by_index.get(index), scenario.places[index]
        if answer is None or len(answer.ids) < len(PEOPLE):
            return False
        # Some trackers answer with filtered boxes, so the nearest one is the person's.
        corners = answer.xyxy[:, :2]
        nearest = [
            int(np.linalg.norm(corners - places[person], axis=1).argmin()) for person in PEOPLE
        ]
        ids.append([int(answer.ids[row]) for row in nearest])
    return ids[0] == ids[1] and ids[0][0] != ids[0][1]
