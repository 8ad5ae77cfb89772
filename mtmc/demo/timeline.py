"""Who was shown as whom, and when, as SVG: a row per person, a bar per visit."""

from __future__ import annotations

from html import escape

from ..drawing import identity_colour
from ..evaluation.visits import PersonVisit, Span, VisitScores

WIDTH, LEFT, RIGHT = 1000, 92, 14
ROW, BAR, TOP, BOTTOM = 44, 24, 14, 30
MARK = 22
"""Above a bar's beginning stands whether somebody who came back was recognised."""
LABEL_PX = 16.0
"""Narrower bars have no room for a number."""
TICK_S = 5


def person_name(person: int) -> str:
    """People are letters, so that nobody takes them for identities: 1 is A, 27 is AA."""
    name = ""
    while person > 0:
        person, rest = divmod(person - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def chip_colours(identity: int) -> tuple[str, str]:
    """CSS colours of an identity and of text on it, at least 4.5 to 1 in contrast."""
    blue, green, red = identity_colour(identity)
    linear = [(value / 255) ** 2.2 for value in (red, green, blue)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # where black and white read equally well
    ink = "#000" if luminance > 0.18 else "#fff"
    return f"#{red:02x}{green:02x}{blue:02x}", ink


def timeline(scores: VisitScores, frames: int, rate: float, title: str) -> str:
    """One SVG element.

    Parameters
    ----------
    scores : VisitScores
    frames : int
        Length of the recording.
    rate : float
        Frames per second.
    title : str
        Says what it shows, for those who do not see it.
    """
    people = sorted({visit.person for visit in scores.visits})
    row = {person: number for number, person in enumerate(people)}
    height = TOP + ROW * len(people) + BOTTOM
    scale = (WIDTH - LEFT - RIGHT) / max(1, frames)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">',
        *_axis(len(people), frames, rate, scale),
    ]
    for person in people:
        y = TOP + ROW * row[person] + (ROW + BAR) / 2 - 2
        parts.append(f'<text class="who" x="0" y="{y - 5:.1f}">person {person_name(person)}</text>')
    for visit in scores.visits:
        parts += _visit(visit, TOP + ROW * row[visit.person] + ROW - BAR - 3, scale, rate)
    return "\n".join([*parts, "</svg>"])


def _axis(rows: int, frames: int, rate: float, scale: float) -> list[str]:
    parts = []
    bottom = TOP + ROW * rows + 4
    for second in range(0, int(frames / rate) + 1, TICK_S):
        x = LEFT + second * rate * scale
        anchor = "end" if x > WIDTH - RIGHT - 20 else "middle"
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(
            f'<text class="axis" x="{x:.1f}" y="{bottom + 17}" text-anchor="{anchor}">'
            f"{second} s</text>"
        )
    return parts


def _visit(visit: PersonVisit, y: float, scale: float, rate: float) -> list[str]:
    parts = [_span(visit, span, y, scale, rate) for span in visit.spans]
    if visit.counts:
        x = LEFT + (visit.spans[0].first_frame - 1) * scale
        told = "recognised" if visit.recognised else "not recognised"
        path = "l4 5 l8 -10" if visit.recognised else "m0 -5 l9 9 m0 -9 l-9 9"
        kind = "yes" if visit.recognised else "no"
        parts.append(
            f'<path class="mark {kind}" d="M{x + 2:.1f} {y - 7:.1f} {path}">'
            f"<title>comes back: {told}</title></path>"
        )
    return parts


def _span(visit: PersonVisit, span: Span, y: float, scale: float, rate: float) -> str:
    x = LEFT + (span.first_frame - 1) * scale
    width = (span.last_frame - span.first_frame + 1) * scale
    start, end = (span.first_frame - 1) / rate, span.last_frame / rate
    who = f"person {person_name(visit.person)}, {start:.1f} to {end:.1f} s"
    if span.identity is None:
        middle = y + BAR / 2
        return (
            f'<line class="missed" x1="{x:.1f}" x2="{x + width:.1f}" y1="{middle}" y2="{middle}">'
            f"<title>{who}: not found</title></line>"
        )
    colour, ink = chip_colours(span.identity)
    wrong = span.identity != visit.own
    told = f"{who}: identity {span.identity}{', a wrong one' if wrong else ''}"
    parts = [f"<g><title>{told}</title>"]
    parts.append(
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" rx="3" fill="{colour}"/>'
    )
    if wrong:
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="url(#hatch)"/>'
            f'<rect class="wrong" x="{x + 1:.1f}" y="{y + 1}" width="{max(1.0, width - 2):.1f}" '
            f'height="{BAR - 2}"/>'
        )
    if width >= LABEL_PX:
        parts.append(_label(span.identity, x, y, colour, ink))
    return "".join([*parts, "</g>"])


def _label(identity: int, x: float, y: float, colour: str, ink: str) -> str:
    """The number on a plate of its colour, so that no hatching runs through it."""
    wide = 8 + 8 * len(str(identity))
    return (
        f'<rect x="{x + 3:.1f}" y="{y + 4}" width="{wide}" height="{BAR - 8}" rx="2" '
        f'fill="{colour}"/>'
        f'<text x="{x + 3 + wide / 2:.1f}" y="{y + BAR / 2 + 4.5:.1f}" text-anchor="middle" '
        f'font-weight="650" fill="{ink}">{identity}</text>'
    )


HATCH = (
    '<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs>'
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="2.6" height="7" fill="#000" opacity="0.45"/>'
    "</pattern></defs></svg>"
)
"""What lies over bars of a wrong identity; once in a page."""
