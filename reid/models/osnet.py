"""OSNet: omni-scale feature learning (Zhou et al., ICCV 2019), a baseline.

Every block looks at four scales at once (one to four light 3x3 convolutions in a row) and weighs
them by a gate that the four scales share.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ..layers import ConvBN, LinearBN, init_weights
from .descriptor import BranchFeature, Neck, ReIDNet, check_input_size

STEM_AND_STAGE_CHANNELS = (64, 256, 384, 512)  # at width 1.0, section 3.3
BLOCKS_PER_STAGE = 2
SCALES = 4
BOTTLENECK = 4
GATE_REDUCTION = 16


@dataclass(frozen=True)
class OSNetConfig:
    """An OSNet.

    Attributes
    ----------
    input_size : (height, width)
        Of the images in pixels; multiples of 16.
    width : float
        Multiplies the channels of every layer but the embedding: 1.0, 0.75, 0.5 or 0.25 in the
        paper.
    embedding : int
        Length of the descriptor.
    neck : "l2", "batch_norm" or "none"
        What the losses see, see ``Neck``.
    classify_normalized : bool
        With neck "l2": whether the classifier, too, sees vectors of unit length.
    """

    input_size: tuple[int, int] = (256, 128)
    width: float = 1.0
    embedding: int = 512
    neck: str = "none"
    classify_normalized: bool = True

    def __post_init__(self) -> None:
        check_input_size(self.input_size, 16)
        smallest = STEM_AND_STAGE_CHANNELS[1] * self.width / BOTTLENECK / GATE_REDUCTION
        if not smallest >= 1:
            raise ValueError(f"width: expected at least 0.25, got {self.width}")
        if self.embedding < 1:
            raise ValueError(f"embedding: expected at least 1, got {self.embedding}")


class LightConv(nn.Sequential):
    """1x1 and depth-wise 3x3 convolution, then batch norm and ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 1, bias=False),
            ConvBN(channels, channels, kernel=3, groups=channels),
        )


class AggregationGate(nn.Module):
    """Weight of every channel of a scale, from its pooled map; one gate for all scales."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Conv2d(channels, channels // GATE_REDUCTION, 1),
            nn.ReLU(),
            nn.Conv2d(channels // GATE_REDUCTION, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the weighted map of the same shape."""
        weights: Tensor = self.weigh(x.mean(dim=(2, 3), keepdim=True))  # (N, C, 1, 1)
        return x * weights


class OmniScaleBlock(nn.Module):
    """Residual bottleneck with four scales: (N, in, H, W) to (N, out, H, W)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        middle = out_channels // BOTTLENECK
        self.reduce = ConvBN(in_channels, middle)
        self.scales = nn.ModuleList(
            nn.Sequential(*(LightConv(middle) for _ in range(depth)))
            for depth in range(1, SCALES + 1)
        )
        self.gate = AggregationGate(middle)
        self.expand = ConvBN(middle, out_channels, relu=False)
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = ConvBN(in_channels, out_channels, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, out, H, W)."""
        reduced = self.reduce(x)  # (N, out/4, H, W)
        gated = [self.gate(scale(reduced)) for scale in self.scales]
        total = gated[0]
        for other in gated[1:]:
            total = total + other
        y: Tensor = self.expand(total) + self.shortcut(x)
        return y.relu()


class OSNet(ReIDNet):
    """OSNet with one branch."""

    config: OSNetConfig

    def __init__(self, config: OSNetConfig) -> None:
        super().__init__()
        self.config = config
        stem, *widths = (int(channels * config.width) for channels in STEM_AND_STAGE_CHANNELS)
        self.stem = nn.Sequential(
            ConvBN(3, stem, kernel=7, stride=2), nn.MaxPool2d(3, stride=2, padding=1)
        )
        layers: list[nn.Module] = []
        for stage, (a, b) in enumerate(zip((stem, *widths[:-1]), widths, strict=True)):
            layers += [OmniScaleBlock(a if i == 0 else b, b) for i in range(BLOCKS_PER_STAGE)]
            layers.append(ConvBN(b, b))  # transition, or the last convolution
            if stage < len(widths) - 1:
                layers.append(nn.AvgPool2d(2))
        self.stages = nn.Sequential(*layers)
        self.embed = LinearBN(widths[-1], config.embedding)
        self.neck = Neck(config.neck, config.embedding, config.classify_normalized)
        self.branch_dims = (config.embedding,)
        self.apply(init_weights)

    def branches(self, images: Tensor) -> tuple[BranchFeature, ...]:
        """The only branch's vectors for (N, 3, H, W) images; shapes are those at 256x128."""
        x = self.stem(images)  # (N, 64, 64, 32)
        x = self.stages(x)  # (N, 512, 16, 8)
        return (self.neck(self.embed(x.mean(dim=(2, 3)))),)  # (N, 512)
