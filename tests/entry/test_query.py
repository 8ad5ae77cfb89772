"""The entry query over a scripted tracker, whose errors are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.entry import EntryConfig, EntryQuery
from mtmc.entry.relabelling import consistent
from mtmc.late_decisions import LateDecisions
from mtmc.reid.gallery import GalleryConfig, ScaleConfig
from mtmc.sites import Area
from mtmc.types import Detections, FloatArray, Frame, GlobalTrack, Relabel, View

DOOR = (1.0, 0.3)
ENTRIES = (Area.rectangle(0.5, 0.0, 1.5, 0.8),)
RATE = 10.0
CAMERAS = ("a", "b")


@dataclass
class Script:
    """What the tracker underneath says: per frame, (key, who it really is, place)."""

    frames: list[list[tuple[int, int, tuple[float, float]]]] = field(default_factory=list)

    def add(self, count: int, *people: tuple[int, int, Sequence[float]]) -> Script:
        """So many frames in which people stand, or walk when two places are given."""
        for step in range(count):
            share = step / max(count - 1, 1)
            now = []
            for key, who, place in people:
                x, y = place[0], place[1]
                if len(place) == 4:
                    x, y = x + share * (place[2] - x), y + share * (place[3] - y)
                now.append((key, who, (x, y)))
            self.frames.append(now)
        return self


class Scripted:
    """A `GlobalTracker` that says what its script says."""

    def __init__(self, script: Script) -> None:
        self._script, self._index = script, 0

    def update(self, views: Sequence[View]) -> list[GlobalTrack | Relabel]:
        self._index += 1
        people = self._script.frames[self._index - 1]
        return [
            GlobalTrack(key, self._index, place, tuple((camera, row) for camera in CAMERAS))
            for row, (key, _, place) in enumerate(people)
        ]

    def flush(self) -> list[GlobalTrack | Relabel]:
        return []


def looks(
    who: int, camera: str, rng: np.random.Generator, noise: float, dim: int = 32
) -> FloatArray:
    base = np.random.default_rng(who).normal(size=dim)
    bias = 0.2 * np.random.default_rng(1000 + ord(camera)).normal(size=dim)
    vector = base / np.linalg.norm(base) + bias / np.sqrt(dim) + noise * rng.normal(size=dim)
    return np.asarray(vector / np.linalg.norm(vector))


def play(
    script: Script,
    noise: float = 0.05,
    embeddings: bool = True,
    config: EntryConfig | None = None,
    entries: Sequence[Area] = ENTRIES,
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]], EntryQuery]:
    """Run it: (frame, who, final identity), and the same with the identities as they came out."""
    rng = np.random.default_rng(0)
    query = EntryQuery(Scripted(script), CAMERAS, config, None, entries)
    late, rows, live = LateDecisions(), [], []

    def take(found: Sequence[GlobalTrack | Relabel]) -> None:
        for one in found:
            if isinstance(one, Relabel):
                late.note(one, len(rows))
                continue
            people = script.frames[one.frame_index - 1]
            who = next(w for _, w, place in people if place == one.ground_xy)
            rows.append((one.frame_index, who, one.id))

    for number, people in enumerate(script.frames, 1):
        views = []
        for camera in CAMERAS:
            # people stand apart in the images: nobody covers anybody
            xyxy = np.array([[100.0 * r, 0, 100 * r + 40, 100] for r in range(len(people))])
            vectors = np.array([looks(who, camera, rng, noise) for _, who, _ in people])
            views.append(
                View(
                    Frame(camera, number, number / RATE),
                    Detections(
                        xyxy.reshape(-1, 4), np.ones(len(people)),
                        vectors.reshape(-1, 32).astype(np.float32) if embeddings else None,
                    ),
                )
            )  # fmt: skip
        take(query.update(views))
    take(query.flush())
    live = rows
    final = [(f, who, late.final(i, f, n)) for n, (f, who, i) in enumerate(rows)]
    return final, live, query


def identities(rows: Sequence[tuple[int, int, int]]) -> dict[int, set[int]]:
    """Identities that each person had."""
    found: dict[int, set[int]] = {}
    for _, who, identity in rows:
        found.setdefault(who, set()).add(identity)
    return found


def one_each(rows: Sequence[tuple[int, int, int]]) -> None:
    """Everybody has one identity, and nobody somebody else's."""
    found = identities(rows)
    assert all(len(own) == 1 for own in found.values()), found
    assert len({next(iter(own)) for own in found.values()}) == len(found), found


