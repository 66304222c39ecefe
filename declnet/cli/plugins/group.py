"""The group `declnet plugins`; without a command, it lists plugins."""

from __future__ import annotations

import click

from declnet.cli.plugins.check import check
from declnet.cli.plugins.list import list_plugins
from declnet.cli.plugins.new import new
from declnet.cli.plugins.show import show


@click.group(invoke_without_command=True)
@click.pass_context
def plugins(context: click.Context) -> None:
    """Show, check and create plugins; by default, list installed ones."""
    if context.invoked_subcommand is None:
        context.invoke(list_plugins)


for each in (list_plugins, show, check, new):
    plugins.add_command(each)
