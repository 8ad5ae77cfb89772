"""A small synthetic street: drawn people cross a square before one camera.

The world is known exactly, so ground truth, visibility and detections with realistic faults come
with the frames. The output is a sequence in MOTChallenge's layout, and the same seed gives the same
files.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .errors import InputError
from .figures import Appearance, figure_parts, paint_figure, random_appearance
from .types import FloatArray, Image

NAME = "STREET"
SQUARE_X = (-7.0, 7.0)
SQUARE_Y = (3.5, 16.0)
PILLARS = ((-2.6, 8.5, 0.55, 2.6), (3.4, 6.2, 0.5, 2.3))  # x, y, width and height in metres
STEP_LENGTH_M = 0.75
SENSOR_NOISE = 1.2


@dataclass(frozen=True)
class StreetConfig:
    """Settings of the synthetic street.

    Attributes
    ----------
    frames : int
        Length of the sequence.
    people : int
        How many people cross it in all, 1 to 200.
    seed : int
        Same seed, same files.
    frame_rate : float
        Frames per second.
    width, height : int
        Size of the frames in pixels.
    miss_rate : float
        Share of plainly visible people that the detector misses.
    false_rate : float
        False boxes per frame, on average.
    """

    frames: int = 300
    people: int = 14
    seed: int = 1
    frame_rate: float = 25.0
    width: int = 960
    height: int = 540
    miss_rate: float = 0.06
    false_rate: float = 0.15

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= 100_000:
            raise ValueError(f"frames: expected 1 to 100000, got {self.frames}")
        if not 1 <= self.people <= 200:
            raise ValueError(f"people: expected 1 to 200, got {self.people}")
        if self.frame_rate <= 0:
            raise ValueError(f"frame_rate: expected a value above 0, got {self.frame_rate}")
        if min(self.width, self.height) < 64:
            raise ValueError(f"width, height: expected from 64, got {self.width}x{self.height}")
        if not 0 <= self.miss_rate <= 1 or self.false_rate < 0:
            raise ValueError("miss_rate: expected 0 to 1; false_rate: expected 0 or more")


@dataclass(frozen=True, eq=False)
class Walker:
    """One person's way: where they are at every frame (NaN when not there), and how they look."""

    appearance: Appearance
    xy: FloatArray
    walked_m: FloatArray


class StreetCamera:
    """A pinhole camera that looks down the square; ground is Z = 0, Y points away from it."""

    def __init__(self, width: int, height: int) -> None:
        self.focal = 0.95 * width
        self.centre = np.array([width / 2, height / 2])
        pitch = np.deg2rad(17.0)
        self._height_m = 4.2
        self._cos, self._sin = np.cos(pitch), np.sin(pitch)

    def project(self, xyz: FloatArray) -> FloatArray:
        """Pixels (N, 2) of world points (N, 3) in metres; NaN behind the camera."""
        x, y, z = xyz.T
        below = self._height_m - z
        depth = y * self._cos + below * self._sin
        down = below * self._cos - y * self._sin
        depth = np.where(depth > 0.1, depth, np.nan)
        pixels: FloatArray = self.centre + self.focal * np.stack([x / depth, down / depth], axis=1)
        return pixels