def visit(script: Script, key: int, who: int, frames: int = 40, x: float = 3.0) -> Script:
    """In by the door, a stay, and out again."""
    script.add(20, (key, who, (*DOOR, x, 3.0)))
    script.add(frames, (key, who, (x, 3.0)))
    return script.add(20, (key, who, (x, 3.0, *DOOR))).add(20)


def test_who_comes_back_is_known_and_who_does_not_is_new() -> None:
    script = Script()
    for key, who in enumerate((7, 8, 7, 9, 8, 7), 1):
        visit(script, key, who)
    final, live, query = play(script)
    one_each(final)
    assert len(identities(live)[7]) > 1  # tentative at first
    told = [event.details["answer"] for event in query.take_events()]
    assert told.count("new") == 3
    assert told.count("known") == 3


def test_decisions_tell_their_evidence() -> None:
    script = Script()
    for key, who in enumerate((7, 8, 7), 1):
        visit(script, key, who)
    _, _, query = play(script)
    last = [e.details for e in query.take_events() if e.details["answer"] == "known"][-1]
    first, second = last["candidates"]
    assert first["identity"] == last["identity"] != second["identity"]
    assert first["distance"] < last["threshold"] < second["distance"]
    assert last["crops"] >= EntryConfig().min_crops


def test_only_those_who_are_not_there_are_candidates() -> None:
    # 7 stays; somebody who looks exactly the same comes in
    script = Script().add(20, (1, 7, (*DOOR, 4.0, 3.0))).add(40, (1, 7, (4.0, 3.0)))
    script.add(20, (1, 7, (4.0, 3.0)), (2, 7, (*DOOR, 2.0, 3.0)))
    script.add(40, (1, 7, (4.0, 3.0)), (2, 7, (2.0, 3.0)))
    final, _, _ = play(script)
    for frame in {f for f, _, _ in final}:
        there = [identity for f, _, identity in final if f == frame]
        assert len(set(there)) == len(there)


def test_two_who_come_at_once_are_told_apart_one_to_one() -> None:
    script = Script()
    visit(script, 1, 7)
    visit(script, 2, 8)
    script.add(20, (3, 8, (*DOOR, 2.0, 3.0)), (4, 7, (1.0, 0.5, 4.0, 3.0)))
    script.add(40, (3, 8, (2.0, 3.0)), (4, 7, (4.0, 3.0)))
    one_each(play(script)[0])


def test_an_exchange_is_put_right_from_where_the_two_were_closest() -> None:
    script = Script().add(20, (1, 7, (*DOOR, 4.0, 3.0))).add(30, (1, 7, (4.0, 3.0)))
    script.add(20, (1, 7, (4.0, 3.0)), (2, 8, (*DOOR, 2.0, 3.0)))
    script.add(30, (1, 7, (4.0, 3.0)), (2, 8, (2.0, 3.0)))
    script.add(20, (1, 7, (4.0, 3.0, 3.0, 3.0)), (2, 8, (2.0, 3.0, 2.9, 3.05)))
    # from here on the tracker has them the wrong way round
    script.add(20, (2, 7, (2.95, 3.0, 2.0, 2.0)), (1, 8, (3.0, 3.1, 4.0, 4.0)))
    script.add(40, (2, 7, (2.0, 2.0)), (1, 8, (4.0, 4.0)))
    final, live, query = play(script)
    assert any(len(own) > 1 for own in identities(live).values())
    main = {who: max(own, key=lambda i: sum(r[1:] == (who, i) for r in final))
            for who, own in identities(final).items()}  # fmt: skip
    wrong = [row for row in final if row[2] != main[row[1]]]
    assert len(wrong) <= 6  # around the moment itself nobody can tell
    assert main[7] != main[8]
    assert [e.details["answer"] for e in query.take_events()].count("exchanged") == 2


