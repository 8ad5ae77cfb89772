"""Pictures of the LAB-like world: what one camera sees at one frame, and who is where in it.

People are skins of small quadrilaterals (:mod:`.bodies`), painted far to near into a buffer of
their own; a depth buffer, which the furniture is in from the start, decides what hides what. All
of it happens at twice the resolution and is then averaged, which is what smooths the outlines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mtmc.calibration import Camera

from ..types import FloatArray, Image, IntArray
from .bodies import body_mesh, skin_points
from .clothes import Look, builds_of, colours, worn
from .lab_world import LabWorld
from .poses import Posture, skeleton
from .render_optics import Optics
from .render_room import AMBIENT, lamp_light, room_view

OVERSAMPLING = 2
SUBPIXEL_BITS = 3
LABEL_SHIFT = 24
"""Pixels are packed: blue, green, red, and the person's label in the highest byte."""
MOST_PEOPLE = 255
BIAS_M = 0.03
"""People are drawn this much nearer: one who touches a chair is not swallowed by it."""
SHADE_DIRECTION = np.array([0.55, -0.1, 0.83])
"""Where the window's light comes from."""
WALKING_SPEED = 0.7
"""Metres per second from which on a stride is a full one."""
SPEED_WINDOW_S = 0.2
SHADOW_CELL = 4
SHADOW_STRENGTH = 0.42


@dataclass(frozen=True, eq=False)
class Picture:
    """One image with its truth; P identities.

    Attributes
    ----------
    image : (H, W, 3) uint8
        BGR.
    owner : (H, W) uint8
        Which person each pixel shows, column + 1; 0 is room and furniture.
    xyxy : (P, 4) float64
        Boxes of the whole bodies, hidden parts and those outside the image too; NaN while away.
    visible : (P,) float64
        Share of the body that shows, of its silhouette without anything in front; what lies
        outside the image does not show. 0 while away.
    """

    image: Image
    owner: npt.NDArray[np.uint8]
    xyxy: FloatArray
    visible: FloatArray


