"""The lens models by the name that calibration files use for them."""

from __future__ import annotations

from collections.abc import Callable

from .distortion import Distortion, FisheyeDistortion, TsaiDistortion
from .opencv_distortion import OpenCVDistortion

MakeLens = Callable[[tuple[float, ...]], Distortion]
"""From coefficients to a lens; raises ValueError on a wrong number of them."""

LENSES: dict[str, MakeLens] = {
    "opencv": OpenCVDistortion,
    "fisheye": FisheyeDistortion,
    "tsai": TsaiDistortion,
}
