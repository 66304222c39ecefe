"""`declnet check`: validates a spec, and shows what it would build."""

from __future__ import annotations

import json
from pathlib import Path

import click

from declnet.cli.diagnostics import show_diagnostics
from declnet.cli.options import (
    no_plugin_option,
    registry_without,
    set_option,
    spec_argument,
)
from declnet.cli.reading import checked_spec


@click.command(short_help="Validate a spec; show its layers and memory.")
@spec_argument
@set_option
@no_plugin_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: only the problems, on stdout, for editors and CI.",
)
def check(spec: Path, overrides: tuple[str, ...], disabled: tuple[str, ...], form: str) -> int:
    """Validate SPEC; print its layers and the memory that a run will hold."""
    from declnet.cli.diagnostics import as_data
    from declnet.errors import SpecError

    registry = registry_without(disabled)
    try:
        checked = checked_spec(spec, overrides, registry)
        problems = checked.problems
    except SpecError as error:
        checked, problems = None, error.problems
    wrong = any(each.severity == "error" for each in problems)
    if form == "json":
        click.echo(json.dumps(as_data(problems), indent=2, ensure_ascii=False))
        return SpecError.exit_code if wrong else 0
    if checked is not None and checked.loaded is not None:
        from declnet.components.table import Table
        from declnet.report.column_table import print_columns

        if isinstance(checked.loaded, Table):
            print_columns(checked.loaded, checked.no_features)
    if checked is not None and checked.nodes and not wrong:
        from declnet.report.model_table import print_layers, print_memory

        print_layers(checked.nodes, checked.data["train"].sample_shape)
        if checked.memory is not None:
            print_memory(dict(checked.memory))
    show_diagnostics(problems)
    return SpecError.exit_code if wrong else 0
