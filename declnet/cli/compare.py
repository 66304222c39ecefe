"""`declnet compare` and `declnet runs`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from declnet.cli.options import PATH, ascending_option, format_option, sort_option


@click.command(short_help="Compare runs side by side.")
@click.argument("runs", nargs=-1, required=True, type=PATH)
@sort_option("", "as given")
@ascending_option
def compare(runs: tuple[Path, ...], wanted: str | None, ascending: bool | None) -> None:
    """Compare the specs, final metrics and times of RUNS, the folders of runs.

    A folder of runs, e.g. of seeds, folds or a sweep, stands for all runs in it.
    """
    from declnet.cli.run_tables import print_comparison
    from declnet.runs.storage.listing import run_folders
    from declnet.runs.stored_run import open_run

    stored = [open_run(run) for run in run_folders(runs)]
    try:
        print_comparison(stored, wanted, ascending)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--sort") from None


@click.command()
@click.argument("directory", required=False, default="runs", type=PATH)
@sort_option("; or by name, status, epochs, seconds or date", "date")
@ascending_option
@click.option("--reverse", is_flag=True, help="Reverse the order.")
@click.option(
    "--filter",
    "conditions",
    multiple=True,
    metavar="KEY=VALUE",
    help="Only runs with this status, or with this value of a key of the spec, e.g. "
    "status=finished or training.batch_size=32; more than once: all must hold.",
)
@format_option("a list of objects, for programs.")
def runs(
    directory: Path,
    wanted: str | None,
    ascending: bool | None,
    reverse: bool,
    conditions: tuple[str, ...],
    form: str,
) -> None:
    """List the runs in DIRECTORY (default: runs), including sweeps.

    Folders without a run, or with damaged files, are reported on standard error.
    """
    from declnet.cli.run_tables import as_data, filtered, in_order, print_runs
    from declnet.runs.storage.listing import ListedRun, list_runs

    found: list[ListedRun] = []
    for each in list_runs(directory):
        if isinstance(each, ListedRun):
            found.append(each)
        else:
            click.echo(f"skipped {directory / each.path}: {each.reason}", err=True)
    try:
        chosen = in_order(filtered(found, conditions), wanted, ascending=ascending, reverse=reverse)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if form == "json":
        click.echo(json.dumps([as_data(each) for each in chosen], indent=2, ensure_ascii=False))
    elif chosen:
        print_runs(chosen, wanted)
    else:
        click.echo("no runs" if not found else "no run matches the filter")
