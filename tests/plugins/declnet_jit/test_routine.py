"""Compilation: once, announced in a line, cached on disk; and behavior without Numba."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

RUN = """
import json, sys
from declnet import parse_spec, run
{before}
result = run(parse_spec(json.loads(sys.argv[1])))
print(result.metrics["train"]["loss"])
print([name for name in ("numba",) if sys.modules.get(name) is not None])
"""


def run_apart(document, folder, before="", **environment):
    """Run a spec in a separate process with a separate cache."""
    return subprocess.run(
        [sys.executable, "-c", RUN.format(before=before), json.dumps(document)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder), **environment},
    )


@pytest.fixture
def short(spiral):
    spiral["training"]["epochs"] = 3
    return {**spiral, "engine": {"kernels": "jit"}}


def test_kernels_are_compiled_once_and_a_line_says_so(short, numba, tmp_path):
    first, second = (run_apart(short, tmp_path) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stderr == (
        "declnet: compiling kernels with Numba, once on this machine (a few seconds)\n"
    )
    assert second.stderr == ""
    assert first.stdout == second.stdout
    assert list(tmp_path.rglob("*.nbc"))


def test_numba_is_not_imported_unless_kernels_are_compiled(short, tmp_path):
    for engine in ("auto", "numpy"):
        done = run_apart(short | {"engine": {"kernels": engine}}, tmp_path)
        assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert not list(tmp_path.iterdir())


def test_without_numba_jit_is_refused_by_the_extras_name_and_auto_is_numpy(short, tmp_path):
    missing = 'sys.modules["numba"] = None'
    refused = run_apart(short, tmp_path, missing)
    assert "E008" in refused.stderr
    assert "pip install 'declnet[jit]'" in refused.stderr
    short["training"]["epochs"] = 20
    plain, auto = (
        run_apart(short | {"engine": {"kernels": each}}, tmp_path, missing)
        for each in ("numpy", "auto")
    )
    assert auto.returncode == 0, auto.stderr
    assert auto.stdout == plain.stdout
