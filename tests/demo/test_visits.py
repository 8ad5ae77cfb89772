"""Who is known again, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtmc.demo.timeline import chip_colours, person_name, timeline
from mtmc.evaluation.ground import analyse_ground
from mtmc.evaluation.visits import Span, VisitScores, score_visits
from mtmc.ground_files import GroundTable, read_first_shown
from mtmc.sites import GroundTruth, Site, SiteCamera

RATE = 10.0


def table(rows: dict[tuple[int, int], int]) -> GroundTable:
    """Results: identity by (person, frame); person p stands at (2 p, 0)."""
    keys = sorted(rows, key=lambda key: key[1])
    frame = np.array([frame for _, frame in keys], np.int64)
    xy = np.array([[2.0 * person, 0.0] for person, _ in keys]).reshape(-1, 2)
    return GroundTable(frame, np.array([rows[key] for key in keys], np.int64), xy)


def visits(there: dict[int, list[range]], shown: dict[tuple[int, int], int]) -> VisitScores:
    """Scores of people (who are there in some frames) shown under some identities."""
    who = [(p, frame) for p, stays in there.items() for stay in stays for frame in stay]
    who.sort(key=lambda one: one[1])
    frame = np.array([frame for _, frame in who], np.int64)
    person = np.array([p for p, _ in who], np.int64)
    xy = np.stack([2.0 * person, np.zeros(len(person))], axis=1)
    truth = GroundTruth(np.arange(1, frame.max() + 1), frame, person, xy)
    camera = SiteCamera("a", None, np.arange(1, 200), RATE)
    site = Site("by hand", (camera,), RATE, None, None, None, truth, Path())
    return score_visits(truth, analyse_ground(site, table(shown)), RATE)


def under(person: int, identity: int, frames: range) -> dict[tuple[int, int], int]:
    return {(person, frame): identity for frame in frames}


FIRST, SECOND = range(1, 31), range(71, 101)
TWICE = {1: [FIRST, SECOND]}


def test_a_return_under_the_old_identity_is_recognised() -> None:
    scores = visits(TWICE, under(1, 4, FIRST) | under(1, 4, SECOND))
    assert (scores.returns, scores.recognised, scores.wrong_share) == (1, 1, 0.0)
    assert scores.visits[1].spans == (Span(71, 100, 4),)


def test_a_return_under_a_new_identity_is_not() -> None:
    scores = visits(TWICE, under(1, 4, FIRST) | under(1, 5, SECOND))
    assert (scores.returns, scores.recognised, scores.wrong_share) == (1, 0, 0.5)


def test_a_stranger_who_gets_a_known_identity_is_wrong_from_the_start() -> None:
    shown = under(1, 4, FIRST) | under(2, 4, SECOND)
    scores = visits({1: [FIRST], 2: [SECOND]}, shown)
    assert scores.returns == 0
    assert scores.visits[1].own is None
    assert scores.wrong_share == 0.5


def test_who_was_missed_before_cannot_be_recognised() -> None:
    scores = visits(TWICE, under(1, 4, SECOND))
    assert (scores.returns, scores.recognised) == (1, 0)
    assert scores.wrong_share == 0.0
    assert scores.visits[0].spans == (Span(1, 30, None),)


def test_a_moment_under_an_identity_does_not_make_it_ones_own() -> None:
    third = range(141, 171)
    shown = under(1, 3, range(5, 9)) | under(1, 4, SECOND) | under(1, 4, third)
    scores = visits({1: [FIRST, SECOND, third]}, shown)
    assert (scores.returns, scores.recognised) == (2, 1)
    assert scores.wrong_share == pytest.approx(4 / 64)


def test_pauses_no_longer_than_a_tracker_waits_and_short_visits_are_no_returns() -> None:
    near, short = range(50, 80), range(120, 126)
    scores = visits({1: [FIRST, near, short]}, under(1, 1, FIRST) | under(1, 1, near))
    assert scores.returns == 0
    assert len(scores.visits) == 2


def test_the_longest_identity_of_a_visit_counts_and_spans_tell_all() -> None:
    mixed = under(1, 4, range(71, 78)) | under(1, 5, range(78, 100))
    scores = visits(TWICE, under(1, 4, FIRST) | mixed)
    assert scores.recognised == 0
    assert [span.identity for span in scores.visits[1].spans] == [4, 5, None]
    assert scores.wrong_share == pytest.approx(22 / 59)


def test_nobody_shown_is_nobody_wrong() -> None:
    scores = visits(TWICE, {})
    assert (scores.returns, scores.recognised, scores.wrong_share) == (1, 0, 0.0)


def test_identities_as_they_first_came_out_are_read_from_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "ground.jsonl"
    path.write_text(
        '{"frame": 2, "time_s": 0.1, "people": [{"id": 3, "x": 1.0, "y": 2.0}]}\n'
        '{"frame": 1, "time_s": 0.0, "people": [{"id": 3, "x": 0.5, "y": 2.0},'
        ' {"id": 4, "x": null, "y": null}]}\n'
        '{"relabel": {"old_id": 3, "new_id": 1, "from_frame": 1}}\n',
        encoding="utf-8",
    )
    found = read_first_shown(path)
    assert found.frame.tolist() == [1, 2]
    assert found.id.tolist() == [3, 3]
    assert found.xy.tolist() == [[0.5, 2.0], [1.0, 2.0]]
    path.write_text("[1]\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"ground.jsonl: line 1: expected a moment"):
        read_first_shown(path)


def test_people_are_letters() -> None:
    assert [person_name(n) for n in (1, 2, 26, 27, 28, 703)] == ["A", "B", "Z", "AA", "AB", "AAA"]


@pytest.mark.parametrize("identity", range(1, 60))
def test_numbers_can_be_read_on_their_colours(identity: int) -> None:
    """Oracle: contrast of WCAG 2 with its exact transfer function; 4.5 is the level AA of text."""
    paper, ink = chip_colours(identity)

    def luminance(colour: str) -> float:
        full = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
        values = [int(full[k : k + 2], 16) / 255 for k in (0, 2, 4)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    high, low = sorted((luminance(paper), luminance(ink)), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_the_timeline_marks_what_is_wrong() -> None:
    right = visits(TWICE, under(1, 4, FIRST) | under(1, 4, SECOND))
    wrong = visits(TWICE, under(1, 4, FIRST) | under(1, 5, SECOND))
    drawn, marked = (timeline(scores, 100, RATE, "a <b>") for scores in (right, wrong))
    assert "url(#hatch)" not in drawn
    assert marked.count("url(#hatch)") == 1
    assert "comes back: recognised" in drawn
    assert "comes back: not recognised" in marked
    assert "a &lt;b&gt;" in drawn
