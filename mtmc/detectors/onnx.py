"""Person detection with a network in an ONNX file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mtmc.reid.onnx_session import open_onnx
from mtmc.types import Detections, FloatArray, Image

from .decoding import Candidates, Family, RtDetr, YoloV8, YoloX
from .selection import check_finite, select_people

FAMILIES: dict[str, type[Family]] = {"yolox": YoloX, "yolov8": YoloV8, "rtdetr": RtDetr}


@dataclass(frozen=True)
class OnnxDetectorConfig:
    """Settings of a detector.

    Attributes
    ----------
    family : str
        How pixels go in and boxes come out. ``"auto"`` tells the family from the shapes of the
        outputs, which are unlike in all three, and fails where they fit none.
    input_size : (height, width) or None
        None takes it from the file; needed where the file leaves it open.
    score_threshold : float
        Boxes below are dropped, 0 to 1. Low on purpose: trackers such as ByteTrack use them.
    nms_iou : float
        Of two boxes that overlap by more than this IoU the weaker is dropped, 0 to 1.
    class_ids : tuple of int
        Classes of the network that count as a person; COCO's person is 0.
    """

    family: Literal["auto", "yolox", "yolov8", "rtdetr"] = "auto"
    input_size: tuple[int, int] | None = None
    score_threshold: float = 0.1
    nms_iou: float = 0.6
    class_ids: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        for name in ("score_threshold", "nms_iou"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, got {getattr(self, name)}")
        if self.input_size is not None and min(self.input_size) < 32:
            raise ValueError(f"input_size: expected sizes from 32, got {self.input_size}")
        if not self.class_ids or min(self.class_ids) < 0:
            raise ValueError(f"class_ids: expected classes from 0, got {self.class_ids}")


class OnnxDetector:
    """A detection network; ``detect`` answers for one image at a time."""

    def __init__(
        self,
        path: str | Path,
        config: OnnxDetectorConfig | None = None,
        device: str = "cpu",
        threads: int | None = None,
        runtime: str = "auto",
    ) -> None:
        self.config = config or OnnxDetectorConfig()
        self._path = Path(path)
        self._session = open_onnx(self._path, device, threads, runtime)
        self.input_size = self._find_input_size()
        self.family: Family = self._find_family()

    def detect(self, image: Image) -> Detections:
        """Find the people in a BGR uint8 (H, W, 3) image.

        Returns
        -------
        Detections
            Highest score first, boxes clipped to the image.
        """
        return self.select(image, *self.propose(image))

    def propose(self, image: Image) -> tuple[FloatArray, FloatArray]:
        """All boxes that the network proposes, before any selection.

        Returns
        -------
        xyxy : (A, 4) float64
            Pixels of the image; they may reach beyond it.
        scores : (A,) float64
            Score of the best class that counts as a person, 0 to 1.
        """
        batch, placement = self.family.prepare(image, self.input_size)
        outputs = self._session.run(batch)
        check_finite(outputs, self._path)
        candidates = self.family.decode(outputs, self.input_size)
        return placement.to_image(candidates.xyxy), self._person_scores(candidates)

    def select(self, image: Image, xyxy: FloatArray, scores: FloatArray) -> Detections:
        """The people among what `propose` answered for the same image."""
        config = self.config
        nms_iou = config.nms_iou if self.family.needs_nms else None
        return select_people(image, xyxy, scores, config.score_threshold, nms_iou)

    def _person_scores(self, candidates: Candidates) -> FloatArray:
        classes = candidates.class_scores.shape[1]
        wanted = [c for c in self.config.class_ids if c < classes]
        if not wanted:
            raise ValueError(
                f"{self._path}: class_ids {self.config.class_ids} but the network has "
                f"{classes} classes"
            )
        scores: FloatArray = candidates.class_scores[:, wanted].max(axis=1)
        return scores

    def _find_input_size(self) -> tuple[int, int]:
        shape = self._session.input_shape
        if shape is not None and (len(shape) != 4 or shape[1] not in (3, None)):
            raise ValueError(f"{self._path}: expected an input (1, 3, H, W), got {shape}")
        in_file = None if shape is None else (shape[2], shape[3])
        wanted = self.config.input_size
        if wanted is not None:
            if in_file is not None and any(
                f is not None and f != w for f, w in zip(in_file, wanted, strict=True)
            ):
                raise ValueError(
                    f"{self._path}: input_size {wanted} but the network takes {in_file}"
                )
            return wanted
        if in_file is None or in_file[0] is None or in_file[1] is None:
            raise ValueError(
                f"{self._path}: the input size cannot be read from the file; "
                "set detector.input_size"
            )
        return (in_file[0], in_file[1])

    def _find_family(self) -> Family:
        if self.config.family != "auto":
            family = FAMILIES[self.config.family]()
            shapes = self._output_shapes()
            if not family.matches(shapes, self.input_size):
                raise ValueError(
                    f"{self._path}: outputs of shapes {shapes} are not those of family "
                    f"{self.config.family!r}"
                )
            return family
        shapes = self._output_shapes()
        for candidate in (YoloX(), YoloV8(), RtDetr()):
            if candidate.matches(shapes, self.input_size):
                return candidate
        raise ValueError(
            f"{self._path}: outputs of shapes {shapes} fit no known detector "
            f"({', '.join(FAMILIES)})"
        )

    def _output_shapes(self) -> list[tuple[int, ...]]:
        probe = np.zeros((1, 3, *self.input_size), np.float32)
        return [tuple(int(n) for n in output.shape) for output in self._session.run(probe)]
