"""Tuning: spaces, samplers, honest folds, resumption, and the command."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.cli import main
from mtmc.config import load_toml
from mtmc.errors import InputError
from mtmc.evaluation import SequenceScores, evaluate_sequence
from mtmc.run_config import RunConfig
from mtmc.trackers import TRACKERS, ByteTrackConfig, SortConfig
from mtmc.tuning import (
    SAMPLERS,
    Dimension,
    Journal,
    OneProcess,
    Processes,
    RayCluster,
    SearchConfig,
    Subject,
    default_space,
    load_sequence,
    parse_space,
    search,
)
from mtmc.tuning.evaluate import Job, evaluate
from mtmc.tuning.journal import data_digest, job_key
from mtmc.tuning.search import quality_of
from mtmc.tuning.space import describe, settings_at

HAS_OPTUNA = importlib.util.find_spec("optuna") is not None
HAS_RAY = importlib.util.find_spec("ray") is not None
needs_optuna = pytest.mark.skipif(not HAS_OPTUNA, reason="needs optuna (mtmc[tune])")
SPACE = [Dimension("min_score", 0.1, 0.9), Dimension("min_hits", 1, 4, whole=True)]
SUBJECT = Subject("sort", SortConfig(), SPACE, "mot15")


@pytest.fixture(scope="module")
def streets(street, tmp_path_factory) -> Path:
    """Three sequences cut from the street, each of 20 frames with other boxes left out."""
    folder = tmp_path_factory.mktemp("streets")
    for number, name in enumerate(("ONE", "TWO", "THREE")):
        for part in ("det/det.txt", "gt/gt.txt"):
            target = folder / name / part
            target.parent.mkdir(parents=True)
            rows = [line.split(",") for line in (street / part).read_text().splitlines()]
            kept = [row for row in rows if 0 < int(row[0]) - 20 * number <= 20]
            for row in kept:
                row[0] = str(int(row[0]) - 20 * number)
            target.write_text("".join(",".join(row) + "\n" for row in kept))
        info = (street / "seqinfo.ini").read_text().replace("seqLength=60", "seqLength=20")
        (folder / name / "seqinfo.ini").write_text(info.replace("name=STREET", f"name={name}"))
    return folder


@pytest.fixture(scope="module")
def data(streets):
    names = ("ONE", "TWO", "THREE")
    return {name: load_sequence(str(streets / name), RunConfig(), None) for name in names}


# Spaces


@given(st.floats(0, 1), st.booleans(), st.booleans())
def test_values_lie_within_bounds_and_are_found_again(share, whole, log):
    dimension = Dimension("x", 1, 7, whole=whole, log=log and not whole)
    value = dimension.at(share)
    assert 1 <= value <= 7
    assert isinstance(value, int if whole else float)
    assert dimension.at(dimension.share(value)) == pytest.approx(value, rel=2e-3)


def test_whole_numbers_and_choices_are_equally_likely():
    shares = (np.arange(1200) + 0.5) / 1200
    whole = [Dimension("x", 1, 4, whole=True).at(share) for share in shares]
    assert [whole.count(k) for k in (1, 2, 3, 4)] == [300] * 4
    chosen = [Dimension("x", choices=("a", "b", "c")).at(share) for share in shares]
    assert [chosen.count(k) for k in "abc"] == [400] * 3


def test_a_logarithmic_range_has_its_geometric_mean_in_the_middle():
    assert Dimension("x", 0.01, 1.0, log=True).at(0.5) == pytest.approx(0.1)


def test_spaces_are_read_from_text():
    texts = ["min_iou=0.1:0.5", "tracker.max_lost_s=0.2:5:log", "min_hits=1:4"]
    texts.append("fuse_scores=true,false")
    space = parse_space(texts, ByteTrackConfig)
    assert space == [
        Dimension("min_iou", 0.1, 0.5),
        Dimension("max_lost_s", 0.2, 5.0, log=True),
        Dimension("min_hits", 1, 4, whole=True),
        Dimension("fuse_scores", choices=(True, False)),
    ]
    assert json.dumps(describe(space))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speed=0:1", "speed: unknown setting"),
        ("min_iou", "expected NAME=LOW:HIGH"),
        ("min_iou=0.5:0.1", "expected LOW below HIGH"),
        ("min_iou=0:1:log", "expected LOW above 0 for :log"),
        ("min_iou=a:b", "expected numbers LOW:HIGH"),
        ("min_iou=0.1:0.2:lin", "expected LOW:HIGH or LOW:HIGH:log"),
        ("min_iou=0.1", "expected several choices"),
        ("min_hits=1.5:3", "expected whole numbers"),
        ("fuse_scores=0:1", "this setting is no number"),
    ],
)
def test_a_wrong_space_is_named(text, message):
    with pytest.raises(InputError, match=message):
        parse_space([text], ByteTrackConfig)


def test_a_setting_is_varied_once():
    with pytest.raises(InputError, match="given twice"):
        parse_space(["min_iou=0.1:0.2", "min_iou=0.1:0.3"], SortConfig)


@pytest.mark.parametrize("name", list(TRACKERS))
def test_every_tracker_has_usual_ranges_around_its_defaults(name):
    config = TRACKERS[name].config
    space = default_space(config)
    assert len(space) >= 3
    base = config()
    for dimension in space:
        value = getattr(base, dimension.name)
        near = dimension.at(dimension.share(value))
        assert near == pytest.approx(value, rel=0.02), dimension.name


# Samplers


def sampler_names():
    return [pytest.param(n, marks=needs_optuna if n == "tpe" else ()) for n in sorted(SAMPLERS)]


def bowl(settings):
    """Best at min_score 0.63, min_hits 2."""
    return -((settings["min_score"] - 0.63) ** 2) - 0.05 * abs(settings["min_hits"] - 2)


@pytest.mark.parametrize("name", sampler_names())
def test_a_sampler_finds_the_bottom_of_a_bowl(name):
    sampler = SAMPLERS[name](SPACE, 1, 60)
    start = {"min_score": 0.15, "min_hits": 4}
    sampler.begin({"min_score": 0.06, "min_hits": 0.9}, bowl(start))
    best, first = bowl(start), None
    for _ in range(10):
        asked = sampler.ask(6)
        first = first or asked
        sampler.tell([bowl(each) for each in asked])
        best = max([best, *map(bowl, asked)])
    assert best > -0.004
    assert len({json.dumps(each) for each in first}) > 3
    again = SAMPLERS[name](SPACE, 1, 60)
    again.begin({"min_score": 0.06, "min_hits": 0.9}, bowl(start))
    assert again.ask(6) == first


@pytest.mark.parametrize("name", sampler_names())
def test_a_sampler_lives_with_impossible_settings(name):
    sampler = SAMPLERS[name](SPACE, 1, 12)
    sampler.begin({"min_score": 0.5, "min_hits": 0.5}, 0.0)
    for _ in range(4):
        sampler.tell([None] * len(sampler.ask(3)))


def test_a_missing_optuna_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"needs Optuna; install mtmc\[tune\]"):
        SAMPLERS["tpe"](SPACE, 0, 10)


# Evaluation and journal


def test_an_evaluation_equals_a_run_and_its_scores(streets, data, tmp_path):
    arguments = ["run", "--sequence", str(streets / "TWO"), "--tracker", "sort"]
    assert main([*arguments, "--set", "tracker.min_hits=3", "--out", str(tmp_path)]) == 0
    expected = evaluate_sequence(
        streets / "TWO" / "gt" / "gt.txt", tmp_path / "TWO.txt", "mot15", frame_count=20
    ).metrics
    job = Job("TWO", "sort", SortConfig(min_hits=3), "mot15")
    got = evaluate(job, data["TWO"]).metrics
    assert got["Dets"] > 20
    for name in ("MOTA", "IDF1", "HOTA", "FP", "FN", "IDs", "MT", "Frag"):
        assert got[name] == pytest.approx(expected[name], abs=0.05), name  # files have two digits


def test_the_journal_gives_back_what_it_got(tmp_path, data):
    job = Job("ONE", "sort", SortConfig(), "mot15")
    key, scores = job_key(job, data_digest(data["ONE"])), evaluate(job, data["ONE"])
    Journal(tmp_path / "deep" / "trials.jsonl").add(key, job, scores)
    read = Journal(tmp_path / "deep" / "trials.jsonl")
    assert len(read) == 1
    assert read.get(key).metrics == scores.metrics
    assert read.get("other") is None


def test_a_torn_last_line_is_dropped_and_a_foreign_file_refused(tmp_path, data):
    path = tmp_path / "trials.jsonl"
    job = Job("ONE", "sort", SortConfig(), "mot15")
    scores = evaluate(job, data["ONE"])
    Journal(path).add("a", job, scores)
    with path.open("a") as stream:
        stream.write('{"key": "b", "sco')
    torn = Journal(path)
    torn.add("c", job, scores)
    assert [Journal(path).get(key) is not None for key in "abc"] == [True, False, True]
    path.write_text("frame,id\n1,2\n")
    with pytest.raises(InputError, match="line 1: expected an evaluation"):
        Journal(path)


def test_keys_tell_apart_what_changes_scores(data):
    job = Job("ONE", "sort", SortConfig(), "mot15")
    one, two = data_digest(data["ONE"]), data_digest(data["TWO"])
    keys = {
        job_key(job, one),
        job_key(job, two),
        job_key(job._replace(config=SortConfig(min_hits=3)), one),
        job_key(job._replace(protocol="motdt"), one),
        job_key(job._replace(tracker="other"), one),
    }
    assert len(keys) == 5
    assert job_key(job._replace(config=SortConfig()), one) in keys


# The search


def run_search(data, tmp_path, subject=SUBJECT, workers=OneProcess, **options):
    config = SearchConfig(**{"trials": 8, "batch": 4, "sampler": "halton"} | options)
    with workers(data) as entered:
        return search(subject, data, config, Journal(tmp_path / "trials.jsonl"), entered)


def test_folds_equal_a_search_by_hand(data, tmp_path):
    """Halton tries the same settings in every fold, so brute force over them is the oracle."""
    outcome = run_search(data, tmp_path)
    sampler = SAMPLERS["halton"](SPACE, 0, 8)
    tried = [{}, *sampler.ask(4), *sampler.ask(4)]
    table = {
        name: [
            evaluate(Job(name, "sort", SUBJECT.config(settings), "mot15"), data[name])
            for settings in tried
        ]
        for name in data
    }

    def best(names):
        return max(
            range(len(tried)),
            key=lambda k: quality_of([table[name][k] for name in names], "MOTA+IDF1"),
        )

    assert outcome.tuned.settings == tried[best(list(data))]
    left_out = []
    for fold in outcome.folds:
        choice = best([name for name in data if name != fold.left_out])
        assert fold.settings == tried[choice]
        assert fold.scores.metrics == table[fold.left_out][choice].metrics
        left_out.append(table[fold.left_out][choice])
    assert outcome.left_out_overall.metrics == SequenceScores.pool(left_out).metrics
    assert outcome.base_overall.metrics["MOTA"] == pytest.approx(
        SequenceScores.pool(table[name][0] for name in data).metrics["MOTA"]
    )


def test_the_search_without_a_sequence_does_not_depend_on_it(data, tmp_path):
    """Another truth for the sequence that is left out changes nothing about what is chosen."""
    changed = dict(data)
    spoilt = data["THREE"]
    moved = spoilt.truth[spoilt.truth.frame > 10]
    changed["THREE"] = type(spoilt)(
        spoilt.name, spoilt.benchmark, spoilt.frame_count, spoilt.frames, moved
    )
    for sampler in ("climb", "halton"):
        first = run_search(data, tmp_path / "a", sampler=sampler, trials=12)
        second = run_search(changed, tmp_path / "b", sampler=sampler, trials=12)
        assert first.folds[2].left_out == "THREE"
        assert first.folds[2].settings == second.folds[2].settings
        assert first.folds[2].scores.metrics != second.folds[2].scores.metrics


class Refuses(OneProcess):
    """Workers that nobody should ask."""

    def run(self, jobs):
        assert not jobs
        return iter(())


@pytest.mark.parametrize("sampler", sampler_names())
def test_the_same_search_again_costs_nothing(sampler, data, tmp_path):
    first = run_search(data, tmp_path, sampler=sampler)
    second = run_search(data, tmp_path, sampler=sampler, workers=Refuses)
    assert first.tuned.settings == second.tuned.settings
    assert [f.settings for f in first.folds] == [f.settings for f in second.folds]


def test_an_interrupted_search_goes_on_where_it_was(data, tmp_path):
    asked = iter(range(100))
    config = SearchConfig(trials=8, batch=4, sampler="climb")
    journal = Journal(tmp_path / "trials.jsonl")
    with OneProcess(data) as workers, pytest.raises(KeyboardInterrupt):
        search(SUBJECT, data, config, journal, workers, stop=lambda: next(asked) >= 10)
    assert len(Journal(tmp_path / "trials.jsonl")) == 11
    whole = run_search(data, tmp_path / "whole", sampler="climb")
    resumed = run_search(data, tmp_path, sampler="climb")
    assert whole.tuned.settings == resumed.tuned.settings


def test_processes_find_what_one_process_finds(data, tmp_path):
    alone = run_search(data, tmp_path / "one", sampler="climb")
    with Processes(data, 2) as workers:
        config = SearchConfig(trials=8, batch=4, sampler="climb")
        journal = Journal(tmp_path / "two.jsonl")
        shared = search(SUBJECT, data, config, journal, workers)
    assert alone.tuned.settings == shared.tuned.settings
    assert alone.left_out_overall.metrics == shared.left_out_overall.metrics


def test_one_sequence_has_nothing_to_leave_out(data, tmp_path):
    outcome = run_search({"ONE": data["ONE"]}, tmp_path)
    assert outcome.folds == []
    assert outcome.left_out_overall is None


def test_what_must_be_in_order_is_put_in_order():
    names = ("high_score", "low_score", "new_track_score", "min_iou")
    space = [Dimension(name, 0.0, 1.0) for name in names]
    shares = {"high_score": 0.2, "low_score": 0.9, "new_track_score": 0.5, "min_iou": 0.7}
    settings = settings_at(space, shares)
    assert settings == {
        "low_score": 0.2, "high_score": 0.5, "new_track_score": 0.9, "min_iou": 0.7,
    }  # fmt: skip
    assert ByteTrackConfig(**settings)


def test_the_start_may_be_forgotten(data, tmp_path):
    # Nothing that is tried is as good as the start: a box must have a score of 0.99.
    subject = Subject("sort", SortConfig(), [Dimension("min_score", 0.99, 1.0)], "mot15")
    kept = run_search(data, tmp_path, subject)
    forgotten = run_search(data, tmp_path, subject, from_base=False)
    assert kept.tuned.settings == {}
    assert forgotten.tuned.settings["min_score"] >= 0.99
    assert forgotten.left_out_overall.metrics["MOTA"] < kept.left_out_overall.metrics["MOTA"]


def test_nothing_possible_is_an_error(data, tmp_path):
    subject = Subject("sort", SortConfig(), [Dimension("min_iou", 2.0, 3.0)], "mot15")
    with pytest.raises(InputError, match="none of the settings tried was possible"):
        run_search(data, tmp_path, subject, from_base=False)


def test_impossible_settings_are_skipped(data, tmp_path):
    space = [Dimension("high_score", 0.1, 0.9)]
    subject = Subject("bytetrack", ByteTrackConfig(), space, "mot15")
    assert subject.config({"high_score": 0.8}) is None  # above new_track_score
    outcome = run_search(data, tmp_path, subject, from_base=False)
    assert 0.1 <= outcome.tuned.config.high_score <= 0.7


def test_wrong_plans_are_named():
    for options, message in (
        ({"trials": 0}, "trials: expected 1 or more"),
        ({"sampler": "grid"}, "sampler: expected one of climb"),
        ({"metric": "MOTA+LUCK"}, "metric: expected one of MOTA, .*got 'LUCK'"),
    ):
        with pytest.raises(ValueError, match=message):
            SearchConfig(**options)
    with pytest.raises(InputError, match="at least one sequence"):
        search(SUBJECT, {}, SearchConfig(), None, None)


# Ray


def test_a_missing_ray_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"needs Ray; install mtmc\[ray\]"):
        RayCluster({}, "local")


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason="needs ray (mtmc[ray])")
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_finds_what_one_process_finds(data, tmp_path):
    alone = run_search(data, tmp_path / "one")
    with RayCluster(data, "local") as workers:
        config = SearchConfig(trials=8, batch=4, sampler="halton")
        shared = search(SUBJECT, data, config, Journal(tmp_path / "ray.jsonl"), workers)
    assert alone.left_out_overall.metrics == shared.left_out_overall.metrics


# The command


def tune(streets, tmp_path, *more):
    names = [str(streets / name) for name in ("ONE", "TWO", "THREE")]
    arguments = ["tune", "--sequence", *names, "--tracker", "sort", "--jobs", "1"]
    return main([*arguments, "--protocol", "mot15", "--out", str(tmp_path), *more])


def test_the_result_is_a_configuration_for_a_run(streets, tmp_path, capsys):
    more = ["--trials", "4", "--sampler", "halton", "--vary", "min_hits=1:3", "min_iou=0.1:0.5"]
    assert tune(streets, tmp_path, *more) == 0
    printed = capsys.readouterr().out
    assert "leave-one-sequence-out" in printed
    assert "tuned on all (flattering)" in printed
    found = load_toml(tmp_path / "sort.toml")
    report = json.loads((tmp_path / "sort.json").read_text())
    text = (tmp_path / "sort.toml").read_text()
    assert f"MOTA {report['leave_one_sequence_out']['MOTA']:g}" in text
    for name, value in report["tuned_on_all"]["settings"].items():
        assert found["tracker"][name] == value
    arguments = ["run", "--sequence", str(streets / "ONE"), "--out", str(tmp_path / "run")]
    assert main([*arguments, "--config", str(tmp_path / "sort.toml")]) == 0
    settings = json.loads((tmp_path / "run" / "ONE.run.json").read_text())["config"]["tracker"]
    assert settings == found["tracker"]


def test_boxes_of_ones_own_by_folder(streets, tmp_path, capsys):
    folder = tmp_path / "boxes"
    folder.mkdir()
    for name in ("ONE", "TWO"):
        shutil.copy(streets / name / "det" / "det.txt", folder / f"{name}.txt")
    arguments = ["--trials", "1", "--detections", str(folder)]
    assert tune(streets, tmp_path / "out", *arguments) == 2
    assert "THREE.txt: no such file" in " ".join(capsys.readouterr().err.split())
    shutil.copy(streets / "THREE" / "det" / "det.txt", folder / "THREE.txt")
    assert tune(streets, tmp_path / "out", *arguments) == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--vary", "speed=1:2"], "unknown setting"),
        (["--trials", "0"], "trials: expected 1 or more"),
        (["--jobs", "0"], "--jobs: expected 1 or more"),
        (["--metric", "LUCK"], "metric: expected one of"),
        (["--set", "run.reid=x.onnx"], "tuning works from recorded boxes"),
        (["--set", "tracker.speed=1"], "tracker.speed: unknown key"),
        (["--ray", "auto"], "leave out --jobs or --ray"),
    ],
)
def test_wrong_input_is_one_line(more, message, streets, tmp_path, capsys):
    assert tune(streets, tmp_path, *more) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_sequence_without_truth_is_refused(streets, tmp_path, capsys):
    shutil.copytree(streets / "ONE", tmp_path / "BLIND")
    shutil.rmtree(tmp_path / "BLIND" / "gt")
    arguments = ["tune", "--sequence", str(tmp_path / "BLIND"), "--protocol", "mot15"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    assert "no ground truth" in capsys.readouterr().err
