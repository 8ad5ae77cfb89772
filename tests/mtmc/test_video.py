from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.drawing import TrackPainter, identity_colour
from mtmc.errors import InputError
from mtmc.mot_files import read_ground_truth
from mtmc.sources import FrameRange, ImageFolder, NoImages
from mtmc.video import render_video

PAGE = """<!doctype html><video id="v" src="clip.webm" muted></video><script>
const v = document.getElementById("v");
const tell = text => fetch("/result?" + encodeURIComponent(text));
v.onerror = () => tell("error " + v.error.code);
v.onended = () => tell(`${v.videoWidth}x${v.videoHeight} ${v.currentTime.toFixed(1)}`);
v.play();
</script>"""


@pytest.fixture
def clip(street, tmp_path) -> Path:
    path = tmp_path / "clip.webm"
    source = ImageFolder(street / "img1", "STREET", 25.0)
    truth = read_ground_truth(street / "gt" / "gt.txt")
    assert render_video(source, truth, path, FrameRange(1, 25)) == 25
    return path


def test_the_video_holds_every_frame_and_shows_the_boxes(street, clip):
    capture = cv2.VideoCapture(str(clip))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(25, abs=0.1)
    frames = []
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        frames.append(frame)
    assert len(frames) == 25
    assert frames[0].shape == (270, 480, 3)
    plain = cv2.imread(str(street / "img1" / "000025.jpg"))
    changed = np.abs(frames[-1].astype(int) - plain).max(axis=2) > 60
    truth = read_ground_truth(street / "gt" / "gt.txt")
    boxes = truth.xyxy[truth.frame == 25].round().astype(int)
    inside = (boxes[:, :2] > 4).all(axis=1) & (boxes[:, 2] < 476) & (boxes[:, 3] < 266)
    assert inside.sum() >= 2
    for left, top, _, bottom in boxes[inside]:
        edge = changed[top + 4 : bottom - 4, left - 2 : left + 3]
        assert edge.any(axis=1).mean() > 0.8


def test_wide_frames_are_scaled_down(street, tmp_path):
    path = tmp_path / "small.webm"
    source = ImageFolder(street / "img1", "STREET", 25.0)
    truth = read_ground_truth(street / "gt" / "gt.txt")
    render_video(source, truth, path, FrameRange(1, 2), max_width=101)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_WIDTH) == 100


def test_videos_that_cannot_be_made_leave_nothing(tmp_path, street):
    truth = read_ground_truth(street / "gt" / "gt.txt")
    source = NoImages("cam", 10.0, 5, (64, 48))
    with pytest.raises(InputError, match=r"ends in \.webm"):
        render_video(source, truth, tmp_path / "clip.mp4", FrameRange())
    with pytest.raises(InputError, match="no frame to show"):
        render_video(source, truth, tmp_path / "clip.webm", FrameRange(9, 9))
    assert list(tmp_path.iterdir()) == []


def test_colours_belong_to_identities_and_neighbours_differ():
    colours = np.array([identity_colour(i) for i in range(1, 200)], float)
    assert identity_colour(7) == identity_colour(7)
    assert np.linalg.norm(np.diff(colours, axis=0), axis=1).min() > 60


def test_trails_are_forgotten_with_their_people():
    painter = TrackPainter(trail_length=3)
    image = np.zeros((60, 80, 3), np.uint8)
    box = np.array([[10.0, 10, 20, 40]])
    painter.paint(image, np.array([1]), box)
    for _ in range(5):
        painter.paint(image, np.array([2]), box + 5)
    assert set(painter._trails) == {2}


def test_the_video_plays_in_a_browser(clip, browser_answer):
    (clip.parent / "index.html").write_text(PAGE, encoding="utf-8")
    size, seconds = browser_answer(clip.parent).split()
    assert size == "480x270"
    assert float(seconds) == pytest.approx(1.0, abs=0.1)
