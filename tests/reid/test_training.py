"""The training loop: it learns, repeats itself, and goes on exactly where it was killed."""

from __future__ import annotations

import csv
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mtmc.reid import train as train_module
from mtmc.reid.checkpoint import load_checkpoint
from mtmc.reid.data import PersonDataset, Samples, read_dataset
from mtmc.reid.data.images import PackedImages, load_images
from mtmc.reid.losses import LossConfig
from mtmc.reid.models import ClassifierHeads, build
from mtmc.reid.models.harmonious import HarmoniousNet
from mtmc.reid.recipe import (
    DataConfig,
    HeadConfig,
    ModelConfig,
    OptimiserConfig,
    Recipe,
    RuntimeConfig,
    TrainConfig,
)
from mtmc.reid.sampler import SamplerConfig
from mtmc.reid.schedule import CyclesConfig, ScheduleConfig
from mtmc.reid.train import RunOptions, TrainingDivergedError, train
from mtmc.reid.training_output import checkpoint_names
from mtmc.reid.training_setup import input_spec, prepare
from mtmc.reid.training_state import StateFile
from mtmc.reid.training_step import (
    Gradients,
    TrainingModel,
    _CapturedGraph,
    autocast_dtype,
    make_optimiser,
)
from mtmc.reid.training_world import SingleProcess
from mtmc.reid.transforms import AugmentConfig, Normaliser, draw_epoch

TINY = {
    "input_size": (32, 16), "region_size": (8, 8), "channels": (8, 8, 8), "repeats": (1, 1, 1),
    "stem_channels": 8, "embedding": 8,
}  # fmt: skip

RECIPE = Recipe(
    model=ModelConfig("robust_reid_1x", TINY),
    augment=AugmentConfig(flip=True, crop_padding=2),
    sampler=SamplerConfig(4, 2),
    head=HeadConfig(scale=8.0),
    schedule=ScheduleConfig(warmup_epochs=1),
    cycles=CyclesConfig(cycles=2, epochs_per_cycle=1),
    train=TrainConfig(epochs=2, seed=3, val_every=1, ema_decay=0.9),
)

TIMING = ("seconds",)


@pytest.fixture
def dataset(mini_market):
    return read_dataset("market1501", mini_market, check=False)


def weights_of(path) -> dict[str, torch.Tensor]:
    return dict(load_checkpoint(path, announce=False).weights)


def assert_same_weights(a, b) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def without_times(history):
    return [{k: v for k, v in row.items() if k not in TIMING} for row in history]


def test_leaves_behind_what_it_says(dataset, tmp_path):
    recipe = replace(RECIPE, data=DataConfig(val_identities=4))
    told = []
    outcome = train(recipe, dataset, RunOptions(tmp_path, commit="abc"), report=told.append)
    assert outcome.complete
    assert outcome.checkpoint == tmp_path / "best.pt"
    names = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert names >= {
        "best.pt", "base.pt", "last.pt", "log.csv", "state.pt",
        "snapshots/cycle_01.pt", "snapshots/cycle_02.pt",
    }  # fmt: skip
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["stage"] for row in rows] == ["main", "main", "cycles", "cycles"]
    for name in ("loss", "cross_entropy", "triplet", "accuracy", "val_rank1", "val_mean_ap"):
        assert all(np.isfinite(float(row[name])) for row in rows)
    last = load_checkpoint(tmp_path / "last.pt")
    assert (last.trained_on, last.commit, last.metrics["epoch"]) == ("market1501", "abc", 4)
    assert last.research_only
    assert last.recipe["sampler"] == {"identities": 4, "images": 2}
    best = max(float(row["val_mean_ap"]) for row in rows)
    assert load_checkpoint(tmp_path / "best.pt").metrics["val_mean_ap"] == pytest.approx(
        best, rel=1e-5
    )
    assert (told[-1].epoch, told[-1].step, told[-1].seconds_left) == (4, told[-1].steps, 0.0)


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


