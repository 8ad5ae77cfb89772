"""Table 4 of the paper, its own rows: both sizes on Market-1501 and on DukeMTMC-reID.

    python -m benchmarks.table4 --data-root DIR --out runs/table4 --device cuda --rows market_6.4M

DukeMTMC-reID was withdrawn by its authors; its rows need a copy that you are allowed to use.
"""

from __future__ import annotations

from .reid_rows import RECIPES, SWAG, Row, main

SMALL, LARGE = RECIPES / "table2_g.toml", RECIPES / "table2_robust_reid.toml"

ROWS = [
    Row("market_2.9M", SMALL, {SWAG: (95.8, 88.7)}),
    Row("market_6.4M", LARGE, {SWAG: (96.2, 89.7)}),
    Row("duke_2.9M", SMALL, {SWAG: (88.8, 78.9)}, "dukemtmc"),
    Row("duke_6.4M", LARGE, {SWAG: (89.8, 80.3)}, "dukemtmc"),
]

if __name__ == "__main__":
    main("Table 4: rank-1 / mAP", ROWS, __doc__)
