"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from declnet.registry.registry import Registry
    from declnet.spec.run_spec import RunSpec

spec_argument = click.argument("spec", type=click.Path(path_type=Path))

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of the spec, e.g. training.epochs=10 or model.layers.0.units=32.",
)


no_plugin_option = click.option(
    "--no-plugin",
    "disabled",
    multiple=True,
    metavar="NAME",
    help="Do without a plugin: the name of its entry point or distribution.",
)


def registry_without(disabled: tuple[str, ...]) -> Registry:
    """The registry of all plugins but those that are disabled."""
    from declnet.registry.discovery import default_registry, discover

    return discover(disabled) if disabled else default_registry()


def load_checked(spec: Path, overrides: tuple[str, ...], registry: Registry) -> RunSpec:
    """Loads a spec; where it is wrong, adds what later checks find in the parts that are right.

    Raises:
        SpecError: with every fault.
    """
    from declnet.components.blame import blaming_components
    from declnet.errors import SpecError
    from declnet.spec.load import load_spec
    from declnet.spec.overrides import parse_override

    changes: dict[str, Any] = dict(map(parse_override, overrides))
    with blaming_components(registry):
        try:
            return load_spec(spec, changes, registry)
        except SpecError as error:
            from declnet.training.checks import check_sections

            further = check_sections(error.sections).problems if error.sections else ()
            raise SpecError((*error.problems, *further), error.source) from None
