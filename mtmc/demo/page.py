"""The page of the demonstration: one file that shows everything and asks nothing of the network."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import cv2

from ..atomic import atomic_writer
from ..detectors import PEOPLE
from ..errors import InputError
from .figures import RunFigures
from .record import DemoRecord
from .stories import returns_told, whole_story
from .timeline import HATCH, timeline

CSS = Path(__file__).with_name("page.css")
POSTER_QUALITY = 80
POSTER_WIDTH = 1120

ROWS = (
    ("MOTA", "MOTA, %", "how many are found, and how few falsely"),
    ("IDF1", "IDF1, %", "how much of everybody's time one identity holds"),
    ("IDs", "identity switches", "within visits and between them"),
    ("identities", "identities given", ""),
    ("recognised", "returns recognised", ""),
    ("wrong_percent", "time under a wrong identity, %", "in the final files"),
    ("wrong_at_once_percent", "the same as first shown, %", "before late decisions"),
)
"""Key in ``scores.json``, name, and what it means."""


def write_page(
    path: Path, record: DemoRecord, figures: Mapping[str, RunFigures], folder: Path,
    video: Path, picture: Path, paths: Path,
) -> None:  # fmt: skip
    """Write the page.

    Parameters
    ----------
    path : Path
    record : DemoRecord
    figures : mapping of run name to RunFigures
        ``"without"`` and ``"with"`` appearance.
    folder : Path
        Of the run with appearance.
    video, picture, paths : Path
        What the page shows; all of it goes into the file.
    """
    parts = [
        _head(record),
        _cards(record),
        _video(video, picture),
        _timelines(record, figures),
        _table(record),
        _stories(record, figures["with"], folder),
        _paths(paths),
        _made(record),
    ]
    body = "\n".join(parts)
    style = CSS.read_text(encoding="utf-8")
    with atomic_writer(path) as stream:
        stream.write(
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>mtmc: who is who, seed {record.seed}</title>\n<style>\n{style}</style>\n"
            f"</head>\n<body>\n{HATCH}\n<main>\n{body}\n</main>\n</body>\n</html>\n"
        )


def _figure(record: DemoRecord, run: str, key: str) -> str:
    """A figure of ``scores.json``, marked so that it can be found."""
    value: Any = record.runs[run][key]
    return f'<span data-figure="{run}.{key}">{value}</span>'


def _head(record: DemoRecord) -> str:
    returns = record.runs["with"]["returns"]
    return (
        f'<p class="over">mtmc {escape(record.version)} · demonstration · seed {record.seed}</p>'
        "<h1>People leave, people come back. Who is who?</h1>"
        f'<p class="lead">{record.cameras} cameras watch a drawn room for {record.seconds:g} '
        f"seconds. {record.people} people come and go by two doors; {returns} times "
        "somebody who was away comes back and should get the old identity. Everything here was "
        "computed from the pixels of the cameras.</p>"
    )


def _cards(record: DemoRecord) -> str:
    cards = (
        ("returns recognised",
         f'{_figure(record, "with", "recognised")} of {_figure(record, "with", "returns")}',
         f'{_figure(record, "without", "recognised")} by place alone'),
        ("IDF1, one identity per person", f'{_figure(record, "with", "IDF1")} %',
         f'{_figure(record, "without", "IDF1")} % by place alone'),
        ("time under a wrong identity", f'{_figure(record, "with", "wrong_percent")} %',
         f'{_figure(record, "without", "wrong_percent")} % by place alone'),
        ("time to make all of this", f"{record.total_s:.0f} s",
         f"{record.seconds:g} s of {record.cameras} cameras at {record.frame_rate:g} Hz"),
    )  # fmt: skip
    return '<dl class="cards">{}</dl>'.format(
        "".join(
            f'<div class="card"><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>'
            for name, value, note in cards
        )
    )


def _video(video: Path, picture: Path) -> str:
    return (
        '<figure><video controls muted loop playsinline preload="metadata" '
        'aria-label="Video: four camera images with boxes and identities beside a floor plan" '
        f'poster="{_poster(picture)}" src="{_data(video, "video/webm")}"></video>'
        "<figcaption>Four cameras and the floor plan. A number and a colour are an identity, the "
        "same in all cameras; lines on the plan are the last three seconds. People are known by "
        "their final identity here: whoever comes in is decided upon within three seconds, and "
        "the files are put right.</figcaption></figure>"
    )


def _timelines(record: DemoRecord, figures: Mapping[str, RunFigures]) -> str:
    frames, rate = round(record.seconds * record.frame_rate), record.frame_rate
    titles = {
        "with": f"With appearance, {escape(record.reid)}",
        "without": "By place alone, without appearance",
    }
    charts = "".join(
        f'<div class="timeline"><h3>{title}</h3><div class="scroll" tabindex="0" '
        f'role="region" aria-label="{title}">'
        + timeline(
            figures[run].visits, frames, rate,
            f"Timeline: {figures[run].visits.recognised} of {figures[run].visits.returns} "
            "returns recognised",
        )
        + "</div></div>"
        for run, title in titles.items()
    )  # fmt: skip
    return (
        "<h2>Who was shown as whom</h2>"
        "<p>A row per person, a bar per visit, in the colour and with the number of the identity "
        "that the tracker gave. Hatched in a red frame is a wrong one: not the identity under "
        "which the person was shown first.</p>"
        f"{charts}{_key()}"
    )


def _key() -> str:
    marks = (
        ('<path class="mark yes" d="M10 7 l4 5 l8 -10"/>', "comes back, recognised"),
        ('<path class="mark no" d="M12 2 l9 9 m0 -9 l-9 9"/>', "comes back, not recognised"),
        ('<rect width="34" height="14" fill="#8b93a1"/><rect width="34" height="14" '
         'fill="url(#hatch)"/><rect class="wrong" x="1" y="1" width="32" height="12"/>',
         "wrong identity"),
        ('<line class="missed" x1="0" x2="34" y1="7" y2="7"/>', "not found"),
    )  # fmt: skip
    return '<ul class="key">{}</ul>'.format(
        "".join(
            f'<li><svg viewBox="0 0 34 14" aria-hidden="true">{drawn}</svg>{text}</li>'
            for drawn, text in marks
        )
    )


def _table(record: DemoRecord) -> str:
    rows = []
    for key, name, meaning in ROWS:
        cells = []
        for run in ("without", "with"):
            cell = _figure(record, run, key)
            if key == "recognised":
                cell += f" of {record.runs[run]['returns']}"
            cells.append(f"<td>{cell}</td>")
        note = f' <span class="soft">{meaning}</span>' if meaning else ""
        rows.append(f'<tr><th scope="row">{name}{note}</th>{"".join(cells)}</tr>')
    return (
        "<h2>Figures</h2>"
        "<p>On the ground plane: a person is found when the place is right within half a metre. "
        "Both runs use the same detections.</p>"
        '<div class="scroll"><table><thead><tr><th scope="col"></th>'
        '<th scope="col">by place alone</th><th scope="col">with appearance</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _stories(record: DemoRecord, figures: RunFigures, folder: Path) -> str:
    cards = returns_told(folder, figures.visits.visits, record.frame_rate)
    if not cards:
        return ""
    told = whole_story(folder, figures.visits.visits)
    more = ""
    if told is not None:
        identity, text = told
        more = (
            f"<details><summary>All of identity {identity}, as <code>mtmc explain</code> tells "
            f'it</summary><pre tabindex="0">{escape(text)}</pre></details>'
        )
    return (
        "<h2>Why that identity?</h2>"
        "<p>Whoever comes in is compared with those who are not there. Bars are cosine distances "
        "of looks, green is who was chosen; whoever is farther from everybody than the red line "
        "is somebody new. Place and time count a little as well.</p>"
        f'<div class="stories">{"".join(cards)}</div>{more}'
    )


def _paths(paths: Path) -> str:
    return (
        "<h2>Where everybody went</h2>"
        f'<figure><img class="paths" src="{_data(paths, "image/png")}" alt="Floor plan with the '
        'paths of all identities, and how long each was seen and how far they went">'
        "<figcaption>Paths on the floor, in the colours of identities: a ring where each begins, "
        "a square where it ends.</figcaption></figure>"
    )


def _made(record: DemoRecord) -> str:
    reid = escape(record.reid)
    detector = "" if record.detector == PEOPLE else f" --detector {escape(record.detector)}"
    commands = (
        f"mtmc demo --seed {record.seed} --out out/demo\n\n"
        "# the same, step by step\n"
        f"mtmc simulate lab --preset lab-brief --seed {record.seed} --out world/room\n"
        f"mtmc run --sequence world/room{detector} --reid {reid} --out out/ --video --pictures\n"
        "mtmc eval --sequence world/room --results out/\n"
        "mtmc explain --run out/room --id 1"
    )
    steps = "".join(
        f'<tr><th scope="row">{escape(title)}</th><td>{seconds:.1f}</td></tr>'
        for title, seconds in record.steps.items()
    )
    return (
        "<h2>How this was made</h2>"
        f'<pre tabindex="0">{commands}</pre>'
        '<div class="scroll"><table><thead><tr><th scope="col">step</th><th scope="col">seconds'
        f"</th></tr></thead><tbody>{steps}</tbody></table></div>"
        f"<footer>Detector <code>{escape(record.detector)}</code>, appearance "
        f"<code>{reid}</code>. The people are drawn: nobody's picture is shown. It is a "
        "stand-in for the LAB sequence, not the LAB sequence.</footer>"
    )


def _poster(picture: Path) -> str:
    """The picture as a JPEG that fits the page."""
    image = cv2.imread(str(picture))
    if image is None:
        raise InputError(f"{picture}: not a readable image")
    height = round(image.shape[0] * POSTER_WIDTH / image.shape[1])
    small = cv2.resize(image, (POSTER_WIDTH, height), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, POSTER_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def _data(path: Path, kind: str) -> str:
    return f"data:{kind};base64," + base64.b64encode(path.read_bytes()).decode("ascii")
