"""Training in two processes against one process that averages their gradients by hand."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from mtmc.recipes import build_recipe, recipe_tables
from mtmc.reid.checkpoint import load_checkpoint
from mtmc.reid.data import PersonDataset, read_dataset
from mtmc.reid.recipe import Recipe
from mtmc.reid.schedule import learning_rate
from mtmc.reid.training_setup import prepare
from mtmc.reid.training_world import Accelerated, SingleProcess
from mtmc.reid.transforms import draw_epoch

TINY = """
[model]
name = "robust_reid_1x"
input_size = [32, 16]
region_size = [8, 8]
channels = [8, 8, 8]
repeats = [1, 1, 1]
stem_channels = 8
embedding = 8
[sampler]
identities = 4
images = 2
[train]
epochs = 2
"""


def by_hand(recipe: Recipe, dataset: PersonDataset) -> dict[str, torch.Tensor]:
    """Both processes' gradients are averaged; batch norms keep the first one's statistics."""
    setup = prepare(recipe, dataset, None, SingleProcess(torch.device("cpu")))
    steps = setup.sampler.batches_per_epoch // 2
    for epoch in (1, 2):
        generator = np.random.default_rng([recipe.train.seed, epoch])
        batches = setup.sampler.epoch(generator)
        draws = draw_epoch(batches.shape, recipe.augment, setup.spec, generator)
        for step in range(steps):
            gradients, buffers = [], []
            before = [b.clone() for b in setup.model.buffers()]
            for number in (2 * step, 2 * step + 1):
                for buffer, value in zip(setup.model.buffers(), before, strict=True):
                    buffer.copy_(value)
                setup.gradients(torch.from_numpy(batches[number]), draws[number])
                gradients.append([p.grad.clone() for p in setup.model.parameters()])
                buffers.append([b.clone() for b in setup.model.buffers()])
            for buffer, value in zip(setup.model.buffers(), buffers[0], strict=True):
                buffer.copy_(value)
            for parameter, a, b in zip(setup.model.parameters(), *gradients, strict=True):
                parameter.grad = (a + b) / 2
            for group in setup.optimiser.param_groups:
                group["lr"] = learning_rate(recipe.schedule, recipe.train.epochs, epoch)
            setup.optimiser.step()
    return setup.model.network.state_dict()


@pytest.mark.slow
def test_two_processes_average_their_gradients(mini_market, tmp_path):
    pytest.importorskip("accelerate")
    config = tmp_path / "tiny.toml"
    config.write_text(TINY)
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--no-python"),
        *(sys.executable, "-m", "mtmc", "reid", "train", "--distributed"),
        *("--config", str(config), "--out", str(tmp_path / "run")),
        *("--data-root", str(mini_market), "--no-check", "--threads", "1"),
    ]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=tmp_path)
    recipe = build_recipe(recipe_tables(config))
    dataset = read_dataset("market1501", mini_market, check=False)
    expected = by_hand(recipe, dataset)
    ours = load_checkpoint(tmp_path / "run" / "last.pt").weights
    for name, value in expected.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-3, atol=1e-5, err_msg=name)


def test_without_accelerate_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ValueError, match=r"pip install mtmc\[distributed\]"):
        Accelerated()
