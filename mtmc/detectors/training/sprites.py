"""Cut-out pictures of rendered people: every one another body, dress, posture, view and light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from mtmc.calibration import Camera
from mtmc.types import FloatArray, Image
from mtmc.worlds.aiming import look_along, rolled
from mtmc.worlds.bodies import BodyMesh, body_mesh, skin_points
from mtmc.worlds.clothes import Look, builds_of, random_looks
from mtmc.worlds.clothes_paint import colours, worn
from mtmc.worlds.poses import Posture, skeleton
from mtmc.worlds.render_skin import Buffers, Skin, paint_skin

HEIGHT_PX = 256
"""Of a cut-out, about."""
OVERSAMPLING = 2
MARGIN = 1.7
"""The picture is drawn this much higher than the body, then cut."""
ROOM_XY = ((1.0, 5.0), (1.0, 4.0))
"""Where in the lamps' light people stand, metres."""
ELEVATION = (-0.10, 0.85)
"""How far the camera looks down on them, radians."""
DISTANCE_M = (2.2, 16.0)
ROLL = 0.05
HEIGHT_M, HEIGHT_SPREAD_M, CHILD_SHARE = 1.70, 0.10, 0.08
SEATED_SHARE, STANDING_SHARE = 0.12, 0.3
SMALLEST_PX = 12


@dataclass(frozen=True, eq=False)
class Sprite:
    """One cut-out person.

    Attributes
    ----------
    bgra : (H, W, 4) uint8
        Colours, and how much of each pixel is person.
    elevation : float
        How far the camera looked down, radians.
    """

    bgra: Image
    elevation: float


def draw_sprites(
    count: int, seed: int, on_sprite: Callable[[], None] = lambda: None
) -> list[Sprite]:
    """Draw people, in order of elevation."""
    rng = np.random.default_rng([seed, 1])
    mesh = body_mesh()
    sprites: list[Sprite] = []
    while len(sprites) < count:
        for look in random_looks(rng, 12):
            sprite = draw_sprite(recoloured(look, rng), mesh, rng)
            if sprite is not None and len(sprites) < count:
                sprites.append(sprite)
                on_sprite()
    return sorted(sprites, key=lambda sprite: sprite.elevation)


def recoloured(look: Look, rng: np.random.Generator) -> Look:
    """Often in other colours than the worlds' people wear: most real clothes are dull or dark."""
    if rng.random() < 0.3:
        return look
    value, chroma = rng.uniform(8, 240, 4), rng.uniform(0, 1, 4) ** 2.5

    def shade(k: int) -> tuple[int, int, int]:
        tint = rng.uniform(-1, 1, 3) * 120 * chroma[k]
        red, green, blue = np.clip(value[k] + tint, 4, 250).astype(int).tolist()
        return red, green, blue

    kept = {name: getattr(look, name) for name in look.__dataclass_fields__}
    return Look(
        **kept | {"top": shade(0), "second": shade(1), "trousers": shade(2), "bag": shade(3)}
    )


def draw_sprite(look: Look, mesh: BodyMesh, rng: np.random.Generator) -> Sprite | None:
    """One person in a random posture and view; None where next to nothing of them shows."""
    height = np.array([max(1.4, rng.normal(HEIGHT_M, HEIGHT_SPREAD_M))])
    if rng.random() < CHILD_SHARE:
        height *= rng.uniform(0.55, 0.85)
    body = _body(look, mesh, height, rng)
    elevation = float(rng.uniform(*ELEVATION))
    camera = _camera(body, elevation, rng)
    quads = mesh.quads[worn(look, mesh)]
    skin = Skin(quads, colours(look, mesh)[worn(look, mesh)], np.unique(quads))
    size = camera.image_size
    buffers = Buffers(
        np.zeros((size[1], size[0]), np.uint32), np.full((size[1], size[0]), np.inf, np.float32)
    )
    if not paint_skin(buffers, camera, skin, body, camera.project(body), 255):
        return None
    return _cut(buffers.bytes, elevation)


def _cut(fine: Image, elevation: float) -> Sprite | None:
    columns = np.flatnonzero(fine[..., 3].any(axis=0))
    rows = np.flatnonzero(fine[..., 3].any(axis=1))
    width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
    if min(width, height) < OVERSAMPLING * SMALLEST_PX:
        return None
    inner = fine[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = (int(width) // OVERSAMPLING, int(height) // OVERSAMPLING)
    # black around the outline would darken it: the average is taken of what is there
    pixels = cv2.resize(inner, small, interpolation=cv2.INTER_AREA)
    share = np.maximum(pixels[..., 3:], 1) / 255
    pixels[..., :3] = np.clip(pixels[..., :3] / share, 0, 255)
    return Sprite(np.ascontiguousarray(pixels), elevation)


def _body(look: Look, mesh: BodyMesh, height_m: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Skin (V, 3) of somebody who stands, walks or sits somewhere in the room."""
    kind = rng.random()
    seated = float(kind < SEATED_SHARE)
    standing = not seated and kind < SEATED_SHARE + STANDING_SHARE
    posture = Posture(
        height_m=height_m,
        walked_m=rng.uniform(0, 20, 1),
        stride=np.array([0.0 if seated or standing else rng.uniform(0.4, 1.3)]),
        seated=np.array([seated]),
        time_s=float(rng.uniform(0, 100)),
        habit=np.array([look.habit]),
    )
    local = skin_points(mesh, skeleton(posture), height_m, builds_of([look]))[0]
    heading = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(heading), np.sin(heading)
    turned = local @ np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(turned + [*(rng.uniform(*span) for span in ROOM_XY), 0.0])


def _camera(body: FloatArray, elevation: float, rng: np.random.Generator) -> Camera:
    """A camera somewhere around a body, which fills the picture."""
    middle = (body.min(axis=0) + body.max(axis=0)) / 2
    distance = float(np.exp(rng.uniform(*np.log(DISTANCE_M))))
    around, roll = rng.uniform(0, 2 * np.pi), rng.normal(0, ROLL)
    forward = np.array(
        [np.cos(around) * np.cos(elevation), np.sin(around) * np.cos(elevation), -np.sin(elevation)]
    )
    rotation = rolled(look_along(forward), roll)
    side = round(MARGIN * HEIGHT_PX * OVERSAMPLING)
    focal = HEIGHT_PX * OVERSAMPLING * distance / 1.75
    matrix = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1.0]])
    position = middle - distance * forward
    return Camera("sprite", matrix, rotation, -rotation @ position, (side, side))
