"""The site builds, strictly and without the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

NEEDED = ("sphinx", "furo", "myst_parser")
MISSING = [name for name in NEEDED if find_spec(name) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_the_site_builds_without_a_warning(docs: Path, tmp_path: Path) -> None:
    generated = shutil.ignore_patterns("components", "generated", "__pycache__")
    sources = shutil.copytree(docs, tmp_path / "docs", ignore=generated)
    gallery = Path("tests", "gallery")
    shutil.copytree(docs.parent / gallery, tmp_path / gallery)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", "site"],
        cwd=tmp_path,
        env={**os.environ, "http_proxy": "http://localhost:9", "https_proxy": "http://localhost:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for page in (
        "index",
        "guide/spec",
        "plugins/contracts",
        "components/layer",
        "reference/gallery",
        "reference/python",
    ):
        assert (tmp_path / "site" / f"{page}.html").is_file()
    contracts = (tmp_path / "site" / "plugins" / "contracts.html").read_text("utf-8")
    assert 'id="declnet.Layer.backward"' in contracts
    assert (sources / "components" / "optimizer.md").is_file()
