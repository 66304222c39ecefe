"""Compilation: once, announced in a line, cached on disk; and behavior without Numba."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from declnet import SpecError, parse_spec, run

RUN = """
import json, sys
from declnet import parse_spec, run
result = run(parse_spec(json.loads(sys.argv[1])))
print(result.metrics["train"]["loss"])
print([name for name in ("numba",) if sys.modules.get(name) is not None])
"""


def run_apart(document, folder):
    """Run a spec in a separate process with a separate cache."""
    return subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(document)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
    )


@pytest.fixture
def short(spiral):
    """A spec of few kernels, each of which takes about a second to compile."""
    spiral["model"]["layers"] = [{"type": "dense", "units": 3}, "softmax"]
    spiral |= {"optimizer": "sgd", "engine": {"kernels": "jit"}}
    spiral["training"]["epochs"] = 3
    return spiral


def test_kernels_are_compiled_once_and_a_line_says_so(short, numba, tmp_path):
    first, second = (run_apart(short, tmp_path) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stderr == (
        "declnet: compiling kernels with Numba, once on this machine (a few seconds)\n"
    )
    assert second.stderr == ""
    assert first.stdout == second.stdout
    assert list(tmp_path.rglob("*.nbc"))


def test_a_truncated_cache_is_written_again(short, numba, tmp_path):
    first = run_apart(short, tmp_path)
    cached = {path: path.read_bytes() for path in tmp_path.rglob("*.nb?")}
    for suffix in ("nbc", "nbi"):
        for path in tmp_path.rglob(f"*.{suffix}"):
            path.write_bytes(cached[path][: len(cached[path]) // 2])
        again = run_apart(short, tmp_path)
        assert again.stdout == first.stdout, again.stderr
        assert all(path.read_bytes() != cached[path][: len(cached[path]) // 2] for path in cached)


def test_numba_is_not_imported_unless_kernels_are_compiled(short, tmp_path):
    done = run_apart(short | {"engine": {"kernels": "auto"}}, tmp_path)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert not list(tmp_path.iterdir())


def test_without_numba_jit_is_refused_by_the_extras_name_and_auto_is_numpy(short, monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(SpecError, match=r"E008.*pip install 'declnet\[jit\]'"):
        run(parse_spec(short))
    short["training"]["epochs"] = 20
    plain, auto = (
        run(parse_spec(short | {"engine": {"kernels": each}})) for each in ("numpy", "auto")
    )
    assert auto.history == plain.history
