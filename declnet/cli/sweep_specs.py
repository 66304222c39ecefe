"""Reads the specs of a sweep: files, and all those in folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.diagnostics import show_diagnostics
from declnet.cli.reading import valid_spec

if TYPE_CHECKING:
    from declnet.registry.registry import Registry
    from declnet.spec.model import RunSpec


def right_specs(
    specs: Sequence[Path], overrides: tuple[str, ...], registry: Registry
) -> list[tuple[Path, RunSpec]]:
    """Every spec with its file, all of them right.

    Raises:
        SpecError: with the faults of all.
        UsageError: a folder has no spec.
    """
    from declnet.errors import Diagnostic, SpecError

    loaded: list[tuple[Path, RunSpec]] = []
    faults: list[Diagnostic] = []
    for file in _files(specs):
        try:
            spec, checked = valid_spec(file, overrides, registry)
        except SpecError as error:
            faults += error.problems
        else:
            show_diagnostics(checked.warnings)
            loaded.append((file, spec))
    if faults:
        raise SpecError(faults)
    return loaded


def _files(specs: Sequence[Path]) -> Iterator[Path]:
    """The files, and those in the folders, by name."""
    for path in specs:
        if not path.is_dir():
            yield path
            continue
        files = sorted(
            each
            for each in path.iterdir()
            if each.suffix.lower() in (".toml", ".json") and not each.name.startswith(".")
        )
        if not files:
            raise click.UsageError(f"{path}: there is no spec, .toml or .json, in this folder")
        yield from files
