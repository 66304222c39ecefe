"""`docs/how_to/trust.md` shows what its benchmarks have measured, and it is as claimed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["trust", "interval_scales"])
def test_the_table_is_the_one_that_the_benchmark_prints(
    name: str, docs: Path, repository: Path
) -> None:
    command = [sys.executable, repository / "benchmarks" / f"{name}.py", "--report"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed in (docs / "how_to" / "trust.md").read_text("utf-8")
