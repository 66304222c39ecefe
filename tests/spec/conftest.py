"""Specs in several files, and their errors."""

from __future__ import annotations

import pytest

from declnet import SpecError, parse_spec
from declnet.spec.document.overrides import parse_override
from declnet.spec.validate import read_spec


@pytest.fixture
def problems(changed):
    """Return the errors in a document after changes."""

    def find(document, changes=None):
        with pytest.raises(SpecError) as caught:
            parse_spec(changed(document, changes or {}))
        return caught.value.problems

    return find


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write texts by name into the test's folder, which is also the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / (name.replace("__", "/") + ".toml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        return tmp_path

    return write


@pytest.fixture
def reported():
    """Return the place, code and message of every problem in a spec."""

    def report(path="top.toml", overrides=()):
        parsed = read_spec(path, [parse_override(text) for text in overrides])
        located = parsed.source_map.locate(parsed.diagnostics)
        return [(str(problem.place), problem.code, problem.message) for problem in located]

    return report
