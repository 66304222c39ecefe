"""`declnet plugins new`: create a plugin package that works out of the box."""

from __future__ import annotations

from pathlib import Path

import click

KINDS = (
    "layer",
    "loss",
    "regularizer",
    "optimizer",
    "initializer",
    "schedule",
    "metric",
    "data_source",
    "transform",
    "callback",
)


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default="layer", show_default=True)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    help="Where to create the package's folder.  [default: the working folder]",
)
def new(name: str, kind: str, into: Path) -> None:
    """Create a package NAME with one component, tests and a README, ready to install."""
    from declnet.cli.plugins.scaffold import write_package

    folder = write_package(name, kind, into)
    click.echo(f"{folder}: written. Next:")
    click.echo(f"  pip install -e '{folder}[test]'")
    click.echo(f"  pytest {folder}")
    click.echo(f"  declnet plugins check {folder.name}")
