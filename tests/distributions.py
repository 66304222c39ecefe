"""Distributions on the import path, as an installer writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_metadata(
    site: Path, name: str, version: str, entry_points: Mapping[str, Mapping[str, str]]
) -> None:
    """Write a distribution's metadata: name, version, and entry points by group."""
    information = site / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir(parents=True)
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (information / "METADATA").write_text(about, "utf-8")
    lines = []
    for group, references in entry_points.items():
        lines += [f"[{group}]", *(f"{entry} = {place}" for entry, place in references.items())]
    (information / "entry_points.txt").write_text("\n".join([*lines, ""]), "utf-8")


def write_distribution(
    site: Path, name: str, source: str, version: str = "0.1.0", entry_point: str | None = None
) -> Path:
    """Write a plugin of one module and its metadata; return their folder."""
    module = name.replace("-", "_")
    write_metadata(site, name, version, {"declnet": {entry_point or module: module}})
    (site / f"{module}.py").write_text(source, "utf-8")
    return site
