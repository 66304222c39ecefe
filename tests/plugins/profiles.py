"""Profiles of the tables that tests write, and the specs of presets for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from declnet import DataArgument, default_registry
from declnet_plugins.new.profile import TableProfile
from declnet_plugins.new.profiling import TableChoices, profile_of
from declnet_plugins.new.template import spec_for_profile

MOST_LINES = 40
"""Maximum number of lines of a spec for a table."""

ROWS = 120
X = np.random.default_rng(5).normal(size=(ROWS, 2)).round(3)
TARGETS = {
    "binary": np.where(X[:, 0] > 0, "yes", "no"),
    "rare": np.where(X[:, 0] > np.sort(X[:, 0])[-13], "yes", "no"),
    "classes": np.array(["low", "mid", "top"])[np.digitize(X[:, 0], (-0.5, 0.5))],
    "values": X.sum(axis=1).round(3),
}


def table_profile(folder: Path, *targets: str, task: str | None = None) -> TableProfile:
    """Return the profile of the folder's `table.csv`, by default with the target y."""
    argument = DataArgument(folder / "table.csv", default_registry())
    return profile_of(argument, folder, TableChoices(task, targets or ("y",)))


def spec_text(preset: str, profile: TableProfile) -> str:
    """Return the spec that a preset writes for a table; require that it is short."""
    registry = default_registry()
    text: str = registry.find("template", preset)().spec_for_table(profile, registry)
    assert len(text.splitlines()) <= MOST_LINES
    return text


def spec_document(preset: str, profile: TableProfile) -> dict[str, Any]:
    """Return the spec's document, merged into the preset that it extends."""
    registry = default_registry()
    template = registry.find("template", preset)()
    return spec_for_profile(template, profile, registry).document
