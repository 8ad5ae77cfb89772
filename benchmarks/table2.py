"""Table 2 of the paper: every modification switched off in turn, on Market-1501.

python -m benchmarks.table2 --data-root DIR --out runs/table2 --device cuda
python -m benchmarks.table2 --data-root DIR --out runs/table2 --rows f h --short
"""

from __future__ import annotations

from .reid_rows import PLAIN, RECIPES, SWAG, Row, main

PAPER = {
    "ha_cnn": (91.2, 75.7),
    "a": (93.2, 82.0),
    "b": (94.5, 85.7),
    "c": (94.9, 86.6),
    "d": (95.1, 87.1),
    "e": (95.3, 87.9),
    "f": (95.4, 87.3),
    "g": (95.8, 88.7),
    "h": (95.7, 88.1),
    "robust_reid": (96.2, 89.7),
}
WITH_SWAG = ("g", "robust_reid")

ROWS = [
    Row(name, RECIPES / f"table2_{name}.toml", {SWAG if name in WITH_SWAG else PLAIN: figures})
    for name, figures in PAPER.items()
]

if __name__ == "__main__":
    main("Table 2: rank-1 / mAP on Market-1501", ROWS, __doc__)
