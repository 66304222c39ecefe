"""`declnet plugins list`: every component, and every fault."""

from __future__ import annotations

import click


@click.command("list")
def list_plugins() -> None:
    """List every installed component by kind, and the plugins that are broken or disabled."""
    from declnet.cli.component_pages import print_plugins
    from declnet.registry.discovery import default_registry

    print_plugins(default_registry())