@pytest.mark.parametrize("parts_mib", [None, 0.05])
def test_resume_after_a_kill_is_bit_exact(dataset, tmp_path, monkeypatch, parts_mib):
    train(RECIPE, dataset, RunOptions(tmp_path / "whole"))
    steps = int(np.random.default_rng().integers(1, 30))
    options = RunOptions(tmp_path / "cut", checkpoint_minutes=0.0, parts_mib=parts_mib)
    count = 0
    compute = Gradients.__call__

    def kill_later(self, rows, draws, size):
        nonlocal count
        count += 1
        if count > steps:
            raise Killed
        return compute(self, rows, draws, size)

    monkeypatch.setattr(Gradients, "__call__", kill_later)
    with pytest.raises(Killed):
        train(RECIPE, dataset, options)
    monkeypatch.setattr(Gradients, "__call__", compute)
    torch.manual_seed(99)  # a fresh process has other random states
    outcome = train(RECIPE, dataset, options)
    whole = StateFile(tmp_path / "whole").load()
    assert outcome.complete, f"killed after {steps} steps"
    cut = StateFile(tmp_path / "cut", parts_mib).load()
    assert_same_weights(whole.model, cut.model)
    assert_same_weights(whole.average, cut.average)
    for index, state in whole.optimiser["state"].items():
        assert torch.equal(
            state["momentum_buffer"], cut.optimiser["state"][index]["momentum_buffer"]
        )
    assert without_times(whole.history) == without_times(cut.history)
    for name in ("last.pt", "snapshots/cycle_01.pt"):
        assert_same_weights(
            weights_of(tmp_path / "whole" / name), weights_of(tmp_path / "cut" / name)
        )