class Renderer:
    """One camera in a LAB-like world.

    Parameters
    ----------
    world : LabWorld
    looks : sequence of P Look
    camera : Camera
        Frames have its image size.
    seed : int
        Of the camera's colours and noise; which also hang on its name.

    Raises
    ------
    ValueError
        When there are not as many looks as people, or more than 255.
    """

    def __init__(
        self, world: LabWorld, looks: Sequence[Look], camera: Camera, seed: int = 0
    ) -> None:
        people = len(world.height_m)
        if len(looks) != people or people > MOST_PEOPLE:
            raise ValueError(
                f"looks: expected one for each of {people} people, at most {MOST_PEOPLE}, "
                f"got {len(looks)}"
            )
        self._world, self._looks = world, list(looks)
        self._camera, self._optics = camera, Optics(camera.name, camera.image_size, seed)
        width, height = camera.image_size
        self._fine = camera.resized((OVERSAMPLING * width, OVERSAMPLING * height))
        room = room_view(self._fine)
        self._empty = _packed(room.image)
        self._depth, self._floor = room.depth, room.floor
        self._mesh = body_mesh()
        self._colours = [colours(look, self._mesh) for look in looks]
        self._worn = [worn(look, self._mesh) for look in looks]
        self._stride = _strides(world)

    def frame(self, index: int) -> tuple[Image, npt.NDArray[np.uint8]]:
        """Image (H, W, 3) BGR and owners (H, W) of one frame: see `Picture`."""
        picture = self.picture(index)
        return picture.image, picture.owner

    def silhouette_boxes(self, index: int) -> FloatArray:
        """Boxes (P, 4) of the whole bodies, in pixels; NaN while away or behind the camera."""
        present = self._world.present(index)
        return self._boxes(present, self._bodies(index, present))

    def picture(self, index: int) -> Picture:
        """Draw one frame, and tell who is where in it."""
        present = self._world.present(index)
        points = self._bodies(index, present)
        canvas, depth = self._empty.copy(), self._depth.copy()
        if len(present):
            self._shade_floor(canvas, points)
        whole = np.zeros(len(self._looks))
        for row, person in enumerate(present):
            whole[person] = self._paint(canvas, depth, int(person), points[row])
        pixels = canvas.view(np.uint8).reshape(*canvas.shape, 4)
        owner = np.ascontiguousarray(pixels[OVERSAMPLING // 2 :: OVERSAMPLING,
                                            OVERSAMPLING // 2 :: OVERSAMPLING, 3])  # fmt: skip
        small = cv2.resize(pixels, self._camera.image_size, interpolation=cv2.INTER_AREA)
        image = self._optics.expose(cv2.cvtColor(small, cv2.COLOR_BGRA2BGR), index)
        xyxy = self._boxes(present, points)
        shown = np.bincount(pixels[..., 3].ravel(), minlength=len(whole) + 1)[1 : len(whole) + 1]
        inside = self._inside(xyxy)
        visible = inside * np.divide(shown, whole, out=np.zeros(len(whole)), where=whole > 0)
        return Picture(image, owner, xyxy, np.clip(visible, 0.0, 1.0))

    def _bodies(self, index: int, present: IntArray) -> FloatArray:
        """Skins (N, V, 3) of those present, in the world."""
        world = self._world
        height = world.height_m[present]
        looks = [self._looks[person] for person in present]
        posture = Posture(
            height_m=height,
            walked_m=world.walked_m[index, present],
            stride=self._stride[index, present],
            seated=world.seated[index, present],
            time_s=float(world.time_s[index]),
            habit=np.array([look.habit for look in looks]),
        )
        local = skin_points(self._mesh, skeleton(posture), height, builds_of(looks))
        heading = world.heading[index, present][:, None]
        cos, sin = np.cos(heading), np.sin(heading)
        points = local.copy()
        points[..., 0] = cos * local[..., 0] - sin * local[..., 1]
        points[..., 1] = sin * local[..., 0] + cos * local[..., 1]
        points[..., :2] += world.xy[index, present][:, None]
        return points

    def _boxes(self, present: IntArray, points: FloatArray) -> FloatArray:
        xyxy = np.full((len(self._looks), 4), np.nan)
        for row, person in enumerate(present):
            skin = self._mesh.quads[self._worn[person]]
            uv = self._camera.project(points[row, skin[:, :2].ravel()])
            if np.isfinite(uv).all():
                xyxy[person] = [*uv.min(axis=0), *uv.max(axis=0)]
        return xyxy

    def _inside(self, xyxy: FloatArray) -> FloatArray:
        """Share of each box that lies in the image; 0 where there is none."""
        size = np.tile(self._camera.image_size, 2)
        cut = np.clip(np.nan_to_num(xyxy), 0, size)
        area, whole = (np.prod(box[:, 2:] - box[:, :2], axis=1) for box in (cut, xyxy))
        return np.divide(area, whole, out=np.zeros(len(xyxy)), where=whole > 0)

    def _paint(
        self, canvas: npt.NDArray[np.uint32], depth: npt.NDArray[np.float32], person: int,
        points: FloatArray,
    ) -> int:  # fmt: skip
        """Draw one person; how many fine pixels their silhouette covers, hidden ones too."""
        camera, quads = self._fine, self._mesh.quads
        a, b, d = (points[quads[:, k]] for k in (0, 1, 3))
        c = points[quads[:, 2]]
        normal = np.cross(c - a, d - b)
        middle = (a + b + c + d) / 4
        facing = ((camera.position - middle) * normal).sum(axis=1) > 0
        distance = middle @ camera.R[2] + camera.t[2]
        uv = camera.project(points)
        shown = facing & self._worn[person] & np.isfinite(uv[quads]).all(axis=(1, 2))
        rows = np.flatnonzero(shown)
        if not len(rows):
            return 0
        rows = rows[np.argsort(-distance[rows])]
        corners = uv[quads[rows]]
        left, top = np.maximum(np.floor(corners.min(axis=(0, 1))), 0).astype(int)
        right, bottom = np.minimum(np.ceil(corners.max(axis=(0, 1))) + 1,
                                   camera.image_size).astype(int)  # fmt: skip
        if right <= left or bottom <= top:
            return 0
        patch = np.zeros((bottom - top, right - left), np.uint16)
        scale = 1 << SUBPIXEL_BITS
        # cv2 counts from the middle of a pixel
        fixed = np.rint((corners - [left + 0.5, top + 0.5]) * scale).astype(np.int32)
        for number, corner in enumerate(fixed, 1):
            cv2.fillConvexPoly(patch, corner, number, cv2.LINE_8, SUBPIXEL_BITS)
        near = np.full(len(rows) + 1, np.inf, np.float32)
        near[1:] = distance[rows] - BIAS_M
        region = slice(top, bottom), slice(left, right)
        own = near[patch]
        front = own < depth[region]
        lit = self._colours[person][rows] * _light(middle[rows], normal[rows])[:, None]
        paint = np.zeros(len(rows) + 1, np.uint32)
        paint[1:] = _packed(np.clip(lit, 0, 255).astype(np.uint8)[None])[0]
        paint[1:] |= np.uint32((person + 1) << LABEL_SHIFT)
        np.copyto(canvas[region], paint[patch], where=front)
        np.copyto(depth[region], own, where=front)
        return int(np.count_nonzero(patch))

    def _shade_floor(self, canvas: npt.NDArray[np.uint32], points: FloatArray) -> None:
        """Soft shadows where people stand or sit."""
        coarse = self._fine.resized(tuple(n // SHADOW_CELL for n in self._fine.image_size))  # type: ignore[arg-type]
        shadow = np.zeros(coarse.image_size[::-1], np.uint8)
        for body in points:
            low = body[body[:, 2] < 0.5 * body[:, 2].max()]
            for part, strength in ((low, 1.0), (body, 0.5)):
                flat = np.column_stack([part[:, :2], np.zeros(len(part))])
                uv = coarse.project(flat)
                if np.isfinite(uv).all():
                    hull = cv2.convexHull(np.rint(uv * 8).astype(np.int32))
                    layer = np.zeros_like(shadow)
                    cv2.fillConvexPoly(layer, hull, int(255 * SHADOW_STRENGTH * strength),
                                       cv2.LINE_8, 3)  # fmt: skip
                    shadow = cv2.max(shadow, layer)
        shadow = cv2.GaussianBlur(shadow, (0, 0), 3.0)
        shadow = cv2.resize(shadow, self._fine.image_size, interpolation=cv2.INTER_LINEAR)
        left = 255 - cv2.multiply(shadow, self._floor, scale=1 / 255)
        pixels = canvas.view(np.uint8).reshape(*canvas.shape, 4)
        cv2.multiply(pixels, cv2.merge([left] * 4), dst=pixels, scale=1 / 255)


def _packed(image: Image) -> npt.NDArray[np.uint32]:
    """BGR pixels (H, W, 3) as one number each (H, W), with label 0."""
    pixels = np.zeros((*image.shape[:2], 4), np.uint8)
    pixels[..., :3] = image
    return pixels.view(np.uint32)[..., 0]


def _light(places: FloatArray, normal: FloatArray) -> FloatArray:
    """Brightness (N,) of skin at places (N, 3) with normals (N, 3) of any length."""
    unit = normal / (np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12)
    side = np.maximum(unit @ SHADE_DIRECTION, 0.0)
    sky = 0.5 + 0.5 * unit[:, 2]
    return np.asarray(AMBIENT * (0.55 + 0.45 * sky) + 0.6 * lamp_light(places, unit) + 0.34 * side)


def _strides(world: LabWorld) -> FloatArray:
    """How much everybody walks (F, P): 0 stands, 1 strides out."""
    frames = len(world.time_s)
    if frames < 2:
        return np.zeros_like(world.walked_m)
    step_s = float(np.median(np.diff(world.time_s)))
    window = max(1, round(SPEED_WINDOW_S / step_s))
    before = np.maximum(np.arange(frames) - window, 0)
    after = np.minimum(np.arange(frames) + window, frames - 1)
    same = (world.visit[before] == world.visit[after]) & (world.visit[before] == world.visit)
    way = np.where(same, world.walked_m[after] - world.walked_m[before], np.nan)
    speed = way / (world.time_s[after] - world.time_s[before])[:, None]
    # at the door, where one of the two frames lies outside, people walk
    speed = np.where(np.isfinite(speed), speed, WALKING_SPEED)
    return np.asarray(np.clip(speed / WALKING_SPEED, 0.0, 1.0) * (1 - world.seated))
