"""A network as TorchScript: PyTorch runs it without the code that made it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .spec import METADATA_KEY


class TorchScriptSession:
    """A TorchScript file in PyTorch.

    Raises
    ------
    ValueError
        When the file is not TorchScript, or there is no such device.
    """

    input_shape: tuple[int | None, ...] | None = None  # the file does not tell

    def __init__(self, path: Path, device: str, threads: int | None) -> None:
        import torch

        if device.startswith("cuda") and not torch.cuda.is_available():
            raise ValueError(f"device {device!r}: this torch sees no GPU; use --device cpu")
        if threads is not None:
            torch.set_num_threads(threads)
        extra = {METADATA_KEY: ""}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the format, which users chose
            try:
                self._network = torch.jit.load(  # type: ignore[no-untyped-call]
                    str(path), map_location=device, _extra_files=extra
                )
            except RuntimeError as error:
                raise ValueError(f"{path}: not a usable TorchScript file") from error
        self._path, self._device = path, device
        text: str | bytes = extra[METADATA_KEY]
        card = text.decode() if isinstance(text, bytes) else text
        self.metadata: Mapping[str, str] = {METADATA_KEY: card} if card else {}

    def run(self, batch: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        """All outputs for one input batch."""
        import torch

        with torch.inference_mode():
            try:
                vectors = self._network(torch.from_numpy(batch).to(self._device))
            except RuntimeError as error:
                lines = str(error).strip().splitlines()
                raise ValueError(
                    f"{self._path}: cannot take an input of shape {batch.shape}: {lines[-1]}"
                ) from error
        return [vectors.float().cpu().numpy()]
