from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from mtmc.errors import InputError, SourceEndedEarly
from mtmc.sources import FrameRange, ImageFolder, NoImages, VideoFile


def image_of(value: int) -> np.ndarray:
    return np.full((32, 48, 3), value, np.uint8)


@pytest.fixture
def folder(tmp_path):
    for index in (1, 2, 3, 4, 5):
        cv2.imwrite(str(tmp_path / f"{index:06d}.png"), image_of(index * 10))
    return tmp_path


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (48, 32))
    for index in range(1, 21):
        writer.write(image_of(index * 10))
    writer.release()
    return path


@pytest.mark.parametrize(
    ("text", "every", "visited"),
    [
        (":", 1, [1, 2, 3, 4, 5, 6]),
        ("2:4", 1, [2, 3, 4]),
        ("3:", 1, [3, 4, 5, 6]),
        (":2", 1, [1, 2]),
        ("2:6", 2, [2, 4, 6]),
        (" 2 : 3 ", 1, [2, 3]),
    ],
)
def test_frame_ranges(text, every, visited):
    frames = FrameRange.parse(text, every)
    assert [index for index in range(1, 7) if frames.contains(index)] == visited


@pytest.mark.parametrize("text", ["", "3", "a:b", "5:2", "0:3", "1:2:3", "-1:3"])
def test_malformed_frame_ranges(text):
    with pytest.raises(ValueError, match="frames"):
        FrameRange.parse(text)


def test_images_carry_index_and_time_from_their_names(folder):
    source = ImageFolder(folder, "cam", 10.0)
    frames = list(source.read(FrameRange(2, 5, 2)))
    assert [frame.index for frame in frames] == [2, 4]
    assert [frame.time_s for frame in frames] == pytest.approx([0.1, 0.3])
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [20, 40]
    assert source.count(FrameRange(2, 5, 2)) == 2


def test_uneven_frame_numbers_keep_real_time(tmp_path):
    for index in (10, 20, 25):
        cv2.imwrite(str(tmp_path / f"frame_{index}.png"), image_of(index))
    frames = list(ImageFolder(tmp_path, "cam", 25.0).read(FrameRange()))
    assert [frame.index for frame in frames] == [10, 20, 25]
    assert [frame.time_s for frame in frames] == pytest.approx([9 / 25, 19 / 25, 24 / 25])


def test_names_counted_from_zero_are_counted_from_one(tmp_path):
    for index in (0, 1):
        cv2.imwrite(str(tmp_path / f"{index:04d}.png"), image_of(index))
    assert [f.index for f in ImageFolder(tmp_path, "c", 1.0).read(FrameRange())] == [1, 2]


def test_a_missing_frame_ends_the_source_by_name(folder):
    (folder / "000003.png").unlink()
    source = ImageFolder(folder, "cam", 10.0, frame_count=5)
    frames = source.read(FrameRange())
    assert [next(frames).index, next(frames).index] == [1, 2]
    with pytest.raises(SourceEndedEarly, match="frame 3 is missing"):
        next(frames)


@pytest.mark.parametrize("content", [b"", b"no image at all", None])
def test_a_corrupt_frame_ends_the_source_by_name(folder, content):
    jpeg = cv2.imencode(".jpg", image_of(99))[1].tobytes()
    (folder / "000002.png").unlink()
    (folder / "000002.jpg").write_bytes(jpeg[: len(jpeg) // 2] if content is None else content)
    frames = ImageFolder(folder, "cam", 10.0).read(FrameRange())
    next(frames)
    with pytest.raises(SourceEndedEarly, match=r"000002\.jpg: frame 2 is not a readable image"):
        next(frames)


def test_folders_that_cannot_be_a_source(tmp_path, folder):
    with pytest.raises(InputError, match="no such folder"):
        ImageFolder(tmp_path / "none", "cam", 10.0)
    with pytest.raises(InputError, match="frame rate above 0"):
        ImageFolder(folder, "cam", 0.0)
    (folder / "cover.png").write_bytes((folder / "000001.png").read_bytes())
    with pytest.raises(InputError, match="ends in the frame number"):
        ImageFolder(folder, "cam", 10.0)
    (folder / "cover.png").rename(folder / "00001.png")
    with pytest.raises(InputError, match="frame 1 is also in"):
        ImageFolder(folder, "cam", 10.0)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no images found"):
        ImageFolder(empty, "cam", 10.0)


def test_video_frames_come_with_time_stamps(video):
    source = VideoFile(video)
    frames = list(source.read(FrameRange(1, None, 3)))
    assert [frame.index for frame in frames] == [1, 4, 7, 10, 13, 16, 19]
    assert [frame.time_s for frame in frames] == pytest.approx(
        [0.0, 0.3, 0.6, 0.9, 1.2, 1.5, 1.8], abs=0.101
    )
    assert all(a.time_s < b.time_s for a, b in pairwise(frames))
    assert [int(frame.image.mean()) for frame in frames] == pytest.approx(
        [10, 40, 70, 100, 130, 160, 190], abs=3
    )
    assert source.count(FrameRange(1, None, 3)) == 7


def test_a_truncated_video_says_where_it_ended(video):
    data = video.read_bytes()
    video.write_bytes(data[: len(data) * 6 // 10])
    source = VideoFile(video)
    seen = []
    with pytest.raises(SourceEndedEarly, match=r"ended after frame \d+ of 20"):
        seen.extend(frame.index for frame in source.read(FrameRange()))
    video.write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a video"):
        VideoFile(video)
    with pytest.raises(InputError, match="no such video"):
        VideoFile(video.with_name("none.mp4"))


def test_sequences_without_images_still_have_time():
    source = NoImages("cam", 4.0, 3, (64, 48))
    assert [(f.index, f.time_s, f.image) for f in source.read(FrameRange())] == [
        (1, 0.0, None),
        (2, 0.25, None),
        (3, 0.5, None),
    ]
    with pytest.raises(InputError, match="at least one frame"):
        NoImages("cam", 4.0, 0)
