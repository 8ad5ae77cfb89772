"""The demonstration: everything it promises is there, and the page says what the files say."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.cli import main
from mtmc.demo import Demo, DemoConfig, run_demo
from mtmc.demo.steps import Steps
from mtmc.errors import InputError
from mtmc.evaluation.ground import evaluate_site
from mtmc.sites import find_site

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Checks nesting, and gathers attributes and marked figures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.figures: list[tuple[str, str]] = []
        self._figure: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._figure = dict(attrs).get("data-figure")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._figure:
            self.figures.append((self._figure, data))
            self._figure = None


@pytest.fixture(scope="module")
def page(demo: Demo) -> Page:
    return Page(demo.page.read_text(encoding="utf-8"))


def test_everything_it_names_is_there(demo: Demo) -> None:
    out = demo.page.parent
    assert demo.video.stat().st_size > 10_000
    for picture in (demo.picture, demo.paths):
        assert cv2.imread(str(picture)) is not None
    for name in ("without", "with"):
        assert (out / name / "room" / "ground.csv").is_file()
    assert {path.name for path in (out / "detections").iterdir()} == {
        f"cam{number}.txt" for number in range(1, 5)
    }
    assert find_site(out / "room") is not None


def test_steps_are_named_and_counted_to_their_end(demo: Demo, bars) -> None:
    assert list(demo.record.steps) == [
        "draw the room", "find people", "track by place alone", "track with appearance", "score",
        "draw the video",
    ]  # fmt: skip
    for title, bar in bars.items():
        assert bar.done == (bar.total or 0), title


def test_figures_are_those_of_the_evaluation(demo: Demo) -> None:
    out = demo.page.parent
    written = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    site = find_site(out / "room")
    assert site is not None
    for name in ("without", "with"):
        metrics = evaluate_site(site, out / name / "room").metrics
        for key in ("MOTA", "IDF1", "IDs"):
            assert written["runs"][name][key] == pytest.approx(metrics[key], abs=0.051)
    assert written["runs"]["with"] == demo.record.runs["with"]


def test_figures_of_the_page_are_those_of_the_file(demo: Demo, page: Page) -> None:
    written = json.loads((demo.page.parent / "scores.json").read_text(encoding="utf-8"))
    assert len(page.figures) >= 2 * 7
    for name, shown in page.figures:
        run, _, key = name.partition(".")
        assert shown == str(written["runs"][run][key]), name


def test_the_page_is_whole_and_asks_nobody(demo: Demo, page: Page) -> None:
    assert page.open == []
    text = demo.page.read_text(encoding="utf-8")
    assert not re.search(r"(https?:)?//[a-z]", re.sub(r"base64,[A-Za-z0-9+/=]*", "", text))
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe")]
    sources = [attrs["src"] or "" for _, attrs in page.tags if "src" in attrs]
    assert len(sources) == 2
    assert all(source.startswith("data:") for source in sources)


def test_everything_shown_is_told_in_words(page: Page) -> None:
    for tag, attrs in page.tags:
        if tag == "img":
            assert attrs.get("alt")
        if tag in ("video", "svg"):
            assert attrs.get("aria-label") or attrs.get("aria-hidden") == "true", attrs
    assert ("html", {"lang": "en"}) in page.tags


def test_the_page_shows_its_video_in_a_browser(demo: Demo, tmp_path: Path, browser_answer) -> None:
    script = """<script>
    const v = document.querySelector("video");
    const tell = text => fetch("/result?" + encodeURIComponent(text));
    v.onerror = () => tell("error " + v.error.code);
    v.onended = () => tell([v.videoWidth, v.currentTime.toFixed(1), document.body.scrollWidth,
                            window.innerWidth].join(" "));
    v.loop = false; v.play();
    </script></body>"""
    text = demo.page.read_text(encoding="utf-8").replace("</body>", script)
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    width, seconds, page_width, window_width = map(float, browser_answer(tmp_path).split())
    assert width == cv2.VideoCapture(str(demo.video)).get(cv2.CAP_PROP_FRAME_WIDTH)
    assert seconds == pytest.approx(2.0, abs=0.1)
    assert page_width <= window_width  # nothing sticks out


def test_other_folders_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "thesis.tex").write_text("all of it", encoding="utf-8")
    with pytest.raises(InputError, match="no simulated world"):
        run_demo(tmp_path, DemoConfig(seconds=2.0, reid="histogram", workers=1))
    assert (tmp_path / "room" / "thesis.tex").read_text(encoding="utf-8") == "all of it"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seconds", "50"], "seconds: expected 2 to 20, got 50"),
        (["--seed", "-1"], "seed: expected 0 or more"),
        (["--workers", "0"], "workers: expected a number from 1"),
        (["--reid", "nobody.pt"], "nobody.pt"),
        (["--detector", "nothing.onnx"], "nothing.onnx"),
    ],
)
def test_nonsense_is_one_line_before_anything_is_drawn(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--out", str(tmp_path / "demo"), *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


def test_steps_are_timed_and_told() -> None:
    told: list[str] = []
    steps = Steps(on_done=lambda title, seconds: told.append(title))
    with steps.step("one"), steps.step("two"):
        pass
    with pytest.raises(InputError), steps.step("three"):
        raise InputError("wrong")
    assert told == ["two", "one"]
    assert set(steps.seconds) == {"one", "two"}
    assert steps.total_s == pytest.approx(sum(steps.seconds.values()))


@pytest.mark.slow
def test_people_who_come_back_are_known_again(tmp_path: Path) -> None:
    demo = run_demo(tmp_path)
    plain, looks = demo.record.runs["without"], demo.record.runs["with"]
    assert looks["returns"] >= 5
    assert looks["recognised"] >= 3
    assert looks["recognised"] > plain["recognised"]
    assert looks["IDF1"] > plain["IDF1"] + 10
    assert looks["wrong_percent"] < plain["wrong_percent"]
    assert demo.page.stat().st_size < 11e6
    assert np.isfinite(demo.record.total_s)
