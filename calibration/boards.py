"""Calibration boards, and finding them in pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .types import CalibrationError, FloatArray

MIN_CORNERS = 6
"""A board of which fewer corners are seen says too little."""


@dataclass(frozen=True)
class Board:
    """A calibration board.

    Attributes
    ----------
    columns, rows : int
        Squares of a ChArUco board; *inner corners* of a chessboard, where four squares meet.
    square_m : float
        Side of a square, metres. It does not matter to intrinsics.
    marker_m : float or None
        Side of a ChArUco marker; ``None`` is a chessboard.
    dictionary : str
        Name of the ArUco dictionary of the markers.

    Raises
    ------
    ValueError
    """

    columns: int
    rows: int
    square_m: float = 1.0
    marker_m: float | None = None
    dictionary: str = "DICT_4X4_50"

    def __post_init__(self) -> None:
        if self.columns < 3 or self.rows < 3:
            raise ValueError(f"board: expected 3×3 or more, got {self.columns}×{self.rows}")
        if not self.square_m > 0:
            raise ValueError(f"square_m: expected a positive length, got {self.square_m}")
        if self.marker_m is not None and not 0 < self.marker_m < self.square_m:
            raise ValueError(
                f"marker_m: expected a length below square_m {self.square_m}, got {self.marker_m}"
            )
        if not self.dictionary.startswith("DICT_") or not hasattr(cv2.aruco, self.dictionary):
            raise ValueError(f"dictionary: no ArUco dictionary {self.dictionary!r} in OpenCV")

    def corners(self) -> FloatArray:
        """All corners of the board, (M, 2) metres: x along its rows, y down its columns."""
        first, columns, rows = 0, self.columns, self.rows
        if self.marker_m is not None:  # squares are given, and corners lie between them
            first, columns, rows = 1, columns - 1, rows - 1
        across, down = np.meshgrid(np.arange(columns) + first, np.arange(rows) + first)
        return np.column_stack([across.ravel(), down.ravel()]).astype(np.float64) * self.square_m

    def find(self, image: npt.NDArray[Any]) -> tuple[FloatArray, FloatArray]:
        """Corners in a picture.

        Parameters
        ----------
        image : (H, W) or (H, W, 3) uint8

        Returns
        -------
        uv : (N, 2) float64
            Pixels; empty when the board is not seen.
        xy : (N, 2) float64
            Where these corners are on the board, metres.
        """
        gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if self.marker_m is None:
            return self._find_chessboard(gray)
        return self._find_charuco(gray, self.marker_m)

    def _find_chessboard(self, gray: npt.NDArray[Any]) -> tuple[FloatArray, FloatArray]:
        size = (self.columns, self.rows)
        found, corners = cv2.findChessboardCornersSB(
            gray, size, flags=cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_ACCURACY
        )
        if not found:
            return np.zeros((0, 2)), np.zeros((0, 2))
        return np.asarray(corners, np.float64).reshape(-1, 2), self.corners()

    def _find_charuco(
        self, gray: npt.NDArray[Any], marker_m: float
    ) -> tuple[FloatArray, FloatArray]:
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))
        board = cv2.aruco.CharucoBoard(
            (self.columns, self.rows), self.square_m, marker_m, dictionary
        )
        corners, ids, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(gray)
        if ids is None or len(ids) == 0:
            return np.zeros((0, 2)), np.zeros((0, 2))
        known = self.corners()[np.ravel(ids)]
        return np.asarray(corners, np.float64).reshape(-1, 2), known


@dataclass(frozen=True, eq=False)
class BoardView:
    """One picture in which the board was found."""

    name: str
    uv: FloatArray
    xy: FloatArray


def find_boards(
    paths: Iterable[str | Path], board: Board
) -> tuple[list[BoardView], tuple[int, int], list[str]]:
    """Look for the board in image files.

    Returns
    -------
    views : list of BoardView
    image_size : (int, int)
    missed : list of str
        Files in which the board was not found.

    Raises
    ------
    CalibrationError
        When a file is no image, or images differ in size.
    """
    views: list[BoardView] = []
    missed: list[str] = []
    size: tuple[int, int] | None = None
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise CalibrationError(f"{path}: not an image that can be read")
        own_size = (int(image.shape[1]), int(image.shape[0]))
        if size not in (None, own_size):
            raise CalibrationError(f"{path}: expected {size} pixels as before, got {own_size}")
        size = own_size
        uv, xy = board.find(image)
        if len(uv) >= MIN_CORNERS:
            views.append(BoardView(str(path), uv, xy))
        else:
            missed.append(str(path))
    if size is None:
        raise CalibrationError("no images given")
    return views, size, missed
