"""The commands `declnet report` and `declnet plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet import ExtraCommand, TrainedOptions

if TYPE_CHECKING:
    from declnet_plugins.report.page.curves import Scale


@click.command(
    cls=ExtraCommand, extra="declnet[report]", packages=("jinja2", "pygments", "vl_convert")
)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the page.  [default: report.html, in the folder of a single run]",
)
@TrainedOptions.pass_to()
def report(options: TrainedOptions, runs: tuple[Path, ...], output: Path | None) -> None:
    """Write an HTML report on RUNS, folders that `declnet run` wrote, or packs.

    A folder of runs, e.g. of seeds or folds, means all runs in it; for folds or seeds, the page
    also has the metrics of all models together, as for a study that selects weights of its trials.
    A sweep, another study, or a folder of more than 30 runs gets a page for many: a table to sort
    and filter, curves, effects, and parallel coordinates.

    The page is self-contained: it works offline and can be sent as one file. It needs the
    extra `report`: pip install 'declnet[report]'.
    """
    from itertools import chain

    from declnet import is_predictor, open_group, open_run, print_line, run_folders, unpacked
    from declnet_plugins.report.many.page import many_runs_page
    from declnet_plugins.report.many.reported import is_compared, read_runs, read_study
    from declnet_plugins.report.page.assembling import assemble
    from declnet_plugins.report.page.rendering import render

    if len(runs) == 1 and runs[0].is_dir() and not (runs[0] / "manifest.json").exists():
        path = output or runs[0] / "report.html"
        require_folder(path)
        reported = read_runs(runs[0])
        if reported and is_compared(runs[0], len(reported)):
            objective, importance, remarks = read_study(runs[0])
            name = runs[0].resolve().name
            page = many_runs_page(name, reported, importance, objective, remarks)
            write_file(path, page.encode())
            print_line(path)
            return
    registry, allow_changes = options.registry, options.allow_changes
    ensembles = [
        open_group(run, registry, notice=_no_note, allow_changes=allow_changes)
        for run in runs
        if is_predictor(run)
    ]
    studies = [group for group in ensembles if group.file.kind == "study" and group.file.weights]
    trials = {group.path: group.runs for group in studies}  # of those, only what has weight
    folders = run_folders([run for run in runs if unpacked(run) not in trials])
    stored = [
        *(
            open_run(run, registry, notice=_show_note, allow_changes=allow_changes)
            for run in folders
        ),
        *chain(*trials.values()),
    ]
    is_folder = len(runs) == 1 and runs[0].is_dir()
    path = output or (runs[0] / "report.html" if is_folder else Path("report.html"))
    require_folder(path)
    write_file(path, render(assemble(stored, registry, ensembles)).encode())
    print_line(path)


def write_file(path: Path, content: bytes) -> None:
    """Write a file as a whole.

    Raises:
        OutputError: it cannot be written.
    """
    from declnet import OutputError, write_atomically

    try:
        write_atomically(path, content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None


def require_folder(path: Path) -> None:
    """Raise OutputError if a file cannot be in its folder: missing, read-only; a name too long."""
    import os

    from declnet import OutputError

    folder = path.absolute().parent
    try:
        there = folder.is_dir()
        path.is_dir()
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
    if not there:
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        is_fixed = hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY
        why = "read-only file system" if is_fixed else "no permission to write to its folder"
        raise OutputError(f"{path}: cannot be written: {why}")


def _no_note(_sentence: str) -> None:
    """Say nothing: the notes of the same runs have been shown."""


def _show_note(sentence: str) -> None:
    from declnet import print_line

    print_line(f"note: {sentence}", err=True)


def _checked_picture(
    _context: click.Context, _option: click.Parameter, path: Path | None
) -> Path | None:
    """Return a writable picture file, checked before any work is done."""
    from declnet_plugins.report.picture import check_picture

    if path is not None:
        check_picture(path)
    return path


@click.command(cls=ExtraCommand, extra="declnet[report]", packages=("vl_convert",))
@click.argument("runs", nargs=-1, required=True, metavar="RUNS...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_checked_picture,
    metavar="FILE",
    help="File of the picture, .png or .svg.  [default: plot.png, in the folder of a single run]",
)
@click.option(
    "--scale",
    type=click.Choice(["auto", "linear", "log"]),
    default="auto",
    show_default=True,
    help="Scale of the loss axis; auto chooses as `declnet report` does: logarithmic if the loss "
    "falls to a thirtieth or less, without spikes that would flatten the rest; others show all "
    "values.",
)
@click.option(
    "--metric",
    metavar="METRIC",
    help="Metric of a sweep to draw, e.g. loss or train.loss.  [default: that it is ranked by]",
)
def plot(runs: tuple[Path, ...], output: Path | None, scale: Scale, metric: str | None) -> None:
    """Draw the losses, metrics and learning rates of RUNS, folders of runs or packs, by epoch.

    Several runs, or all runs in a folder, are drawn in the same axes. For a folder written by
    `declnet sweep`, the final metrics and the losses of its specs are drawn. Needs the extra
    report: pip install 'declnet[report]'.
    """
    from declnet import OutputError, open_run, print_line, run_folders
    from declnet_plugins.report.drawing import run_labels
    from declnet_plugins.report.many.sweep import is_sweep, sweep_charts
    from declnet_plugins.report.page.curves import run_charts
    from declnet_plugins.report.picture import check_picture, save_picture

    if output is None and len(runs) > 1:
        raise click.UsageError("say where to draw several runs, e.g. -o runs.png")
    if len(runs) == 1 and is_sweep(runs[0]):
        charts = sweep_charts(runs[0], metric)
    else:
        stored = [open_run(run) for run in run_folders(runs)]
        for run in stored:
            if not run.history:
                raise OutputError(f"{run.path}: no epoch has been logged, so nothing can be drawn")
        labels = run_labels([run.path for run in stored])
        charts = run_charts(dict(zip(labels, stored, strict=True)), scale)
    path = output or (runs[0] / "plot.png" if runs[0].is_dir() else Path("plot.png"))
    check_picture(path)
    save_picture(charts, path, str(runs[0]) if len(runs) == 1 else "")
    print_line(f"{path}: drawn")
