"""`declnet compare`: a table of runs."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Compare runs side by side.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
def compare(runs: tuple[Path, ...]) -> None:
    """Compare RUNS, folders that `declnet run` wrote: specs, final figures, time."""
    from declnet.report.comparison import print_comparison
    from declnet.runs.reading import read_run

    print_comparison([read_run(run) for run in runs])