class Clock:
    """A clock that moves by a second whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


def test_budget_ends_cleanly_and_the_same_call_goes_on(dataset, tmp_path, monkeypatch):
    train(RECIPE, dataset, RunOptions(tmp_path / "whole"))
    clock = Clock()
    monkeypatch.setattr(train_module, "time", clock)
    positions = []
    for _ in range(30):
        options = RunOptions(tmp_path / "cut", budget_minutes=0.5, started=clock.now)
        outcome = train(RECIPE, dataset, options)
        positions.append((outcome.position.epoch, outcome.position.step))
        if outcome.complete:
            break
    assert 2 < len(positions) < 30
    assert positions == sorted(set(positions))
    assert_same_weights(
        weights_of(tmp_path / "whole" / "last.pt"), weights_of(tmp_path / "cut" / "last.pt")
    )


def test_a_spent_budget_saves_and_does_nothing(dataset, tmp_path):
    options = RunOptions(tmp_path, budget_minutes=0.0)
    outcome = train(RECIPE, dataset, options)
    assert not outcome.complete
    assert (outcome.position.epoch, outcome.position.step) == (1, 0)
    assert outcome.checkpoint is None
    assert StateFile(tmp_path).exists()


def test_one_seed_repeats_and_two_differ(dataset, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        recipe = replace(RECIPE, train=TrainConfig(epochs=1, seed=seed), cycles=CyclesConfig())
        train(recipe, dataset, RunOptions(tmp_path / name))
    a, b, c = (weights_of(tmp_path / name / "last.pt") for name in "abc")
    assert_same_weights(a, b)
    assert any(not torch.equal(a[name], c[name]) for name in a)


def test_another_recipe_does_not_go_on(dataset, tmp_path):
    short = replace(RECIPE, train=TrainConfig(epochs=1), cycles=CyclesConfig())
    train(short, dataset, RunOptions(tmp_path))
    other = replace(short, optimiser=OptimiserConfig(momentum=0.5))
    with pytest.raises(ValueError, match=r"optimiser\.momentum = 0\.9, not 0\.5"):
        train(other, dataset, RunOptions(tmp_path))


def test_cycles_may_be_added_after_the_main_stage(dataset, tmp_path):
    short = replace(RECIPE, train=TrainConfig(epochs=1), cycles=CyclesConfig())
    train(short, dataset, RunOptions(tmp_path))
    more = replace(short, cycles=CyclesConfig(cycles=1, epochs_per_cycle=1))
    assert len(train(more, dataset, RunOptions(tmp_path)).history) == 2
    with pytest.raises(ValueError, match=r"cycles\.epochs_per_cycle"):
        train(
            replace(short, cycles=CyclesConfig(cycles=1, epochs_per_cycle=2)),
            dataset,
            RunOptions(tmp_path),
        )


def test_half_state_goes_on_from_rounded_weights(dataset, tmp_path):
    recipe = replace(RECIPE, train=TrainConfig(epochs=1, ema_decay=0.9), cycles=CyclesConfig())
    train(recipe, dataset, RunOptions(tmp_path / "whole"))
    train(recipe, dataset, RunOptions(tmp_path / "half", half_state=True))
    sizes = [(tmp_path / name / "state.pt").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < sizes[0]
    more = replace(recipe, cycles=CyclesConfig(cycles=1, epochs_per_cycle=1))
    outcome = train(more, dataset, RunOptions(tmp_path / "half", half_state=True))
    assert len(outcome.history) == 2
    state = StateFile(tmp_path / "half").load()
    assert any(value.dtype == torch.bfloat16 for value in state.model.values())


def test_damaged_state_is_one_clear_line(dataset, tmp_path):
    (tmp_path / "state.pt").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"state\.pt: not a training state, or a damaged one"):
        train(RECIPE, dataset, RunOptions(tmp_path))


def test_divergence_stops_before_it_is_saved(dataset, tmp_path, monkeypatch):
    def explode(self, rows, draws, size):
        return {"loss": torch.tensor(torch.nan), "triplet": torch.tensor(1.0)}

    monkeypatch.setattr(Gradients, "__call__", explode)
    with pytest.raises(TrainingDivergedError, match="loss is not finite in epoch 1, step 1"):
        train(RECIPE, dataset, RunOptions(tmp_path, checkpoint_minutes=0.0))
    assert not (tmp_path / "state.pt").exists()


def test_starts_from_a_checkpoint(dataset, tmp_path):
    recipe = replace(RECIPE, train=TrainConfig(epochs=1), cycles=CyclesConfig())
    train(recipe, dataset, RunOptions(tmp_path / "first"))
    init = load_checkpoint(tmp_path / "first" / "last.pt")
    slow = replace(recipe, schedule=ScheduleConfig(base_lr=1e-9))
    other = replace(slow, train=TrainConfig(epochs=1, seed=77))
    free = PersonDataset("mine", "free", dataset.train, Samples.empty(), Samples.empty())
    train(other, free, RunOptions(tmp_path / "second", init=init))
    tuned = load_checkpoint(tmp_path / "second" / "last.pt")
    trained = [n for n in init.weights if n.endswith("weight")]
    for name in trained:
        np.testing.assert_allclose(tuned.weights[name], init.weights[name], atol=1e-6)
    # what the first weights were trained on, and its terms, are not forgotten
    assert tuned.trained_on == "market1501; mine"
    assert tuned.research_only
    wider = replace(recipe, model=ModelConfig("robust_reid_1x", {**TINY, "embedding": 12}))
    with pytest.raises(ValueError, match="--init: the checkpoint is a robust_reid_1x"):
        train(wider, dataset, RunOptions(tmp_path / "third", init=init))


def test_weights_learnt_on_small_images_are_a_start_for_larger_ones(dataset, tmp_path):
    recipe = replace(RECIPE, train=TrainConfig(epochs=1), cycles=CyclesConfig())
    train(recipe, dataset, RunOptions(tmp_path / "small"))
    init = load_checkpoint(tmp_path / "small" / "last.pt")
    height, width = init.config["input_size"]
    options = {**recipe.model.options, "input_size": (height + 32, width + 16)}
    larger = replace(recipe, model=ModelConfig(recipe.model.name, options))
    larger = replace(larger, schedule=ScheduleConfig(base_lr=1e-9))
    train(larger, dataset, RunOptions(tmp_path / "large", init=init))
    tuned = load_checkpoint(tmp_path / "large" / "last.pt")
    assert (tuned.input.height, tuned.input.width) == (height + 32, width + 16)
    for name in (n for n in init.weights if n.endswith("weight")):
        np.testing.assert_allclose(tuned.weights[name], init.weights[name], atol=1e-6)


def test_first_epochs_see_smaller_images(dataset, tmp_path, monkeypatch):
    seen = []

    def noting(self, images):
        seen.append(tuple(images.shape[2:]))
        return looked(self, images)

    looked = HarmoniousNet.branches
    monkeypatch.setattr(HarmoniousNet, "branches", noting)
    recipe = replace(
        RECIPE,
        model=ModelConfig("robust_reid_1x", {**TINY, "input_size": (64, 32)}),
        train=TrainConfig(epochs=3, small_epochs=2),
        cycles=CyclesConfig(),
    )
    outcome = train(recipe, dataset, RunOptions(tmp_path))
    steps = len(seen) // 3
    assert seen == [(32, 16)] * 2 * steps + [(64, 32)] * steps
    assert load_checkpoint(tmp_path / "last.pt").config["input_size"] == (64, 32)
    assert len(outcome.history) == 3


def test_small_images_are_the_means_of_pixels(dataset, monkeypatch):
    recipe = replace(RECIPE, model=ModelConfig("robust_reid_1x", {**TINY, "input_size": (64, 32)}))
    setup = prepare(recipe, dataset, None, SingleProcess(torch.device("cpu")))
    seen = []

    def forward(images, labels):
        seen.append(images)
        return images.new_zeros((), requires_grad=True), {}

    monkeypatch.setattr(setup.gradients, "_forward", forward)
    rows = torch.arange(8)
    draws = draw_epoch((8,), recipe.augment, setup.spec, np.random.default_rng(0))
    for size in (None, (32, 16)):
        setup.gradients(rows, draws, size)
    blocks = seen[0].reshape(8, 3, 32, 2, 16, 2)
    torch.testing.assert_close(seen[1], blocks.mean(dim=(3, 5)))


def test_a_size_that_the_network_cannot_take_is_refused(dataset, tmp_path):
    recipe = replace(RECIPE, train=TrainConfig(epochs=2, small_epochs=1))
    with pytest.raises(ValueError, match=r"small_scale = 0.5: input_size: .* got \(16, 8\)"):
        train(recipe, dataset, RunOptions(tmp_path))


def test_test_part_is_never_looked_at(dataset, tmp_path):
    class Forbidden(Samples):
        def __len__(self):
            return 5

        def __getattribute__(self, name):
            raise AssertionError(f"looked at the test part: {name}")

    part = object.__new__(Forbidden)
    guarded = PersonDataset(dataset.name, dataset.terms, dataset.train, part, part)
    recipe = replace(
        RECIPE,
        train=TrainConfig(epochs=1),
        cycles=CyclesConfig(),
        data=DataConfig(val_identities=3),
    )
    assert train(recipe, guarded, RunOptions(tmp_path)).complete


def test_too_few_people_for_a_batch(dataset, tmp_path):
    recipe = replace(RECIPE, sampler=SamplerConfig(13, 2))
    with pytest.raises(ValueError, match=r"sampler\.identities: expected at most the 12 people"):
        train(recipe, dataset, RunOptions(tmp_path))


@pytest.mark.parametrize(
    ("epoch", "improved", "names"),
    [
        (1, True, ["best.pt"]),
        (2, False, ["base.pt"]),
        (3, False, ["snapshots/cycle_01.pt"]),
        (4, True, ["best.pt", "last.pt", "snapshots/cycle_02.pt"]),
    ],
)
def test_what_is_written_when(epoch, improved, names):
    assert checkpoint_names(RECIPE, epoch, improved) == names


@pytest.mark.parametrize("nesterov", [False, True])
def test_optimiser_is_sgd_as_in_its_equations(nesterov):
    """v = m v + g + d w; w -= lr (v, or g + d w + m v), vectors without decay where asked."""
    model = torch.nn.Linear(3, 2)
    config = OptimiserConfig(0.9, nesterov, weight_decay=0.1, norm_decay=False)
    optimiser = make_optimiser(model, config)
    values = {n: p.detach().double() for n, p in model.named_parameters()}
    velocity = {n: torch.zeros_like(v) for n, v in values.items()}
    for step in range(4):
        for group in optimiser.param_groups:
            group["lr"] = 0.5 / (step + 1)
        for name, parameter in model.named_parameters():
            parameter.grad = torch.full_like(parameter, step + 1.0)
            gradient = (step + 1.0) + (0.1 * values[name] if parameter.ndim >= 2 else 0.0)
            velocity[name] = 0.9 * velocity[name] + gradient
            moved = gradient + 0.9 * velocity[name] if nesterov else velocity[name]
            values[name] = values[name] - 0.5 / (step + 1) * moved
        optimiser.step()
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(parameter.detach(), values[name], rtol=1e-5)


@pytest.mark.parametrize(
    ("precision", "device", "expected"),
    [
        ("auto", "cpu", None),
        ("auto", "cuda", torch.bfloat16),
        ("float32", "cuda", None),
        ("bfloat16", "cpu", torch.bfloat16),
    ],
)
def test_precision(precision, device, expected):
    chosen = autocast_dtype(RuntimeConfig(precision=precision), torch.device(device))
    assert chosen == expected


@pytest.mark.parametrize(
    "runtime", [RuntimeConfig(precision="bfloat16"), RuntimeConfig(channels_last=False)]
)
def test_other_runtimes_learn_the_same_way(dataset, tmp_path, runtime):
    recipe = replace(RECIPE, train=TrainConfig(epochs=1, seed=3), cycles=CyclesConfig())
    plain = train(recipe, dataset, RunOptions(tmp_path / "plain")).history[0]
    other = train(replace(recipe, runtime=runtime), dataset, RunOptions(tmp_path / "other"))
    assert other.history[0]["loss"] == pytest.approx(plain["loss"], rel=0.05)


def test_loss_is_looked_at_less_often_on_a_gpu(dataset, tmp_path, monkeypatch):
    """A look waits for the device; with rare looks the result is the same."""
    recipe = replace(RECIPE, train=TrainConfig(epochs=1, seed=3), cycles=CyclesConfig())
    often = train(recipe, dataset, RunOptions(tmp_path / "often"))
    made = train_module._Training.__init__

    def rare(self, *args):
        made(self, *args)
        self.check_every = 4

    monkeypatch.setattr(train_module._Training, "__init__", rare)
    told = []
    rarely = train(recipe, dataset, RunOptions(tmp_path / "rare"), report=told.append)
    assert without_times(often.history) == without_times(rarely.history)
    assert [progress.step for progress in told] == [4, 8, 9]


class Stream:
    """Takes the place of a CUDA stream."""

    def wait_stream(self, other) -> None:
        """Nothing runs beside anything here."""


def test_a_captured_step_reads_new_inputs_and_keeps_batch_norms(dataset, monkeypatch):
    """The bookkeeping around a CUDA graph, with a graph that computes anew when replayed."""
    for name, stand_in in (
        ("Stream", Stream),
        ("current_stream", Stream),
        ("stream", lambda _: nullcontext()),
        ("CUDAGraph", SimpleNamespace),
        ("graph", lambda _: nullcontext()),
    ):
        monkeypatch.setattr(torch.cuda, name, stand_in)
    recipe = replace(RECIPE, train=TrainConfig(epochs=1, seed=3))
    world = SingleProcess(torch.device("cpu"))
    plain, graphed = (prepare(recipe, dataset, None, world) for _ in range(2))
    rows = torch.arange(16).reshape(2, 8)
    draws = draw_epoch((2, 8), recipe.augment, plain.spec, np.random.default_rng(0))
    before = [b.clone() for b in graphed.model.buffers()]
    captured = _CapturedGraph(graphed.model, graphed.gradients._compute, rows[0], draws[0])
    for buffer, value in zip(graphed.model.buffers(), before, strict=True):
        assert torch.equal(buffer, value)

    def compute_anew() -> None:
        for parameter in graphed.model.parameters():
            parameter.grad = None
        terms = graphed.gradients._compute(captured._rows, captured._draws)
        for name, value in terms.items():
            captured._terms[name].copy_(value)

    captured._graph = SimpleNamespace(replay=compute_anew)
    for step in range(2):
        expected = plain.gradients(rows[step], draws[step])
        ours = captured.replay(rows[step], draws[step])
        assert ours.keys() == expected.keys()
        assert all(torch.equal(ours[name], expected[name]) for name in ours)
        for a, b in zip(plain.model.parameters(), graphed.model.parameters(), strict=True):
            assert torch.equal(a.grad, b.grad)
        plain.optimiser.step()
        graphed.optimiser.step()


SHALLOW = {"repeats": (1, 1, 1), "channels": (64, 128, 192), "embedding": 128}


def overfit(people: PackedImages, options: dict, steps: int) -> dict[str, float]:
    """Train on a single batch of 8 people with 4 images each, without augmentation."""
    torch.manual_seed(0)
    network = build("robust_reid_1x", input_size=(48, 32), region_size=(8, 12), **options)
    spec = input_spec(network)
    heads = ClassifierHeads(network.branch_dims, people.num_classes, scale=16.0)
    model = TrainingModel(network, heads, LossConfig()).train()
    optimiser = make_optimiser(model, OptimiserConfig(weight_decay=0.0))
    for group in optimiser.param_groups:
        group["lr"] = 0.1
    world = SingleProcess(torch.device("cpu"))
    gradients = Gradients(model, people, Normaliser(spec), RuntimeConfig(), world)
    draws = draw_epoch((32,), AugmentConfig(erase_probability=0.0), spec, np.random.default_rng(0))
    terms: dict[str, torch.Tensor] = {}
    for _ in range(steps):
        terms = gradients(torch.arange(32), draws)
        optimiser.step()
    return {name: float(value) for name, value in terms.items()}


@pytest.fixture
def eight_people(tmp_path, draw_person) -> PackedImages:
    paths = [tmp_path / f"{row}.png" for row in range(32)]
    for row, path in enumerate(paths):
        draw_person(path, row // 4, row % 4, row)
    samples = Samples.from_files(tmp_path, paths, [row // 4 + 1 for row in range(32)], [1] * 32)
    return load_images(samples, input_spec(build("robust_reid_1x", input_size=(48, 32))))


def test_overfits_one_batch(eight_people):
    """Eight points as far apart as possible on a sphere have distances sqrt(16 / 7), and the soft
    margin is then ln(1 + e^-1.512) = 0.1995: nothing can be lower."""
    terms = overfit(eight_people, SHALLOW, steps=70)
    assert 0.1995 < terms["triplet"] <= 0.22
    assert terms["accuracy"] == 1.0


def test_images_of_the_training_are_those_of_the_files(dataset):
    spec = input_spec(build("robust_reid_1x", **TINY))
    images = load_images(dataset.train, spec)
    assert images.pixels.shape == (72, 32, 16, 3)
