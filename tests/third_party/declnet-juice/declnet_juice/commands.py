"""The command `declnet press`."""

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--metric", default="loss", help="The metric to press.")
def press(run: Path, metric: str) -> None:
    """Print a final metric of RUN."""
    from declnet import open_run

    click.echo(f"{metric}: {open_run(run).metrics['test'][metric]:.6f}")
