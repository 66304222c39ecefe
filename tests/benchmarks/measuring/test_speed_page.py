"""`benchmarks/training.py --page` changes only the rows of measured workloads."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

ROWS = """| 2→64→3, batch 300, L2 | 79* | **9.3** | 36 | Keras 83* |
| 64→128→64→10, batch 32 | 146* | **34** | 51 | Keras 78* |
"""

NEW_ROWS = """| 2→64→3, batch 300, L2 | 79* | **8.0** | 37 | JAX, jitted step 90 |
| 4→32→16→4 with tanh, batch 1000 | - | **8.0** | 37 | JAX, jitted step 90 |
| 64→128→64→10, batch 32 | 146* | **34** | 51 | Keras 78* |
""".replace("| - |", "| \N{EN DASH} |")


def measured(peer: str, median: float, counted: bool = True) -> dict[str, Any]:
    return {"peer": peer, "counted": counted, "median": median, "agrees": True}


def test_rows_of_measured_workloads_are_replaced_or_inserted(repository: Path) -> None:
    module = runpy.run_path(str(repository / "benchmarks/measuring/speed_page.py"))
    with_rows, header = module["with_rows"], module["HEADER"]
    speed_page = (repository / "docs/explanation/speed.md").read_text("utf-8")
    assert with_rows(speed_page, []) == speed_page
    assert all(
        times["declnet"] > times["declnet-jit"] for times in module["times"](speed_page).values()
    )
    rows = [
        measured("declnet-jit", 8.04, counted=False),
        measured("jax-scan", 36.6),
        measured("torch", 300),
        measured("jax-jit", 90),
        {"peer": "keras", "counted": True, "failure": "failed"},
    ]
    names = ("chain", "spiral_300", "softsign")
    records = [{"work": {"name": name}, "rows": rows} for name in names]
    page = f"# declnet\n\n{header}\n|---|---|---|---|---|\n%s\nmore | text\n"
    assert with_rows(page % ROWS, records) == page % NEW_ROWS
