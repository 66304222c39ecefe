"""`declnet check`: validates a spec, and shows what it would build."""

from __future__ import annotations

from pathlib import Path

import click

from declnet.cli.options import (
    load_checked,
    no_plugin_option,
    registry_without,
    set_option,
    spec_argument,
)


@click.command()
@spec_argument
@set_option
@no_plugin_option
def check(spec: Path, overrides: tuple[str, ...], disabled: tuple[str, ...]) -> None:
    """Validate SPEC; print its layers and the memory that a run will hold."""
    from declnet.components.blame import blaming_components
    from declnet.errors import SpecError
    from declnet.report.model_table import print_layers, print_memory
    from declnet.training.checks import check_spec
    from declnet.training.memory import run_memory, too_large

    registry = registry_without(disabled)
    loaded = load_checked(spec, overrides, registry)
    with blaming_components(registry):
        checked = check_spec(loaded)
    if checked.problems:
        raise SpecError(checked.problems, str(spec))
    print_layers(checked.nodes, checked.data["train"].sample_shape)
    memory = run_memory(loaded, checked, registry)
    if memory is not None:
        print_memory(memory)
    problem = too_large(memory)
    if problem is not None:
        raise SpecError([problem], str(spec))
