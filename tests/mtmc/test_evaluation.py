"""Scores of hand-made cases whose answers can be worked out on paper."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mtmc.datasets import find_sequence
from mtmc.errors import InputError
from mtmc.evaluation import (
    PROTOCOLS,
    Pair,
    choose_protocol,
    default_protocol,
    evaluate,
    evaluate_sequence,
    result_pairs,
    scores_table,
    suggest_jobs,
)
from mtmc.evaluation.overlap import iou_matrix
from mtmc.evaluation.table import BRIEF_COLUMNS

BOTH = ["motchallenge", "motdt"]
RATIOS = ["HOTA", "DetA", "AssA", "MOTA", "MOTP", "IDF1", "IDP", "IDR", "Rcll", "Prcn"]


@pytest.fixture
def score(tmp_path):
    """Score rows (frame, id, left) of boxes 10×20, ground truth rows also (class, mark)."""

    def score_rows(gt, results, protocol="motchallenge", **options):
        gt_path, result_path = tmp_path / "gt.txt", tmp_path / "results.txt"
        lines = []
        for frame, identity, left, *rest in gt:
            kind, mark = [*rest, *([1, 1][len(rest) :])]
            lines.append(f"{frame},{identity},{left},0,10,20,{mark},{kind},1\n")
        gt_path.write_text("".join(lines))
        result_path.write_text(
            "".join(f"{frame},{one},{left},0,10,20,1,-1,-1,-1\n" for frame, one, left in results)
        )
        return evaluate_sequence(gt_path, result_path, protocol, **options).metrics

    return score_rows


def walk(identity, frames, left=0.0):
    return [(frame, identity, left) for frame in frames]


def test_iou_of_boxes_in_pixels():
    boxes = np.array([[0.0, 0, 10, 10], [5, 0, 10, 10], [100, 100, 1, 1], [0, 0, 0, 10]])
    expected = np.eye(4)
    expected[0, 1] = expected[1, 0] = 50 / 150
    expected[3, 3] = 0  # no area
    np.testing.assert_allclose(iou_matrix(boxes, boxes), expected)


BOXES = st.tuples(*[st.integers(-20, 20)] * 2, *[st.integers(0, 15)] * 2)


@given(st.lists(BOXES, max_size=4), st.lists(BOXES, max_size=4))
def test_iou_counts_pixels(one, other):
    def pixels(box):
        left, top, width, height = box
        return {(left + x, top + y) for x in range(width) for y in range(height)}

    found = iou_matrix(np.array(one, float).reshape(-1, 4), np.array(other, float).reshape(-1, 4))
    for row, box in enumerate(one):
        for column, another in enumerate(other):
            union = len(pixels(box) | pixels(another))
            common = len(pixels(box) & pixels(another))
            assert found[row, column] == pytest.approx(common / union if union else 0.0)


@pytest.mark.parametrize("protocol", BOTH)
def test_perfect_results(score, protocol):
    gt = walk(1, range(1, 11)) + walk(2, range(3, 9), left=50)
    found = score(gt, gt, protocol)
    for name in (*RATIOS, "LocA", "DetRe", "AssPr", "MOTAL"):
        assert found[name] == pytest.approx(100), name
    for name in ("IDs", "FP", "FN", "PT", "ML", "Frag", "IDFP", "IDFN", "FAR"):
        assert found[name] == 0, name
    assert (found["MT"], found["GT"], found["GT_Dets"], found["Frames"]) == (2, 2, 16, 10)


@pytest.mark.parametrize("protocol", BOTH)
def test_one_switch_in_the_middle(score, protocol):
    gt = walk(1, range(1, 11))
    found = score(gt, walk(7, range(1, 7)) + walk(8, range(7, 11)), protocol)
    assert (found["IDs"], found["FP"], found["FN"], found["Frag"]) == (1, 0, 0, 0)
    assert found["MOTA"] == pytest.approx(90)
    # the identity with 6 of 10 frames is the person; 6 / (6 + 4/2 + 4/2)
    assert found["IDF1"] == pytest.approx(60)
    # A(c) is 6/10 for six matches and 4/10 for four
    assert found["AssA"] == pytest.approx(100 * (6 * 0.6 + 4 * 0.4) / 10)
    assert found["DetA"] == pytest.approx(100)
    assert found["HOTA"] == pytest.approx(100 * np.sqrt(0.52))


@pytest.mark.parametrize("protocol", BOTH)
def test_misses_and_false_positives(score, protocol):
    gt = walk(1, range(1, 11)) + walk(2, range(1, 11), left=50)
    results = walk(5, range(1, 11)) + walk(6, (1, 2, 3, 8), left=50) + walk(9, (4, 5), left=200)
    found = score(gt, results, protocol)
    assert (found["TP"], found["FN"], found["FP"], found["IDs"]) == (14, 6, 2, 0)
    assert (found["MT"], found["PT"], found["ML"], found["Frag"]) == (1, 1, 0, 1)
    assert found["MOTA"] == pytest.approx(100 * (1 - 8 / 20))
    assert found["Rcll"] == pytest.approx(70)
    assert found["Prcn"] == pytest.approx(100 * 14 / 16)
    assert found["FAR"] == pytest.approx(0.2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_results(score, protocol):
    found = score(walk(1, range(1, 4)), [], protocol)
    assert (found["FN"], found["FP"], found["IDs"], found["ML"]) == (3, 0, 0, 1)
    assert [found[name] for name in RATIOS] == [0.0] * len(RATIOS)
    assert found["LocA"] == 100  # by convention


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_ground_truth(score, protocol):
    found = score([], walk(1, range(1, 4)), protocol)
    assert (found["FN"], found["FP"], found["GT"], found["GT_Dets"]) == (0, 3, 0, 0)
    assert [found[name] for name in RATIOS] == [0.0] * len(RATIOS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_at_all(score, protocol):
    found = score([], [], protocol)
    assert found["Frames"] == found["FP"] == found["FN"] == 0
    assert found["MOTA"] == found["HOTA"] == 0


def test_boxes_at_half_overlap_match_and_below_do_not(score):
    gt = walk(1, [1])
    third = 10 / 3  # IoU of boxes of width 10 shifted by x is (10 - x) / (10 + x)
    assert score(gt, walk(1, [1], left=third))["TP"] == 1
    assert score(gt, walk(1, [1], left=third + 1e-6))["TP"] == 0


def test_continuity_is_where_the_protocols_differ(score):
    # Identity 5 loses the person in frame 2. In frame 3 it is back, beside identity 6 that fits
    # better: motmetrics takes the old match up again, TrackEval takes the better overlap.
    gt = walk(1, (1, 2, 3))
    results = [(1, 5, 0), (2, 9, 500), (3, 5, 2), (3, 6, 0)]
    assert score(gt, results, "motchallenge")["IDs"] == 1
    assert score(gt, results, "motdt")["IDs"] == 0


def test_eighty_percent_is_mostly_tracked_only_for_motmetrics(score):
    gt, results = walk(1, range(1, 6)), walk(1, range(1, 5))
    assert score(gt, results, "motchallenge")["MT"] == 0
    assert score(gt, results, "motdt")["MT"] == 1


def test_fragments_in_frames_without_the_person(score):
    # The person is not annotated in frame 2: an interruption for TrackEval (somebody else is
    # there), none for motmetrics.
    gt = walk(1, (1, 3)) + walk(2, (1, 2, 3), left=50)
    assert score(gt, gt, "motchallenge")["Frag"] == 1
    assert score(gt, gt, "motdt")["Frag"] == 0


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize("kind", [2, 7, 8, 12])
def test_results_on_distractors_are_dropped(score, protocol, kind):
    gt = [*walk(1, range(1, 4)), *((frame, 2, 50, kind) for frame in range(1, 4))]
    found = score(gt, gt[:3] + walk(9, range(1, 4), left=51), protocol)
    assert (found["FP"], found["FN"], found["GT"]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("protocol", "kind", "benchmark", "false"),
    [
        ("motchallenge", 6, "MOT17", 3),
        ("motchallenge", 6, "MOT20", 0),
        ("motdt", 6, "MOT20", 3),
        ("motchallenge", 3, "MOT17", 3),  # a car is neither scored nor a distractor
        ("motchallenge", 11, None, 3),
    ],
)
def test_other_classes(score, protocol, kind, benchmark, false):
    gt = [(frame, 2, 50, kind) for frame in range(1, 4)]
    assert score(gt, walk(9, range(1, 4), left=50), protocol, benchmark=benchmark)["FP"] == false


def test_pedestrians_compete_with_distractors_only_in_motchallenge(score):
    # One result between a pedestrian and a distractor, nearer to the pedestrian.
    gt = [(1, 1, 0, 1), (1, 2, 3, 7)]
    assert score(gt, [(1, 9, 1)], "motchallenge")["TP"] == 1
    assert score(gt, [(1, 9, 1)], "motdt")["TP"] == 0


@pytest.mark.parametrize("protocol", BOTH)
def test_ground_truth_marked_0_is_left_out(score, protocol):
    found = score([(1, 1, 0, 1, 0), (1, 2, 50, 1, 1)], walk(3, [1], left=50), protocol)
    assert (found["FN"], found["FP"], found["GT"]) == (0, 0, 1)


def test_mot15_has_no_classes(tmp_path):
    (tmp_path / "gt.txt").write_text("1,1,0,0,9,9,1,-1,-1,-1\n2,1,0,0,9,9,0,-1,-1,-1\n")
    (tmp_path / "r.txt").write_text("1,4,0,0,9,9,1,-1,-1,-1\n")
    paths = (tmp_path / "gt.txt", tmp_path / "r.txt")
    assert evaluate_sequence(*paths, "mot15").metrics["MOTA"] == 100
    for protocol in BOTH:
        with pytest.raises(InputError, match=r"gt\.txt: protocol .* with classes .* use protocol"):
            evaluate_sequence(*paths, protocol)


def test_unknown_classes_are_an_error(score):
    with pytest.raises(InputError, match="expected classes 1 to 13 in ground truth, got 14"):
        score([(1, 1, 0, 14)], [])


def test_frames_beyond_the_end_are_an_error(score):
    with pytest.raises(InputError, match=r"results.txt: line 3, column 1 \(frame\): expected at"):
        score(walk(1, [1]), walk(1, [1, 2, 4]), frame_count=3)


def test_an_unknown_protocol_says_which_exist(score):
    with pytest.raises(InputError, match="expected one of motchallenge, mot15, motdt, got 'mot'"):
        score([], [], "mot")


@pytest.fixture
def files(tmp_path):
    """Three sequences of random walks with imperfect results."""
    rng = np.random.default_rng(0)
    pairs = []
    for name in ("A", "B", "C"):
        gt, results = [], []
        for identity in range(1, 5):
            lefts = 40 * identity + rng.normal(0, 2, 30).cumsum()
            for frame, left in enumerate(lefts, 1):
                gt.append(f"{frame},{identity},{left:.2f},0,20,40,1,1,1\n")
                if rng.random() < 0.8:
                    shown = identity if rng.random() < 0.9 else 10 + identity
                    moved = left + rng.normal(0, 3)
                    results.append(f"{frame},{shown},{moved:.2f},0,20,40,1,-1,-1,-1\n")
        folder = tmp_path / name / "gt"
        folder.mkdir(parents=True)
        (folder / "gt.txt").write_text("".join(gt))
        (tmp_path / f"{name}.txt").write_text("".join(results))
        pairs.append(Pair(name, folder / "gt.txt", tmp_path / f"{name}.txt", 30, "MOT16"))
    return pairs


@pytest.mark.parametrize("protocol", BOTH)
def test_overall_adds_counts_up(files, protocol):
    scores = evaluate(files, protocol)
    parts = [part.metrics for part in scores.sequences.values()]
    overall = scores.overall.metrics
    for name in ("IDs", "FP", "FN", "TP", "MT", "PT", "ML", "Frag", "GT", "IDTP", "Frames"):
        assert overall[name] == sum(part[name] for part in parts), name
    errors = overall["FP"] + overall["FN"] + overall["IDs"]
    assert overall["MOTA"] == pytest.approx(100 * (1 - errors / overall["GT_Dets"]))
    assert overall["IDF1"] == pytest.approx(
        200 * overall["IDTP"] / (overall["GT_Dets"] + overall["Dets"])
    )
    assert min(part["HOTA"] for part in parts) < overall["HOTA"] < max(p["HOTA"] for p in parts)


def test_a_single_sequence_is_its_own_overall(files):
    scores = evaluate(files[:1])
    assert scores.overall.metrics == scores.sequences["A"].metrics


def test_processes_change_nothing(files):
    assert evaluate(files, jobs=2).to_json() == evaluate(files).to_json()
    assert suggest_jobs(files) == 1


def test_json_holds_plain_numbers(files):
    found = json.loads(json.dumps(evaluate(files, "motdt").to_json(), allow_nan=False))
    assert found["protocol"] == "motdt"
    assert list(found["sequences"]) == ["A", "B", "C"]
    assert {"HOTA", "MOTA", "IDF1", "IDs", "FP", "FN"} <= set(found["overall"])
    assert found["overall"].keys() == found["sequences"]["A"].keys()
    assert isinstance(found["overall"]["IDs"], int)


def test_the_table_names_every_sequence(files):
    console = Console(width=200, file=io.StringIO(), record=True)
    scores = evaluate(files)
    console.print(scores_table(scores), scores_table(scores, BRIEF_COLUMNS))
    text = console.export_text()
    for part in ("motchallenge", "A", "B", "C", "overall", f"{scores.overall.metrics['HOTA']:.1f}"):
        assert part in text


def test_wrong_pairs(files, tmp_path):
    with pytest.raises(InputError, match="at least one sequence"):
        evaluate([])
    with pytest.raises(InputError, match="got A twice"):
        evaluate([files[0], files[0]])
    gone = Pair("A", files[0].ground_truth_path, tmp_path / "gone.txt")
    with pytest.raises(InputError, match=r"gone\.txt: no such file \(expected the results of A\)"):
        evaluate([gone, files[1]])


def test_result_pairs_come_from_sequences(street, tmp_path):
    sequence = find_sequence(street)
    with pytest.raises(InputError, match=r"nowhere: expected a folder"):
        result_pairs([sequence], tmp_path / "nowhere")
    with pytest.raises(InputError, match=rf"{sequence.name}\.txt: no such file"):
        result_pairs([sequence], tmp_path)
    (tmp_path / f"{sequence.name}.txt").write_text("")
    (pair,) = result_pairs([sequence], tmp_path)
    assert (pair.name, pair.frame_count) == (sequence.name, sequence.frame_count)
    assert evaluate([pair]).overall.metrics["FP"] == 0


def test_protocols_follow_the_benchmark(street):
    mot15 = replace(find_sequence(street), benchmark="MOT15")
    mot17 = replace(mot15, benchmark="MOT17")
    assert choose_protocol(None, [mot15]).name == "mot15"
    assert choose_protocol(None, [mot17, replace(mot15, benchmark="MOT20")]).name == "motchallenge"
    assert choose_protocol("motdt", [mot17]).name == "motdt"
    with pytest.raises(InputError, match="mot15 for MOT15, motchallenge for MOT17"):
        choose_protocol(None, [mot15, mot17])
    with pytest.raises(InputError, match="benchmark 'KITTI' has no default"):
        default_protocol("KITTI")
