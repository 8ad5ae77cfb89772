"""Scores from files: predict to file, then score the file.

::

    from mtmc.evaluation import evaluate_sequence

    scores = evaluate_sequence("gt.txt", "MOT16-02.txt", "motchallenge")
    scores.metrics["HOTA"], scores.metrics["MOTA"], scores.metrics["IDF1"]

Metrics are CLEAR (MOTA and its counts), identity metrics (IDF1) and HOTA, under one of three named
protocols; see :mod:`mtmc.evaluation.protocols`. Pictures of identity switches are in
:mod:`mtmc.evaluation.contact_sheet`, which needs OpenCV.
"""

from __future__ import annotations

from .bootstrap import BootstrapConfig
from .compare import Comparison, Difference, compare
from .evaluate import (
    Pair,
    SequenceEvaluation,
    analyse,
    analyse_pair,
    evaluate,
    evaluate_sequence,
    suggest_jobs,
)
from .pairs import choose_protocol, result_names, result_pairs
from .protocols import PROTOCOLS, Protocol, default_protocol, find_protocol
from .scores import Counts, Scores, SequenceScores
from .switches import IdentitySwitch, find_switches, write_switches
from .table import differences_table, scores_table, winners_table

__all__ = [
    "PROTOCOLS",
    "BootstrapConfig",
    "Comparison",
    "Counts",
    "Difference",
    "IdentitySwitch",
    "Pair",
    "Protocol",
    "Scores",
    "SequenceEvaluation",
    "SequenceScores",
    "analyse",
    "analyse_pair",
    "choose_protocol",
    "compare",
    "default_protocol",
    "differences_table",
    "evaluate",
    "evaluate_sequence",
    "find_protocol",
    "find_switches",
    "result_names",
    "result_pairs",
    "scores_table",
    "suggest_jobs",
    "winners_table",
    "write_switches",
]
