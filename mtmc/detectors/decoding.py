"""From the raw output of a detection network to boxes: one class per family of networks.

A family fixes three things: how pixels go in (channel order, scale, padding), how boxes come out,
and whether overlapping boxes must still be suppressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mtmc.types import Float32Array, FloatArray, Image

from .letterbox import Placement, letterbox, stretch


@dataclass(frozen=True)
class Candidates:
    """What a network proposes, in pixels of its input: (A, 4) ``xyxy`` and (A, C) class scores."""

    xyxy: FloatArray
    class_scores: FloatArray


class Family(Protocol):
    """One family of detection networks."""

    needs_nms: bool

    def prepare(self, image: Image, size: tuple[int, int]) -> tuple[Float32Array, Placement]:
        """BGR image -> input (1, 3, height, width) float32, and where the image lies in it."""
        ...

    def matches(self, shapes: Sequence[tuple[int, ...]], size: tuple[int, int]) -> bool:
        """Whether outputs of these shapes look like this family's."""
        ...

    def decode(self, outputs: Sequence[FloatArray], size: tuple[int, int]) -> Candidates:
        """Network outputs -> candidates in input pixels."""
        ...


class YoloX:
    """YOLOX (Ge et al., 2021): BGR 0-255, padded right and below, raw grid output (1, A, 5 + C).

    Boxes are ((x + column) * stride, (y + row) * stride, exp(w) * stride, exp(h) * stride) on the
    grids of strides 8, 16 and 32, laid one after the other; score = objectness * class.
    """

    needs_nms = True
    strides = (8, 16, 32)

    def prepare(self, image: Image, size: tuple[int, int]) -> tuple[Float32Array, Placement]:
        """Pad right and below; the network wants raw BGR values."""
        pixels, placement = letterbox(image, size, centred=False)
        return _to_nchw(pixels.astype(np.float32)), placement

    def matches(self, shapes: Sequence[tuple[int, ...]], size: tuple[int, int]) -> bool:
        """One output of as many rows as the three grids have cells."""
        return (
            len(shapes) == 1
            and len(shapes[0]) == 3
            and shapes[0][1] == self._cells(size)
            and shapes[0][2] > 5
        )

    def decode(self, outputs: Sequence[FloatArray], size: tuple[int, int]) -> Candidates:
        """Undo the grid encoding."""
        raw = np.asarray(outputs[0][0], np.float64)
        grids, strides = [], []
        for stride in self.strides:
            rows, columns = size[0] // stride, size[1] // stride
            y, x = np.mgrid[0:rows, 0:columns]
            grids.append(np.stack([x.ravel(), y.ravel()], axis=1))
            strides.append(np.full((rows * columns, 1), stride))
        stride_column = np.concatenate(strides)
        centre = (raw[:, :2] + np.concatenate(grids)) * stride_column
        half = np.exp(np.minimum(raw[:, 2:4], 20.0)) * stride_column / 2
        return Candidates(np.hstack([centre - half, centre + half]), raw[:, 4:5] * raw[:, 5:])

    def _cells(self, size: tuple[int, int]) -> int:
        return sum((size[0] // s) * (size[1] // s) for s in self.strides)


class YoloV8:
    """YOLOv8 and YOLO11 ONNX exports: RGB 0-1, centred letterbox, output (1, 4 + C, A).

    Boxes are (centre x, centre y, width, height) in input pixels; class scores are probabilities.
    """

    needs_nms = True

    def prepare(self, image: Image, size: tuple[int, int]) -> tuple[Float32Array, Placement]:
        """Pad on both sides."""
        pixels, placement = letterbox(image, size, centred=True)
        return _to_nchw(pixels[..., ::-1].astype(np.float32), scale=1 / 255), placement

    def matches(self, shapes: Sequence[tuple[int, ...]], size: tuple[int, int]) -> bool:
        """One output with one column per cell of the grids of strides 8, 16 and 32."""
        cells = sum((size[0] // s) * (size[1] // s) for s in (8, 16, 32))
        return (
            len(shapes) == 1
            and len(shapes[0]) == 3
            and shapes[0][2] == cells
            and 5 <= shapes[0][1] < cells
        )

    def decode(self, outputs: Sequence[FloatArray], size: tuple[int, int]) -> Candidates:
        """Centre and size become corners."""
        raw = np.asarray(outputs[0][0], np.float64).T
        return Candidates(_corners(raw[:, :4]), raw[:, 4:])


class RtDetr:
    """RT-DETR (Zhao et al., 2024): RGB 0-1, stretched to the input, no suppression needed.

    Two exports are in use: ``logits (1, Q, C)`` with ``boxes (1, Q, 4)``, and one joint output
    ``(1, Q, 4 + C)`` with probabilities. Boxes are (cx, cy, w, h) as shares of the input.
    """

    needs_nms = False

    def prepare(self, image: Image, size: tuple[int, int]) -> tuple[Float32Array, Placement]:
        """Stretch to the input size."""
        pixels, placement = stretch(image, size)
        return _to_nchw(pixels[..., ::-1].astype(np.float32), scale=1 / 255), placement

    def matches(self, shapes: Sequence[tuple[int, ...]], size: tuple[int, int]) -> bool:
        """Two outputs of which one has four columns, or one output of few rows."""
        if any(len(shape) != 3 for shape in shapes):
            return False
        if len(shapes) == 2:
            return shapes[0][1] == shapes[1][1] and 4 in (shapes[0][2], shapes[1][2])
        return len(shapes) == 1 and shapes[0][1] <= 1000 and 5 <= shapes[0][2] <= 4 + 1000

    def decode(self, outputs: Sequence[FloatArray], size: tuple[int, int]) -> Candidates:
        """Shares of the input become pixels; logits become probabilities."""
        if len(outputs) == 2:
            logits, boxes = outputs
            if logits.shape[2] == 4 and boxes.shape[2] != 4:
                logits, boxes = boxes, logits
            shares = np.asarray(boxes[0], np.float64)
            scores = 1 / (1 + np.exp(-np.asarray(logits[0], np.float64)))
        else:
            raw = np.asarray(outputs[0][0], np.float64)
            shares, scores = raw[:, :4], raw[:, 4:]
        scale = np.array([size[1], size[0], size[1], size[0]])
        return Candidates(_corners(shares) * scale, scores)


def _to_nchw(pixels: Float32Array, scale: float = 1.0) -> Float32Array:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None] * np.float32(scale))


def _corners(cxcywh: FloatArray) -> FloatArray:
    half = cxcywh[:, 2:] / 2
    return np.hstack([cxcywh[:, :2] - half, cxcywh[:, :2] + half])
