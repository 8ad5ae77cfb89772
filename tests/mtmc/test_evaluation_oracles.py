"""Scores of random cases against independent computations: brute force, and motmetrics whole."""

import itertools

import motmetrics
import numpy as np
import pytest

from mtmc.evaluation import PROTOCOLS, analyse
from mtmc.evaluation.hota import ALPHAS
from mtmc.evaluation.overlap import iou_matrix
from mtmc.mot_files import MotTable, read_ground_truth, read_results

SEEDS = range(25)


def table(rows):
    """Rows (frame, id, left, top, width, height, mark, class), in any order."""
    rows = np.array(rows, float).reshape(-1, 8)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    count = len(rows)
    return MotTable(
        frame=rows[:, 0].astype(np.int64),
        id=rows[:, 1].astype(np.int64),
        tlwh=rows[:, 2:6],
        confidence=rows[:, 6],
        class_id=rows[:, 7].astype(np.int64),
        visibility=np.ones(count),
        line=np.arange(1, count + 1),
    )


def random_case(seed, frames=6, people=3):
    """A few people near each other, and results with misses, swaps and false positives."""
    rng = np.random.default_rng(seed)
    gt, results = [], []
    for identity in range(1, people + 1):
        kind = rng.choice([1, 1, 1, 7, 3])
        left = rng.uniform(0, 25) + rng.normal(0, 3, frames).cumsum()
        for frame in range(1, frames + 1):
            if rng.random() < 0.15:
                continue
            box = [left[frame - 1], 0, 20, 40]
            mark = int(rng.random() < 0.95)
            gt.append([frame, identity, *box, mark, kind])
            if rng.random() < 0.8:
                shown = identity if rng.random() < 0.7 else int(rng.integers(1, people + 2))
                jitter = rng.normal(0, 2.5, 4)
                results.append([frame, 10 + shown, *(box + jitter), 1, 1])
    seen = {}
    for row in results:
        seen.setdefault((row[0], row[1]), row)
    return table(gt), table(list(seen.values()))


def assignments(rows, columns):
    """All ways to give each row a column of its own or none."""
    for chosen in itertools.product([None, *range(columns)], repeat=rows):
        used = [column for column in chosen if column is not None]
        if len(used) == len(set(used)):
            yield [(row, column) for row, column in enumerate(chosen) if column is not None]


def frames_of(gt, results):
    for frame in sorted({*gt.frame.tolist(), *results.frame.tolist()}):
        mine, theirs = gt[gt.frame == frame], results[results.frame == frame]
        yield mine.id.tolist(), theirs.id.tolist(), iou_matrix(mine.tlwh, theirs.tlwh)


def brute_force_hota(gt, results):
    """HOTA from its definition; one matching per frame, by global alignment times overlap."""
    frames = list(frames_of(gt, results))
    count = {one: (gt.id == one).sum() for one in set(gt.id.tolist())}
    result_count = {one: (results.id == one).sum() for one in set(results.id.tolist())}
    common = {}
    for mine, theirs, iou in frames:
        for i, person in enumerate(mine):
            for j, identity in enumerate(theirs):
                rest = iou[i].sum() + iou[:, j].sum() - iou[i, j]
                part = iou[i, j] / rest if iou[i, j] else 0.0
                common[person, identity] = common.get((person, identity), 0.0) + part
    matches = []
    for mine, theirs, iou in frames:

        def value(pairs, mine=mine, theirs=theirs, iou=iou):
            total = 0.0
            for i, j in pairs:
                both = common[mine[i], theirs[j]]
                aligned = both / (count[mine[i]] + result_count[theirs[j]] - both)
                total += aligned * iou[i, j]
            return total

        best = max(assignments(len(mine), len(theirs)), key=value)
        matches += [(mine[i], theirs[j], iou[i, j]) for i, j in best]
    found = []
    for alpha in ALPHAS:
        good = [(person, identity) for person, identity, iou in matches if iou >= alpha - 1e-12]
        if not good:
            found.append((0.0, 0.0, 0.0))
            continue
        association = 0.0
        for person, identity in good:
            together = good.count((person, identity))
            association += together / (count[person] + result_count[identity] - together)
        association /= len(good)
        detection = len(good) / (len(gt) + len(results) - len(good))
        found.append((np.sqrt(detection * association), detection, association))
    return 100 * np.mean(found, axis=0)


def brute_force_clear(gt, results):
    """Matches, switches and IoU sum: continuity from the frame before, then greatest overlap."""
    before, ever = {}, {}
    matched, switches, total = 0, 0, 0.0
    for mine, theirs, iou in frames_of(gt, results):
        if not mine or not theirs:
            continue

        def value(pairs, mine=mine, theirs=theirs, iou=iou, before=before):
            if any(iou[i, j] < 0.5 for i, j in pairs):
                return -1.0
            kept = sum(before.get(mine[i]) == theirs[j] for i, j in pairs)
            return 1000 * kept + sum(iou[i, j] for i, j in pairs)

        best = max(assignments(len(mine), len(theirs)), key=value)
        before = {mine[i]: theirs[j] for i, j in best}
        switches += sum(ever.get(person, one) != one for person, one in before.items())
        ever |= before
        matched += len(best)
        total += sum(iou[i, j] for i, j in best)
    return matched, switches, total


