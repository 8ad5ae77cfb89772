"""The detector that ships: a small network that also looks at what has changed before the camera.

Weights, their origin and their weaknesses: ``weights/people.md`` beside this file.
"""

from __future__ import annotations

import copy
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np

from mtmc.reid.onnx_session import OnnxSession, open_onnx
from mtmc.types import Detections, Float32Array, FloatArray, Image

from .background import SCALE, UNKNOWN, BackgroundConfig, BackgroundModel
from .heatmap import STRIDE, decode
from .letterbox import stretch
from .onnx import OnnxDetectorConfig
from .selection import check_finite, select_people

PEOPLE = "people"
"""The name by which runs ask for this detector."""
SHIPPED_DETECTOR = Path(__file__).with_name("weights") / "people.onnx"

INPUT_PIXELS = 384 * 512
"""Images are brought to about as many pixels, whatever their shape."""
MULTIPLE = 32
"""Sides of the input are multiples of this."""
LEAST_SCORE = 0.01
"""Proposals below are not worth the counting."""
OF_FILES = ("family", "class_ids")
"""Settings that only detectors from files have."""


class PeopleDetector:
    """People in the images of one camera, which come in order.

    The network sees the image and the foreground evidence of a `BackgroundModel`, which learns from
    every image; before it knows the background, and for a moving camera, the network goes by the
    image alone. Images of another camera need an instance of their own: `another`.

    Parameters
    ----------
    config : OnnxDetectorConfig, optional
        Thresholds, and ``input_size``: multiples of 32; None fits it to the shape of the image.
    background : BackgroundConfig, optional
    device, threads, runtime
        See `mtmc.reid.onnx_session.open_onnx`.
    path : str or Path
        ONNX file: input (1, 4, H, W) blue, green, red and evidence, 0 to 1; output
        (1, 5, H / 8, W / 8) as in `heatmap`. The default ships with the package.

    Raises
    ------
    ValueError
        When a setting does not fit, or the file holds another network.
    """

    def __init__(
        self,
        config: OnnxDetectorConfig | None = None,
        background: BackgroundConfig | None = None,
        device: str = "cpu",
        threads: int | None = None,
        runtime: str = "auto",
        path: str | Path = SHIPPED_DETECTOR,
    ) -> None:
        self.config = config or OnnxDetectorConfig()
        self._check_config()
        self._path = Path(path)
        self._session: OnnxSession = open_onnx(self._path, device, threads, runtime)
        self._background = BackgroundModel(background)
        # a wrong file shows before the first image
        self._answer(np.zeros((1, 4, 2 * MULTIPLE, MULTIPLE), np.float32))

    def another(self) -> PeopleDetector:
        """The same detector for another camera: one network, a background of its own."""
        twin = copy.copy(self)
        twin._background = BackgroundModel(self._background.config)
        return twin

    def detect(self, image: Image) -> Detections:
        """Find the people in a BGR uint8 (H, W, 3) image, and learn from it.

        Returns
        -------
        Detections
            Whole bodies, hidden parts too, clipped to the image; highest score first.
        """
        return self.select(image, *self.propose(image))

    def propose(self, image: Image) -> tuple[FloatArray, FloatArray]:
        """All peaks of the network's map; the camera's background is learnt from the image.

        Returns
        -------
        xyxy : (A, 4) float64
            Pixels of the image; they may reach beyond it.
        scores : (A,) float64
            0 to 1.
        """
        size = self.config.input_size or fitting_size(image.shape[0], image.shape[1])
        pixels, placement = stretch(image, size)
        answer = self._answer(network_input(pixels, self._evidence(pixels))[None])
        xyxy, scores = decode(answer, LEAST_SCORE)
        return placement.to_image(xyxy), scores

    def select(self, image: Image, xyxy: FloatArray, scores: FloatArray) -> Detections:
        """The people among what `propose` answered for the same image."""
        config = self.config
        return select_people(image, xyxy, scores, config.score_threshold, config.nms_iou)

    def _evidence(self, pixels: Image) -> Float32Array | None:
        """Foreground evidence (H, W) of a network input; None while nothing is known."""
        if not self._background.config.enabled:
            return None
        height, width = pixels.shape[:2]
        small = cv2.resize(pixels, (width // SCALE, height // SCALE), interpolation=cv2.INTER_AREA)
        found = self._background.update(np.asarray(small, np.uint8))
        if found is None:
            return None
        return np.asarray(cv2.resize(found, (width, height)), np.float32)

    def _answer(self, batch: Float32Array) -> Float32Array:
        """The network's map (5, rows, columns) for one input."""
        outputs = self._session.run(batch)
        expected = (1, 5, batch.shape[2] // STRIDE, batch.shape[3] // STRIDE)
        if len(outputs) != 1 or outputs[0].shape != expected:
            shapes = [tuple(output.shape) for output in outputs]
            raise ValueError(f"{self._path}: expected one output of shape {expected}, got {shapes}")
        check_finite(outputs, self._path)
        answer: Float32Array = outputs[0][0]
        return answer

    def _check_config(self) -> None:
        usual = OnnxDetectorConfig()
        for one in fields(self.config):
            if one.name in OF_FILES and getattr(self.config, one.name) != getattr(usual, one.name):
                raise ValueError(
                    f"{one.name}: only for detectors from a file, and {PEOPLE!r} is the one that "
                    "ships"
                )
        size = self.config.input_size
        if size is not None and any(side % MULTIPLE for side in size):
            raise ValueError(f"input_size: expected multiples of {MULTIPLE}, got {size}")


def fitting_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of the input for images of one shape: about `INPUT_PIXELS` pixels."""
    scale = (INPUT_PIXELS / (height * width)) ** 0.5
    rows, columns = (max(1, round(side * scale / MULTIPLE)) for side in (height, width))
    return rows * MULTIPLE, columns * MULTIPLE


def network_input(image: Image, known: Float32Array | None) -> Float32Array:
    """Image (H, W, 3) uint8 BGR and evidence (H, W), if any -> (4, H, W) float32, 0 to 1."""
    planes = np.empty((4, *image.shape[:2]), np.float32)
    np.multiply(image.transpose(2, 0, 1), np.float32(1 / 255), out=planes[:3])
    planes[3] = UNKNOWN if known is None else known
    return planes