def test_who_is_lost_in_mid_room_is_taken_up_again() -> None:
    script = Script().add(20, (1, 7, (*DOOR, 4.0, 3.0))).add(30, (1, 7, (4.0, 3.0))).add(15)
    script.add(40, (2, 7, (4.1, 3.1)))
    one_each(play(script)[0])


@pytest.mark.parametrize("place", [(4.1, 3.1), (1.0, 0.4)])
def test_without_looks_place_alone_says_who_was_lost(place: tuple[float, float]) -> None:
    script = Script().add(20, (1, 7, (*DOOR, 4.0, 3.0))).add(30, (1, 7, (4.0, 3.0))).add(15)
    script.add(60, (2, 7, place))
    final, _, _ = play(script, embeddings=False)
    assert len(identities(final)[7]) == (1 if place[0] > 4 else 2)


def test_no_crops_are_taken_while_people_are_close() -> None:
    script = Script().add(60, (1, 7, (3.0, 3.0)), (2, 8, (3.3, 3.0)))
    _, _, query = play(script)
    assert query.gallery is None or len(query.gallery) == 0


def test_a_track_that_goes_over_to_somebody_else_at_the_door_is_two_people() -> None:
    script = Script().add(20, (1, 7, (*DOOR, 4.0, 3.0))).add(40, (1, 7, (4.0, 3.0)))
    script.add(20, (1, 7, (4.0, 3.0, *DOOR))).add(8)
    script.add(20, (1, 8, (*DOOR, 4.0, 3.0))).add(40, (1, 8, (4.0, 3.0)))
    one_each(play(script)[0])


def test_a_forgotten_person_is_not_known_again() -> None:
    script = Script()
    visit(script, 1, 7)
    half = len(script.frames)
    visit(script, 2, 7)
    _, _, query = play(Script(script.frames[:half]))
    assert query.gallery is not None
    identity = int(query.gallery.identities[0])
    assert query.forget(identity)
    assert len(query.gallery) == 0
    assert not query.forget(identity)


def test_nothing_is_made_of_nothing() -> None:
    final, live, query = play(Script().add(10))
    assert final == live == []
    assert query.take_events() == []


@pytest.mark.parametrize("seed", range(5))
def test_crowds_with_noise_have_unique_identities_at_every_moment(seed: int) -> None:
    rng = np.random.default_rng(seed)
    script, key = Script(), 0
    keys = {}
    for _ in range(30):
        there = sorted(rng.choice(6, rng.integers(0, 4), replace=False).tolist())
        people = []
        for who in there:
            if who not in keys or rng.random() < 0.3:
                key += 1
                keys[who] = key
            place = rng.uniform([0.5, 0.3], [5.5, 4.5])
            people.append((keys[who], who + 50, (float(place[0]), float(place[1]))))
        script.add(int(rng.integers(5, 25)), *people)
    final, _, _ = play(script, noise=0.1)
    for frame in {f for f, _, _ in final}:
        there = [identity for f, _, identity in final if f == frame]
        assert len(set(there)) == len(there)


