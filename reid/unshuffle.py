"""Shuffle networks without moving channels: the weights are permuted instead. Exact.

A channel shuffle is a permutation. Inside a stage every channel is followed to the one block that
transforms it, so a block gathers just the channels it reads (half of all) and nothing is
interleaved. Between stages the halves stay where they are made, and whatever reads them has its
weights permuted.

A permutation is written as ``reads``: place i of what arrives holds the channel that the module was
made to find at ``reads[i]``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .attention import HardAttention, SoftAttention
from .blocks import ShuffleA, ShuffleB
from .layers import ConvBN, GeM, LinearBN
from .models.harmonious import HarmoniousNet


def unshuffle(net: HarmoniousNet) -> None:
    """Replace the shuffle stages and local blocks of ``net`` in place, and permute what follows.

    ``net`` then computes the same descriptors. It owns its modules afterwards: pass a copy.
    """
    reads = list(range(net.config.stem_channels))
    for index, width in enumerate(net.config.channels):
        stage, local_block = net.stages[index], net.local_blocks[index]
        hard, soft = net.hard_attention[index], net.soft_attention[index]
        assert isinstance(local_block, ShuffleB)
        assert isinstance(hard, HardAttention)
        assert isinstance(soft, SoftAttention)
        net.stages[index] = StraightStage(stage, reads)
        net.local_blocks[index] = StraightShuffleB(local_block, reads)
        reads = _after_shuffle_b(width)
        _reorder_linear(hard.centres, reads)
        squeeze, expand = soft.channel
        reorder(squeeze, reads=reads)
        reorder(expand, writes=reads)
        reorder(soft.mix, reads=reads, writes=reads)
    _reorder_pooling(net, reads)


def _after_shuffle_b(width: int) -> list[int]:
    """``reads`` of what follows a Shuffle-B whose halves are not interleaved."""
    half = width // 2
    return [*range(0, 2 * half, 2), *range(1, 2 * half, 2)]


def _reorder_pooling(net: HarmoniousNet, reads: Sequence[int]) -> None:
    """Let pooling and the first linear layers expect the last maps in the order ``reads``."""
    width = len(reads)
    for pool in (net.global_pool, net.local_pool):
        if isinstance(pool, GeM):
            pool.p = nn.Parameter(pool.p.detach()[list(reads)])
    # Pooled vectors repeat the channels: average and maximum, and each region if concatenated.
    for embed in (net.global_embed, net.local_embed):
        first = next(embed.children())
        linear = first[0] if isinstance(first, LinearBN) else first
        assert isinstance(linear, nn.Linear)
        starts = range(0, linear.in_features, width)
        _reorder_linear(linear, [start + channel for start in starts for channel in reads])


def _reorder_linear(linear: nn.Linear, reads: Sequence[int]) -> None:
    linear.weight = nn.Parameter(linear.weight.detach()[:, list(reads)])


def reorder(
    unit: nn.Module, reads: Sequence[int] | None = None, writes: Sequence[int] | None = None
) -> None:
    """Permute the weights of a ``ConvBN`` in place.

    ``writes[i]`` is the output channel that shall leave at place i. A depth-wise unit reads what it
    writes: give ``writes`` alone.
    """
    assert isinstance(unit, ConvBN)
    conv, norm = unit[0], unit[1]
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    if reads is not None:
        conv.weight = nn.Parameter(conv.weight.detach()[:, list(reads)])
    if writes is not None:
        order = list(writes)
        conv.weight = nn.Parameter(conv.weight.detach()[order])
        norm.weight = nn.Parameter(norm.weight.detach()[order])
        norm.bias = nn.Parameter(norm.bias.detach()[order])
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean = norm.running_mean[order]
        norm.running_var = norm.running_var[order]


class StraightShuffleB(nn.Module):
    """``ShuffleB`` without its shuffle: the shortcut's channels, then the transform's."""

    def __init__(self, block: ShuffleB, reads: Sequence[int]) -> None:
        super().__init__()
        self.shortcut, self.transform = block.shortcut, block.transform
        reorder(self.shortcut[0], writes=reads)
        reorder(self.shortcut[1], reads=reads)
        reorder(self.transform[0], reads=reads)

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, in, H, W) to two maps (N, out / 2, H', W')."""
        return self.shortcut(x), self.transform(x)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, out, H', W')."""
        return torch.cat(self.halves(x), dim=1)


Channel = tuple[int, int]  # (map, index in it)


def route_channels(half: int, repeats: int) -> list[list[Channel]]:
    """Which channels every block of a shuffle stage reads, in the order it expects them.

    Map 0 and 1 are the halves that the first Shuffle-B makes, map k + 2 is made by the k-th
    Shuffle-A; each has ``half`` channels. Entry k of the result is for the k-th Shuffle-A, the last
    entry for the final Shuffle-B. Every channel occurs once.
    """

    def shuffle(kept: list[Channel], made: int) -> list[Channel]:
        return [c for i, channel in enumerate(kept) for c in (channel, (made, i))]

    channels = shuffle([(0, i) for i in range(half)], 1)
    routes = []
    for block in range(repeats):
        passed, changed = channels[:half], channels[half:]
        routes.append(changed)
        channels = shuffle(passed, block + 2)
    return [*routes, channels]


def _width_after(path: nn.Sequential) -> int:
    conv = next(path[-1].children())
    assert isinstance(conv, nn.Conv2d)
    return conv.out_channels


class StraightStage(nn.Module):
    """A stage of shuffle blocks in which a channel moves only to the block that reads it.

    Every map's channels are ordered by their readers, so that a map is cut into one piece per
    reader, and a reader concatenates its pieces. The result is ordered as ``StraightShuffleB``
    orders it.
    """

    def __init__(self, stage: nn.Module, reads: Sequence[int]) -> None:
        super().__init__()
        first, *middle, last = stage.children()
        assert isinstance(first, ShuffleB)
        assert isinstance(last, ShuffleB)
        half = _width_after(first.shortcut)
        routes = route_channels(half, len(middle))
        reader = {channel: block for block, route in enumerate(routes) for channel in route}
        # For every map its channels in the order they leave, and its pieces as (reader, size).
        orders, pieces = [], []
        for source in range(len(middle) + 2):
            readers = [reader[source, i] for i in range(half)]
            orders.append(sorted(range(half), key=readers.__getitem__))
            pieces.append([(block, readers.count(block)) for block in sorted(set(readers))])
        self.pieces = pieces

        def arrivals(block: int) -> list[int]:
            expected = {channel: place for place, channel in enumerate(routes[block])}
            leaving = [(source, i) for source, order in enumerate(orders) for i in order]
            return [expected[channel] for channel in leaving if channel in expected]

        self.first = StraightShuffleB(first, reads)
        reorder(self.first.shortcut[-1], writes=orders[0])
        reorder(self.first.transform[-1], writes=orders[1])
        self.middle = nn.ModuleList()
        for index, block in enumerate(middle):
            assert isinstance(block, ShuffleA)
            reorder(block.transform[0], reads=arrivals(index))
            reorder(block.transform[-1], writes=orders[index + 2])
            self.middle.append(block.transform)
        self.last = StraightShuffleB(last, arrivals(len(middle)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, out, H/2, W/2)."""
        waiting: list[list[Tensor]] = [[] for _ in range(len(self.middle) + 1)]

        def deliver(source: int, made: Tensor) -> None:
            sizes = [size for _, size in self.pieces[source]]
            parts: tuple[Tensor, ...] = torch.split_with_sizes(made, sizes, dim=1)
            for (reader, _), part in zip(self.pieces[source], parts, strict=True):
                waiting[reader].append(part)

        for source, half in enumerate(self.first.halves(x)):
            deliver(source, half)
        for index, transform in enumerate(self.middle):
            deliver(index + 2, transform(torch.cat(waiting[index], dim=1)))
        y: Tensor = self.last(torch.cat(waiting[-1], dim=1))
        return y
