"""`declnet sweep`: each spec with each combination of values, and each seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.display.diagnostics import show_diagnostics
from declnet.cli.display.streams import print_line
from declnet.cli.options import (
    PATH,
    ascending_option,
    executor_of,
    jobs_option,
    no_plugin_option,
    on_option,
    registry_without,
    seeds_option,
    shard_option,
    share_data,
)
from declnet.cli.process import interrupt_on_signals

if TYPE_CHECKING:
    from declnet.contracts.runs.executor import Executor
    from declnet.display.tables import ResultTable
    from declnet.registry.registry import Registry
    from declnet.runs.many.ensembles.series import RunSeries
    from declnet.runs.many.execution.shards import Shard
    from declnet.runs.many.execution.tasks import Follow, Outcome, Task
    from declnet.runs.many.sweeps.stored_sweep import StoredSweep, SweptSpec
    from declnet.spec.model import RunSpec
    from declnet.spec.points import Point


def right_specs(
    specs: Sequence[Path],
    overrides: tuple[str, ...],
    registry: Registry,
    seeds: tuple[int, ...] | None = None,
) -> list[tuple[Path, SweptSpec]]:
    """Return all specs with their files, or raise if any is invalid.

    Args:
        specs: files and folders of files.
        overrides: overrides of every spec; each combination of several values, and of those that
            the section `[sweep]` of a spec lists, is a spec of its own.
        registry: where names are looked up.
        seeds: the seeds of each; None for those of its sweep, or its own.

    Raises:
        SpecError: a spec is invalid; contains the errors of all.
        UsageError: a folder has no spec.
    """
    from declnet.cli.reading import checked_points
    from declnet.errors import Diagnostic, SpecError
    from declnet.runs.many.sweeps.sweep import named_points

    loaded: list[tuple[Path, SweptSpec]] = []
    faults: list[Diagnostic] = []
    for file in _files(specs):
        warnings: dict[Diagnostic, None] = {}
        points: list[tuple[Point, RunSpec]] = []
        try:
            for point, parsed, checked in checked_points(file, overrides, registry):
                warnings |= dict.fromkeys(checked.warnings)
                if checked.errors or parsed.spec is None:
                    faults += checked.problems
                else:
                    points.append((point, parsed.spec))
        except SpecError as error:
            faults += error.problems
        show_diagnostics(list(warnings))
        loaded += [(file, each) for each in named_points(points, seeds)]
    if faults:
        raise SpecError(dict.fromkeys(faults))
    return loaded


def _files(specs: Sequence[Path]) -> Iterator[Path]:
    """Yield the given files and the specs in the given folders, by name."""
    for path in specs:
        files = [path]
        if path.is_dir():
            if (path / "ensemble.json").is_file() or (path / "manifest.json").is_file():
                raise click.UsageError(
                    f"{path}: not the folder of a sweep or of specs, but of a run, or of folds "
                    f"or seeds; evaluate it with `declnet evaluate {path}`"
                )
            files = sorted(
                each
                for each in path.iterdir()
                if each.suffix.lower() in (".toml", ".json") and not each.name.startswith(".")
            )
        if not files:
            raise click.UsageError(f"{path}: no .toml or .json spec in this folder")
        yield from files


def _require_names(specs: Sequence[tuple[Path, SweptSpec]]) -> None:
    """Raise OutputError if two specs have the same name, ignoring case, so that of a folder."""
    from declnet.errors import OutputError

    files: dict[str, Path] = {}
    for file, swept in specs:
        other = files.setdefault(swept.spec.name.lower(), file)
        if other is not file:
            message = f'{other} and {file} are both called "{swept.spec.name}"'
            raise OutputError(f"{message}; rename one, since their runs would share a folder")


def train_all(
    tasks: Sequence[Task],
    train: Callable[[Follow], Generator[Outcome, None, None]],
    *,
    quiet: bool,
    done: Sequence[Outcome] = (),
    ranked: Callable[[Sequence[Outcome]], ResultTable | None] | None = None,
) -> list[Outcome]:
    """Train all tasks; a failure is reported on stderr and does not affect the others.

    Args:
        tasks: the tasks.
        train: trains them, and yields their outcomes.
        quiet: whether to show failures only.
        done: the outcomes of runs that need not be trained, for the display.
        ranked: makes the ranking that a terminal shows meanwhile.
    """
    from declnet.cli.display.progress import sweep_followed

    found = []
    with (
        sweep_followed(tasks, quiet=quiet, done=done, ranked=ranked) as followed,
        # an interruption waits until all runs are recorded as ended
        closing(train(followed.progress)) as outcomes,
    ):
        for outcome in outcomes:
            followed.finished(outcome)
            found.append(outcome)
    return found


def status_of(all_series: Sequence[RunSeries]) -> int:
    """Return the exit code: 1 if a run failed, else 0."""
    return int(any(len(each.finished) < len(each.outcomes) for each in all_series))


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPECS...", type=PATH)
@seeds_option("Seeds to train each spec with, e.g. 0..5 or 0,3,7.  [default: the seed of the spec]")
@jobs_option
@on_option
@shard_option
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of each spec; with several values, e.g. variables.width=32,64, train "
    "with each, in every combination with those of other keys.",
)
@no_plugin_option
@click.option(
    "--metric",
    "wanted",
    metavar="METRIC",
    help="Metric to compare, e.g. loss or train.loss.  [default: the first metric, of the "
    "validation data, else of the test data, else of the training data]",
)
@ascending_option
@click.option(
    "--out",
    type=PATH,
    help="Folder of all runs, new or empty.  [default: runs/<name>-sweep-<number>, or "
    "runs/sweep-<number> for specs with different names]",
)
@click.option(
    "--picture",
    type=PATH,
    metavar="FILE",
    help="Draw the metric and the loss curves, as PNG or SVG; needs the extra plot.",
)
@click.option(
    "--quiet", is_flag=True, help="Print only the table, without progress or a line for each run."
)
def sweep(
    specs: tuple[Path, ...],
    seeds: tuple[int, ...] | None,
    jobs: int | None,
    on: str | None,
    shard: Shard | None,
    overrides: tuple[str, ...],
    disabled: tuple[str, ...],
    wanted: str | None,
    ascending: bool | None,
    out: Path | None,
    picture: Path | None,
    quiet: bool,
) -> int:
    """Train each of SPECS with all of its values and seeds, and compare the results.

    It prints the distribution of a final metric for each spec, best first, and for specs with test
    or validation data the gap to the training data: train - test. SPECS are spec files or folders
    of spec files; subfolders, e.g. with the base of an `extends`, are left out. The section [sweep]
    of a spec lists what varies. Each run is written to <name>/seed-<seed> in the sweep's folder
    (with folds, to fold-<fold> within that), along with a summary.json. `declnet resume` continues
    a sweep; given the folder of a sweep, or of its shards, this command trains nothing and
    summarizes its runs again.
    """
    from declnet.runs.many.sweeps.ranking import check_metric
    from declnet.runs.many.sweeps.stored_sweep import StoredSweep, begin_sweep
    from declnet.runs.storage.folder import claimed

    interrupt_on_signals()
    plot = _plot_command(picture)
    registry = registry_without(disabled)
    if any(map(StoredSweep.is_at, specs)):
        if len(specs) > 1 or seeds or overrides or out or shard:
            raise click.UsageError(
                "the folder of a sweep takes no other specs and options: it has its own runs"
            )
        return _summarize(specs[0], registry, wanted, ascending, plot, picture)
    share_data()
    loaded = right_specs(specs, overrides, registry, seeds)
    _require_names(loaded)
    swept = [each for _, each in loaded]
    try:
        check_metric(wanted, [each.spec for each in swept], ascending)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--metric") from None
    name = "sweep" if shard is None else f"sweep-shard-{shard}"
    names = {each.base for each in swept}
    if len(names) == 1:
        name = f"{names.pop()}-{name}"
    executor = executor_of(on, jobs, registry)
    with claimed(out or Path("runs"), name, numbered=out is None) as parent:
        begin_sweep(parent, swept, wanted, ascending=ascending, shard=shard)
        return train_sweep(
            parent,
            disabled,
            registry,
            jobs,
            quiet=quiet,
            drawn=(plot, picture),
            executor=executor,
        )


Drawn = tuple[click.Command | None, Path | None]
"""The command that draws a sweep, and the picture; both None for none."""


def train_sweep(
    parent: Path,
    disabled: Sequence[str],
    registry: Registry,
    jobs: int | None,
    *,
    quiet: bool,
    drawn: Drawn = (None, None),
    allow_changes: bool = False,
    executor: Executor | None = None,
) -> int:
    """Train what is left of a sweep, print its summary, and make predictors of its specs."""
    from functools import partial
    from shlex import quote

    from declnet.runs.display.group_tables import MOST_RANKED, ranking_table
    from declnet.runs.many.ensembles.series import series_of
    from declnet.runs.many.sweeps.stored_sweep import open_sweep
    from declnet.runs.many.sweeps.sweep import SweepTraining

    start = time.perf_counter()
    stored = open_sweep(parent, registry)
    share_data()
    training = SweepTraining(stored, jobs, executor, allow_changes=allow_changes)
    done, count = list(training.done.values()), len(training.tasks)
    if not count:
        print_line(f"this shard has no runs: {parent}")
        return 0
    if done and not quiet:
        print_line(f"{len(done)} of {count} runs have finished already", err=True)

    def ranked(outcomes: Sequence[Outcome]) -> ResultTable | None:
        best, metric = stored.ranked(series_of(outcomes), training.specs)
        return ranking_table(best[:MOST_RANKED], metric) if metric is not None else None

    train = partial(training.outcomes, registry, disabled)
    try:
        with stored.telling():
            found = train_all(training.left, train, quiet=quiet, done=done, ranked=ranked)
    except KeyboardInterrupt as error:
        error.add_note(f"to continue all runs: declnet resume {quote(str(parent))}")
        raise
    series = training.series(found)
    status = _show(stored, series, training.specs, drawn=drawn, jobs=training.jobs)
    _finish(stored)
    print_line(f"{time.perf_counter() - start:.2f} s, {parent}")
    return status


def _summarize(
    parent: Path,
    registry: Registry,
    wanted: str | None,
    ascending: bool | None,
    plot: click.Command | None,
    picture: Path | None,
) -> int:
    """Rebuild the summary of a sweep from the folders of its runs."""
    from declnet.runs.many.ensembles.series import series_of
    from declnet.runs.many.sweeps.stored_sweep import open_sweep
    from declnet.runs.storage.folder import locked

    stored = open_sweep(parent, registry)
    outcomes = stored.outcomes()
    left = sum(each.error is not None for each in outcomes)
    if left:
        print_line(f"{left} of {len(outcomes)} runs have not finished", err=True)
    series, drawn = series_of(outcomes), (plot, picture)
    _show(stored, series, stored.specs(), wanted, ascending=ascending, drawn=drawn)
    if not left and stored.status != "finished":  # shards that were copied together
        with locked(parent):
            _finish(stored)
    return 0


def _finish(stored: StoredSweep) -> None:
    """Make predictors of the specs of a sweep."""
    for why in stored.finish():
        print_line(f"warning: {why}", err=True)


def _show(
    stored: StoredSweep,
    series: list[RunSeries],
    specs: Sequence[RunSpec],
    wanted: str | None = None,
    *,
    ascending: bool | None = None,
    drawn: Drawn,
    jobs: int | None = None,
) -> int:
    """Write the summaries, print the tables and draw the picture; return the exit code."""
    from declnet.cli.display.terminal import print_table
    from declnet.runs.display.group_tables import sweep_tables

    all_series, metric = stored.summarize(series, specs, wanted, ascending=ascending, jobs=jobs)
    plot, picture = drawn
    wanted = wanted or stored.content.metric
    if metric is None:
        print_line("no run finished, so there is nothing to compare", err=True)
    else:
        if wanted and wanted not in (metric[1], ".".join(metric)):
            print_line(f"note: no run has {wanted}; {'.'.join(metric)} is shown", err=True)
        for table in sweep_tables(all_series, metric, stored.values):
            print_table(table)
        if plot is not None:
            plot.main([str(stored.path), "--output", str(picture)], standalone_mode=False)
    return status_of(all_series)


def _plot_command(picture: Path | None) -> click.Command | None:
    """Return the command `plot`, after checking that it can write the picture."""
    if picture is None:
        return None
    root = click.get_current_context().find_root()
    plot = root.command.get_command(root, "plot") if isinstance(root.command, click.Group) else None
    if plot is None:
        raise click.UsageError("--picture needs the command `plot`, which no plugin offers")
    plot.make_context("plot", [".", "--output", str(picture)])
    return plot
