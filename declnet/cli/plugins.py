"""`declnet plugins`: what is installed."""

from __future__ import annotations

import click


@click.command()
def plugins() -> None:
    """List every installed component by kind, and the plugins that are broken."""
    from declnet.registry.discovery import default_registry
    from declnet.report.plugins_table import print_plugins

    print_plugins(default_registry())
