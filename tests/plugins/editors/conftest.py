"""The schema of declnet's own components."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from declnet import Registry, default_registry
from declnet_plugins.editors.schema import json_schema


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
