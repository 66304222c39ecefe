"""`declnet compare`: a table of runs."""

from __future__ import annotations

from pathlib import Path

import click

from declnet.cli.options import ascending_option


@click.command(short_help="Compare runs side by side.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--sort",
    "wanted",
    metavar="METRIC",
    help="Sort by a final metric, the best first, e.g. loss or test.loss.  [default: as given]",
)
@ascending_option
def compare(runs: tuple[Path, ...], wanted: str | None, ascending: bool | None) -> None:
    """Compare RUNS, folders that `declnet run` wrote: specs, final metrics, time."""
    from declnet.report.comparison import print_comparison
    from declnet.runs.stored_run import open_run

    stored = [open_run(run) for run in runs]
    try:
        print_comparison(stored, wanted, ascending)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--sort") from None
