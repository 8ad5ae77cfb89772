"""Calibrations as published, against annotations and detections in their images."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from mtmc.calibration import Camera
from mtmc.calibration.formats import read_cameras, write_cameras


def folder(data_root, *parts):
    path = data_root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"MTMC_DATA has no {'/'.join(parts)}")
    return path


def feet(xyxy):
    return np.column_stack([(xyxy[:, 0] + xyxy[:, 2]) / 2, xyxy[:, 3]])


def inside(xyxy, size, margin=2):
    """Boxes that the border of the image does not cut."""
    return (xyxy[:, :2] > margin).all(axis=1) & (xyxy[:, 2:] < np.array(size) - margin).all(axis=1)


def wildtrack_views(path):
    """Per view: (N, 2) ground positions and (N, 4) boxes."""
    found = [[] for _ in range(7)]
    for file in sorted((path / "annotations_positions").glob("*.json"))[:30]:
        for person in json.loads(file.read_text()):
            cell = person["positionID"]
            xy = (-3.0 + 0.025 * (cell % 480), -9.0 + 0.025 * (cell // 480))
            for view in person["views"]:
                if view["xmax"] > 0:
                    box = [view[key] for key in ("xmin", "ymin", "xmax", "ymax")]
                    found[view["viewNum"]].append((*xy, *box))
    return [np.array(rows) for rows in found]


def test_wildtrack_boxes_are_cylinders_on_the_annotated_cells(data_root):
    path = folder(data_root, "WILDTRACK")
    cameras = read_cameras(path, "wildtrack")
    assert [camera.name for camera in cameras] == [
        "CVLab1", "CVLab2", "CVLab3", "CVLab4", "IDIAP1", "IDIAP2", "IDIAP3"
    ]  # fmt: skip
    for camera, rows in zip(cameras, wildtrack_views(path), strict=True):
        rows = rows[inside(rows[:, 2:], camera.image_size)]
        xy, boxes = rows[:, :2], rows[:, 2:]
        off = np.linalg.norm(camera.ground_from_image(feet(boxes)) - xy, axis=1)
        assert np.nanmedian(off) < 0.15
        assert np.nanpercentile(off, 90) < 0.35
        # the boxes were drawn as people of 1.8 m: their tops agree to a pixel
        top = camera.person_box(xy, 1.8, 0.2)[:, 1] - boxes[:, 1]
        assert abs(np.nanmedian(top)) < 1.5


def test_wildtracks_homographies_are_its_cameras(data_root):
    cameras = read_cameras(folder(data_root, "WILDTRACK"), "wildtrack")
    metainfo = folder(data_root, "calibration_formats", "homographies_rest", "metainfo.json")
    uv = np.array([[960.0, 1000.0], [500.0, 900.0], [1500.0, 800.0]])
    for full, flat in zip(cameras, read_cameras(metainfo, "homographies"), strict=True):
        np.testing.assert_allclose(
            flat.ground_from_image(uv), full.ground_from_image(uv), atol=0.02
        )


def test_terrace_boxes_stand_on_the_annotated_cells(data_root):
    path = folder(data_root, "Terrace")
    text = (path / "gt_fixed_ids.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    for view, camera in enumerate(read_cameras(path / "calibration", "tsai", (360, 288))):
        seen = [row for row in rows if row["view"] == str(view) and row["visible"] == "1"]
        keys = ("xmin", "ymin", "xmax", "ymax", "X_mm", "Y_mm")
        table = np.array([[float(row[key]) for key in keys] for row in seen])
        table = table[inside(table[:, :4], camera.image_size)]
        off = camera.ground_from_image(feet(table[:, :4])) - table[:, 4:] / 1000
        off = np.linalg.norm(off, axis=1)
        # cells are 0.25 m wide, pixels of these small images up to 0.1 m
        assert np.nanmedian(off) < 0.15
        assert np.nanpercentile(off, 90) < 0.30


@pytest.mark.parametrize("sequence", ["CMC1", "CMC2"])
def test_cmc_detections_stand_where_people_do(data_root, sequence):
    path = folder(data_root, "CMC")
    truth = {}
    for line in (path / sequence / "gt_world_centroid.txt").read_text().splitlines():
        fields = line.split()
        if len(fields) >= 10:
            truth.setdefault(int(fields[0]), []).append([float(v) for v in fields[7:9]])
    for camera in read_cameras(path / "cameras.json", "projection", (1920, 1024)):
        file = path / sequence / "detections" / f"{camera.name}.csv"
        rows = np.loadtxt(file, delimiter=",", skiprows=1)
        rows = rows[rows[:, 5] > 0.9]
        boxes = np.column_stack([rows[:, 1:3], rows[:, 1:3] + rows[:, 3:5]])
        whole = inside(boxes, camera.image_size, 6)
        ground = camera.ground_from_image(feet(boxes[whole]))
        nearest = np.array(
            [
                np.linalg.norm(np.array(truth[int(frame)]) - xy, axis=1).min()
                for frame, xy in zip(rows[whole, 0], ground, strict=True)
                if int(frame) in truth
            ]
        )
        # people outside the annotated part of the room have no truth; the others are close
        near = nearest[nearest < 0.6]
        assert len(near) > 0.5 * len(nearest)
        assert np.median(near) < 0.3


def test_people_of_pets_are_as_tall_as_people(data_root):
    path = folder(data_root, "PETS09")
    cameras = read_cameras(path / "calibration", "tsai")
    assert [camera.name for camera in cameras] == [f"View_00{view}" for view in range(1, 9)]
    boxes = []
    for box in ET.parse(path / "PETS2009-S2L1.xml").getroot().iter("box"):
        w, h, x, y = (float(box.attrib[key]) for key in ("w", "h", "xc", "yc"))
        boxes.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    boxes = np.array(boxes)
    boxes = boxes[inside(boxes, cameras[0].image_size)]
    xy = cameras[0].ground_from_image(feet(boxes))
    heights = np.linspace(1.2, 2.2, 51)
    tops = np.stack([cameras[0].image_from_ground(xy, height)[:, 1] for height in heights])
    tall = heights[np.nanargmin(np.abs(tops - boxes[:, 1]), axis=0)]
    assert 1.65 < np.median(tall) < 1.85
    assert np.percentile(tall, 10) > 1.5
    assert np.percentile(tall, 90) < 2.0


def test_shelf_joints_are_in_the_images_and_ankles_on_the_floor(data_root):
    path = folder(data_root, "Shelf")
    rows = [line.split() for line in (path / "gt.txt").read_text().splitlines()[2:]]
    starts = [
        index
        for index, fields in enumerate(rows)
        if len(fields) == 15 and (index == 0 or len(rows[index - 1]) != 15)
    ]
    people = np.array(
        [[[float(v) for v in rows[index + axis]] for axis in range(3)] for index in starts]
    ).transpose(0, 2, 1)
    assert abs(np.median(people[:, :, 2].min(axis=1))) < 0.1
    for camera in read_cameras(path / "calibration.json", "shelf"):
        assert camera.visible(people.reshape(-1, 3)).mean() > 0.9
        head, ankle = camera.project(people[:, 13]), camera.project(people[:, 0])
        assert (head[:, 1] < ankle[:, 1]).all()


SAMPLES = [
    ("multiviewx", "multiviewx", 6),
    ("panoptic", "panoptic/camera_parameters.json", 31),
    ("icg-lab6", "icg_lab6/cameracalib", 4),
    ("qualisys", "qualisys/Calib.qca.txt", 4),
]


@pytest.mark.parametrize(("name", "path", "count"), SAMPLES)
def test_cameras_of_other_rigs_hang_above_the_floor_and_look_at_it(
    data_root, tmp_path, name, path, count
):
    cameras = read_cameras(folder(data_root, "calibration_formats", path), name)
    assert len(cameras) == count
    middle = np.mean([camera.position[:2] for camera in cameras], axis=0)
    for camera in cameras:
        assert isinstance(camera, Camera)
        assert 0.1 < camera.position[2] < 5.0
        foot = np.append(middle, 0.0)
        (low, high) = camera.project([foot, foot + [0, 0, 1.7]])
        assert high[1] < low[1], "people stand upright"
    write_cameras(tmp_path / "again.toml", "mtmc", cameras)
    for found, camera in zip(read_cameras(tmp_path / "again.toml", "mtmc"), cameras, strict=True):
        np.testing.assert_array_equal(found.R, camera.R)
        np.testing.assert_array_equal(found.t, camera.t)
        assert found.distortion == camera.distortion
