"""`declnet compare` and `declnet runs`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.display.streams import command_output, print_document, print_line
from declnet.cli.options import PATH, ascending_option, format_option, sort_option

if TYPE_CHECKING:
    from declnet.runs.storage.listing import ListedRun


@click.command(short_help="Compare runs side by side.")
@click.argument("runs", nargs=-1, required=True, type=PATH)
@sort_option("", "as given; best first if there are more than 20 runs")
@ascending_option
@click.option("--all", "all_runs", is_flag=True, help="Show all runs.  [default: at most 20]")
@format_option("a list of objects, with all runs.")
def compare(
    runs: tuple[Path, ...], sort_by: str | None, ascending: bool | None, all_runs: bool, form: str
) -> None:
    """Compare the specs, final metrics and times of RUNS, the folders of runs or packs.

    A folder of runs, e.g. of seeds, folds or a sweep, means all runs in it. Up to 8 runs are shown
    in columns if they fit; others in rows, of more than 20 the best 20.
    """
    from declnet.cli.display.listed_runs import comparison_data, print_comparison

    listed_runs = _runs_among(runs)
    try:
        if form == "json":
            _print_json(comparison_data(listed_runs, sort_by, ascending))
        else:
            print_comparison(listed_runs, sort_by, ascending, all_runs=all_runs)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--sort") from None


def _runs_among(paths: Iterable[Path]) -> list[ListedRun]:
    """Return the runs in and among folders; raise OutputError if one cannot be read."""
    from declnet.runs.comparison import listed
    from declnet.runs.storage.folder import unpacked
    from declnet.runs.storage.listing import NOT_A_RUN, ListedRun, holds_runs, list_runs
    from declnet.runs.stored_run import open_run

    listed_runs = []
    for path in paths:
        inside = []
        for run in list_runs(path, f"{path}/") if holds_runs(path) else ():
            if isinstance(run, ListedRun) and run.intact:
                inside.append(run)
            elif isinstance(run, ListedRun) or run.reason != NOT_A_RUN:
                inside.append(listed(open_run(unpacked(path) / run.path.relative_to(path))))
        listed_runs += inside or [replace(listed(open_run(path)), path=path)]
    return listed_runs


def _print_json(values: Iterable[object]) -> None:
    """Print a list of values, each on a line."""
    lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    print_document(f"[\n{lines}\n]\n" if lines else "[]\n")


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
    help="Show only runs with this status or this value of a spec key, e.g. status=finished or "
    "training.batch_size=32; repeatable, and a run must match all.",
)
@click.option(
    "--all",
    "all_runs",
    is_flag=True,
    help="Show each run of folds, seeds, members, sweeps and studies, and all of many.  [default: "
    "a row for each group; on a terminal, the newest or first 200]",
)
@format_option("a list of objects, for programs.")
def runs(
    directory: Path,
    sort_by: str | None,
    ascending: bool | None,
    reverse: bool,
    conditions: tuple[str, ...],
    all_runs: bool,
    form: str,
) -> None:
    """List the runs in DIRECTORY (default: runs).

    Runs that belong together, e.g. folds or a sweep, are one row.

    Folders without a run, or with damaged files, are reported on standard error.
    """
    from declnet.cli.display.listed_runs import MOST_ROWS, as_data, filtered, in_order, print_runs
    from declnet.cli.display.terminal import is_terminal
    from declnet.runs.listed_groups import grouped
    from declnet.runs.storage.listing import ListedRun, list_runs

    listed_runs: list[ListedRun] = []
    for run in list_runs(directory):
        if isinstance(run, ListedRun):
            listed_runs.append(run)
        else:
            print_line(f"skipped {directory / run.path}: {run.reason}", err=True)
    try:
        matching: list[ListedRun] = filtered(listed_runs, conditions)
        if form == "text" and not all_runs:
            matching = grouped(directory, matching)
        chosen = in_order(matching, sort_by, ascending=ascending, reverse=reverse)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if form == "json":
        _print_json(map(as_data, chosen))
    elif chosen:
        shown, which = chosen, ""
        if len(chosen) > MOST_ROWS and not all_runs and is_terminal(command_output()):
            newest = sort_by in (None, "date") and not reverse and ascending is not False
            shown = chosen[-MOST_ROWS:] if newest else chosen[:MOST_ROWS]
            which = "last" if newest else "first"
        print_runs(shown, sort_by)
        if which:
            print_line(f"the {which} {MOST_ROWS} of {len(chosen)} runs; all with --all")
    else:
        print_line("no runs" if not listed_runs else "no run matches the filter")
