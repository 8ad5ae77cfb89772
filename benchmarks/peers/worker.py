"""Runs one peer, in its own environment, over real frames and over made-up ones.

Called by ``benchmarks.external_trackers`` with one line of JSON on stdin; answers with one line of
JSON on stdout, and writes what was tracked to files. Run from another folder than the repository's,
whose ``trackers`` would shadow the package of that name.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from kit import Frame, Seam, SeamError, Watched, checked
from scenarios import SCENARIOS, VARIANTS, Disordered, KnownLooks, follows_looks

from mtmc.reid import load

GATE = 0.3  # cosine distance at which the gate of the peer is tried
ABOVE = 1.1


def main() -> None:
    request = json.loads(sys.stdin.readline())
    with contextlib.redirect_stdout(sys.stderr):  # peers print what they like
        answer = run_peer(request)
    print(json.dumps(answer))


def run_peer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        peer = importlib.import_module(request["module"])
    except ImportError as error:
        return {"version": None, "trackers": [], "error": f"import: {error}"}
    trackers = [run_seam(seam, request, number) for number, seam in enumerate(peer.SEAMS)]
    return {
        "version": version(peer.DISTRIBUTION) if peer.DISTRIBUTION else "",
        "trackers": trackers,
    }


def run_seam(seam: Seam, request: dict[str, Any], number: int) -> dict[str, Any]:
    """All checks of one seam, and its runs on real frames."""
    report: dict[str, Any] = {"tracker": seam.tracker, "seam": seam.seam, "ran": False}
    try:
        if seam.file is None:
            check_order(seam)
            if seam.gate:
                check_gate(seam)
        jobs = [job for job in request["jobs"] if seam.gate or job["gate"] is None]
        report["runs"] = [run_real(seam, job, request, number) for job in jobs]
        report["ran"] = True
    except Exception as error:  # whatever a changed peer raises, it is reported with its seam
        report["error"] = f"{seam.tracker}: {seam.seam}: {type(error).__name__}: {error}"
        traceback.print_exc()
    return report


def check_order(seam: Seam) -> None:
    """Identities follow looks; and they would not if rows came in another order."""
    if not follows(seam, lambda: KnownLooks()):
        raise SeamError("identities do not follow appearance: it is not used, or of other boxes")
    if follows(seam, lambda: Disordered(KnownLooks())):
        raise SeamError("the scenario no longer notices rows in another order")
    if follows(seam, lambda: None):
        raise SeamError("the scenario no longer needs appearance")


def check_gate(seam: Seam) -> None:
    """The setting that takes the model's threshold means what the adapter's page says."""
    if not follows(seam, lambda: KnownLooks(seam.gate_below * GATE), GATE):
        raise SeamError(f"gate: a distance of {seam.gate_below * GATE:g} fails at {GATE:g}")
    if follows(seam, lambda: KnownLooks(ABOVE * GATE), GATE):
        raise SeamError(f"gate: a distance of {ABOVE * GATE:g} passes at {GATE:g}")


def follows(seam: Seam, make_model: Any, gate: float | None = None) -> bool:
    """Whether identities follow looks in all variants of the seam's scenario."""
    results = []
    for variant in VARIANTS:
        scenario = SCENARIOS[seam.scenario](variant)
        if seam.carries is not None:
            results.append(seam.carries(scenario, make_model()))
            continue
        answers = checked(seam.track(scenario.frames, make_model(), gate), seam.seam)
        results.append(follows_looks(scenario, answers))
    return all(results)


def run_real(
    seam: Seam, job: dict[str, Any], request: dict[str, Any], number: int
) -> dict[str, Any]:
    """Track the real frames with one appearance model and one gate."""
    watched, gate = None, job["gate"]
    if job["model"] is None:
        answers = seam.track(read_frames(request), None, gate)
    elif seam.file is None:
        watched = Watched(load(job["model"], threads=1))
        answers = seam.track(read_frames(request), watched, gate)
    else:
        track, check = seam.file
        check(next(read_frames(request)), load(job["model"], threads=1), job["file"])
        answers = track(read_frames(request), job["file"], gate)
    rows = [
        np.column_stack([np.full(len(a.ids), a.index), a.ids, a.xyxy])
        for a in checked(answers, seam.seam)
    ]
    if watched is not None and not watched.boxes:
        raise SeamError("the peer asked for no embedding")
    path = Path(request["out"]) / f"{number}-{job['name']}.npy"
    np.save(path, np.concatenate([np.zeros((0, 6)), *rows]))
    asked = watched.boxes if watched is not None else 0
    return {"name": job["name"], "rows": str(path), "embedded_boxes": asked}


def check_page(peer: Any, request: dict[str, Any], report: dict[str, Any]) -> None:
    """The example on the peer's page runs; where it does not, its first tracker failed."""
    text = Path(request["page"]).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    prepare = getattr(peer, "prepare_page", None)
    try:
        if prepare is not None:
            prepare()
        os.chdir(request["desk"])
        exec(compile(code, request["page"], "exec"), {"__name__": "example"})
    except Exception as error:
        traceback.print_exc()
        report["ran"] = False
        report["error"] = f"{Path(request['page']).name}: {type(error).__name__}: {error}"


def read_frames(request: dict[str, Any]) -> Iterator[Frame]:
    with np.load(request["detections"]) as file:
        table = file["rows"]  # frame, left, top, right, bottom, score
    for index, path in enumerate(request["images"], start=1):
        image = cv2.imread(path)
        if image is None:
            raise ValueError(f"{path}: not an image")
        found = table[table[:, 0] == index]
        yield Frame(index, image, found[:, 1:5], found[:, 5])


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
