"""Profiles of the tables that tests write, and the specs of presets for them."""

from __future__ import annotations

from pathlib import Path

from declnet import DataArgument, default_registry
from declnet_plugins.new.profile import TableProfile
from declnet_plugins.new.profiling import TableChoices, profile_of


def table_profile(folder: Path, *targets: str, task: str | None = None) -> TableProfile:
    """Return the profile of the folder's `table.csv`, by default with the target y."""
    argument = DataArgument(folder / "table.csv", default_registry())
    return profile_of(argument, folder, TableChoices(task, targets or ("y",)))


def spec_text(preset: str, profile: TableProfile) -> str:
    """Return the spec that a preset writes for a table."""
    registry = default_registry()
    return registry.find("template", preset)().spec_for_table(profile, registry)