def brute_force_idtp(gt, results):
    """The greatest number of agreeing boxes over all assignments of identities to people."""
    people, identities = sorted(set(gt.id.tolist())), sorted(set(results.id.tolist()))
    agree = np.zeros((len(people), len(identities)), int)
    for mine, theirs, iou in frames_of(gt, results):
        for i, j in zip(*np.nonzero(iou >= 0.5), strict=True):
            agree[people.index(mine[i]), identities.index(theirs[j])] += 1
    return max(
        sum(agree[i, j] for i, j in pairs) for pairs in assignments(len(people), len(identities))
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_hota_is_its_definition(seed):
    gt, results = random_case(seed)
    metrics = analyse(gt[gt.confidence > 0], results, PROTOCOLS["mot15"]).scores.metrics
    expected = brute_force_hota(gt[gt.confidence > 0], results)
    found = [metrics[name] for name in ("HOTA", "DetA", "AssA")]
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_clear_is_brute_force(seed):
    gt, results = random_case(seed)
    metrics = analyse(gt, results, PROTOCOLS["mot15"]).scores.metrics
    matched, switches, total = brute_force_clear(gt[gt.confidence > 0], results)
    assert (metrics["TP"], metrics["IDs"]) == (matched, switches)
    assert metrics["MOTP"] == pytest.approx(100 * total / max(matched, 1))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("protocol", ["mot15", "motdt"])
def test_identity_matches_are_brute_force(seed, protocol):
    gt, results = random_case(seed)
    gt = gt[gt.class_id != 7]  # no distractors, so that nothing is dropped
    metrics = analyse(gt, results, PROTOCOLS[protocol]).scores.metrics
    scored = gt[(gt.confidence > 0) & ((gt.class_id == 1) | (protocol == "mot15"))]
    assert metrics["IDTP"] == brute_force_idtp(scored, results)


def score_with_motmetrics(gt, results):
    """The protocol motdt by its words, with nothing but motmetrics behind it."""
    accumulator = motmetrics.MOTAccumulator()
    for frame in sorted({*gt.frame.tolist(), *results.frame.tolist()}):
        in_frame, theirs = gt[gt.frame == frame], results[results.frame == frame]
        ignored = in_frame[np.isin(in_frame.class_id, [2, 7, 8, 12])]
        distance = 1 - iou_matrix(ignored.tlwh, theirs.tlwh)
        distance[distance > 0.5] = np.nan
        _, columns = motmetrics.lap.linear_sum_assignment(distance)
        theirs = theirs[np.setdiff1d(np.arange(len(theirs)), columns)]
        mine = in_frame[(in_frame.class_id == 1) & (in_frame.confidence != 0)]
        distance = 1 - iou_matrix(mine.tlwh, theirs.tlwh)
        distance[distance > 0.5] = np.nan
        if len(mine) or len(theirs):
            accumulator.update(mine.id, theirs.id, distance, frameid=frame)
    host = motmetrics.metrics.create()
    return host.compute(accumulator, metrics=motmetrics.metrics.motchallenge_metrics).iloc[0]


COUNTS = {
    "num_unique_objects": "GT",
    "mostly_tracked": "MT",
    "partially_tracked": "PT",
    "mostly_lost": "ML",
    "num_false_positives": "FP",
    "num_misses": "FN",
    "num_switches": "IDs",
    "num_fragmentations": "Frag",
}
RATIOS = {
    "idf1": "IDF1",
    "idp": "IDP",
    "idr": "IDR",
    "recall": "Rcll",
    "precision": "Prcn",
    "mota": "MOTA",
}


def check_against_motmetrics(gt, results):
    expected = score_with_motmetrics(gt, results)
    metrics = analyse(gt, results, PROTOCOLS["motdt"]).scores.metrics
    for theirs, ours in COUNTS.items():
        assert metrics[ours] == expected[theirs], ours
    for theirs, ours in RATIOS.items():
        assert metrics[ours] == pytest.approx(100 * expected[theirs], abs=1e-9), ours
    assert metrics["MOTP"] == pytest.approx(100 * (1 - expected["motp"]), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_motdt_is_motmetrics(seed):
    check_against_motmetrics(*random_case(seed, frames=30, people=10))


def test_motdt_is_motmetrics_on_real_results(real_data):
    gt = read_ground_truth(real_data / "MOT16" / "train" / "MOT16-05" / "gt" / "gt.txt")
    path = real_data / "evaluator" / "MOT16_demo" / "results" / "MOT16-05.txt"
    check_against_motmetrics(gt, read_results(path))


def test_motdt_is_motmetrics_with_one_off_identities():
    gt, results = random_case(0, frames=40, people=10)
    one_off = MotTable(
        results.frame,
        np.arange(1, len(results) + 1),
        results.tlwh,
        results.confidence,
        results.class_id,
        results.visibility,
        results.line,
    )
    check_against_motmetrics(gt, one_off)


def test_twenty_thousand_one_off_identities_are_no_burden():
    # The square matrices of people and identities together would need 3 × 3 GB.
    count, frames = 20_000, 100
    frame = np.sort(np.arange(count) % frames) + 1
    place = np.arange(count) % (count // frames)
    tlwh = np.column_stack([30.0 * place, np.zeros(count), np.full((count, 2), 20.0)])
    ones = np.ones(count)
    gt = MotTable(frame, place + 1, tlwh, ones, np.ones(count, np.int64), ones, np.arange(count))
    results = MotTable(
        frame, np.arange(1, count + 1), tlwh, ones, np.ones(count, np.int64), ones, np.arange(count)
    )
    for protocol in ("motchallenge", "motdt"):
        metrics = analyse(gt, results, PROTOCOLS[protocol]).scores.metrics
        assert metrics["IDTP"] == count // frames  # one frame of each person
        assert metrics["IDs"] == count - count // frames
        assert metrics["AssA"] == pytest.approx(1.0)
