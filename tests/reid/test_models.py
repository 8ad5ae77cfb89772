"""Every network: shapes, unit length, configs, gradients, and what classifiers see."""

from __future__ import annotations

from dataclasses import asdict, fields, is_dataclass, replace

import pytest
import torch

from mtmc.reid.losses import LossConfig, ReIDLoss
from mtmc.reid.models import MODELS, BranchFeature, ClassifierHeads, build, join_branches

# Small networks with every switch, so that a test takes a moment.
SMALL = {
    "stem_channels": 4,
    "channels": (8, 12, 16),
    "repeats": (1, 2, 1),
    "embedding": 10,
    "input_size": (64, 32),
    "region_size": (8, 8),
    "attention_reduction": 2,
}


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 3, 64, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", MODELS)
def test_every_model_maps_its_input_to_unit_vectors(name: str) -> None:
    model = build(name)
    images = torch.randn(2, 3, *model.config.input_size)
    with torch.no_grad():
        for training in (True, False):
            descriptors = model.train(training)(images)
            assert descriptors.shape == (2, model.embedding_dim)
            torch.testing.assert_close(descriptors.norm(dim=1), torch.ones(2))
        assert model(images[:0]).shape == (0, model.embedding_dim)
        features = model.branches(images)
    assert tuple(f.metric.shape[1] for f in features) == model.branch_dims
    assert tuple(f.classify.shape[1] for f in features) == model.branch_dims
    torch.testing.assert_close(join_branches(features), descriptors)


@pytest.mark.parametrize("name", MODELS)
def test_configs_are_plain_and_rebuild_the_model(name: str) -> None:
    config = MODELS[name].config
    assert is_dataclass(config)
    for value in asdict(config).values():
        parts = value if isinstance(value, tuple) else (value,)
        assert all(isinstance(part, int | float | str | bool) for part in parts)
    assert build(name, **asdict(config)).config == config
    with pytest.raises(AttributeError):
        config.input_size = (1, 1)


@pytest.mark.parametrize("name", MODELS)
def test_input_of_other_size_than_the_config_still_works(name: str) -> None:
    model = build(name).eval()
    with torch.no_grad():
        assert model(torch.randn(1, 3, 192, 96)).shape == (1, model.embedding_dim)


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"block": "inception"},
        {"pooling": "average"},
        {"pooling": "max"},
        {"pooling": "average_max", "region_fusion": "concatenate"},
        {"neck": "batch_norm"},
        {"neck": "none"},
        {"classify_normalized": False},
        {"region_fusion": "concatenate", "embedding_layers": 1, "embedding_relu": True},
        {"attention_reduction": 8},
    ],
    ids=str,
)
def test_every_switch_trains_all_parameters(switches: dict, images: torch.Tensor) -> None:
    torch.manual_seed(0)
    model = build("robust_reid_1x", **(SMALL | switches)).double()
    heads = ClassifierHeads(model.branch_dims, 2, scale="learned", std=0.1).double()
    features = model.branches(images.double())
    labels = torch.tensor([0, 1, 0])
    total, _ = ReIDLoss(LossConfig())(features, heads(features), labels)
    total.backward()
    for name, parameter in [*model.named_parameters(), *heads.named_parameters()]:
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name


def test_l2_neck_gives_both_losses_unit_vectors(images: torch.Tensor) -> None:
    for feature in build("robust_reid_1x", **SMALL).branches(images):
        torch.testing.assert_close(feature.metric.norm(dim=1), torch.ones(3))
        assert feature.classify is feature.metric


def test_classifier_may_see_the_vector_before_normalisation(images: torch.Tensor) -> None:
    for feature in build("robust_reid_1x", **SMALL, classify_normalized=False).branches(images):
        norms = feature.classify.norm(dim=1, keepdim=True)
        assert (norms - 1).abs().max() > 0.1
        torch.testing.assert_close(feature.classify / norms, feature.metric)


def test_batch_norm_neck_separates_the_losses(images: torch.Tensor) -> None:
    model = build("robust_reid_1x", **SMALL, neck="batch_norm")
    for feature in model.branches(images):
        torch.testing.assert_close(feature.classify.mean(dim=0), torch.zeros(10), atol=1e-5, rtol=0)
        assert (feature.metric.mean(dim=0) - feature.classify.mean(dim=0)).abs().max() > 1e-3
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert frozen == ["global_neck.norm.bias", "local_neck.norm.bias"]


def test_descriptor_distance_is_the_mean_of_branch_distances() -> None:
    a, b = torch.randn(2, 4, 5).unbind(0)
    descriptors = join_branches((BranchFeature(a, a), BranchFeature(b, b)))
    unit = torch.nn.functional.normalize
    squared = [(unit(v)[0] - unit(v)[1]).square().sum() for v in (a, b)]
    torch.testing.assert_close(
        (descriptors[0] - descriptors[1]).square().sum(), (squared[0] + squared[1]) / 2
    )


