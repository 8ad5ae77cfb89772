"""Comparing result folders: differences, bootstrap intervals, identity switches, commands."""

import argparse
import csv
import io
import json

import cv2
import numpy as np
import pytest
from rich.console import Console

from mtmc.cli import compare_command, data_command, eval_command
from mtmc.datasets import find_sequence
from mtmc.errors import InputError
from mtmc.evaluation import (
    BootstrapConfig,
    Pair,
    compare,
    differences_table,
    evaluate,
    find_switches,
    result_pairs,
    winners_table,
    write_switches,
)
from mtmc.evaluation.compare import COMPARED
from mtmc.evaluation.contact_sheet import ContactSheetConfig, write_contact_sheets
from mtmc.mot_files import read_ground_truth

QUICK = BootstrapConfig(resamples=200, block_frames=10)


def write_result(path, gt, *, dropped=0.0, switch_every=0, seed=0):
    """Results that are the ground truth with misses, and new identities every so often."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for frame, identity, tlwh in zip(gt.frame, gt.id, gt.tlwh, strict=True):
        if rng.random() < dropped:
            continue
        shown = identity + (1000 * (frame // switch_every) if switch_every else 0)
        lines.append(f"{frame},{shown}," + ",".join(f"{value:.2f}" for value in tlwh) + ",1\n")
    path.write_text("".join(lines))


@pytest.fixture
def sequence(street):
    return find_sequence(street)


@pytest.fixture
def folders(tmp_path, sequence):
    """Results in the folders good/ (few misses), bad/ (many), torn/ (new identities)."""
    gt = read_ground_truth(sequence.ground_truth_path)
    name = f"{sequence.name}.txt"
    write_result(tmp_path / "good" / name, gt, dropped=0.05)
    write_result(tmp_path / "bad" / name, gt, dropped=0.4, seed=1)
    write_result(tmp_path / "torn" / name, gt, dropped=0.05, switch_every=20)
    return tmp_path


@pytest.fixture
def runs(folders, sequence):
    return {name: result_pairs([sequence], folders / name) for name in ("good", "bad", "torn")}


def test_values_are_those_of_evaluate(runs, sequence):
    comparison = compare(runs, config=QUICK)
    for run, pairs in runs.items():
        scores = evaluate(pairs)
        for metric in COMPARED:
            expected = scores.overall.metrics[metric]
            assert comparison.values[run, "overall", metric] == expected
            assert comparison.values[run, sequence.name, metric] == expected


def test_a_clear_winner_is_decided(runs):
    comparison = compare(runs, config=QUICK)
    difference = comparison.difference("bad", "good", "MOTA")
    assert difference.high < 0
    assert difference.low <= difference.difference <= difference.high
    assert difference.is_decided
    assert comparison.ranking("MOTA")[-1] == "bad"
    assert comparison.ranking("FN")[-1] == "bad"
    assert comparison.ranking("AssA")[-1] == "torn"
    assert comparison.difference("good", "bad", "MOTA").difference == -difference.difference


def test_a_run_does_not_differ_from_itself(runs):
    comparison = compare({"one": runs["bad"], "two": runs["bad"]}, config=QUICK)
    for metric in COMPARED:
        difference = comparison.difference("two", "one", metric)
        assert (difference.difference, difference.low, difference.high) == (0, 0, 0)
        assert not difference.is_decided
    assert comparison.ranking("HOTA") == ["one", "two"]


def test_the_seed_decides(runs):
    first, again = (compare(runs, config=QUICK).to_json() for _ in range(2))
    assert first == again
    other = compare(runs, config=BootstrapConfig(200, 10, seed=1)).to_json()
    assert other["overall"]["MOTA"]["values"] == first["overall"]["MOTA"]["values"]
    assert other["overall"]["MOTA"]["differences"] != first["overall"]["MOTA"]["differences"]


def test_other_sequences_and_processes_do_not_change_a_draw(runs, folders, sequence):
    pair = runs["good"][0]
    two = {
        run: [*pairs, Pair("other", pair.ground_truth_path, pairs[0].result_path, 60)]
        for run, pairs in runs.items()
    }
    alone = compare(runs, config=QUICK).to_json()
    together = compare(two, config=QUICK, jobs=2).to_json()
    assert together["sequences"][sequence.name] == alone["sequences"][sequence.name]
    assert together["overall"]["FN"]["values"]["bad"] == 2 * alone["overall"]["FN"]["values"]["bad"]


def test_short_sequences_have_no_interval(runs):
    comparison = compare(runs, config=BootstrapConfig(resamples=50, block_frames=30))
    difference = comparison.difference("bad", "good", "MOTA")
    assert difference.low is None
    assert difference.high is None
    assert not difference.is_decided
    assert json.loads(json.dumps(comparison.to_json(), allow_nan=False))


def test_the_interval_is_the_spread_of_block_sums(tmp_path):
    # One person whose misses come in whole blocks: FN is 10 times a binomial number of blocks.
    gt = [f"{frame},1,0,0,10,10,1,1,1\n" for frame in range(1, 401)]
    (tmp_path / "gt.txt").write_text("".join(gt))
    (tmp_path / "all.txt").write_text("".join(line[:-5] + "\n" for line in gt))
    half = [line[:-5] + "\n" for block in range(0, 40, 2) for line in gt[10 * block :][:10]]
    (tmp_path / "half.txt").write_text("".join(half))
    pairs = {
        name: [Pair("S", tmp_path / "gt.txt", tmp_path / f"{name}.txt", 400)]
        for name in ("all", "half")
    }
    comparison = compare(pairs, config=BootstrapConfig(resamples=4000, block_frames=10))
    found = comparison.difference("half", "all", "FN")
    deviation = 10 * np.sqrt(40 * 0.5 * 0.5)
    assert found.difference == 200
    assert found.low == pytest.approx(200 - 1.96 * deviation, abs=12)
    assert found.high == pytest.approx(200 + 1.96 * deviation, abs=12)


def test_results_far_beyond_the_ground_truth_are_no_burden(tmp_path):
    (tmp_path / "gt.txt").write_text("".join(f"{f},1,0,0,9,9,1,1,1\n" for f in range(1, 51)))
    (tmp_path / "one.txt").write_text("1,1,0,0,9,9,1\n1000000000000,1,0,0,9,9,1\n")
    (tmp_path / "two.txt").write_text("")
    pairs = {
        name: [Pair("S", tmp_path / "gt.txt", tmp_path / f"{name}.txt")] for name in ("one", "two")
    }
    found = compare(pairs, config=QUICK).difference("one", "two", "FP")
    assert (found.difference, found.low) == (1, 0)
    assert found.high >= 2


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"resamples": 0}, "bootstrap.resamples: expected 1 or more, got 0"),
        ({"block_frames": -1}, "bootstrap.block_frames"),
        ({"confidence": 1.0}, "bootstrap.confidence: expected a share between 0 and 1"),
        ({"seed": -1}, "bootstrap.seed"),
    ],
)
def test_wrong_settings(change, match):
    with pytest.raises(InputError, match=match):
        BootstrapConfig(**change)


def test_runs_must_be_comparable(runs):
    with pytest.raises(InputError, match="two or more runs, got 1"):
        compare({"good": runs["good"]})
    pair = runs["good"][0]
    other = [Pair("other", pair.ground_truth_path, pair.result_path)]
    with pytest.raises(InputError, match=r"same sequences in all runs, got .* and other in bad"):
        compare({"good": runs["good"], "bad": other})


def test_tables_tell_winners_and_differences(runs):
    console = Console(width=200, file=io.StringIO(), record=True)
    comparison = compare(runs, config=QUICK)
    console.print(winners_table(comparison), differences_table(comparison, "bad"))
    text = console.export_text()
    assert "bad minus good, and 95 % intervals" in text
    difference = comparison.difference("bad", "good", "MOTA")
    assert f"{difference.low:+.1f} to {difference.high:+.1f}" in text


def test_every_switch_is_listed(runs):
    (pair,) = runs["torn"]
    switches = find_switches(pair, "motchallenge")
    assert len(switches) == evaluate([pair]).overall.metrics["IDs"] > 0
    for switch in switches:
        assert switch.frame_before < switch.frame
        assert switch.id != switch.id_before
        # results are the ground truth itself, with 1000 added to the identity every 20 frames
        assert switch.id % 1000 == switch.gt_id
        assert switch.id // 1000 == switch.frame // 20
        np.testing.assert_allclose(switch.tlwh, switch.gt_tlwh, atol=0.01)
    frames = [switch.frame for switch in switches]
    assert frames == sorted(frames)
    assert find_switches(runs["good"][0], "motchallenge") == []


def test_switches_are_written_as_csv_and_json(tmp_path, runs):
    switches = find_switches(runs["torn"][0], "motdt")
    write_switches(tmp_path / "s.csv", switches)
    write_switches(tmp_path / "s.json", switches)
    with (tmp_path / "s.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    records = json.loads((tmp_path / "s.json").read_text())
    assert len(rows) == len(records) == len(switches)
    assert rows[0]["frame"] == str(records[0]["frame"]) == str(switches[0].frame)
    assert [float(part) for part in rows[0]["tlwh"].split()] == pytest.approx(
        records[0]["tlwh"], abs=0.01
    )


def test_contact_sheets_show_the_person_before_and_after(tmp_path, runs):
    switches = find_switches(runs["torn"][0], "motchallenge")
    config = ContactSheetConfig(columns=2, rows=2, crop_width=60, crop_height=80)
    colours = {switch.frame: 255 for switch in switches}

    def read_image(frame):
        return np.full((270, 480, 3), colours.get(frame, 128), np.uint8)

    pages = write_contact_sheets(switches, read_image, tmp_path / "sheets", config)
    assert len(pages) == -(-len(switches) // 4)
    assert pages[0].name == f"{switches[0].sequence}_switches_01.png"
    page = cv2.imread(str(pages[0]))
    tile_width = 2 * config.crop_width
    assert page.shape[1] == 2 * tile_width + 3 * 6
    # the middle of the left picture is from the frame before, that of the right one from after
    middle = 6 + 2 * config.caption_height + config.crop_height // 2
    assert page[middle, 6 + config.crop_width // 2].tolist() == [128] * 3
    assert page[middle, 6 + config.crop_width + config.crop_width // 2].tolist() == [255] * 3
    assert len(list((tmp_path / "sheets").iterdir())) == len(pages)


def test_contact_sheets_without_images_or_switches(tmp_path, runs):
    switches = find_switches(runs["torn"][0], "motchallenge")[:1]
    (page,) = write_contact_sheets(switches, lambda _: None, tmp_path)
    assert cv2.imread(str(page)) is not None
    assert write_contact_sheets([], lambda _: None, tmp_path / "none") == []
    with pytest.raises(InputError, match="columns of 1 or more, got 0"):
        ContactSheetConfig(columns=0)


@pytest.fixture
def command(capsys):
    """Run eval, compare or data, and return (code, stdout, stderr)."""

    def run(*words):
        parser = argparse.ArgumentParser()
        subparsers = parser.add_subparsers(required=True)
        for module in (eval_command, compare_command, data_command):
            module.add_parser(subparsers)
        arguments = parser.parse_args([str(word) for word in words])
        code = arguments.handler(arguments)
        return (code, *capsys.readouterr())

    return run


def test_eval_prints_a_table_and_writes_json(command, folders, street, sequence, tmp_path):
    path = tmp_path / "scores.json"
    words = ("eval", "--sequence", street, "--results", folders / "good")
    code, out, err = command(*words, "--json", path)
    assert code == 0
    assert sequence.name in out
    assert "overall" in out
    assert "protocol motchallenge" in err
    assert "by default for custom" in err
    found = json.loads(path.read_text())
    assert found["protocol"] == "motchallenge"
    assert list(found["sequences"]) == [sequence.name]
    code, out, err = command(*words, "--protocol", "motdt")
    assert "protocol motdt" in out
    assert err == ""


def test_eval_scores_all_results_that_there_are(command, folders, street, tmp_path):
    root = tmp_path / "root"
    (root / "MOT16").mkdir(parents=True)
    (root / "MOT16" / "train").symlink_to(street.parent, target_is_directory=True)
    _, out, err = command("eval", "--results", folders / "good", "--data-root", root)
    assert street.name in out
    assert "by default for MOT16" in err
    with pytest.raises(InputError, match=r"expected NAME\.txt files, got none"):
        command("eval", "--results", tmp_path / "root", "--data-root", root)


def test_eval_names_a_missing_result(command, street, tmp_path):
    with pytest.raises(InputError, match=rf"{street.name}\.txt: no such file"):
        command("eval", "--sequence", street, "--results", tmp_path)


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_jobs_must_be_positive(command, street, tmp_path, jobs):
    with pytest.raises(SystemExit):
        command("eval", "--sequence", street, "--results", tmp_path, "--jobs", jobs)


def test_compare_writes_all_its_files(command, folders, street, tmp_path):
    (folders / "good" / "extra.txt").write_text("")
    code, out, err = command(
        *("compare", folders / "good", folders / "torn", "--sequence", street),
        *("--json", tmp_path / "c.json", "--switches", tmp_path / "lists"),
        *("--contact-sheet", tmp_path / "sheets", "--resamples", "50", "--block", "10"),
    )
    assert code == 0
    assert "torn minus good" in out
    assert err == ""
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["runs"] == ["good", "torn"]
    assert found["bootstrap"]["block_frames"] == 10
    assert (tmp_path / "lists" / "torn" / f"{street.name}.csv").is_file()
    sheets = list((tmp_path / "sheets").rglob("*.png"))
    assert {path.parent.name for path in sheets} == {"torn"}
    assert all(str(path) in out for path in sheets)


def test_compare_takes_what_all_folders_have(command, folders, street, tmp_path):
    root = tmp_path / "root"
    (root / "MOT16").mkdir(parents=True)
    (root / "MOT16" / "train").symlink_to(street.parent, target_is_directory=True)
    (folders / "good" / "extra.txt").write_text("")
    _, out, err = command(
        "compare", folders / "good", folders / "bad", "--data-root", root, "--resamples", "20"
    )
    assert "left out, because not every folder has them: extra" in err
    assert "no intervals" in err  # 60 frames are less than four blocks
    assert street.name in out


def test_compare_refuses_folders_that_are_none_or_the_same(command, folders, street):
    with pytest.raises(InputError, match="gone: expected a folder of results"):
        command("compare", folders / "good", folders / "gone", "--sequence", street)
    with pytest.raises(InputError, match="expected different folders"):
        command("compare", folders / "good", folders / "good", "--sequence", street)


def test_data_list_and_check(command, street, tmp_path):
    root = tmp_path / "root"
    (root / "MOT16").mkdir(parents=True)
    (root / "MOT16" / "train").symlink_to(street.parent, target_is_directory=True)
    code, out, _ = command("data", "list", "--data-root", root)
    assert code == 0
    assert street.name in out
    assert "480×270" in out
    code, out, _ = command("data", "check", "--data-root", root)
    assert code == 0
    assert f"{street.name}: 60 frames" in out
    with pytest.raises(InputError, match="expected one below"):
        command("data", "check", "--sequence", "NONE", "--data-root", root)
    with pytest.raises(InputError, match="got none"):
        command("data", "list", "--data-root", tmp_path)


def test_data_goes_on_after_a_broken_sequence(command, tmp_path):
    folder = tmp_path / "MOT16" / "train" / "MOT16-02"
    folder.mkdir(parents=True)
    (folder / "seqinfo.ini").write_text("[Sequence]\n")
    code, _, err = command("data", "list", "--data-root", tmp_path)
    assert code == 1
    assert "expected the key" in err
    code, out, _ = command("data", "check", "--data-root", tmp_path)
    assert code == 1
    assert "expected the key" in out
