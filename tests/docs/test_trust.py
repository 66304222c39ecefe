"""`docs/how_to/trust.md` shows the results of its benchmarks, which support its claims."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["trust", "interval_scales"])
def test_the_table_equals_the_output_of_the_benchmark(
    name: str, docs: Path, repository: Path
) -> None:
    command = [sys.executable, repository / "benchmarks" / f"{name}.py", "--report"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed in (docs / "how_to" / "trust.md").read_text("utf-8")
