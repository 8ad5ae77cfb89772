"""Crops of drawn people as a detector would cut them: a site of cameras, and who passes by.

Every site has people, some of them in uniform, and cameras that differ in colour, light, height,
distance and sharpness. A shot shows one person, other people and things that may be in front, and a
place behind that has nothing to do with the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mtmc.calibration import Camera

from ..types import FloatArray, Image
from .aiming import look_at, rolled
from .backdrops import cut, paint_colour
from .bodies import BodyMesh, body_mesh, skin_points
from .clothes import Look, builds_of
from .clothes_paint import colours, worn
from .poses import Posture, skeleton
from .render_skin import Buffers, Skin, packed, paint_skin
from .shot_cameras import CROP_HEIGHTS_PX, ShotCamera, random_camera
from .shot_optics import expose
from .wardrobe import varied_looks

PERSON = 1
"""Label of whom a shot is of; the others have higher ones."""
LEAST_VISIBLE = 0.55
"""Share of the person in a crop that must show."""
FINE_HEIGHTS_PX = (112, 256)
"""Shots are painted at about twice their height, and shrunk."""
WALKING, ACCOMPANIED, BADLY_CUT = 0.65, 0.3, 0.1
"""Chance that somebody who does not sit walks; that others are near; of a bad box."""
SHADOW = 0.55
FABRIC = 0.05
"""Darkness of the floor under the feet; standard deviation of the brightness of cloth."""


@dataclass(frozen=True, eq=False)
class Crowd:
    """Bodies in one camera's shots, N of them.

    Attributes
    ----------
    bodies : (N, V, 3) float64
        Vertices around the origin, metres, facing along x.
    skins : list of N Skin
    person : (N,) int64
        Who each is.
    """

    bodies: FloatArray
    skins: list[Skin]
    person: npt.NDArray[np.int64]


def site_shots(
    rng: np.random.Generator, people: int, cameras: int, images: int
) -> list[list[list[bytes]]]:
    """Everybody of one site: JPEG files by person, camera and image."""
    mesh = body_mesh()
    looks = varied_looks(rng, people)
    height_m = np.where(
        np.array([look.waist for look in looks]) > 0.4, 1.65, 1.77
    ) + rng.normal(0, 0.07, people)  # fmt: skip
    skins = [_skin(look, mesh, rng) for look in looks]
    shots: list[list[list[bytes]]] = [[] for _ in range(people)]
    for _ in range(cameras):
        camera = random_camera(rng)
        crowd = _crowd(rng, mesh, looks, height_m, skins, images, camera.seated)
        facing = rng.uniform(0, 2 * np.pi, people)
        for person in range(people):
            rows = person * images + np.arange(images)
            # those who pass a camera show it about the same side
            sides = facing[person] + rng.normal(0, 0.8, images)
            shots[person].append(
                [
                    shot(rng, camera, crowd, int(r), float(a))
                    for r, a in zip(rows, sides, strict=True)
                ]
            )
    return shots


def shot(
    rng: np.random.Generator, camera: ShotCamera, crowd: Crowd, row: int, azimuth: float
) -> bytes:
    """A JPEG file of body ``row``, seen from a direction (radians from its front)."""
    crop_px = int(np.clip(camera.crop_px * np.exp(rng.normal(0, 0.2)), *CROP_HEIGHTS_PX))
    lens = _aim(rng, camera, crowd, row, azimuth, int(np.clip(2 * crop_px, *FINE_HEIGHTS_PX)))
    place = _shadowed(cut(rng, camera.place, lens.image_size[::-1]), lens)
    others = _others(rng, crowd, row) if rng.random() < ACCOMPANIED else []
    screened = bool(rng.random() < camera.screened)
    scene, visible = _paint(rng, camera, crowd, row, lens, place, others, screened)
    if visible < LEAST_VISIBLE:
        scene, _ = _paint(rng, camera, crowd, row, lens, place, [], False)
    width = max(8, round(crop_px * lens.image_size[0] / lens.image_size[1]))
    small = cv2.resize(scene, (width, crop_px), interpolation=cv2.INTER_AREA)
    return expose(np.asarray(small, np.uint8), camera.optics, rng)


def _skin(look: Look, mesh: BodyMesh, rng: np.random.Generator) -> Skin:
    shown = worn(look, mesh)
    quads = mesh.quads[shown]
    fabric = 1 + rng.normal(0, FABRIC * rng.random(), len(quads))
    return Skin(quads, colours(look, mesh)[shown] * fabric[:, None], np.unique(quads))


def _crowd(
    rng: np.random.Generator,
    mesh: BodyMesh,
    looks: list[Look],
    height_m: FloatArray,
    skins: list[Skin],
    images: int,
    seated_share: float,
) -> Crowd:
    """Everybody in as many postures as images are taken."""
    person = np.repeat(np.arange(len(looks)), images)
    wearers = [looks[row] for row in person]
    count = len(person)
    seated = (rng.random(count) < seated_share).astype(float)
    posture = Posture(
        height_m=height_m[person],
        walked_m=rng.uniform(0, 3, count),
        stride=(rng.random(count) < WALKING) * (1 - seated),
        seated=seated,
        time_s=float(rng.uniform(0, 600)),
        habit=np.array([look.habit for look in wearers]),
    )
    bodies = skin_points(mesh, skeleton(posture), posture.height_m, builds_of(wearers))
    return Crowd(bodies, [skins[row] for row in person], person)


def _aim(
    rng: np.random.Generator,
    camera: ShotCamera,
    crowd: Crowd,
    row: int,
    azimuth: float,
    fine_px: int,
) -> Camera:
    """A camera whose whole image is what a detector would cut out of a larger one."""
    distance = max(1.2, camera.distance_m * np.exp(rng.normal(0, 0.25)))
    position = distance * np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    position[2] = camera.elevation_m
    skin = crowd.skins[row]
    body = crowd.bodies[row, skin.vertices]
    rotation = rolled(look_at(position, body.mean(axis=0)), rng.normal(0, camera.tilt))
    local = (body - position) @ rotation.T
    flat = local[:, :2] / local[:, 2:]
    box = np.stack([flat.min(axis=0), flat.max(axis=0)])
    size = box[1] - box[0]
    lacking = max(0.0, camera.least_aspect * size[1] - size[0])
    box[:, 0] += np.array([-0.5, 0.5]) * lacking
    size = box[1] - box[0]
    margin = rng.normal([[-0.06, -0.03], [0.06, 0.03]], [[0.09, 0.03], [0.09, 0.04]])
    if rng.random() < BADLY_CUT:
        margin += rng.normal(0, [[0.15, 0.06], [0.15, 0.12]])
    box = box + np.clip(margin, -0.35, 0.35) * size
    focal = fine_px / (box[1, 1] - box[0, 1])
    width = int(np.clip(focal * (box[1, 0] - box[0, 0]), 0.2 * fine_px, 1.2 * fine_px))
    centre = (width / 2 - focal * box[:, 0].mean(), -focal * box[0, 1])
    matrix = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])
    return Camera("shot", matrix, rotation, -rotation @ position, (width, fine_px))


def _shadowed(place: Image, lens: Camera) -> Image:
    """A soft shadow around the feet."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = 0.35 * np.stack([np.cos(turn), np.sin(turn), np.zeros(16)], axis=1)
    mask = np.zeros(place.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, np.rint(lens.project(ring)).astype(np.int32), (SHADOW,))
    soft = cv2.GaussianBlur(mask, (0, 0), place.shape[0] / 60)
    return np.asarray(place * (1 - soft[..., None]), np.uint8)


