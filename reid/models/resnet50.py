"""ResNet-50 with the bag of tricks (Luo et al., CVPR workshops 2019), a baseline.

The network of He et al. (CVPR 2016) with the stride in the 3x3 convolution, the last stage at
stride 1, average pooling, and a batch-norm neck.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ..layers import ConvBN, init_weights
from .descriptor import BranchFeature, Neck, ReIDNet, check_input_size

STEM_CHANNELS = 64
STAGE_WIDTHS = (64, 128, 256, 512)
STAGE_BLOCKS = (3, 4, 6, 3)
EXPANSION = 4


@dataclass(frozen=True)
class ResNet50Config:
    """A ResNet-50 for re-identification.

    Attributes
    ----------
    input_size : (height, width)
        Of the images in pixels; multiples of 32.
    last_stride : 1 or 2
        Stride of the last stage; 1 keeps a finer last map (one of the tricks).
    neck : "l2", "batch_norm" or "none"
        What the losses see, see ``Neck``.
    classify_normalized : bool
        With neck "l2": whether the classifier, too, sees vectors of unit length.
    """

    input_size: tuple[int, int] = (256, 128)
    last_stride: int = 1
    neck: str = "batch_norm"
    classify_normalized: bool = True

    def __post_init__(self) -> None:
        check_input_size(self.input_size, 32)
        if self.last_stride not in (1, 2):
            raise ValueError(f"last_stride: expected 1 or 2, got {self.last_stride}")


class Bottleneck(nn.Module):
    """Residual block 1x1, 3x3, 1x1: (N, in, H, W) to (N, 4 * width, H / stride, W / stride)."""

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out_channels = EXPANSION * width
        self.residual = nn.Sequential(
            ConvBN(in_channels, width),
            ConvBN(width, width, kernel=3, stride=stride),
            ConvBN(width, out_channels, relu=False),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = ConvBN(in_channels, out_channels, stride=stride, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, 4 * width, H / stride, W / stride)."""
        y: Tensor = self.residual(x) + self.shortcut(x)
        return y.relu()


class ResNet50(ReIDNet):
    """ResNet-50 with one branch of 2048 values."""

    config: ResNet50Config

    def __init__(self, config: ResNet50Config) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Sequential(
            ConvBN(3, STEM_CHANNELS, kernel=7, stride=2), nn.MaxPool2d(3, stride=2, padding=1)
        )
        channels = STEM_CHANNELS
        stages: list[nn.Module] = []
        for width, blocks, stride in zip(
            STAGE_WIDTHS, STAGE_BLOCKS, (1, 2, 2, config.last_stride), strict=True
        ):
            layers = []
            for i in range(blocks):
                layers.append(Bottleneck(channels, width, stride if i == 0 else 1))
                channels = EXPANSION * width
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        self.neck = Neck(config.neck, channels, config.classify_normalized)
        self.branch_dims = (channels,)
        self.apply(init_weights)

    def branches(self, images: Tensor) -> tuple[BranchFeature, ...]:
        """The only branch's vectors for (N, 3, H, W) images; shapes are those at 256x128."""
        x = self.stem(images)  # (N, 64, 64, 32)
        x = self.stages(x)  # (N, 2048, 16, 8)
        return (self.neck(x.mean(dim=(2, 3))),)  # (N, 2048)