def test_images_do_not_influence_each_other_in_eval(images: torch.Tensor) -> None:
    model = build("robust_reid_1x", **SMALL).eval()
    with torch.no_grad():
        together = model(images)
        alone = torch.cat([model(image[None]) for image in images])
        empty = model(images[:0])
    torch.testing.assert_close(together, alone)
    assert empty.shape == (0, 20)


def test_memory_format_does_not_change_the_result(images: torch.Tensor) -> None:
    model = build("robust_reid_1x", **SMALL).eval()
    with torch.no_grad():
        plain = model(images)
        model.to(memory_format=torch.channels_last)
        torch.testing.assert_close(model(images.to(memory_format=torch.channels_last)), plain)


def test_half_precision_gives_nearly_the_same_directions(images: torch.Tensor) -> None:
    model = build("robust_reid_1x", **SMALL).eval()
    with torch.no_grad():
        exact = model(images)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = model(images)
    assert half.dtype == torch.float32
    assert (exact * half).sum(dim=1).min() > 0.995


def test_two_networks_share_nothing() -> None:
    first, second = build("robust_reid_1x", **SMALL), build("robust_reid_1x", **SMALL)
    storages = {p.data_ptr() for p in first.parameters()}
    assert not storages & {p.data_ptr() for p in second.parameters()}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"depth": 3}, r"robust_reid_1x\.depth: unknown; the fields are input_size, region_size"),
        ({"block": "res"}, "block: expected one of shuffle, inception, got 'res'"),
        ({"pooling": "p"}, "pooling: expected one of average, max, gem"),
        ({"neck": "bn"}, "neck: expected one of l2, batch_norm, none"),
        ({"input_size": (160, 60)}, r"input_size: .* multiples of 16, got \(160, 60\)"),
        ({"region_size": (3, 4)}, "region_size: .* multiples of 4"),
        ({"channels": (8, 8)}, "channels: expected three multiples of 4"),
        ({"repeats": (1, 0, 1)}, "repeats: expected three numbers from 1"),
        ({"embedding": 0}, "embedding: expected at least 1, got 0"),
    ],
)
def test_bad_overrides_are_refused(overrides: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build("robust_reid_1x", **overrides)


def test_unknown_model_names_the_choices() -> None:
    with pytest.raises(ValueError, match="expected one of ha_cnn, robust_reid_1x"):
        build("vgg")


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("osnet_x1_0", {"width": 0.1}, "width: expected at least 0.25, got 0.1"),
        ("osnet_x1_0", {"embedding": 0}, "embedding: expected at least 1"),
        ("resnet50_bot", {"last_stride": 3}, "last_stride: expected 1 or 2, got 3"),
        ("resnet50_bot", {"input_size": (256, 100)}, "multiples of 32"),
    ],
)
def test_bad_baseline_configs_are_refused(name: str, overrides: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(name, **overrides)


def features(dims: tuple[int, ...]) -> tuple[BranchFeature, ...]:
    vectors = [torch.randn(3, d) for d in dims]
    return tuple(BranchFeature(v, 2 * v) for v in vectors)


def test_heads_classify_what_is_meant_for_them() -> None:
    heads = ClassifierHeads((4, 6), 5)
    inputs = features((4, 6))
    for logits, linear, feature in zip(heads(inputs), heads.linears, inputs, strict=True):
        torch.testing.assert_close(logits, feature.classify @ linear.weight.T)


@pytest.mark.parametrize(("scale", "factor"), [(None, 1.0), (16.0, 16.0), ("learned", 16.0)])
def test_heads_scale_their_logits(scale: float | str | None, factor: float) -> None:
    torch.manual_seed(0)
    plain = ClassifierHeads((4,), 5, bias=True)
    torch.manual_seed(0)
    scaled = ClassifierHeads((4,), 5, bias=True, scale=scale)
    inputs = features((4,))
    torch.testing.assert_close(scaled(inputs)[0], factor * plain(inputs)[0])
    trained = {name for name, _ in scaled.named_parameters()}
    extra = {"log_scales.0"} if scale == "learned" else set()
    assert trained == {"linears.0.weight", "linears.0.bias"} | extra


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_classes": 0}, "num_classes: expected at least 1"),
        ({"num_classes": 2, "scale": "free"}, "scale: expected a number, 'learned' or None"),
    ],
)
def test_bad_heads_are_refused(kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassifierHeads((4,), **kwargs)


def test_every_config_field_is_documented() -> None:
    for entry in MODELS.values():
        for field in fields(entry.config):
            assert field.name in type(entry.config).__doc__
        assert replace(entry.config) == entry.config
