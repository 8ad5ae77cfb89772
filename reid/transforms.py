"""Augmentation of whole batches on the training device.

What is random is drawn for a whole epoch at once by a NumPy generator (:func:`draw_epoch`);
applying it (:func:`augment`) is a pure function of tensors. So the same seed augments alike on
every device, an interrupted epoch is replayed exactly, and the applying part can be captured in a
CUDA graph.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

from .spec import InputSpec

ERASE_ATTEMPTS = 20
"""Rectangles drawn per image until one fits; the paper of REA says 100, 20 miss once in 1e4."""


@dataclass(frozen=True)
class AugmentConfig:
    """How training images are varied.

    Attributes
    ----------
    erase_probability : float
        Chance that an image gets a rectangle erased (REA, Zhong et al., AAAI 2020).
    erase_area : tuple of two floats
        Smallest and largest share of the image that is erased.
    erase_aspect : tuple of two floats
        Smallest and largest height / width of the erased rectangle.
    flip : bool
        Mirror half of the images. Not in the paper.
    crop_padding : int
        Pad by this many pixels of the mean colour on each side and cut out a random window of the
        old size; 0 switches it off. Not in the paper.
    """

    erase_probability: float = 0.5
    erase_area: tuple[float, float] = (0.02, 0.4)
    erase_aspect: tuple[float, float] = (0.3, 3.3)
    flip: bool = False
    crop_padding: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.erase_probability <= 1:
            raise ValueError(f"erase_probability: expected 0 to 1, got {self.erase_probability}")
        low, high = self.erase_area
        if not 0 < low <= high < 1:
            raise ValueError(f"erase_area: expected 0 < low <= high < 1, got {self.erase_area}")
        low, high = self.erase_aspect
        if not 0 < low <= high:
            raise ValueError(f"erase_aspect: expected 0 < low <= high, got {self.erase_aspect}")
        if self.crop_padding < 0:
            raise ValueError(f"crop_padding: expected 0 or more, got {self.crop_padding}")


@dataclass(frozen=True, eq=False)
class Draws:
    """The random part of the augmentation, one entry per image; leading axes are free.

    Attributes
    ----------
    flip : (...) bool tensor
        Whether the image is mirrored.
    shift : (..., 2) int64 tensor
        Rows and columns by which the window of the crop is moved; 0 leaves the image in place.
    erase : (..., 4) int64 tensor
        Top, left, bottom, right of the erased rectangle (bottom and right exclusive); all zero
        where nothing is erased.
    """

    flip: torch.Tensor
    shift: torch.Tensor
    erase: torch.Tensor

    def __getitem__(self, index: int) -> Draws:
        """One entry along the first axis, e.g. one batch of an epoch."""
        return Draws(self.flip[index], self.shift[index], self.erase[index])

    def to(self, device: torch.device) -> Draws:
        """A copy on a device."""
        return Draws(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))


def draw_epoch(
    shape: tuple[int, ...], config: AugmentConfig, spec: InputSpec, generator: np.random.Generator
) -> Draws:
    """Draw the augmentation of an epoch.

    Parameters
    ----------
    shape : tuple of int
        One draw per entry, e.g. (batches, batch size).
    config : AugmentConfig
    spec : InputSpec
        For the size of the images.
    generator : numpy Generator

    Returns
    -------
    Draws on the CPU.
    """
    flip = generator.random(shape) < 0.5 if config.flip else np.zeros(shape, np.bool_)
    pad = config.crop_padding
    shift = generator.integers(-pad, pad + 1, (*shape, 2))
    erase = _draw_rectangles(shape, config, spec, generator)
    return Draws(torch.from_numpy(flip), torch.from_numpy(shift), torch.from_numpy(erase))


def _draw_rectangles(
    shape: tuple[int, ...], config: AugmentConfig, spec: InputSpec, generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Rectangles of random erasing: the first of several attempts that fits into the image."""
    tries = (*shape, ERASE_ATTEMPTS)
    area = generator.uniform(*config.erase_area, tries) * spec.height * spec.width
    aspect = generator.uniform(*config.erase_aspect, tries)
    height = np.rint(np.sqrt(area * aspect)).astype(np.int64)
    width = np.rint(np.sqrt(area / aspect)).astype(np.int64)
    fits = (height < spec.height) & (width < spec.width)
    first = fits.argmax(axis=-1)[..., None]
    height = np.take_along_axis(height, first, -1)[..., 0]
    width = np.take_along_axis(width, first, -1)[..., 0]
    position = generator.random((*shape, 2))
    top = (position[..., 0] * np.maximum(spec.height - height, 1)).astype(np.int64)
    left = (position[..., 1] * np.maximum(spec.width - width, 1)).astype(np.int64)
    rectangle = np.stack([top, left, top + height, left + width], axis=-1)
    wanted = (generator.random(shape) < config.erase_probability) & fits.any(axis=-1)
    return np.where(wanted[..., None], rectangle, 0)


class Normaliser:
    """Pixels as the network expects them: ``(pixel * scale - mean) / std``.

    Parameters
    ----------
    spec : InputSpec
    device : torch.device or str
        Where the pixels live; the constants are put there once.
    """

    def __init__(self, spec: InputSpec, device: torch.device | str = "cpu") -> None:
        offset = [-m / s for m, s in zip(spec.mean, spec.std, strict=True)]
        self._factor = torch.tensor([spec.scale / s for s in spec.std], device=device)
        self._offset = torch.tensor(offset, device=device)

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """(..., 3) uint8 -> (..., 3) float32."""
        return torch.addcmul(self._offset, pixels.float(), self._factor)


def augment(pixels: torch.Tensor, draws: Draws, normaliser: Normaliser) -> torch.Tensor:
    """Normalise a batch and apply what was drawn for it.

    Pixels that come in from outside the image, and erased ones, have the mean colour, which is 0
    after normalisation.

    Parameters
    ----------
    pixels : (N, height, width, 3) uint8 tensor
        In the network's channel order.
    draws : Draws
        With N entries, on the same device.
    normaliser : Normaliser

    Returns
    -------
    (N, 3, height, width) float32 tensor in channels-last memory.
    """
    count, height, width, _ = pixels.shape
    device = pixels.device
    y = torch.arange(height, device=device)
    x = torch.arange(width, device=device)
    source_y = y + draws.shift[:, :1]  # (N, H)
    mirrored = torch.where(draws.flip[:, None], width - 1 - x, x)  # (N, W)
    source_x = mirrored + draws.shift[:, 1:]
    inside = _between(source_y, 0, height)[:, :, None] & _between(source_x, 0, width)[:, None, :]
    top, left, bottom, right = draws.erase[:, :, None].unbind(dim=1)  # (N, 1) each
    erased = _between(y, top, bottom)[:, :, None] & _between(x, left, right)[:, None, :]
    rows = torch.arange(count, device=device)[:, None, None]
    moved = pixels[
        rows,
        source_y.clamp(0, height - 1)[:, :, None],
        source_x.clamp(0, width - 1)[:, None, :],
    ]
    visible = (inside & ~erased)[..., None]
    return (normaliser(moved) * visible).permute(0, 3, 1, 2)


def _between(
    values: torch.Tensor, low: torch.Tensor | int, high: torch.Tensor | int
) -> torch.Tensor:
    return (values >= low) & (values < high)
