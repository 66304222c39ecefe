"""`declnet plugins list`: every component and every failure."""

from __future__ import annotations

import click


@click.command("list")
def list_plugins() -> None:
    """List all installed components by kind, and broken or disabled plugins."""
    from declnet.cli.component_pages import print_plugins
    from declnet.registry.discovery import default_registry

    print_plugins(default_registry())
