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
from .bodies import BodyMesh, body_mesh, skin_points
from .clothes import Look, builds_of
from .clothes_paint import colours, worn
from .lab_world import LabWorld
from .poses import Posture, skeleton
from .render_optics import Optics
from .render_room import room_view
from .render_shadow import floor_light
from .render_skin import Buffers, Skin, packed, paint_skin

OVERSAMPLING = 2
MOST_PEOPLE = 255
WALKING_SPEED = 0.7
"""Metres per second from which on a stride is a full one."""
SPEED_WINDOW_S = 0.2


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
        room = room_view(self._fine, world.doors)
        self._empty, self._floor = Buffers(packed(room.image), room.depth), room.floor
        self._mesh = body_mesh()
        self._skins = [_skin(look, self._mesh) for look in looks]
        self._stride = _strides(world)

    def frame(self, index: int) -> tuple[Image, npt.NDArray[np.uint8]]:
        """Image (H, W, 3) BGR and owners (H, W) of one frame: see `Picture`."""
        picture = self.picture(index)
        return picture.image, picture.owner

    def silhouette_boxes(self, index: int) -> FloatArray:
        """Boxes (P, 4) of the whole bodies, in pixels; NaN while away or behind the camera."""
        present = self._world.present(index)
        return self._boxes(present, self._project(self._bodies(index, present)))

    def picture(self, index: int) -> Picture:
        """Draw one frame, and tell who is where in it."""
        present = self._world.present(index)
        bodies = self._bodies(index, present)
        flat = self._project(bodies)
        buffers = Buffers(self._empty.pixels.copy(), self._empty.depth.copy())
        if len(present):
            self._shade_floor(buffers, bodies)
        whole = np.zeros(len(self._looks))
        for row, person in enumerate(present):
            whole[person] = paint_skin(
                buffers, self._fine, self._skins[person], bodies[row], flat[row], int(person) + 1
            )
        small = cv2.resize(buffers.bytes, self._camera.image_size, interpolation=cv2.INTER_AREA)
        scene = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGRA2BGR), np.uint8)
        labels = np.ascontiguousarray(buffers.bytes[..., 3])
        middle = OVERSAMPLING // 2
        shown = cv2.calcHist([labels], [0], None, [256], [0, 256]).ravel()[1 : len(whole) + 1]
        xyxy = self._boxes(present, flat)
        visible = np.divide(shown, whole, out=np.zeros(len(whole)), where=whole > 0)
        return Picture(
            self._optics.expose(scene, index),
            np.ascontiguousarray(labels[middle::OVERSAMPLING, middle::OVERSAMPLING]),
            xyxy,
            np.clip(visible, 0.0, 1.0) * self._inside(xyxy),
        )

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

    def _project(self, bodies: FloatArray) -> FloatArray:
        """Fine pixels (N, V, 2) of skins (N, V, 3)."""
        return self._fine.project(bodies.reshape(-1, 3)).reshape(*bodies.shape[:2], 2)

    def _boxes(self, present: IntArray, flat: FloatArray) -> FloatArray:
        xyxy = np.full((len(self._looks), 4), np.nan)
        for row, person in enumerate(present):
            u, v = flat[row, self._skins[person].vertices].T / OVERSAMPLING
            xyxy[person] = u.min(), v.min(), u.max(), v.max()
        return xyxy

    def _inside(self, xyxy: FloatArray) -> FloatArray:
        """Share of each box that lies in the image; 0 where there is none."""
        size = np.tile(self._camera.image_size, 2)
        cut = np.clip(np.nan_to_num(xyxy), 0, size)
        area, whole = (np.prod(box[:, 2:] - box[:, :2], axis=1) for box in (cut, xyxy))
        return np.asarray(np.divide(area, whole, out=np.zeros(len(xyxy)), where=whole > 0))

    def _shade_floor(self, buffers: Buffers, bodies: FloatArray) -> None:
        light = cv2.max(floor_light(bodies, self._fine), cv2.bitwise_not(self._floor))
        cv2.multiply(buffers.bytes, cv2.merge([light] * 4), dst=buffers.bytes, scale=1 / 255)


def _skin(look: Look, mesh: BodyMesh) -> Skin:
    shown = worn(look, mesh)
    quads = mesh.quads[shown]
    return Skin(quads, colours(look, mesh)[shown], np.unique(quads))


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
