"""``mtmc reid`` from the command line: every command, and every common mistake as one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mtmc.cli import main
from mtmc.recipes import build_recipe, load_recipe, recipe_tables, shipped_recipes
from mtmc.reid.checkpoint import load_checkpoint
from mtmc.reid.embedder import Embedder
from mtmc.reid.spec import InputSpec, ModelCard, find_card

RECIPES = Path(__file__).parents[2] / "benchmarks" / "recipes"

TINY = """
[model]
name = "robust_reid_1x"
input_size = [32, 16]
region_size = [8, 8]
channels = [8, 8, 8]
repeats = [1, 1, 1]
stem_channels = 8
embedding = 8
[head]
scale = 8.0
[sampler]
identities = 4
images = 2
[train]
epochs = 1
[cycles]
cycles = 2
epochs_per_cycle = 1
"""


@pytest.fixture
def recipe(tmp_path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def data(mini_market) -> list[str]:
    return ["--data-root", str(mini_market), "--no-check"]


@pytest.fixture
def trained(recipe, data, tmp_path) -> Path:
    out = tmp_path / "run"
    assert main(["reid", "train", "--config", str(recipe), "--out", str(out), *data]) == 0
    return out


def failure(capsys, *arguments: str) -> str:
    """The one line on stderr of a command that must fail."""
    capsys.readouterr()
    assert main(["reid", *arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_from_training_to_a_calibrated_average(trained, data, tmp_path, capsys):
    market = ["--dataset", "market1501", *data]
    swa, scores, picture = tmp_path / "swa.pt", tmp_path / "scores.json", tmp_path / "lists.png"
    snapshots = ["--snapshots", str(trained / "snapshots"), "--out", str(swa), *market]
    assert main(["reid", "swag", *snapshots, "--half"]) == 0
    evaluation = ["reid", "eval", "--weights", str(swa), *market, "--json", str(scores)]
    assert main([*evaluation, "--picture", str(picture), "--store"]) == 0
    document = json.loads(scores.read_text())
    assert document["protocol"] == "market1501"
    assert (document["queries"], document["gallery"]) == (12, 26)
    assert 0 <= document["rank1"] <= 100
    assert picture.stat().st_size > 0
    assert main(["reid", "calibrate", "--weights", str(swa), *market]) == 0
    checkpoint = load_checkpoint(swa)
    assert checkpoint.metrics["market1501"]["rank1"] == document["rank1"]
    assert checkpoint.distances.measured_on == "market1501 gallery"
    assert any(w.dtype == torch.float16 for w in checkpoint.weights.values())
    described = tmp_path / "info.json"
    assert main(["reid", "info", "--weights", str(swa), "--json", str(described)]) == 0
    info = json.loads(described.read_text())
    assert info["params_m"] > 0
    assert info["trained_on"] == "market1501"
    assert info["input"]["height"] == 32
    out = capsys.readouterr().out
    assert "rank-1" in out
    assert "false-match rate" in out


def test_diagonal_swag_tests_the_average(trained, data, tmp_path):
    arguments = ["--snapshots", str(trained / "snapshots"), "--out", str(tmp_path / "swa.pt")]
    arguments += ["--dataset", "market1501", *data, "--kind", "diagonal", "--samples", "2"]
    scores = tmp_path / "swag.json"
    assert main(["reid", "swag", *arguments, "--json", str(scores)]) == 0
    document = json.loads(scores.read_text())
    assert document["protocol"] == "market1501, average of 2 networks"
    assert document["kind"] == "diagonal"


def test_other_protocols_are_named(trained, data, tmp_path):
    scores = tmp_path / "scores.json"
    arguments = ["--weights", str(trained / "best.pt"), "--dataset", "market1501", *data]
    flags = ["--flip", "--rerank", "--trapezoid", "--json", str(scores)]
    assert main(["reid", "eval", *arguments, *flags]) == 0
    name = json.loads(scores.read_text())["protocol"]
    assert name == "market1501, flip-averaged, re-ranked, trapezoidal AP"


def test_strangers_are_marked_cross_domain(trained, tmp_path, draw_person):
    for identity in (1, 2, 3):
        for camera in ("a", "b"):
            for number in (1, 2):
                path = tmp_path / "people" / f"p{identity}" / f"{camera}_{number}.jpg"
                draw_person(path, identity, 1, number)
    scores = tmp_path / "scores.json"
    where = ["--dataset", "folder", "--data-root", str(tmp_path / "people")]
    weights = ["--weights", str(trained / "best.pt")]
    assert main(["reid", "eval", *weights, *where, "--json", str(scores)]) == 0
    assert json.loads(scores.read_text())["protocol"] == "folder, cross-domain"
    tuned = tmp_path / "tuned"
    start = ["--init", str(trained / "best.pt"), "--set", "train.epochs=1"]
    small = ["--set", "sampler.identities=2", "--set", "sampler.images=2"]
    mine = ["--data", str(tmp_path / "people"), "--out", str(tuned)]
    assert main(["reid", "train", *start, *small, *mine]) == 0
    assert load_checkpoint(tuned / "best.pt").trained_on == "market1501; folder"


def test_pack_serves_as_data_root(mini_market, data, recipe, tmp_path, capsys):
    packed = tmp_path / "mini.npz"
    pack = ["--dataset", "market1501", *data, "--out", str(packed), "--parts", "train"]
    assert main(["reid", "pack", *pack]) == 0
    assert "train 72 images" in capsys.readouterr().out
    out = ["--out", str(tmp_path / "run"), "--data-root", str(packed)]
    assert main(["reid", "train", "--config", str(recipe), *out]) == 0
    weights = ["--weights", str(tmp_path / "run" / "best.pt"), "--dataset", "market1501"]
    line = failure(capsys, "eval", *weights, "--data-root", str(packed))
    assert line.endswith("market1501: has no queries or no gallery to evaluate on")


def test_interrupted_training_says_how_to_go_on(recipe, data, tmp_path, capsys):
    out = ["--out", str(tmp_path / "run"), *data]
    command = ["reid", "train", "--config", str(recipe), *out, "--parts-mib", "0.1"]
    assert main([*command, "--budget-minutes", "0"]) == 0
    assert "stopped in epoch 1 after step 0; the same command goes on" in capsys.readouterr().out
    assert main(command) == 0
    assert "complete" in capsys.readouterr().out


def test_onnx_files_keep_statistics_in_their_sidecar(data, tmp_path, monkeypatch):
    """The file itself is not touched; a stand-in takes the place of a network."""
    model = tmp_path / "net.onnx"
    model.write_bytes(b"a network")
    card = ModelCard(InputSpec(16, 8), "something", "free")

    def mean_colours(batch):
        return np.ascontiguousarray(batch.mean(axis=3).reshape(len(batch), -1))

    monkeypatch.setattr(
        "mtmc.cli.reid_models.load_embedder", lambda *a, **k: Embedder(mean_colours, card)
    )
    where = ["--weights", str(model), "--dataset", "market1501", *data]
    assert main(["reid", "calibrate", *where, "--part", "train", "--pairs", "all"]) == 0
    found = find_card(model)
    assert (found.input, found.trained_on, found.terms) == (card.input, "something", "free")
    assert found.distances["measured_on"] == "market1501 train"
    assert model.read_bytes() == b"a network"
    assert main(["reid", "eval", *where]) == 0
    assert main(["reid", "info", "--weights", str(model)]) == 0


def test_info_on_an_architecture(tmp_path, capsys):
    path = tmp_path / "info.json"
    assert main(["reid", "info", "--model", "robust_reid_1x", "--json", str(path)]) == 0
    info = json.loads(path.read_text())
    assert 2.90 <= info["params_m"] <= 2.93
    assert 0.71 <= info["flops_g"] < 0.73
    assert "robust_reid_1x" in capsys.readouterr().out


@pytest.mark.parametrize("path", [*shipped_recipes().values(), *RECIPES.glob("*.toml")], ids=str)
def test_every_recipe_is_valid(path):
    recipe = load_recipe(path)
    assert recipe.total_epochs >= 1


@pytest.mark.parametrize(
    ("row", "off"),
    [  # section 4.1 of the paper: every row is everything but what is named here
        ("b", {("model", "neck"): "none"}),
        ("c", {("model", "block"): "inception"}),
        ("d", {("loss", "margin"): 0.3}),
        ("e", {("model", "pooling"): "average"}),
        ("f", {("model", "name"): "robust_reid_1x"}),
        ("h", {}),
    ],
)
def test_recipes_of_table_2_switch_one_thing_off(row, off):
    whole = recipe_tables(RECIPES / "table2_h.toml")
    tables = recipe_tables(RECIPES / f"table2_{row}.toml")
    for (section, key), value in off.items():
        assert tables[section][key] == value
        whole.setdefault(section, {})[key] = value
    if row == "b":  # logits of vectors of any length need no scale
        del whole["head"]
    if row == "c":  # inception keeps one block per stage
        whole["model"]["repeats"] = [1, 1, 1]
    assert tables == whole


@pytest.mark.parametrize(("swag", "plain"), [("g", "f"), ("robust_reid", "h")])
def test_recipes_with_swag_add_the_cycles(swag, plain):
    tables = recipe_tables(RECIPES / f"table2_{swag}.toml")
    cycles = tables.pop("cycles")
    assert (cycles["cycles"], cycles["epochs_per_cycle"], cycles["decay"]) == (15, 35, 0.7)
    assert tables == recipe_tables(RECIPES / f"table2_{plain}.toml")


def test_shipped_recipes_are_the_rows_of_the_paper():
    for shipped, row in (("robust_reid_1x", "g"), ("robust_reid_2x", "robust_reid")):
        assert load_recipe(f"{shipped}.toml") == load_recipe(RECIPES / f"table2_{row}.toml")


def test_print_config_shows_all_settings(capsys):
    assert main(["reid", "train", "--config", "robust_reid_2x", "--print-config"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cycles"]["epochs_per_cycle"] == 35
    assert document["schedule"]["milestones"] == [150, 225]


def test_a_recipe_by_name_or_by_path():
    name = "robust_reid_1x.toml"
    assert recipe_tables(name) == recipe_tables(shipped_recipes()[name])
    assert build_recipe({}, ["model.pooling=max"]).model.options == {"pooling": "max"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.epoch=3", "train.epoch: unknown key (known: epochs"),
        ("train.epochs=soon", "train.epochs: expected a whole number, got 'soon'"),
        ("model.poling=gem", "model.poling: unknown key"),
        ("model.pooling=median", "pooling: expected one of average"),
        ("model.name=resnet", "model.name: expected one of ha_cnn"),
        ("sampler.images=1", "sampler.images: expected a number from 2, got 1"),
        ("head.scale=much", "head.scale: expected one of 'learned', got 'much'"),
        ("trian.epochs=3", "trian: unknown key"),
        ("model=3", "model: expected a table, got 3"),
    ],
)
def test_wrong_settings_are_named(setting, message, recipe, data, tmp_path, capsys):
    arguments = ["--config", str(recipe), "--out", str(tmp_path / "x"), *data, "--set", setting]
    assert message in failure(capsys, "train", *arguments)
    assert not (tmp_path / "x").exists()


def test_common_mistakes(recipe, data, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("MTMC_DATA", raising=False)
    out = ["--out", str(tmp_path / "x")]
    config = ["--config", str(recipe)]
    train = ["train", *config, *out, *data]
    assert "--data-root: missing" in failure(capsys, "train", *config, *out)
    assert "--config: missing" in failure(capsys, "train", *out, *data)
    assert "--data: expected without" in failure(capsys, *train, "--data", "people")
    assert "--out: missing" in failure(capsys, "train", *config, *data)
    assert "nix.toml: no such file" in failure(capsys, "train", "--config", "nix.toml", *out, *data)
    assert "no such model file" in failure(capsys, "train", "--init", "no.pt", *out, *data)
    assert "expected cpu or cuda" in failure(capsys, *train, "--device", "?")
    assert "--threads: expected 1" in failure(
        capsys, "train", *config, *out, *data, "--threads", "0"
    )
    market = ["--dataset", "market1501", *data]
    weights = ["--weights", str(recipe)]
    assert "tiny.toml: not a checkpoint" in failure(capsys, "eval", *weights, *market)
    assert "no such model file" in failure(capsys, "info", "--weights", "none.pt")
    assert "model: expected one of" in failure(capsys, "info", "--model", "alexnet")
    assert "expected snapshots" in failure(capsys, "swag", "--snapshots", ".", *out, *market)
    assert "ends in .npz" in failure(capsys, "pack", *market, "--out", str(tmp_path / "x.zip"))
    spec = ["--reid-input", '{"height": 2}']
    assert "--reid-input: a checkpoint says" in failure(capsys, "eval", *weights, *market, *spec)
    unknown = ["--dataset", "market", "--data-root", "."]
    assert "'market' is unknown" in failure(capsys, "pack", *unknown, "--out", "x.npz")


def test_help_teaches_with_examples(capsys):
    for command in ("train", "swag", "eval", "calibrate", "pack"):
        with pytest.raises(SystemExit) as stopped:
            main(["reid", command, "--help"])
        assert stopped.value.code == 0
        assert f"mtmc reid {command} --" in capsys.readouterr().out
