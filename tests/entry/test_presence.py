"""Spans of frames against plain sets of (frame, identity), and merging against written rows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.entry.merging import merged, reassigned
from mtmc.entry.presence import GAP, Presence
from mtmc.late_decisions import LateDecisions
from mtmc.types import Relabel

Shown = set[tuple[int, int]]
STEP = GAP + 2
"""Frames further apart than this are spans of their own, so that nothing is taken for seen."""

shown = st.sets(st.tuples(st.integers(0, 12).map(lambda n: n * STEP), st.integers(1, 4)))
events = st.lists(
    st.builds(
        Relabel,
        st.integers(1, 4),
        st.integers(1, 4),
        st.integers(0, 12).map(lambda n: n * STEP),
    ).filter(lambda event: event.old_id != event.new_id),
    max_size=5,
)


def presence_of(rows: Shown) -> Presence:
    presence = Presence()
    for frame, identity in sorted(rows):
        presence.see(identity, frame)
    return presence


@given(shown, events)
@settings(max_examples=80, deadline=None)
def test_spans_say_what_sets_of_frames_say(rows: Shown, decisions: list[Relabel]) -> None:
    presence = presence_of(rows)
    for event in decisions:
        presence.relabel(event)
        rows = {
            (frame, event.new_id if (who, frame) >= (event.old_id, event.from_frame)
             and who == event.old_id else who)
            for frame, who in rows
        }  # fmt: skip
    frames = {who: {f for f, w in rows if w == who} for who in range(1, 5)}
    for one in frames:
        assert presence.first(one) == min(frames[one], default=None)
        assert presence.frames(one) == len(frames[one])
        for other in frames:
            common = {f for a, b in presence.together(one, other) for f in range(a, b + 1)}
            assert common == frames[one] & frames[other]


def test_short_gaps_do_not_end_a_span() -> None:
    presence = Presence()
    for frame in (10, 11, 11 + GAP, 11 + 2 * GAP + 1):
        presence.see(1, frame)
    presence.see(2, 12)
    assert presence.frames(1) == 2 + GAP + 1
    assert presence.together(1, 2) == [(12, 12)]
    assert presence.share_together(1, 2) == 1.0
    assert presence.share_together(1, 9) == 0.0


@given(st.sets(st.integers(0, 30), min_size=1), st.sets(st.integers(0, 30), min_size=1))
@settings(max_examples=80, deadline=None)
def test_after_merging_nobody_is_in_two_places(older: set[int], younger: set[int]) -> None:
    older, younger = {f * STEP for f in older}, {f * STEP for f in younger}
    rows = sorted({(frame, 1) for frame in older} | {(frame, 2) for frame in younger})
    presence, late = presence_of(set(rows)), LateDecisions()
    for event in merged(1, 2, presence, lambda: 9):
        late.note(event, len(rows))
        presence.relabel(event)
    final = [(late.final(who, frame, row), frame) for row, (frame, who) in enumerate(rows)]
    assert len(set(final)) == len(final)
    assert {frame for who, frame in final if who == 1} == older | younger
    assert {frame for who, frame in final if who == 9} == older & younger
    assert presence.frames(1) == len(older | younger)


def test_who_was_never_shown_needs_no_events() -> None:
    assert merged(1, 2, Presence(), lambda: 9) == []


@given(
    st.sets(st.integers(0, 30), min_size=1),
    st.lists(st.integers(0, 30), min_size=2, max_size=6, unique=True).map(sorted),
)
@settings(max_examples=80, deadline=None)
def test_reassigning_spans_changes_these_frames_and_no_others(
    frames: set[int], bounds: list[int]
) -> None:
    rows, late = [(frame, 1) for frame in sorted(frames)], LateDecisions()
    spans = list(zip(bounds[::2], bounds[1::2], strict=False))
    names = iter(range(100, 200))
    for event in reassigned(spans, 1, 2, lambda: next(names)):
        late.note(event, len(rows))
    for row, (frame, who) in enumerate(rows):
        inside = any(start <= frame <= end for start, end in spans)
        assert late.final(who, frame, row) == (2 if inside else 1)
