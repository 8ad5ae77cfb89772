"""The network of the shipped detector: image and foreground evidence in, a map of people out.

A plain residual network (He et al., CVPR 2016) down to strides of 32 pixels, whose deeper features
are added to the finer ones on the way back up (Lin et al., feature pyramids, CVPR 2017). Plain 3x3
convolutions run faster on a CPU than the cheaper-looking depthwise ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

PRIOR = 0.01
"""Probability that an untrained network gives to a person in a cell (Lin et al., ICCV 2017)."""


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the network.

    Attributes
    ----------
    channels : five int
        At strides 2, 4, 8, 16 and 32.
    blocks : four int
        Residual blocks at strides 4, 8, 16 and 32.
    neck : int
        Channels on the way back up.
    """

    channels: tuple[int, int, int, int, int] = (16, 24, 48, 96, 128)
    blocks: tuple[int, int, int, int] = (1, 2, 2, 1)
    neck: int = 64


class Residual(nn.Module):
    """x + two convolutions of x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return torch.relu(x + self.second(self.first(x)))


class PeopleNet(nn.Module):
    """Image and evidence -> logits and logarithms of box sides."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        config = config or NetworkConfig()
        two, four, eight, sixteen, thirty_two = config.channels
        self.stem = convolution(4, two, stride=2)
        self.stage4 = _stage(two, four, config.blocks[0])
        self.stage8 = _stage(four, eight, config.blocks[1])
        self.stage16 = _stage(eight, sixteen, config.blocks[2])
        self.stage32 = _stage(sixteen, thirty_two, config.blocks[3])
        self.from8 = nn.Conv2d(eight, config.neck, 1)
        self.from16 = nn.Conv2d(sixteen, config.neck, 1)
        self.from32 = nn.Conv2d(thirty_two, config.neck, 1)
        self.merge16 = convolution(config.neck, config.neck)
        self.merge8 = convolution(config.neck, config.neck)
        self.head = convolution(config.neck, config.neck)
        self.answer = nn.Conv2d(config.neck, 5, 1)
        self.larger = nn.Upsample(scale_factor=2, mode="nearest")
        with torch.no_grad():
            self.answer.bias.zero_()  # type: ignore[union-attr]
            self.answer.bias[0] = -torch.log(torch.tensor(1 / PRIOR - 1))  # type: ignore[index]

    def forward(self, x: Tensor) -> Tensor:
        """See the class.

        Parameters
        ----------
        x : (N, 4, H, W) float32
            Blue, green, red and evidence, 0 to 1; sizes are multiples of 32.

        Returns
        -------
        (N, 5, H / 8, W / 8) float32
            Logit of a person's middle, then logarithms of the ways to the sides, in cells.
        """
        c8 = self.stage8(self.stage4(self.stem(x)))
        c16 = self.stage16(c8)
        c32 = self.stage32(c16)
        p16 = self.merge16(self.from16(c16) + self.larger(self.from32(c32)))
        p8 = self.merge8(self.from8(c8) + self.larger(p16))
        answer: Tensor = self.answer(self.head(p8))
        return answer


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, batch normalisation, rectifier."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(inputs, outputs, stride=2), *(Residual(outputs) for _ in range(blocks))
    )
