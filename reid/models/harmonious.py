"""Harmonious-attention networks: HA-CNN and what Robust-ReID makes of it.

Robust-ReID (Lawen et al., arXiv 1910.07038) is HA-CNN (Li, Zhu, Gong, CVPR 2018) with shuffle
blocks, GeM pooling, L2 normalisation, more depth and width. Every such step is one field of
``HarmoniousConfig``, so the two networks and all rows of the ablation are one class.

Data flow at 160x64, Robust-ReID 1x::

    image ─ stem ─ stage 1 ─×soft─ stage 2 ─×soft─ stage 3 ─×soft─ pool ─ embed ─ neck   global
              │        └centres│       └centres│       └centres                branch
              └ crop ─ local 1 ─(+ crop)─ local 2 ─(+ crop)─ local 3 ─ pool ─ embed ─ neck   local
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from ..attention import REGIONS, CropRegions, HardAttention, SoftAttention
from ..blocks import InceptionA, InceptionB, ShuffleA, ShuffleB
from ..layers import POOLINGS, ConvBN, LinearBN, init_weights, make_pooling
from .descriptor import NECKS, BranchFeature, Neck, ReIDNet, check_input_size

STAGES = 3
BLOCKS = ("shuffle", "inception")
REGION_FUSIONS = ("mean", "concatenate")


@dataclass(frozen=True)
class HarmoniousConfig:
    """A harmonious-attention network; the defaults are Robust-ReID 1x.

    Attributes
    ----------
    input_size : (height, width)
        Of the images in pixels; multiples of 16.
    region_size : (height, width)
        Of the crops of the first stage's input; later stages halve it. Multiples of 4.
    block : "shuffle" or "inception"
        Family of blocks.
    stem_channels : int
        Width of the first convolution.
    channels : three ints
        Output width of every stage; multiples of 4.
    repeats : three ints
        Blocks at full resolution in every stage: Shuffle-A between the two Shuffle-B, or
        Inception-A before the Inception-B.
    attention_reduction : int
        Bottleneck of the channel attention.
    pooling : "average", "max", "gem" or "average_max"
        Pooling before the embedding, in both branches.
    region_fusion : "mean" or "concatenate"
        How the pooled regions become one vector.
    embedding : int
        Width of a branch's vector; the descriptor has twice that.
    embedding_layers : 1 or 2
        Linear layers per branch. HA-CNN has one; with two and ``mean`` the sizes of the paper's
        table 1 come out.
    embedding_relu : bool
        Whether the last of them is followed by a ReLU, as in HA-CNN.
    neck : "l2", "batch_norm" or "none"
        What the losses see, see ``Neck``.
    classify_normalized : bool
        With neck "l2": whether the classifier, too, sees vectors of unit length.
    """

    input_size: tuple[int, int] = (160, 64)
    region_size: tuple[int, int] = (24, 28)
    block: str = "shuffle"
    stem_channels: int = 32
    channels: tuple[int, int, int] = (128, 256, 384)
    repeats: tuple[int, int, int] = (7, 10, 7)
    attention_reduction: int = 8
    pooling: str = "gem"
    region_fusion: str = "mean"
    embedding: int = 512
    embedding_layers: int = 2
    embedding_relu: bool = False
    neck: str = "l2"
    classify_normalized: bool = True

    def __post_init__(self) -> None:
        check_input_size(self.input_size, 2 ** (STAGES + 1))
        if len(self.region_size) != 2 or any(s < 4 or s % 4 for s in self.region_size):
            raise ValueError(
                "region_size: expected (height, width), both multiples of 4, "
                f"got {self.region_size}"
            )
        for name, choices in (
            ("block", BLOCKS),
            ("pooling", POOLINGS),
            ("region_fusion", REGION_FUSIONS),
            ("neck", NECKS),
            ("embedding_layers", (1, 2)),
        ):
            value = getattr(self, name)
            if value not in choices:
                expected = ", ".join(str(choice) for choice in choices)
                raise ValueError(f"{name}: expected one of {expected}, got {value!r}")
        if len(self.channels) != STAGES or any(c < 4 or c % 4 for c in self.channels):
            raise ValueError(f"channels: expected three multiples of 4, got {self.channels}")
        if len(self.repeats) != STAGES or any(r < 1 for r in self.repeats):
            raise ValueError(f"repeats: expected three numbers from 1, got {self.repeats}")
        for name in ("stem_channels", "embedding"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")


HA_CNN = HarmoniousConfig(
    block="inception",
    repeats=(1, 1, 1),
    attention_reduction=16,
    pooling="average",
    region_fusion="concatenate",
    embedding_layers=1,
    embedding_relu=True,
    neck="none",
)
ROBUST_REID_1X = HarmoniousConfig()
ROBUST_REID_2X = HarmoniousConfig(
    stem_channels=36, channels=(240, 320, 480), repeats=(8, 11, 8), embedding=960
)


def _stage(
    config: HarmoniousConfig, in_channels: int, out_channels: int, repeats: int
) -> nn.Module:
    """(N, in, H, W) to (N, out, H/2, W/2); only the last block reduces the map (table 1)."""
    if config.block == "inception":
        widths = [in_channels] + [out_channels] * repeats
        return nn.Sequential(
            *(InceptionA(a, b) for a, b in pairwise(widths)),
            InceptionB(out_channels, out_channels),
        )
    return nn.Sequential(
        ShuffleB(in_channels, out_channels, stride=1),
        *(ShuffleA(out_channels) for _ in range(repeats)),
        ShuffleB(out_channels, out_channels, stride=2),
    )


def _local_block(config: HarmoniousConfig, in_channels: int, out_channels: int) -> nn.Module:
    """One block for all regions of a stage: (N·R, in, h, w) to (N·R, out, h/2, w/2)."""
    if config.block == "inception":
        return InceptionB(in_channels, out_channels)
    return ShuffleB(in_channels, out_channels, stride=2, middle=in_channels)


def _embed(config: HarmoniousConfig, in_features: int) -> nn.Module:
    """(N, in) to (N, embedding)."""
    widths = [in_features] + [config.embedding] * (config.embedding_layers - 1)
    layers: list[nn.Module] = [LinearBN(a, b) for a, b in pairwise(widths)]
    if config.neck == "batch_norm" and not config.embedding_relu:
        layers.append(nn.Linear(widths[-1], config.embedding))  # the neck is its batch norm
    else:
        layers.append(LinearBN(widths[-1], config.embedding, relu=config.embedding_relu))
    return nn.Sequential(*layers)


class HarmoniousNet(ReIDNet):
    """HA-CNN and Robust-ReID: two branches, one over the whole image, one over four regions."""

    config: HarmoniousConfig

    def __init__(self, config: HarmoniousConfig) -> None:
        super().__init__()
        self.config = config
        widths = (config.stem_channels, *config.channels)
        steps = list(pairwise(widths))
        self.stem = ConvBN(3, config.stem_channels, kernel=3, stride=2)
        self.stages = nn.ModuleList(
            _stage(config, a, b, repeats)
            for (a, b), repeats in zip(steps, config.repeats, strict=True)
        )
        self.soft_attention = nn.ModuleList(
            SoftAttention(b, config.attention_reduction) for _, b in steps
        )
        self.hard_attention = nn.ModuleList(HardAttention(b) for _, b in steps)
        height, width = config.region_size
        self.crops = nn.ModuleList(
            CropRegions((height >> stage, width >> stage)) for stage in range(STAGES)
        )
        self.local_blocks = nn.ModuleList(_local_block(config, a, b) for a, b in steps)

        self.global_pool, pooled = make_pooling(config.pooling, widths[-1])
        self.local_pool, _ = make_pooling(config.pooling, widths[-1])
        fused = pooled * (REGIONS if config.region_fusion == "concatenate" else 1)
        self.global_embed = _embed(config, pooled)
        self.local_embed = _embed(config, fused)
        self.global_neck = Neck(config.neck, config.embedding, config.classify_normalized)
        self.local_neck = Neck(config.neck, config.embedding, config.classify_normalized)
        self.branch_dims = (config.embedding, config.embedding)
        self.apply(init_weights)

    def branches(self, images: Tensor) -> tuple[BranchFeature, ...]:
        """Vectors of the global and the local branch for (N, 3, H, W) images.

        Shapes in the comments are those of Robust-ReID 1x at 160x64; every stage halves the map.
        """
        x, local = self.maps(images)
        return (
            self.global_neck(self.global_embed(self.global_pool(x))),
            self.local_neck(self.local_embed(self.pool_regions(local))),
        )

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The last maps of both branches: (N, C, H, W) and (N * R, C, h, w)."""
        x = self.stem(images)  # (N, 32, 80, 32)
        local: Tensor | None = None
        for stage, soft, hard, crop, local_block in zip(
            self.stages,
            self.soft_attention,
            self.hard_attention,
            self.crops,
            self.local_blocks,
            strict=True,
        ):
            y = stage(x)  # (N, 128, 40, 16)
            regions = crop(x, hard(y))  # (4N, 32, 24, 28)
            local = local_block(regions if local is None else regions + local)  # (4N, 128, 12, 14)
            x = y * soft(y)  # (N, 128, 40, 16)
        assert local is not None
        return x, local  # (N, 384, 10, 4), (4N, 384, 3, 4)

    def pool_regions(self, local: Tensor) -> Tensor:
        """Local maps (N * R, C, h, w) to one vector (N, F) per image."""
        vectors = self.local_pool(local)  # (4N, 384)
        pooled: Tensor = vectors.reshape(-1, REGIONS, vectors.shape[1])  # (N, 4, 384)
        if self.config.region_fusion == "mean":
            return pooled.mean(dim=1)  # (N, 384)
        return pooled.flatten(1)  # (N, 4·384)
