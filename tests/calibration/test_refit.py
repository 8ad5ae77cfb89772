"""Replacing a lens by one that OpenCV knows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mtmc.calibration import FisheyeDistortion, OpenCVDistortion, TsaiDistortion
from mtmc.calibration.refit import refit_lens


@pytest.mark.parametrize("lens", [TsaiDistortion((0.25,)), TsaiDistortion((-0.1,)),
                                  FisheyeDistortion((0.05, -0.01, 0.002, 0.0))])  # fmt: skip
def test_the_new_lens_sees_the_same(make_camera, lens):
    camera = dataclasses.replace(make_camera(1), distortion=lens)
    refitted, error_px = refit_lens(camera)
    assert isinstance(refitted.distortion, OpenCVDistortion)
    assert error_px < 0.2
    uv = np.random.default_rng(0).uniform(0, camera.image_size, (200, 2))
    back = refitted.project(camera.position + 5.0 * camera.ray(uv)[1])
    worst = np.linalg.norm(back - uv, axis=1).max()
    assert worst <= 1.2 * error_px + 1e-6, "the error is over the whole image"


@pytest.mark.parametrize("lens", ["none", "opencv5"])
def test_what_opencv_knows_stays(make_camera, lens):
    camera = make_camera(2, lens)
    assert refit_lens(camera) == (camera, 0.0)


def test_a_lens_that_covers_a_corner_only(make_camera):
    camera = dataclasses.replace(make_camera(3), distortion=TsaiDistortion((-20.0,)))
    with pytest.raises(ValueError, match="its lens covers too little of the image"):
        refit_lens(camera)
