"""`declnet plot`: draws the curves of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from declnet.report.plot.curves import Scale


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUNS...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The picture, .png or .svg.  [default: plot.png in the run's folder]",
)
@click.option(
    "--scale",
    type=click.Choice(["auto", "linear", "log"]),
    default="auto",
    show_default=True,
    help="The loss's axis; auto is logarithmic where the loss falls to a 30th.",
)
def plot(runs: tuple[Path, ...], output: Path | None, scale: Scale) -> None:
    """Draw RUNS, folders that `declnet run` wrote: losses, metrics and learning rate by epoch.

    Several runs are drawn over each other. Needs the extra plot: pip install 'declnet[plot]'.
    """
    from declnet.report.plot.curves import draw_curves
    from declnet.report.plot.saving import check_picture
    from declnet.runs.reading import read_run

    if output is None and len(runs) > 1:
        raise click.UsageError("say where to draw several runs, e.g. -o runs.png")
    stored = [read_run(run) for run in runs]
    path = output or runs[0] / "plot.png"
    check_picture(path)
    draw_curves(stored, path, scale)
    click.echo(f"{path}: drawn")
