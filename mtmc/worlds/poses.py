"""How a body stands, walks and sits: joints from heading-free posture, for many people at once.

Coordinates are the body's own: x forward, y to the left, z up, metres, with the origin on the floor
under the pelvis. Proportions are those of an average adult (Drillis and Contini, 1966), as shares
of body height.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import FloatArray
from .lab_room import SEAT_HEIGHT_M

THIGH, SHIN, ANKLE = 0.245, 0.240, 0.042
HEEL, BALL = 0.035, 0.095
UPPER_ARM, FOREARM, HAND = 0.172, 0.150, 0.095
HIP_WIDTH, SHOULDER_WIDTH = 0.050, 0.110
HIP_HEIGHT, SHOULDER_HEIGHT = 0.527, 0.796
PELVIS_ABOVE_SEAT_M = 0.06

STRIDE = 0.80
"""Two steps, as a share of body height."""
LEG_SWING, ARM_SWING, SWING_KNEE = 0.40, 0.42, 0.95
SEATED_HIP, SEATED_KNEE = 1.45, 1.50


@dataclass(frozen=True, eq=False)
class Posture:
    """What N bodies do at one moment.

    Attributes
    ----------
    height_m : (N,) float64
    walked_m : (N,) float64
        Way walked so far; one stride is `STRIDE` of the body height.
    stride : (N,) float64
        0 stands still, 1 walks.
    seated : (N,) float64
        0 stands, 1 sits.
    time_s : float
        Drives the small movements of those who stand still.
    habit : (N,) float64
        Number in [0, 1) of each person: what they do with their hands, and their rhythm.
    """

    height_m: FloatArray
    walked_m: FloatArray
    stride: FloatArray
    seated: FloatArray
    time_s: float
    habit: FloatArray


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Joints of N bodies in metres; sides are (left, right).

    Attributes
    ----------
    pelvis : (N, 3) float64
        Middle between the hips.
    legs : (N, 2, 3, 3) float64
        Hip, knee, ankle.
    arms : (N, 2, 4, 3) float64
        Shoulder, elbow, wrist, finger tip.
    foot_pitch : (N, 2) float64
        Radians, toes up is positive.
    spine_pitch, spine_yaw : (N,) float64
        How far the shoulders lean forward and are turned to the left, radians.
    head_pitch, head_yaw : (N,) float64
        The same of the head.
    """

    pelvis: FloatArray
    legs: FloatArray
    arms: FloatArray
    foot_pitch: FloatArray
    spine_pitch: FloatArray
    spine_yaw: FloatArray
    head_pitch: FloatArray
    head_yaw: FloatArray


def skeleton(posture: Posture) -> Skeleton:
    """Joints of every body."""
    phase = 2 * np.pi * (posture.walked_m / (STRIDE * posture.height_m) + posture.habit)
    sway = np.sin(0.9 * posture.time_s + 40.0 * posture.habit)
    still = (1 - posture.stride) * (1 - posture.seated)
    pelvis, legs, foot_pitch = _legs(posture, phase, sway * still)
    leaning = np.sin(np.pi * posture.seated)  # forward while sitting down or standing up
    spine_pitch = 0.03 + 0.05 * posture.stride + 0.45 * leaning + 0.10 * posture.seated
    spine_yaw = -0.14 * posture.stride * np.sin(phase) + 0.06 * sway * still
    idle = 1 - posture.stride
    glance = np.sin(0.53 * posture.time_s + 90.0 * posture.habit)
    return Skeleton(
        pelvis=pelvis,
        legs=legs,
        arms=_arms(posture, phase, pelvis, spine_pitch, spine_yaw),
        foot_pitch=foot_pitch,
        spine_pitch=spine_pitch,
        spine_yaw=spine_yaw,
        head_pitch=0.10 + 0.35 * _hands_up(posture)[0],
        head_yaw=spine_yaw + 0.5 * idle * glance * np.abs(glance),
    )


