"""`docs/guide/tables.md` shows what `benchmarks/tables.py` reports of its results."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAIRS = {
    "declnet:realmlp_td_s": "pytabkit:realmlp_td_s",
    "declnet:realmlp_td": "pytabkit:realmlp_td",
    "declnet:tabm_mini": "pytabkit:tabm_mini_pwl",
}


def test_the_report_is_that_of_the_results(docs: Path, repository: Path, tmp_path: Path) -> None:
    page = docs / "guide" / "tables.md"
    again = tmp_path / "page.md"
    again.write_bytes(page.read_bytes())
    paths = os.pathsep.join([str(repository), str(repository / "plugins")])
    subprocess.run(
        [sys.executable, repository / "benchmarks" / "tables.py", "--report", "--page", again],
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert again.read_text("utf-8") == page.read_text("utf-8")


def test_readme_has_the_ratios_of_the_table(docs: Path, repository: Path) -> None:
    page = (docs / "guide" / "tables.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines()]
    readme = (repository / "README.md").read_text("utf-8")
    ratios = []
    for ours, theirs in PAIRS.items():
        (row,) = (row for row in rows if row[:2] == [ours, theirs])
        ratios.append(float(row[5]))
    said = re.search(r"train ([\d.]+), ([\d.]+) and ([\d.]+) times as fast", readme)
    assert said is not None
    assert [float(each) for each in said.groups()] == ratios
