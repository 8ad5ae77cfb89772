"""Table 3 of the paper: what the cyclic learning rate and SWAG add, in three setups.

python -m benchmarks.table3 --data-root DIR --out runs/table3 --device cuda
python -m benchmarks.table3 --data-root DIR --out runs/table3 --rows setup_2 --short
"""

from __future__ import annotations

from .reid_rows import CYCLES, PLAIN, RECIPES, SWAG, Row, main

PAPER = [
    {PLAIN: (93.8, 83.6), CYCLES: (94.3, 84.8), SWAG: (94.5, 85.3)},
    {PLAIN: (95.4, 87.3), CYCLES: (95.8, 88.2), SWAG: (95.8, 88.7)},
    {PLAIN: (95.7, 88.1), CYCLES: (95.7, 88.9), SWAG: (96.2, 89.7)},
]

ROWS = [
    Row(f"setup_{number}", RECIPES / f"table3_{number}.toml", figures)
    for number, figures in enumerate(PAPER, start=1)
]

if __name__ == "__main__":
    main("Table 3: rank-1 / mAP on Market-1501", ROWS, __doc__)