def spine_points(
    skeleton: Skeleton, height_m: FloatArray, offsets: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Places that move with the back.

    Parameters
    ----------
    skeleton : Skeleton
    height_m : (N,) float64
    offsets : (R, 3) or (N, R, 3) float64
        In a body that stands upright, from the pelvis, as shares of height.

    Returns
    -------
    points, left, forward : (N, R, 3) float64
        Where they are in metres, and unit axes there. The back bends from the pelvis upwards.
    """
    length = SHOULDER_HEIGHT - HIP_HEIGHT
    offsets = np.broadcast_to(offsets, (len(height_m), *offsets.shape[-2:]))
    share = np.clip(offsets[..., 2] / length, 0.0, 1.0)
    yaw, pitch = share * skeleton.spine_yaw[:, None], share * skeleton.spine_pitch[:, None]
    left, forward, _ = axes(yaw, pitch)
    # a leaning back is an arc: the way along it leans half as much as its end
    climb = axes(yaw, pitch / 2)[2]
    x, y, z = np.moveaxis(offsets[..., None] * height_m[:, None, None, None], 2, 0)
    return skeleton.pelvis[:, None] + x * forward + y * left + z * climb, left, forward


def axes(yaw: FloatArray, pitch: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit axes (..., 3) left, forward and up of something turned left and leaning forward."""
    cos_yaw, sin_yaw = np.cos(yaw), np.sin(yaw)
    cos_pitch, sin_pitch = np.cos(pitch), np.sin(pitch)
    left = np.stack([-sin_yaw, cos_yaw, np.zeros_like(yaw)], axis=-1)
    forward = np.stack([cos_yaw * cos_pitch, sin_yaw * cos_pitch, -sin_pitch], axis=-1)
    up = np.stack([cos_yaw * sin_pitch, sin_yaw * sin_pitch, cos_pitch], axis=-1)
    return left, forward, up


def _legs(
    posture: Posture, phase: FloatArray, sway: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Pelvis, legs and the pitch of the feet; the lower foot stands on the floor."""
    height, stride, seated = posture.height_m, posture.stride, posture.seated
    own = phase[:, None] + np.array([0.0, np.pi])
    swinging = np.maximum(0.0, np.cos(own + 0.35)) ** 2
    thigh = LEG_SWING * stride[:, None] * (np.sin(own) + 0.12) + SEATED_HIP * seated[:, None]
    knee = stride[:, None] * (0.10 + SWING_KNEE * swinging) + 0.03 + SEATED_KNEE * seated[:, None]
    shin = thigh - knee
    lifted = np.clip(-shin * stride[:, None], 0.0, None)
    landing = np.clip(shin * stride[:, None], 0.0, 0.3)
    foot_pitch = 0.8 * (landing - lifted)
    below = ANKLE * np.cos(foot_pitch) + np.maximum(HEEL * foot_pitch, -BALL * foot_pitch)
    reach = height[:, None] * (THIGH * np.cos(thigh) + SHIN * np.cos(shin) + below)
    pelvis = np.zeros((len(height), 3))
    pelvis[:, 1] = 0.018 * sway
    lowest_seat = np.where(seated > 0, seated * (SEAT_HEIGHT_M + PELVIS_ABOVE_SEAT_M), 0.0)
    pelvis[:, 2] = np.maximum(reach.max(axis=1), lowest_seat)
    side = np.array([1.0, -1.0])
    legs = np.empty((len(height), 2, 3, 3))
    legs[:, :, 0] = pelvis[:, None]
    legs[:, :, 0, 1] += side * HIP_WIDTH * height[:, None]
    spread = (0.012 * (1 - stride) + 0.035 * seated - 0.012 * stride)[:, None] * height[:, None]
    for joint, angle, length in ((1, thigh, THIGH), (2, shin, SHIN)):
        legs[:, :, joint] = legs[:, :, joint - 1]
        legs[:, :, joint, 0] += length * height[:, None] * np.sin(angle)
        legs[:, :, joint, 1] += side * spread * (joint == 1 or seated[:, None] < 0.5)
        legs[:, :, joint, 2] -= length * height[:, None] * np.cos(angle)
    return pelvis, legs, foot_pitch


def _hands_up(posture: Posture) -> tuple[FloatArray, FloatArray]:
    """How far those who stand hold something before their eyes, or fold their hands: 0 to 1."""
    still = (1 - posture.stride) * (1 - posture.seated)
    mood = np.clip(2.5 * np.sin(0.21 * posture.time_s + 60.0 * posture.habit), 0.0, 1.0)
    reads = posture.habit % 0.2 < 0.08
    folds = posture.habit % 0.2 > 0.13
    return still * mood * reads, still * mood * folds


def _arms(
    posture: Posture,
    phase: FloatArray,
    pelvis: FloatArray,
    spine_pitch: FloatArray,
    spine_yaw: FloatArray,
) -> FloatArray:
    """Shoulders to finger tips: they swing against the legs."""
    height, stride, seated = posture.height_m, posture.stride, posture.seated
    side = np.array([1.0, -1.0])
    swing = -ARM_SWING * stride[:, None] * np.sin(phase[:, None] + np.array([0.0, np.pi]))
    reads, folds = _hands_up(posture)
    up = folds[:, None] + reads[:, None] * np.array([0.0, 1.0])  # one reads with the right hand
    upper = 0.03 + swing + 0.55 * seated[:, None] + 0.30 * up
    elbow = 0.20 + 0.22 * stride[:, None] + 0.5 * np.maximum(swing, 0.0)
    elbow = elbow + 0.85 * seated[:, None] + 1.35 * folds[:, None]
    elbow = elbow + 1.75 * reads[:, None] * np.array([0.0, 1.0])
    inward = 0.15 + 0.35 * seated[:, None] + 0.75 * folds[:, None] + 0.35 * reads[:, None]
    length = (SHOULDER_HEIGHT - HIP_HEIGHT) * height
    left, forward, _ = axes(spine_yaw, spine_pitch)
    climb = axes(spine_yaw, spine_pitch / 2)[2]
    chest = pelvis + length[:, None] * climb
    arms = np.empty((len(height), 2, 4, 3))
    arms[:, :, 0] = (
        chest[:, None] + (side * SHOULDER_WIDTH * height[:, None])[..., None] * left[:, None]
    )
    apart = side * (0.14 - 0.04 * stride[:, None])
    hand = upper + elbow
    for joint, angle, across, share in (
        (1, upper, apart * np.cos(upper), UPPER_ARM),
        (2, hand, -side * inward * np.sin(hand), FOREARM),
        (3, hand + 0.15, -side * (inward * np.sin(hand) + 0.1), HAND),
    ):
        way = np.stack([np.sin(angle), across, -np.cos(angle)], axis=-1)
        way /= np.linalg.norm(way, axis=-1, keepdims=True)
        turned = way[..., :1] * forward[:, None] * np.array([1.0, 1.0, 0.0])
        turned = turned + way[..., 1:2] * left[:, None] + way[..., 2:] * np.array([0.0, 0.0, 1.0])
        arms[:, :, joint] = arms[:, :, joint - 1] + share * height[:, None, None] * turned
    return arms
