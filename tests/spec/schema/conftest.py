"""The schema of what declnet comes with, in memory and as a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from declnet import Registry, default_registry
from declnet.spec.schema.document import json_schema


@pytest.fixture(scope="session")
def own_registry() -> Registry:
    """What declnet comes with, whatever else is installed."""
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


@pytest.fixture
def toml_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a spec's text into the test's folder."""

    def write(text: str) -> Path:
        path = tmp_path / "spec.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
