"""`docs/explanation/tables.md` shows the report of `benchmarks/tables.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_the_report_comes_from_the_results(docs: Path, repository: Path, tmp_path: Path) -> None:
    page = docs / "explanation" / "tables.md"
    again = tmp_path / "page.md"
    again.write_bytes(page.read_bytes())
    paths = os.pathsep.join([str(repository), str(repository / "plugins")])
    subprocess.run(
        [sys.executable, repository / "benchmarks" / "tables.py", "--report", "--page", again],
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert again.read_text("utf-8") == page.read_text("utf-8")
