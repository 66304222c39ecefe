"""Specs in several files, their errors, and the schema of declnet's own components."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from declnet import Registry, SpecError, default_registry, parse_spec
from declnet.spec.document.overrides import parse_override
from declnet.spec.schema.schema import json_schema
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
        found = parsed.source_map.locate(parsed.diagnostics)
        return [(str(each.place), each.code, each.message) for each in found]

    return report


@pytest.fixture(scope="session")
def own_registry() -> Registry:
    """The components shipped with declnet."""
    registry = Registry()
    for entry in default_registry().entries():
        if entry.plugin.distribution == "declnet":
            registry.register(entry.component, entry.plugin)
    return registry


@pytest.fixture(scope="session")
def schema(own_registry: Registry) -> dict[str, Any]:
    return json_schema(own_registry)


@pytest.fixture(scope="session")
def schema_file(schema: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "spec.schema.json"
    path.write_text(json.dumps(schema), encoding="utf-8")
    return path
