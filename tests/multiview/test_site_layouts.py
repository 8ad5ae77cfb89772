"""Data sets of others as sites, on small copies of their layouts; listing and checking sites."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mtmc.calibration.formats import write_cameras
from mtmc.cli import main
from mtmc.errors import InputError
from mtmc.sites import find_site, moment_step, moments, site_names
from mtmc.sites.check import check_site
from mtmc.sites.toml_folder import FILE

VIEW = """<Camera name="{name}">
<Geometry width="768" height="576" ncx="795" nfx="752" dx="0.00485" dy="0.00465"
 dpx="0.0051273271277" dpy="0.00465"/>
<Intrinsic focal="5.5549183034" kappa1="0.0051113043639" cx="324.22149053" cy="282.56650051"
 sx="1.0937855397"/>
<Extrinsic tx="828.73214225" ty="-3175.4796051" tz="35469.298547" rx="2.0405458695"
 ry="-0.89337703748" rz="-0.43056124791"/>
</Camera>"""

PEOPLE = """<dataset>
<frame number="0"><objectlist>
<object id="9"><box h="75.0" w="31.0" xc="514.5" yc="195.5"/></object>
</objectlist></frame>
<frame number="1"><objectlist/></frame>
<frame number="2"><objectlist>
<object id="9"><box h="75.0" w="31.0" xc="510.5" yc="196.5"/></object>
<object id="15"><box h="88.0" w="33.0" xc="284.5" yc="260.5"/></object>
</objectlist></frame>
</dataset>"""


@pytest.fixture
def pets(tmp_path):
    folder = tmp_path / "PETS09"
    (folder / "calibration").mkdir(parents=True)
    for name in ("View_001", "View_003"):
        (folder / "calibration" / f"{name}.xml").write_text(VIEW.format(name=name))
    (folder / "PETS2009-S2L1.xml").write_text(PEOPLE)
    return tmp_path


def test_pets_has_the_annotated_view_as_detections_and_truth(pets):
    assert site_names(pets) == ["PETS09"]
    site = find_site("PETS09", pets)
    assert [camera.name for camera in site.cameras] == ["View_001", "View_003"]
    assert site.rate == 7.0
    assert site.truth.frames.tolist() == [1, 2, 3]
    assert list(zip(site.truth.frame.tolist(), site.truth.id.tolist(), strict=True)) == [
        *((1, 9), (3, 9), (3, 15)),
    ]
    boxes = site.cameras[0].detections[1].xyxy
    np.testing.assert_allclose(boxes, [[499.0, 158.0, 530.0, 233.0]])
    assert site.cameras[1].detections is None
    foot = site.cameras[0].calibration.image_from_ground(site.truth.xy[:1])
    np.testing.assert_allclose(foot, [[514.5, 233.0]], atol=0.01)
    assert site.bounds.contains(site.truth.xy).all()


def test_pets_finds_images_where_the_archive_puts_them(pets):
    folder = pets / "PETS09" / "S2" / "L1" / "Time_12-34" / "View_003"
    folder.mkdir(parents=True)
    for number in (0, 4):
        image = np.full((576, 768, 3), number, np.uint8)
        cv2.imwrite(str(folder / f"frame_{number:04d}.jpg"), image)
    site = find_site("PETS09", pets)
    assert site.cameras[1].indices.tolist() == [1, 5]
    found = {moment.index: [f.camera for f in moment.frames] for moment in moments(site)}
    assert found == {1: ["View_001", "View_003"], 2: ["View_001"], 3: ["View_001"], 5: ["View_003"]}
    assert moment_step(site) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id="15"', 'id="x"', "frame 2: object: id: expected a number, got 'x'"),
        ('xc="284.5"', 'xc="nan"', "frame 2: object 15: box: xc: expected a number"),
        ('number="2"', 'number="0"', "ascending"),
        ("</dataset>", "", "not valid XML"),
        ('<box h="75.0" w="31.0" xc="510.5" yc="196.5"/>', "", "object 9: box: expected one"),
    ],
)
def test_wrong_annotations_of_pets_are_named(pets, old, new, message):
    path = pets / "PETS09" / "PETS2009-S2L1.xml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        find_site("PETS09", pets)
    assert "PETS2009-S2L1.xml" in str(caught.value)


def test_pets_needs_the_calibration_of_the_annotated_view(pets):
    (pets / "PETS09" / "calibration" / "View_001.xml").unlink()
    with pytest.raises(InputError, match=r"View_001\.xml is missing"):
        find_site("PETS09", pets)
    (pets / "PETS09" / "PETS2009-S2L1.xml").unlink()
    assert find_site("PETS09", pets).truth is None


@pytest.mark.parametrize("name", ["PETS09", "Shelf", "Terrace", "CMC2"])
def test_real_sites_have_nothing_wrong(real_data, name):
    if name not in site_names(real_data):
        pytest.skip(f"{name} is not in the data folder")
    found = check_site(find_site(name, real_data))
    assert not [finding for finding in found if finding.severity == "error"]


# --- checking -------------------------------------------------------------------------------------


@pytest.fixture
def yard(tmp_path, room):
    """A site of two cameras with images, detections and ground truth, all of them right."""
    root = tmp_path / "root"
    folder = root / "yard"
    folder.mkdir(parents=True)
    write_cameras(folder / "cameras.toml", "mtmc", [room.cameras["a"], room.cameras["b"]])
    text = (
        'rate = 5.0\ncalibration = "cameras.toml"\ncalibration_format = "mtmc"\n'
        'image_size = [320, 240]\nbounds = [0, 0, 10, 8]\nground_truth = "truth.csv"\n'
    )
    place = np.array([[5.0, 4.0]])
    for name in "ab":
        (folder / name).mkdir()
        rows = []
        for index in range(1, 11):
            image = np.full((240, 320, 3), 90, np.uint8)
            cv2.imwrite(str(folder / name / f"{index}.png"), image)
            left, top, right, bottom = room.boxes(name, place)[0] / 4
            rows.append(f"{index},-1,{left},{top},{right - left},{bottom - top},1\n")
        (folder / f"{name}.txt").write_text("".join(rows))
        text += f'[[camera]]\nname = "{name}"\nimages = "{name}"\ndetections = "{name}.txt"\n'
    (folder / "truth.csv").write_text("frame,id,x,y\n1,1,5,4\n10,1,5,4\n")
    (folder / FILE).write_text(text)
    return folder


def check(folder):
    return [
        f"{one.severity} {one.path.name}: {one.message}" for one in check_site(find_site(folder))
    ]


def test_a_good_site_has_no_findings(yard):
    assert check(yard) == []


def edit(folder, old, new):
    path = folder / FILE
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_findings_name_the_camera_or_file(yard):
    cv2.imwrite(str(yard / "a" / "1.png"), np.zeros((100, 100, 3), np.uint8))
    (yard / "b" / "10.png").write_bytes(b"no image")
    (yard / "truth.csv").write_text("frame,id,x,y\n1,1,5,4\n90,1,55,4\n")
    edit(yard, 'name = "b"', 'name = "b"\noffset_s = 100.0')
    text = "\n".join(check(yard))
    assert "error 1.png: expected 320×240 pixels as calibrated, got 100×100" in text
    assert "error 10.png: expected an image, got something unreadable" in text
    assert "50 % of the positions lie more than 1 m outside the bounds" in text
    assert "camera b: its recording (100.0 to 101.8 s) overlaps with no other" in text


def test_boxes_that_do_not_fit_the_calibration_are_told(yard):
    edit(yard, "image_size = [320, 240]", "image_size = [32, 24]")
    text = "\n".join(check(yard))
    assert "camera a: 100 % of its boxes lie outside the 32×24 pixels" in text
    (yard / "a.txt").write_text("".join(f"{n},-1,10,0,5,2,1\n" for n in range(1, 9)))
    edit(yard, "image_size = [32, 24]", "image_size = [320, 240]")
    assert "camera a: 100 % of its boxes stand above the horizon" in "\n".join(check(yard))


def test_recordings_that_end_before_the_ground_truth_are_told(yard):
    (yard / "truth.csv").write_text("frame,id,x,y\n1,1,5,4\n90,1,5,4\n")
    assert "reaches to 17.8 s, the recording ends at 1.8 s" in "\n".join(check(yard))


def test_data_list_and_check_know_sites(yard, capsys):
    assert main(["data", "list", "--data-root", str(yard.parent)]) == 0
    out = capsys.readouterr().out
    assert "several cameras" in out
    assert "yard" in out
    assert "10×8" in out
    assert main(["data", "check", "--data-root", str(yard.parent)]) == 0
    assert "yard: 2 cameras, nothing wrong" in capsys.readouterr().out
    (yard / "b" / "10.png").write_bytes(b"no image")
    assert main(["data", "check", "--sequence", str(yard)]) == 1
    assert "b/10.png: expected an image" in capsys.readouterr().out
    (yard / "cameras.toml").write_text("nonsense")
    assert main(["data", "list", "--data-root", str(yard.parent)]) == 1
    assert "cameras.toml" in capsys.readouterr().err
    assert main(["data", "check", "--data-root", str(yard.parent)]) == 1
    assert "cameras.toml" in capsys.readouterr().out
    assert main(["data", "check", "--sequence", str(yard)]) == 2