def _others(rng: np.random.Generator, crowd: Crowd, row: int) -> list[tuple[int, FloatArray]]:
    """Bodies, and where they stand (2,): near, beside, in front or behind."""
    strangers = np.flatnonzero(crowd.person != crowd.person[row])
    if not len(strangers):
        return []
    found = []
    for _ in range(int(rng.integers(1, 3))):
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 1.1)
        place = away * np.array([np.cos(angle), np.sin(angle)])
        found.append((int(rng.choice(strangers)), place))
    return found


def _paint(
    rng: np.random.Generator,
    camera: ShotCamera,
    crowd: Crowd,
    row: int,
    lens: Camera,
    place: Image,
    others: list[tuple[int, FloatArray]],
    screened: bool,
) -> tuple[Image, float]:
    """The scene (H, W, 3), and how much of the person shows."""
    depth = np.full(place.shape[:2], np.inf, np.float32)
    buffers = Buffers(packed(place), depth)
    whole = 0
    for label, (body, xy) in enumerate([(row, np.zeros(2)), *others], PERSON):
        xyz = crowd.bodies[body].copy()
        if label != PERSON:
            turn = rng.uniform(0, 2 * np.pi)
            cos, sin = np.cos(turn), np.sin(turn)
            xyz[:, :2] = xyz[:, :2] @ np.array([[cos, sin], [-sin, cos]]) + xy
        uv = lens.project(xyz)
        pixels = paint_skin(buffers, lens, crowd.skins[body], xyz, uv, label, camera.light)
        whole = pixels if label == PERSON else whole
    image = np.ascontiguousarray(buffers.bytes[..., :3])
    shown = buffers.bytes[..., 3] == PERSON
    if screened:
        _screen(rng, image, shown)
    return image, float(np.count_nonzero(shown)) / max(whole, 1)


def _screen(rng: np.random.Generator, image: Image, shown: npt.NDArray[np.bool_]) -> None:
    """Furniture from below, or a pillar from the side, in front of everything; in place."""
    height, width = image.shape[:2]
    region: tuple[slice, slice]
    if rng.random() < 0.65:
        top, left = int(height * rng.uniform(0.45, 0.85)), int(width * rng.uniform(-0.5, 0.5))
        left = max(left, 0)
        region = slice(top, None), slice(left, left + int(width * rng.uniform(0.5, 1.2)))
    else:
        thick = int(width * rng.uniform(0.1, 0.4))
        left = 0 if rng.random() < 0.5 else width - thick
        region = slice(None), slice(left, left + thick)
    patch = np.broadcast_to(paint_colour(rng), image[region].shape).copy()
    patch *= 1 + rng.normal(0, 0.03, patch.shape[:2])[..., None]
    patch[: max(1, height // 60)] *= rng.uniform(0.5, 1.4)
    image[region] = np.clip(patch, 0, 255)
    shown[region] = False
