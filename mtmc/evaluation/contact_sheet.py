"""Pictures of identity switches: each person before and after, many to a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..atomic import atomic_path
from ..drawing import identity_colour
from ..errors import InputError
from ..types import Image
from .switches import Box, IdentitySwitch

FAR_OUTSIDE = 10_000  # pixels
BORDER = 6  # pixels between the switches of a page
GREY, WHITE, YELLOW = (64, 64, 64), (255, 255, 255), (0, 255, 255)  # BGR


@dataclass(frozen=True)
class ContactSheetConfig:
    """How pages look.

    Attributes
    ----------
    columns, rows : int
        Switches beside and below each other on a page.
    crop_width, crop_height : int
        Size in pixels of one picture; a switch has two.
    margin : float
        What is shown around the person's box, as a share of its height.
    caption_height : int
        Height in pixels of the line above a picture.
    """

    columns: int = 4
    rows: int = 4
    crop_width: int = 180
    crop_height: int = 260
    margin: float = 0.35
    caption_height: int = 22

    def __post_init__(self) -> None:
        for name in ("columns", "rows", "crop_width", "crop_height", "caption_height"):
            if getattr(self, name) < 1:
                raise InputError(
                    f"contact sheet: expected {name} of 1 or more, got {getattr(self, name)}"
                )


def write_contact_sheets(
    switches: Sequence[IdentitySwitch],
    read_image: Callable[[int], Image | None],
    folder: Path,
    config: ContactSheetConfig | None = None,
) -> list[Path]:
    """Draw the switches of one sequence on pages ``SEQUENCE_switches_01.png``, 02 and so on.

    Each switch is two pictures: the person in the last frame with the old identity, and in the
    first with the new one. The thin yellow box is the ground truth, the coloured one the result;
    the colour belongs to the identity.

    Parameters
    ----------
    switches : sequence of IdentitySwitch
        Of one sequence; nothing is written when there are none.
    read_image : callable
        From frame number to BGR uint8 (H, W, 3) image, or None where there is none.
    folder : Path
        Created when missing.
    config : ContactSheetConfig or None
        How pages look.

    Returns
    -------
    list of Path
        The pages that were written.
    """
    config = config or ContactSheetConfig()
    per_page = config.columns * config.rows
    paths = []
    for page, start in enumerate(range(0, len(switches), per_page), 1):
        tiles = [
            _draw_switch(switch, read_image, config)
            for switch in switches[start : start + per_page]
        ]
        path = folder / f"{switches[0].sequence}_switches_{page:02d}.png"
        with atomic_path(path) as temporary:
            if not cv2.imwrite(str(temporary), _arrange(tiles, config)):
                raise OSError(f"{path}: OpenCV could not write the page")
        paths.append(path)
    return paths


def _draw_switch(
    switch: IdentitySwitch, read_image: Callable[[int], Image | None], config: ContactSheetConfig
) -> Image:
    moments = (
        (switch.frame_before, switch.id_before, switch.gt_tlwh_before, switch.tlwh_before),
        (switch.frame, switch.id, switch.gt_tlwh, switch.tlwh),
    )
    pictures = []
    for frame, identity, gt_tlwh, tlwh in moments:
        crop = _crop(read_image(frame), identity, gt_tlwh, tlwh, config)
        caption = _caption(f"frame {frame}  id {identity}", config.crop_width, config)
        pictures.append(np.vstack([caption, crop]))
    header = _caption(f"person {switch.gt_id}", 2 * config.crop_width, config)
    return np.vstack([header, np.hstack(pictures)])


def _crop(
    image: Image | None, identity: int, gt_tlwh: Box, tlwh: Box, config: ContactSheetConfig
) -> Image:
    """The person with some surroundings, at a scale that fills the picture."""
    size = (config.crop_width, config.crop_height)
    if image is None:
        blank: Image = np.full((config.crop_height, config.crop_width, 3), GREY, np.uint8)
        return blank
    left, top, width, height = gt_tlwh
    margin = config.margin * max(height, 1.0)
    scale = min(size[0] / (width + 2 * margin), size[1] / (height + 2 * margin))
    # Map the middle of the box to the middle of the picture.
    shift_x = size[0] / 2 - scale * (left + width / 2)
    shift_y = size[1] / 2 - scale * (top + height / 2)
    matrix = np.array([[scale, 0, shift_x], [0, scale, shift_y]])
    picture = cv2.warpAffine(image, matrix, size, borderValue=GREY)
    for box, colour, thickness in ((gt_tlwh, YELLOW, 1), (tlwh, identity_colour(identity), 2)):
        corners = np.array([box[:2], np.add(box[:2], box[2:])]) * scale + (shift_x, shift_y)
        # What lies far outside the picture is drawn at some distance from it.
        (x1, y1), (x2, y2) = (
            np.clip(corners, -FAR_OUTSIDE, FAR_OUTSIDE).round().astype(int).tolist()
        )
        cv2.rectangle(picture, (x1, y1), (x2, y2), colour, thickness)
    return np.asarray(picture, np.uint8)


def _caption(text: str, width: int, config: ContactSheetConfig) -> Image:
    line: Image = np.zeros((config.caption_height, width, 3), np.uint8)
    origin = (4, config.caption_height - 7)
    cv2.putText(line, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.42, WHITE, 1, cv2.LINE_AA)
    return line


def _arrange(tiles: Sequence[Image], config: ContactSheetConfig) -> Image:
    """Tiles in rows, with a border; the last row may be short."""
    height, width = tiles[0].shape[0] + BORDER, tiles[0].shape[1] + BORDER
    rows = -(-len(tiles) // config.columns)
    columns = min(len(tiles), config.columns)
    page: Image = np.full((rows * height + BORDER, columns * width + BORDER, 3), GREY, np.uint8)
    for index, tile in enumerate(tiles):
        top = BORDER + index // config.columns * height
        left = BORDER + index % config.columns * width
        page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return page
