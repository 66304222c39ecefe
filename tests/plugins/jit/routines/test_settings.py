"""Numba's settings from variables, its file and the running program."""

from __future__ import annotations

import pytest

from declnet_plugins.jit.kernel import CompiledKernel
from declnet_plugins.jit.routines.settings import disabled, settings


@pytest.fixture(autouse=True)
def usual(numba, monkeypatch, tmp_path):
    """Numba without settings, and an empty working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPT", "CACHE_DIR"):
        monkeypatch.delenv(f"NUMBA_{name}", raising=False)
    assert settings() == {}
    assert disabled() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("OPT", "0"), ("CPU_NAME", "generic"), ("CPU_FEATURES", ""), ("A_LATER_ONE", "1")],
)
def test_a_variable_counts_unless_it_is_known_not_to_change_code(name, value, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "elsewhere")
    monkeypatch.setenv(f"NUMBA_{name}", value)
    assert settings() == {f"NUMBA_{name}": value}
    assert CompiledKernel.versions()[f"NUMBA_{name}"] == value


def test_the_file_that_numba_reads_counts(tmp_path):
    keys = []
    for level in (0, 1):
        (tmp_path / ".numba_config.yaml").write_text(f"opt: {level}\n")
        keys.append(settings())
    assert keys[0] != keys[1] != {}


def test_settings_changed_by_a_program_count(numba, monkeypatch):
    monkeypatch.setattr(numba.config, "SLP_VECTORIZE", 1)
    assert settings() == {"numba.config.SLP_VECTORIZE": "1"}
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert "unset it" in disabled()
