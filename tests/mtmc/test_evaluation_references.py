"""Published figures of others on real results: MATLAB devkit, TrackEval, motdt with motmetrics."""

import json

import pytest

from mtmc.evaluation import Pair, evaluate

# TrackEval's and the devkit's names -> ours; names that are not listed are the same.
TRACKEVAL_NAMES = {
    "CLR_Re": "Rcll",
    "CLR_Pr": "Prcn",
    "CLR_TP": "TP",
    "CLR_FN": "FN",
    "CLR_FP": "FP",
    "IDSW": "IDs",
    "IDs": "Trajectories",
    "GT_IDs": "GT",
}
DEVKIT_NAMES = {"FM": "Frag"}
MOTDT_NAMES = {"GT": "GT_Dets"}

# The devkit counts one switch less on each of two sequences; MOTA and MOTAL follow from that.
DEVKIT_SWITCHES = {"ETH-Bahnhof": 1, "PETS09-S2L1": 1, "OVERALL": 2}


@pytest.fixture(scope="module")
def evaluator(real_data):
    folder = real_data / "evaluator"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing")
    return folder


@pytest.fixture(scope="module")
def mot15(evaluator):
    paths = sorted((evaluator / "MOT15_demo" / "gt").glob("*.txt"))
    folder = evaluator / "MOT15_demo" / "results"
    pairs = [Pair(path.stem, path, folder / path.name, None, "MOT15") for path in paths]
    return evaluate(pairs, "mot15")


@pytest.fixture(scope="module")
def mot16_pairs(evaluator, real_data):
    paths = sorted((evaluator / "MOT16_demo" / "results").glob("MOT16-*.txt"))
    folder = real_data / "MOT16" / "train"
    return [Pair(p.stem, folder / p.stem / "gt" / "gt.txt", p, None, "MOT16") for p in paths]


def metrics_of(scores, name):
    return scores.sequences.get(name, scores.overall).metrics


def test_mot15_is_the_devkit_but_for_two_switches(evaluator, mot15):
    text = (evaluator / "expected_third_party.json").read_text()
    expected = json.loads(text)["devkit_MOT15_demo"]["results"]
    assert len(expected) == 12
    for name, row in expected.items():
        found = metrics_of(mot15, name)
        extra = DEVKIT_SWITCHES.get(name, 0)
        assert found["IDs"] == row["IDs"] + extra
        for key, value in row.items():
            if key == "IDs" or (extra and key in ("MOTA", "MOTAL")):
                continue
            # the devkit prints five digits
            assert found[DEVKIT_NAMES.get(key, key)] == pytest.approx(value, rel=5.1e-5), (
                name,
                key,
            )
        boxes = found["GT_Dets"]
        assert found["MOTA"] == pytest.approx(row["MOTA"] - 100 * extra / boxes, rel=5.1e-5)


def check(scores, expected, names, tolerance):
    for name, row in expected.items():
        found = metrics_of(scores, name)
        for key, value in row.items():
            assert found[names.get(key, key)] == pytest.approx(value, abs=tolerance), (name, key)


def test_mot15_is_trackeval(evaluator, mot15):
    expected = json.loads((evaluator / "trackeval_reference.json").read_text())
    check(mot15, expected["devkit_MOT15_demo"], TRACKEVAL_NAMES, 0.0001)


def test_motchallenge_is_trackeval(evaluator, mot16_pairs):
    expected = json.loads((evaluator / "trackeval_reference.json").read_text())
    scores = evaluate(mot16_pairs, "motchallenge")
    check(scores, expected["devkit_MOT16_demo"], TRACKEVAL_NAMES, 0.0001)
    overall = json.loads((evaluator / "motdt_protocol.json").read_text())
    check(scores, {"overall": overall["trackeval_overall_same_five"]}, {}, 0.0001)


def test_motdt_is_its_reference(evaluator, mot16_pairs):
    expected = json.loads((evaluator / "motdt_protocol.json").read_text())
    scores = evaluate(mot16_pairs, "motdt")
    check(scores, expected["sequences"], MOTDT_NAMES, 0.0001)
    check(scores, {"overall": expected["overall"]}, MOTDT_NAMES, 0.0001)
