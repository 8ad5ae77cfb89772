"""Every identity switch: who, when, from which identity to which."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from ..atomic import atomic_writer
from ..mot_files import MotTable, read_ground_truth, read_results
from .evaluate import Pair, analyse_pair

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class IdentitySwitch:
    """A person that is matched to another identity than the last time.

    Attributes
    ----------
    sequence : str
        Name of the sequence.
    gt_id : int
        The person.
    frame_before, frame : int
        The last frame with the old identity, and the first with the new one.
    id_before, id : int
        Old and new identity.
    gt_tlwh_before, gt_tlwh, tlwh_before, tlwh : tuple of four floats
        Boxes (left, top, width, height in pixels) of the person and of the result, then and now.
    """

    sequence: str
    gt_id: int
    frame_before: int
    id_before: int
    frame: int
    id: int
    gt_tlwh_before: Box
    tlwh_before: Box
    gt_tlwh: Box
    tlwh: Box


def find_switches(pair: Pair, protocol: str) -> list[IdentitySwitch]:
    """List the identity switches that the protocol counts, in the order of frames.

    Raises
    ------
    InputError
        As :func:`~mtmc.evaluation.evaluate`.
    """
    evaluation = analyse_pair(pair, protocol)
    overlaps, matches = evaluation.overlaps, evaluation.matches
    gt_boxes = _boxes(read_ground_truth(pair.ground_truth_path))
    result_boxes = _boxes(read_results(pair.result_path))
    switched = np.flatnonzero(matches.is_switch())
    frames = overlaps.frames[matches.frame].tolist()
    people = overlaps.gt_ids[matches.gt].tolist()
    identities = overlaps.result_ids[matches.result].tolist()
    found = [
        IdentitySwitch(
            sequence=pair.name,
            gt_id=people[now],
            frame_before=frames[before],
            id_before=identities[before],
            frame=frames[now],
            id=identities[now],
            gt_tlwh_before=gt_boxes[frames[before], people[before]],
            tlwh_before=result_boxes[frames[before], identities[before]],
            gt_tlwh=gt_boxes[frames[now], people[now]],
            tlwh=result_boxes[frames[now], identities[now]],
        )
        for now, before in zip(
            switched.tolist(), matches.previous()[switched].tolist(), strict=True
        )
    ]
    return sorted(found, key=lambda switch: (switch.frame, switch.gt_id))


def write_switches(path: str | os.PathLike[str], switches: Iterable[IdentitySwitch]) -> None:
    """Write a list of switches, as CSV where the name ends in ``.csv`` and as JSON otherwise."""
    rows = [asdict(switch) for switch in switches]
    with atomic_writer(path) as stream:
        if Path(path).suffix.lower() != ".csv":
            json.dump(rows, stream, indent=1)
            stream.write("\n")
            return
        writer = csv.DictWriter(
            stream, [field.name for field in fields(IdentitySwitch)], lineterminator="\n"
        )
        writer.writeheader()
        for row in rows:
            # A box is one cell: four numbers with spaces between.
            writer.writerow(
                {
                    key: " ".join(f"{number:g}" for number in value)
                    if isinstance(value, tuple)
                    else value
                    for key, value in row.items()
                }
            )


def _boxes(table: MotTable) -> dict[tuple[int, int], Box]:
    keys = zip(table.frame.tolist(), table.id.tolist(), strict=True)
    boxes = ((row[0], row[1], row[2], row[3]) for row in table.tlwh.tolist())
    return dict(zip(keys, boxes, strict=True))
