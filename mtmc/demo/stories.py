"""Decisions of the entry query as cards: who came in, who that could be, and what was decided."""

from __future__ import annotations

from html import escape
from pathlib import Path

from ..entry.story import Decision, read_story, tell
from ..evaluation.visits import PersonVisit
from .timeline import chip_colours, person_name

MOST = 3
SCALE = 1.0
"""Cosine distance that fills a bar."""


def returns_told(folder: Path, visits: tuple[PersonVisit, ...], rate: float) -> list[str]:
    """Cards of a few returns: recognised ones first, and one that was not, if there is one."""
    found = [(visit, _decision(folder, visit)) for visit in visits if visit.counts]
    known = [_card(visit, decision, rate) for visit, decision in found
             if decision is not None and visit.recognised]  # fmt: skip
    others = [_card(visit, decision, rate) for visit, decision in found
              if decision is not None and not visit.recognised]  # fmt: skip
    return [*known[: MOST - len(others[:1])], *others[:1]]


def whole_story(folder: Path, visits: tuple[PersonVisit, ...]) -> tuple[int, str] | None:
    """Identity of the first return that was recognised, and its story as ``mtmc explain`` says."""
    for visit in visits:
        if visit.counts and visit.recognised and visit.own is not None:
            return visit.own, "\n".join(tell(read_story(folder, visit.own)))
    return None


def chip(identity: int) -> str:
    """An identity in its colour."""
    colour, ink = chip_colours(identity)
    return f'<span class="chip" style="background:{colour};color:{ink}">{identity}</span>'


def _decision(folder: Path, visit: PersonVisit) -> Decision | None:
    """The decision that gave a visit its identity: that about whoever came in then."""
    if visit.identity is None:
        return None
    first, last = visit.spans[0].first_frame, visit.spans[-1].last_frame
    for decision in read_story(folder, visit.identity).decisions:
        answered = decision["answer"] in ("known", "new")
        about = decision["identity"] == visit.identity
        if answered and about and first - 1 <= decision["since_frame"] <= last:
            return decision
    return None


def _card(visit: PersonVisit, decision: Decision, rate: float) -> str:
    time_s = (visit.spans[0].first_frame - 1) / rate
    who = escape(person_name(visit.person))
    taken = int(decision["identity"])
    came = f"At {time_s:.1f} s somebody comes in and is called {chip(int(decision['track']))}."
    waited = max(0.0, (decision["frame"] - decision["since_frame"]) / rate)
    crops = f"{decision['crops']} crops, {waited:.1f} s later"
    if decision["answer"] == "known":
        told = f"{crops}: this is {chip(taken)} again."
    else:
        told = f"{crops}: nobody known, so {chip(taken)} is somebody new."
    verdict = "That is right." if visit.recognised else "That is wrong."
    rows = "".join(_candidate(one, taken, decision) for one in decision["candidates"])
    asked = f'<div class="ask">{rows}</div>' if rows else "<p>Nobody was away.</p>"
    return (
        f'<article class="story"><h3>Person {who} comes back</h3>'
        f"<p>{came} {told} {verdict}</p>{asked}</article>"
    )


def _candidate(one: dict[str, float | None], taken: int, decision: Decision) -> str:
    identity, distance = int(one["identity"] or 0), one["distance"]
    chosen = identity == taken and decision["answer"] == "known"
    limit = 100 * min(1.0, decision["threshold"] / SCALE)
    mark = f'<b style="left:{limit:.1f}%"></b>'
    if distance is None:
        return f'{chip(identity)}<span class="bar">{mark}</span><span>not seen</span>'
    width = 100 * min(1.0, max(0.0, distance) / SCALE)
    kind = ' class="taken-text"' if chosen else ""
    bar = "bar taken" if chosen else "bar"
    return (
        f'{chip(identity)}<span class="{bar}"><i style="width:{width:.1f}%"></i>{mark}</span>'
        f"<span{kind}>{distance:.2f}</span>"
    )
