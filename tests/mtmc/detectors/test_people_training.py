from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from mtmc.detectors.people import PeopleDetector
from mtmc.detectors.training.backdrops import draw_backdrops
from mtmc.detectors.training.calibration import platt
from mtmc.detectors.training.export import Calibrated, export
from mtmc.detectors.training.losses import LossConfig, boxes, focal_loss, giou_loss
from mtmc.detectors.training.material import Material, read_material, write_material
from mtmc.detectors.training.network import NetworkConfig, PeopleNet
from mtmc.detectors.training.scenes import SceneConfig, compose
from mtmc.detectors.training.sprites import draw_sprites
from mtmc.detectors.training.train import (
    TrainConfig,
    Training,
    draw_batch,
    learning_rate,
    train,
)
from mtmc.errors import InputError
from mtmc.reid.onnx_session import open_onnx

TINY = TrainConfig(
    steps=12,
    batch=2,
    warm_up=2,
    half=False,
    network=NetworkConfig((8, 8, 16, 16, 16), (1, 1, 1, 1), 16),
    scene=SceneConfig(size=(64, 96), empty=0.0, tallest_px=(30.0, 60.0)),
)


@pytest.fixture(scope="module")
def material() -> Material:
    return Material(draw_sprites(12, 5), draw_backdrops(3, 5))


def giou_by_hand(a: list[float], b: list[float]) -> float:
    inner = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return inner / union - (hull - union) / hull


box = st.tuples(*[st.floats(0, 50)] * 2, *[st.floats(1, 40)] * 2).map(
    lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
)


@given(box, box)
@settings(max_examples=50, deadline=None)
def test_giou_is_that_of_the_definition(one, other):
    found = giou_loss(*(torch.tensor([b], dtype=torch.float64) for b in (one, other)))
    assert float(found) == pytest.approx(1 - giou_by_hand(one, other), abs=1e-9)


def test_focal_loss_is_the_equation():
    rng = np.random.default_rng(0)
    logits, heat = rng.normal(0, 2, (2, 5, 6)), rng.uniform(0, 0.9, (2, 5, 6))
    heat[0, 1, 2] = heat[1, 3, 3] = 1.0
    heat[0, 4] = -1.0  # ignored
    total = 0.0
    for logit, wanted in zip(logits.ravel(), heat.ravel(), strict=True):
        p = expit(logit)
        if wanted == 1:
            total -= (1 - p) ** 2 * np.log(p)
        elif wanted >= 0:
            total -= (1 - wanted) ** 4 * p**2 * np.log(1 - p)
    found = focal_loss(torch.from_numpy(logits), torch.from_numpy(heat), LossConfig())
    assert float(found) == pytest.approx(total / 2)


def test_boxes_are_decoded_as_when_the_detector_runs():
    from mtmc.detectors.heatmap import boxes_at

    rng = np.random.default_rng(1)
    answer = rng.normal(0, 1.5, (5, 6, 9)).astype(np.float32)
    rows, columns = (grid.ravel() for grid in np.mgrid[0:6, 0:9])
    found = boxes(torch.from_numpy(answer[None, 1:]))[0].permute(1, 2, 0).reshape(-1, 4)
    np.testing.assert_allclose(found.numpy(), boxes_at(answer, rows, columns), rtol=1e-4)


def test_a_few_scenes_are_learnt_by_heart(material):
    training = Training(replace(TINY, learning_rate=5e-3))
    batch = draw_batch(material, TINY, 0)
    losses = [training.learn(batch) for _ in range(40)]
    first, last = (row["map"] + row["boxes"] for row in (losses[0], losses[-1]))
    assert last < 0.5 * first


def test_same_seed_same_scenes_and_a_checkpoint_goes_on(material, tmp_path):
    whole = Training(TINY)
    train(whole, material)
    first = Training(replace(TINY))
    for step in range(5):
        first.learn(draw_batch(material, TINY, step))
    first.save(tmp_path / "checkpoint.pt")
    second = Training(TINY)
    second.load(tmp_path / "checkpoint.pt")
    assert second.step == 5
    train(second, material)
    for name, value in whole.mean.state_dict().items():
        torch.testing.assert_close(value, second.mean.state_dict()[name])
    with pytest.raises(InputError, match="no checkpoint of this network"):
        Training(replace(TINY, network=NetworkConfig())).load(tmp_path / "checkpoint.pt")


def test_the_rate_rises_stays_and_falls():
    config = TrainConfig(steps=100, warm_up=10, fall=0.4, learning_rate=1.0)
    rates = [learning_rate(step, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert set(rates[9:60]) == {1.0}
    assert (np.diff(rates[60:]) < 0).all()
    assert rates[-1] < 0.01


def test_scenes_tell_the_truth(material):
    rng = np.random.default_rng(3)
    config = SceneConfig(size=(128, 160))
    people = 0
    for _ in range(25):
        scene = compose(rng, material.sprites, material.backdrops, config)
        assert scene.image.shape == scene.background.shape == (128, 160, 3)
        assert (scene.xyxy >= 0).all()
        assert (scene.xyxy <= [160, 128, 160, 128]).all()
        assert (scene.xyxy[:, 2:] > scene.xyxy[:, :2]).all()
        people += int((~scene.ignored).sum())
    assert people > 25


def test_material_survives_its_file(material, tmp_path):
    write_material(material, tmp_path / "material.npz")
    again = read_material(tmp_path / "material.npz")
    for one, other in zip(material.sprites, again.sprites, strict=True):
        np.testing.assert_array_equal(one.bgra, other.bgra)
        assert one.elevation == other.elevation
    np.testing.assert_array_equal(material.backdrops, again.backdrops)
    np.savez(tmp_path / "other.npz", pixels=np.zeros(3))
    with pytest.raises(InputError, match="expected people and places"):
        read_material(tmp_path / "other.npz")


def test_platt_finds_the_sigmoid_that_made_the_hits():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20000)
    hits = rng.random(20000) < expit(1.7 * logits - 0.6)
    assert platt(logits, hits) == pytest.approx((1.7, -0.6), abs=0.1)


@pytest.mark.parametrize("runtime", ["onnxruntime", "opencv"])
def test_the_export_is_the_network(runtime, tmp_path):
    torch.manual_seed(0)
    network = PeopleNet(TINY.network)
    with torch.no_grad():
        for _ in range(5):  # running means that are not those of a newborn
            network(torch.rand(2, 4, 64, 64))
    path = tmp_path / "people.onnx"
    export(network, path, 1.5, -0.3)
    session = open_onnx(path, runtime=runtime)
    for size in ((64, 96), (96, 32)):
        batch = torch.rand(1, 4, *size)
        with torch.no_grad():
            wanted = Calibrated(network, 1.5, -0.3).eval()(batch).numpy()
        np.testing.assert_allclose(session.run(batch.numpy())[0], wanted, atol=1e-5)
    PeopleDetector(path=path, runtime=runtime).detect(np.zeros((48, 64, 3), np.uint8))


def test_a_file_of_another_network_is_refused(tmp_path):
    export(torch.nn.Conv2d(4, 5, 3, padding=1), tmp_path / "other.onnx")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected one output of shape"):
        PeopleDetector(path=tmp_path / "other.onnx")
