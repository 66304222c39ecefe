"""Imports of the public face, and its errors."""

from __future__ import annotations

import subprocess
import sys

import pytest
import tomli_w

import declnet


def imported_by(code):
    show = "import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {show}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["declnet", "declnet.cli.main"])
def test_importing_declnet_imports_nothing_heavy(module):
    heavy = {"numpy", "pydantic", "safetensors", "rich", "pluggy", "nnfs", "tomli_w", "tree_sitter"}
    assert not imported_by(f"import {module}") & heavy


def test_a_valid_spec_is_not_parsed_for_positions(document, spec_file):
    path = spec_file(tomli_w.dumps(document), "spec.toml")
    modules = imported_by(f"import declnet; declnet.run(declnet.load_spec({str(path)!r}))")
    assert "numpy" in modules
    assert "tree_sitter" not in modules


def test_every_error_is_a_declnet_error_with_an_exit_code():
    errors = [getattr(declnet, name) for name in declnet.__all__ if name.endswith("Error")]
    assert len(errors) >= 9
    for error in errors:
        assert issubclass(error, declnet.DeclnetError)
        assert error.exit_code in (1, 2)
