"""Box formats are inverses of each other; overlap equals its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mtmc.trackers import boxes

corners = hnp.arrays(np.float64, (5, 2), elements=st.floats(-2000, 2000))
sizes = hnp.arrays(np.float64, (5, 2), elements=st.floats(0.01, 1500))
xyxy_boxes = st.builds(lambda corner, size: np.hstack([corner, corner + size]), corners, sizes)


@pytest.mark.parametrize("name", ["tlwh", "cxcywh", "xyah", "xysr"])
@given(xyxy=xyxy_boxes)
def test_there_and_back(name, xyxy):
    there, back = getattr(boxes, f"{name}_from_xyxy"), getattr(boxes, f"xyxy_from_{name}")
    before = xyxy.copy()
    np.testing.assert_allclose(back(there(xyxy)), xyxy, atol=1e-6)
    np.testing.assert_array_equal(xyxy, before)


def test_formats_of_one_box():
    xyxy = np.array([[10.0, 20.0, 40.0, 80.0]])
    assert boxes.tlwh_from_xyxy(xyxy).tolist() == [[10, 20, 30, 60]]
    assert boxes.cxcywh_from_xyxy(xyxy).tolist() == [[25, 50, 30, 60]]
    assert boxes.xyah_from_xyxy(xyxy).tolist() == [[25, 50, 0.5, 60]]
    assert boxes.xysr_from_xyxy(xyxy).tolist() == [[25, 50, 1800, 0.5]]


def test_impossible_states_give_empty_boxes():
    xyah = np.array([[5.0, 5.0, -0.5, 10.0], [5.0, 5.0, 0.5, -10.0], [5.0, 5.0, -0.5, -10.0]])
    xysr = np.array([[5.0, 5.0, -3.0, 0.5], [5.0, 5.0, 3.0, -0.5], [5.0, 5.0, 0.0, 0.0]])
    for xyxy in (boxes.xyxy_from_xyah(xyah), boxes.xyxy_from_xysr(xysr)):
        assert np.isfinite(xyxy).all()
        assert (xyxy[:, 2:] >= xyxy[:, :2]).all()
        assert (boxes.iou_matrix(xyxy, xyxy) == 0).all()


def test_boxes_without_height_have_finite_coordinates():
    flat = np.array([[0.0, 5.0, 10.0, 5.0], [3.0, 3.0, 3.0, 3.0]])
    for name in ("xyah", "xysr"):
        assert np.isfinite(getattr(boxes, f"{name}_from_xyxy")(flat)).all()


def brute_force_iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


@given(xyxy_boxes, xyxy_boxes, st.floats(0.001, 0.3))
def test_iou_equals_its_definition(a, b, closeness):
    b = a + closeness * (b - a)  # random boxes would hardly ever meet
    expected = np.array([[brute_force_iou(one, other) for other in b] for one in a])
    np.testing.assert_allclose(boxes.iou_matrix(a, b), expected, atol=1e-9)
    np.testing.assert_allclose(boxes.iou_of_rows(a, b), np.diag(expected), atol=1e-9)


def test_iou_of_boxes_without_area_and_of_none():
    point = np.array([[1.0, 1.0, 1.0, 1.0]])
    around = np.array([[0.0, 0.0, 2.0, 2.0]])
    assert boxes.iou_matrix(point, point).tolist() == [[0.0]]
    assert boxes.iou_matrix(point, around).tolist() == [[0.0]]
    assert boxes.iou_of_rows(point, point).tolist() == [0.0]
    assert boxes.iou_matrix(np.zeros((0, 4)), around).shape == (0, 1)
    assert boxes.iou_matrix(around, np.zeros((0, 4))).shape == (1, 0)