def simulate_street(
    folder: Path, config: StreetConfig, on_frame: Callable[[int], None] | None = None
) -> Path:
    """Write ``folder/STREET`` with frames, ground truth and detections.

    Parameters
    ----------
    folder : Path
        Made where missing; an older ``STREET`` in it is replaced once the new one is whole.
    config : StreetConfig
    on_frame : callable or None
        Called with the index of every finished frame.

    Returns
    -------
    Path
        Folder of the sequence.
    """
    target = folder / NAME
    if target.exists() and not (target / "seqinfo.ini").is_file():
        raise InputError(f"{target}: exists and is no sequence; not overwritten")
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=folder))
    try:
        _write_sequence(work, config, on_frame)
        work.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        work.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _write_sequence(
    folder: Path, config: StreetConfig, on_frame: Callable[[int], None] | None
) -> None:
    for name in ("img1", "gt", "det"):
        (folder / name).mkdir()
    rng = np.random.default_rng(config.seed)
    walkers = [_walker(rng, index, config) for index in range(config.people)]
    camera = StreetCamera(config.width, config.height)
    background = _background(camera, config, rng)
    truth, found = [], []
    for index in range(1, config.frames + 1):
        image, boxes = _render(background, camera, walkers, index - 1)
        noise = rng.normal(0, SENSOR_NOISE, image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(
            str(folder / "img1" / f"{index:06d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 88]
        )
        for identity, (left, top, right, bottom), visible in boxes:
            truth.append(
                f"{index},{identity},{left:.1f},{top:.1f},{right - left:.1f},{bottom - top:.1f},"
                f"1,1,{visible:.3f}\n"
            )
        for (left, top, right, bottom), score in _detect(rng, boxes, config):
            found.append(
                f"{index},-1,{left:.1f},{top:.1f},{right - left:.1f},{bottom - top:.1f},"
                f"{score:.3f},-1,-1,-1\n"
            )
        if on_frame is not None:
            on_frame(index)
    (folder / "gt" / "gt.txt").write_text("".join(truth))
    (folder / "det" / "det.txt").write_text("".join(found))
    (folder / "seqinfo.ini").write_text(
        f"[Sequence]\nname={NAME}\nimDir=img1\nframeRate={config.frame_rate:g}\n"
        f"seqLength={config.frames}\nimWidth={config.width}\nimHeight={config.height}\n"
        "imExt=.jpg\n"
    )


def _walker(rng: np.random.Generator, index: int, config: StreetConfig) -> Walker:
    """A way across the square: in on one side, over two points inside, out on another."""
    appearance = random_appearance(rng, index)
    side = 1.0 if rng.random() < 0.5 else -1.0
    inside = [[rng.uniform(-4.5, 4.5), rng.uniform(5.0, 13.0)] for _ in range(2)]
    start = [side * (SQUARE_X[1] + 3.0), rng.uniform(*SQUARE_Y)]
    end = [-side * (SQUARE_X[1] + 3.0), rng.uniform(*SQUARE_Y)]
    points = np.array([start, *inside, end])
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    speed = rng.uniform(1.0, 1.7)
    duration_s = config.frames / config.frame_rate
    # about half of the people are on their way when the recording begins
    delay_s = rng.uniform(-0.8 * along[-1] / speed, duration_s * 0.6)
    time_s = np.arange(config.frames) / config.frame_rate - delay_s
    pause_at, pause_s = along[1] / speed, rng.choice([0.0, 0.0, rng.uniform(1.0, 3.0)])
    moving_s = np.where(time_s > pause_at, np.maximum(pause_at, time_s - pause_s), time_s)
    walked = moving_s * speed
    xy = np.stack([np.interp(walked, along, points[:, axis]) for axis in (0, 1)], axis=1)
    xy[(walked < 0) | (walked > along[-1])] = np.nan
    return Walker(appearance, xy, walked)


Box = tuple[int, tuple[float, float, float, float], float]


def _render(
    background: Image, camera: StreetCamera, walkers: list[Walker], step: int
) -> tuple[Image, list[Box]]:
    """Draw everybody from back to front; return the image and (id, xyxy, visible share)."""
    image = background.copy()
    owner = np.zeros(image.shape[:2], np.uint8)
    present = [i for i, w in enumerate(walkers) if np.isfinite(w.xy[step]).all()]
    scene = [(walkers[i].xy[step, 1], i) for i in present]
    scene += [(pillar[1], -1 - k) for k, pillar in enumerate(PILLARS)]
    drawn: dict[int, tuple[FloatArray, int]] = {}
    for _, i in sorted(scene, reverse=True):
        if i < 0:
            _paint_pillar(image, owner, camera, PILLARS[-1 - i])
        else:
            drawn[i] = _paint_walker(image, owner, camera, walkers[i], step, label=i + 1)
    boxes: list[Box] = []
    height, width = image.shape[:2]
    for i, (xyxy, area) in drawn.items():
        whole = max(1.0, (xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]))
        left, top = max(0.0, xyxy[0]), max(0.0, xyxy[1])
        right, bottom = min(float(width), xyxy[2]), min(float(height), xyxy[3])
        inside = max(0.0, right - left) * max(0.0, bottom - top) / whole
        if area == 0 or inside < 0.2:
            continue
        region = owner[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
        visible = np.count_nonzero(region == i + 1) / area
        box = (float(xyxy[0]), float(xyxy[1]), float(xyxy[2]), float(xyxy[3]))
        boxes.append((i + 1, box, min(1.0, float(visible)) * inside))
    return image, sorted(boxes)


def _paint_walker(
    image: Image, owner: Image, camera: StreetCamera, walker: Walker, step: int, label: int
) -> tuple[FloatArray, int]:
    x, y = walker.xy[step]
    foot, head = camera.project(np.array([[x, y, 0.0], [x, y, walker.appearance.height_m]]))
    before = walker.xy[max(0, step - 3)]
    heading = walker.xy[step] - before if np.isfinite(before).all() else np.array([1.0, 0.0])
    moving = float(np.linalg.norm(heading)) > 1e-6
    facing = float(heading[0] / np.linalg.norm(heading)) if moving else 0.0
    stride = walker.walked_m[step] / STEP_LENGTH_M * np.pi if moving else 0.0
    pixels = float(foot[1] - head[1])
    shadow = (max(1, round(0.13 * pixels)), max(1, round(0.04 * pixels)))
    patch = image.copy()
    cv2.ellipse(patch, (round(foot[0]), round(foot[1])), shadow, 0, 0, 360, (30, 30, 34), -1)
    cv2.addWeighted(patch, 0.45, image, 0.55, 0, dst=image)
    return paint_figure(
        image, owner, label, figure_parts(walker.appearance, stride, facing), foot, pixels
    )


def _paint_pillar(
    image: Image, owner: Image, camera: StreetCamera, pillar: tuple[float, float, float, float]
) -> None:
    x, y, width, height = pillar
    corners = np.array(
        [[x - width / 2, y, 0], [x + width / 2, y, 0], [x + width / 2, y, height],
         [x - width / 2, y, height]]
    )  # fmt: skip
    left, top, right, bottom = _bounds(camera.project(corners))
    cv2.rectangle(image, (left, top), (right, bottom), (118, 128, 134), cv2.FILLED)
    shade = left + (right - left) * 2 // 3
    cv2.rectangle(image, (shade, top), (right, bottom), (92, 100, 106), cv2.FILLED)
    cv2.rectangle(
        image, (left, top), (right, top + max(2, (bottom - top) // 18)), (70, 96, 190), -1
    )
    owner[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 0


def _bounds(points: FloatArray) -> tuple[int, int, int, int]:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return round(float(left)), round(float(top)), round(float(right)), round(float(bottom))


def _background(camera: StreetCamera, config: StreetConfig, rng: np.random.Generator) -> Image:
    """Sky, a row of houses, and a tiled square."""
    image = np.empty((config.height, config.width, 3), np.uint8)
    image[:] = (206, 196, 186)
    far = camera.project(np.array([[0.0, SQUARE_Y[1] + 4.0, 0.0]]))[0, 1]
    horizon = int(far)
    rows = np.linspace(0, 1, max(1, config.height - horizon))[:, None]
    image[horizon:] = rows[..., None] * [150, 156, 160] + (1 - rows[..., None]) * [176, 180, 184]
    left, unit = 0, config.width // 9
    while left < config.width:
        width = int(rng.integers(unit // 2, unit))
        roof = int(horizon * rng.uniform(0.05, 0.4))
        tone = rng.integers(120, 190)
        colour = (int(tone * 0.86), int(tone * 0.94), int(tone))
        cv2.rectangle(image, (left, roof), (left + width, horizon), colour, cv2.FILLED)
        for wx in range(left + 8, left + width - 14, 26):
            for wy in range(roof + 10, horizon - 20, 30):
                cv2.rectangle(image, (wx, wy), (wx + 12, wy + 16), (96, 84, 72), cv2.FILLED)
        left += width
    line = (140, 146, 150)
    for x in np.arange(-24.0, 24.1, 1.5):
        _ground_line(image, camera, (x, 1.0), (x, SQUARE_Y[1] + 4.0), line)
    for y in np.arange(1.0, SQUARE_Y[1] + 4.1, 1.5):
        _ground_line(image, camera, (-40.0, y), (40.0, y), line)
    return image


def _ground_line(
    image: Image,
    camera: StreetCamera,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: tuple[int, int, int],
) -> None:
    a, b = camera.project(np.array([[*start, 0.0], [*end, 0.0]]))
    first, last = (round(float(a[0])), round(float(a[1]))), (round(float(b[0])), round(float(b[1])))
    cv2.line(image, first, last, colour, 1, cv2.LINE_AA)


def _detect(
    rng: np.random.Generator, boxes: list[Box], config: StreetConfig
) -> list[tuple[FloatArray, float]]:
    """A detector with faults: hidden people are missed, boxes shake, and some are nobody."""
    found = []
    for _, xyxy, visible in boxes:
        box = np.array(xyxy)
        size = box[2:] - box[:2]
        shake = rng.normal(0, 0.02, 4) * np.concatenate([size, size])
        luck, score = rng.random(), 0.35 + 0.6 * visible + rng.normal(0, 0.06)
        # the chance of a miss rises steeply once less than half of a person shows
        miss = config.miss_rate + (1 - config.miss_rate) / (1 + np.exp((visible - 0.35) * 18))
        if luck >= miss:
            found.append((box + shake, float(np.clip(score, 0.05, 0.99))))
    for _ in range(rng.poisson(config.false_rate)):
        height = rng.uniform(0.12, 0.4) * config.height
        corner = rng.uniform([0, 0.3 * config.height], [config.width * 0.95, config.height * 0.6])
        box = np.concatenate([corner, corner + [height * 0.4, height]])
        found.append((box, float(rng.uniform(0.1, 0.55))))
    return found
