"""Late decisions against a literal replay of what was known when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mtmc.late_decisions import LateDecisions
from mtmc.types import Relabel

steps = st.lists(
    st.one_of(
        st.tuples(st.just("row"), st.integers(1, 20), st.integers(1, 5)),
        st.tuples(st.just("late"), st.integers(1, 5), st.integers(1, 5), st.integers(1, 20)),
    ),
    max_size=40,
)


@given(steps)
def test_rows_end_as_if_every_decision_had_been_applied_when_it_was_made(
    events: list[tuple[str, int, int] | tuple[str, int, int, int]],
) -> None:
    late, written, live = LateDecisions(), [], []
    for event in events:
        if event[0] == "row":
            written.append((event[1], event[2]))
            live.append([event[1], event[2]])
        else:
            _, old, new, start = event  # type: ignore[misc]
            late.note(Relabel(old, new, start), len(written))
            for row in live:
                if row[1] == old and row[0] >= start:
                    row[1] = new
    found = [late.final(who, frame, row) for row, (frame, who) in enumerate(written)]
    assert found == [who for _, who in live]


def test_two_people_change_places_and_go_on() -> None:
    late = LateDecisions()
    lines = ["1,1,a\n", "1,2,b\n", "2,1,a\n", "2,2,b\n"]
    for event in (Relabel(1, 9, 2), Relabel(2, 1, 2), Relabel(9, 2, 2)):
        late.note(event, len(lines))
    lines += ["3,1,b\n", "3,2,a\n"]  # under their new identities
    assert list(late.apply(lines)) == [
        "1,1,a\n", "1,2,b\n", "2,2,a\n", "2,1,b\n", "3,1,b\n", "3,2,a\n",
    ]  # fmt: skip