def test_a_ghost_and_the_track_that_took_over_are_never_one_at_once() -> None:
    # the old track goes on for a second without its person, whom a new one follows already
    script = Script().add(20, (1, 7, (*DOOR, 4.0, 3.0))).add(30, (1, 7, (4.0, 3.0)))
    script.add(10, (1, 7, (4.0, 3.0)), (2, 7, (4.9, 3.0))).add(60, (2, 7, (4.9, 3.0)))
    final, _, _ = play(script)
    for frame in {f for f, _, _ in final}:
        there = [identity for f, _, identity in final if f == frame]
        assert len(set(there)) == len(there)
    assert final[-1][2] == final[0][2]


def test_two_identities_that_look_the_same_and_never_meet_are_one() -> None:
    # lost in mid-room, and in by the door again: place says that this is somebody else
    script = Script().add(20, (1, 7, (*DOOR, 4.0, 3.0))).add(60, (1, 7, (4.0, 3.0))).add(40)
    visit(script, 2, 7)
    final, live, query = play(script, config=EntryConfig(elsewhere=1.0))
    assert len(identities(live)[7]) == 2
    one_each(final)
    told = [e.details for e in query.take_events()]
    assert [e["answer"] for e in told] == ["new", "new", "merged"]
    assert told[-1]["track"] == told[1]["identity"]
    assert told[-1]["identity"] == told[0]["identity"]
    assert told[-1]["candidates"][0]["distance"] <= told[-1]["threshold"]
    assert query.gallery is not None
    assert query.gallery.identities.tolist() == [told[0]["identity"]]


def test_two_who_look_the_same_but_met_stay_two() -> None:
    script = Script().add(60, (1, 7, (4.0, 3.0)), (2, 7, (2.0, 3.0))).add(40)
    visit(script, 3, 7)
    final, _, query = play(script)
    assert "merged" not in [e.details["answer"] for e in query.take_events()]
    assert len(identities([row for row in final if row[0] <= 60])[7]) == 2


def test_what_was_taken_for_somebody_alike_is_put_right_once_both_were_there() -> None:
    script = Script()
    visit(script, 1, 7)
    visit(script, 2, 8)  # nothing tells 8 from 7 but a threshold that is far too wide
    both = (3, 7, (*DOOR, 4.0, 3.0)), (4, 8, (1.0, 0.5, 2.0, 3.0))
    script.add(20, *both).add(60, (3, 7, (4.0, 3.0)), (4, 8, (2.0, 3.0)))
    script.add(20, (3, 7, (4.0, 3.0, *DOOR)), (4, 8, (2.0, 3.0, 1.0, 0.5))).add(20)
    scale = ScaleConfig(different=1.2, different_sigma=0.01, prior_count=1e6)
    config = EntryConfig(gallery=GalleryConfig(scale=scale), same_rate=1e-9)
    final, _, query = play(script, config=config)
    told = [e.details for e in query.take_events()]
    assert [e["answer"] for e in told].count("corrected") == 1
    correction = told[-1]
    first, second = correction["candidates"]
    assert first["identity"] == correction["identity"]
    assert first["distance"] < second["distance"]
    one_each(final)


@given(
    held=st.lists(st.integers(1, 9), unique=True, min_size=1, max_size=6),
    data=st.data(),
)
def test_consistent_choices_give_nobody_an_identity_that_is_held(
    held: list[int], data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.integers(1, 12), unique=True, max_size=len(held)))
    choice = dict(enumerate(wanted))
    kept = consistent(choice, dict(enumerate(held)))
    after = [kept.get(key, who) for key, who in enumerate(held)]
    assert len(set(after)) == len(after)
    if choice and len({*choice.values(), *held[len(wanted) :]}) == len(held):
        assert kept == choice  # nothing is in the way of anything


@pytest.mark.parametrize(
    "change",
    [{"min_crops": 0}, {"apart_m": -1.0}, {"keep": float("nan")}, {"query_crops": 0},
     {"same_rate": 0.0}, {"together": 1.5}],
)  # fmt: skip
def test_wrong_settings_say_so(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        EntryConfig(**change)  # type: ignore[arg-type]
