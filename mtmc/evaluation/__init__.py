"""Scores from files: predict to file, then score the file.

::

    from mtmc.evaluation import evaluate_sequence

    scores = evaluate_sequence("gt.txt", "MOT16-02.txt", "motchallenge")
    scores.metrics["HOTA"], scores.metrics["MOTA"], scores.metrics["IDF1"]

Metrics are CLEAR (MOTA and its counts), identity metrics (IDF1) and HOTA, under one of three named
protocols; see :mod:`mtmc.evaluation.protocols`.
"""

from __future__ import annotations

from .evaluate import (
    Pair,
    SequenceEvaluation,
    analyse,
    analyse_pair,
    evaluate,
    evaluate_sequence,
)
from .protocols import PROTOCOLS, Protocol, default_protocol, find_protocol
from .scores import Counts, Scores, SequenceScores
from .table import scores_table

__all__ = [
    "PROTOCOLS",
    "Counts",
    "Pair",
    "Protocol",
    "Scores",
    "SequenceEvaluation",
    "SequenceScores",
    "analyse",
    "analyse_pair",
    "default_protocol",
    "evaluate",
    "evaluate_sequence",
    "find_protocol",
    "scores_table",
]
