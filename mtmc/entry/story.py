"""The story of an identity: its visits, and every decision about it with the evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..ground_files import GroundTable, read_ground

LONGEST_GAP = 30
"""Frames without a sight that do not end a visit."""

Decision = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """A stretch of frames in which an identity was seen.

    Attributes
    ----------
    first_frame, last_frame : int
    start_xy, end_xy : (float, float)
        Metres.
    """

    first_frame: int
    last_frame: int
    start_xy: tuple[float, float]
    end_xy: tuple[float, float]


@dataclass(frozen=True)
class Story:
    """All that a run's files say of an identity.

    Attributes
    ----------
    identity : int
    visits : tuple of Visit
    decisions : tuple of dict
        Those whose outcome or question was this identity, and those in which it was the closest
        that was not chosen; as in ``events.jsonl``.
    """

    identity: int
    visits: tuple[Visit, ...]
    decisions: tuple[Decision, ...]


def read_story(folder: Path, identity: int) -> Story:
    """Read the story from a run's folder.

    Raises
    ------
    InputError
        When a file is missing or wrong, or nobody has that identity.
    """
    table = read_ground(folder / "ground.csv")
    decisions = tuple(_decisions(folder / "events.jsonl", identity))
    visits = tuple(_visits(table, identity))
    if not visits and not decisions:
        known = np.unique(table.id)
        told = ", ".join(str(one) for one in known[:20].tolist()) + (", ..." * (len(known) > 20))
        raise InputError(f"{folder}: nobody has identity {identity}; there are {told or 'none'}")
    return Story(identity, visits, decisions)


def tell(story: Story) -> Iterator[str]:
    """The story in lines of text."""
    count = len(story.visits)
    yield f"identity {story.identity}: {count} visit{'' if count == 1 else 's'}"
    told: set[int] = set()
    for number, visit in enumerate(story.visits, 1):
        (x0, y0), (x1, y1) = visit.start_xy, visit.end_xy
        yield (
            f"visit {number}: frames {visit.first_frame} to {visit.last_frame}, "
            f"from ({x0:.1f}, {y0:.1f}) to ({x1:.1f}, {y1:.1f}) m"
        )
        for row, decision in enumerate(story.decisions):
            if row not in told and decision["frame"] <= visit.last_frame + LONGEST_GAP:
                told.add(row)
                yield from (f"  {line}" for line in _told(decision, story.identity))
    for row, decision in enumerate(story.decisions):
        if row not in told:
            yield from _told(decision, story.identity)


def _told(decision: Decision, identity: int) -> Iterator[str]:
    track, chosen, answer = decision["track"], decision["identity"], decision["answer"]
    crops = decision["crops"]
    start, since = f"frame {decision['frame']}: ", f"from frame {decision['since_frame']} on"
    if answer == "new":
        yield f"{start}{track} is somebody new, {since}; {crops} crops"
    elif answer == "corrected":
        while_ = f"for a while from frame {decision['since_frame']} on"
        yield f"{start}what was {track} {while_} was {chosen}; {crops} crops"
    elif answer == "merged":
        yield f"{start}{track} and {chosen} are one person, who is {chosen}, {since}; {crops} crops"
    elif chosen == track:
        yield f"{start}{track} goes on as {chosen} after a doubt; {crops} crops"
    else:
        word = "known again as" if answer == "known" else "exchanged: it is"
        yield f"{start}{track} is {word} {chosen}, {since}; {crops} crops"
    listed = []
    for candidate in decision["candidates"]:
        distance, prior = candidate["distance"], candidate["prior"]
        text = "not seen" if distance is None else f"{distance:.3f}"
        if prior:
            text += f" {prior:+.2f} by place"
        mark = "*" if candidate["identity"] == identity else ""
        listed.append(f"{candidate['identity']}{mark} {text}")
    if listed:
        yield f"    candidates: {'; '.join(listed)}; new above {decision['threshold']:.3f}"


def _visits(table: GroundTable, identity: int) -> Iterator[Visit]:
    rows = np.flatnonzero(table.id == identity)
    if not len(rows):
        return
    for part in np.split(rows, np.flatnonzero(np.diff(table.frame[rows]) > LONGEST_GAP) + 1):
        (x0, y0), (x1, y1) = table.xy[part[[0, -1]]].tolist()
        first, last = table.frame[part[[0, -1]]].tolist()
        yield Visit(first, last, (x0, y0), (x1, y1))


def _decisions(path: Path, identity: int) -> Iterator[Decision]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the folder of a finished run")
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            try:
                event = json.loads(line)
                if event["event"] != "identity":
                    continue
                involved = {event["identity"], event["track"]}
                involved |= {one["identity"] for one in event["candidates"][:1]}
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{path}: line {number}: expected an event: {error!r}") from error
            if identity in involved:
                yield event
