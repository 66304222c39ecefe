"""Options and arguments shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from declnet.registry.registry import Registry

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


ascending_option = click.option(
    "--ascending/--descending",
    "ascending",
    default=None,
    help="Sort by value instead, the lowest or the highest first.  [default: the best first]",
)


def registry_without(disabled: tuple[str, ...]) -> Registry:
    """Return the registry of all plugins that are not disabled."""
    from declnet.registry.discovery import default_registry, discover

    return discover(disabled) if disabled else default_registry()
