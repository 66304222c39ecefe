"""`declnet sweep`: each spec with each combination of values, and each seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.display.diagnostics import show_diagnostics
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
from declnet.cli.run import interrupt_on_signals

if TYPE_CHECKING:
    from declnet.cli.display.sweep_tables import Ranking
    from declnet.contracts.runs.executor import Executor
    from declnet.registry.registry import Registry
    from declnet.runs.many.shards import Shard
    from declnet.runs.many.summary import Series
    from declnet.runs.many.sweep_folder import StoredSweep, SweptSpec
    from declnet.runs.many.tasks import Outcome, Task
    from declnet.spec.model import RunSpec


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
    from declnet.runs.many.sweep_folder import SweptSpec
    from declnet.spec.model import fit_name

    loaded: list[tuple[Path, SweptSpec]] = []
    faults: list[Diagnostic] = []
    for file in _files(specs):
        warnings: dict[Diagnostic, None] = {}
        names: set[str] = set()
        try:
            for point, parsed, checked in checked_points(file, overrides, registry):
                warnings |= dict.fromkeys(checked.warnings)
                if checked.errors or parsed.spec is None:
                    faults += checked.problems
                    continue
                spec = parsed.spec
                if point.label:
                    name = fit_name(spec.name + point.label)
                    if name.casefold() in names:  # cut
                        name = fit_name(f"{len(names)}-{name}")
                    names.add(name.casefold())
                    spec = spec.model_copy(update={"name": name})
                own = seeds or point.seeds or (spec.seed,)
                loaded.append((file, SweptSpec(spec, own, point.values)))
        except SpecError as error:
            faults += error.problems
        show_diagnostics(list(warnings))
    if faults:
        raise SpecError(dict.fromkeys(faults))
    return loaded


def _files(specs: Sequence[Path]) -> Iterator[Path]:
    """Yield the given files and the specs in the given folders, by name."""
    for path in specs:
        files = [path]
        if path.is_dir():
            files = sorted(
                each
                for each in path.iterdir()
                if each.suffix.lower() in (".toml", ".json") and not each.name.startswith(".")
            )
        if not files:
            raise click.UsageError(f"{path}: no .toml or .json spec in this folder")
        yield from files


SUMMARY = "summary.json"


def train_all(
    tasks: Sequence[Task],
    *,
    registry: Registry,
    disabled: Sequence[str],
    jobs: int,
    quiet: bool,
    done: Sequence[Outcome] = (),
    ranked: Callable[[Sequence[Outcome]], Ranking | None] | None = None,
    executor: Executor | None = None,
    parent: Path | None = None,
) -> list[Outcome]:
    """Train all tasks; a failure is reported on stderr and does not affect the others.

    Args:
        done: the outcomes of runs that need not be trained, for the display.
        ranked: makes the ranking that a terminal shows meanwhile.
        executor: where to train them; None for this machine.
        parent: the folder that holds all of their folders, for an executor.
    """
    from declnet.cli.display.progress import sweep_followed
    from declnet.runs.many.executing import on_executor
    from declnet.runs.many.threads import side_by_side
    from declnet.runs.many.workers import one_after_another

    found: dict[Path, Outcome] = {}
    with sweep_followed(tasks, quiet=quiet, done=done, ranked=ranked) as followed:
        if executor is not None and parent is not None:
            outcomes = on_executor(tasks, executor, parent, registry, disabled, followed.progress)
        elif jobs > 1:
            outcomes = side_by_side(tasks, jobs, registry, disabled, followed.progress)
        else:
            outcomes = one_after_another(tasks, registry, followed.progress)
        with closing(outcomes):  # an interruption waits until all runs are recorded as ended
            for outcome in outcomes:
                followed.finished(outcome)
                found[outcome.directory] = outcome
    return [found[task.directory] for task in tasks]


def write_summary(directory: Path, content: object) -> None:
    """Write `summary.json`.

    Raises:
        RunError: it cannot be written.
    """
    from declnet.errors import RunError
    from declnet.runs.storage.writing import write_json

    try:
        write_json(directory / SUMMARY, content)
    except OSError as error:
        raise RunError(f"{directory / SUMMARY}: cannot be written: {error.strerror}") from None


def status_of(all_series: Sequence[Series]) -> int:
    """Return the exit code: 1 if a run failed, else 0."""
    return int(any(len(each.finished) < len(each.outcomes) for each in all_series))


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPECS...", type=PATH)
@seeds_option("The seeds to train each spec with, e.g. 0..5 or 0,3,7.  [default: the spec's own]")
@jobs_option
@on_option
@shard_option
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of each spec; several values with commas, e.g. variables.width=32,64, are "
    "tried one after another, in every combination with other keys' values.",
)
@no_plugin_option
@click.option(
    "--metric",
    "wanted",
    metavar="METRIC",
    help="The metric to compare, e.g. loss or train.loss.  [default: the first metric, of the "
    "validation, else the test, else the training data]",
)
@ascending_option
@click.option(
    "--out",
    type=PATH,
    help="The folder of all runs, new or empty.  [default: runs/sweep-<number>]",
)
@click.option(
    "--picture",
    type=PATH,
    metavar="FILE",
    help="Draw the metric and the loss curves, as PNG or SVG; needs the extra plot.",
)
@click.option("--quiet", is_flag=True, help="No line for each run and no progress, only the table.")
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
    """Train each of SPECS, with each value and seed if several, and compare the results.

    It prints the distribution of a final metric for each spec, best first, and for specs with test
    or validation data the gap to the training data: train - test. SPECS are spec files or folders
    of spec files; subfolders, e.g. with the base of an `extends`, are left out. A spec's [sweep]
    says what varies in it. Each run is written to <name>/seed-<seed> in the sweep's folder (with
    folds, to fold-<fold> within that), along with a summary.json. `declnet resume` continues a
    sweep; given the folder of one, or of the shards of one, this summarizes its runs anew and
    trains nothing.
    """
    from declnet.cli.display.sweep_tables import check_metric
    from declnet.runs.many.sweep_folder import begin_sweep, is_sweep
    from declnet.runs.many.tasks import SWEEP, check_names, claim_parent
    from declnet.runs.storage.folder import claim, locked

    interrupt_on_signals()
    plot = _plot_command(picture)
    registry = registry_without(disabled)
    if any(map(is_sweep, specs)):
        if len(specs) > 1 or seeds or overrides or out or shard:
            raise click.UsageError("the folder of a sweep is summarized alone: it has its own runs")
        return _summarize(specs[0], registry, wanted, ascending, plot, picture)
    share_data()
    loaded = right_specs(specs, overrides, registry, seeds)
    check_names([(file, each.spec) for file, each in loaded])
    swept = [each for _, each in loaded]
    try:
        check_metric(wanted, [each.spec for each in swept], ascending)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--metric") from None
    name = SWEEP if shard is None else f"{SWEEP}-shard-{shard}"
    executor = executor_of(on, jobs, registry)
    parent = claim_parent(out, Path("runs"), name)
    with locked(parent):
        claim(parent)  # another process may have written here since
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
    from shlex import quote

    from declnet.cli.display.sweep_tables import best_first, ranking
    from declnet.runs.many.summary import series_of
    from declnet.runs.many.sweep_folder import open_sweep, stored_outcome
    from declnet.runs.many.threads import jobs_for

    start = time.perf_counter()
    stored = open_sweep(parent, registry)
    wanted, ascending = stored.content.get("metric"), stored.content.get("ascending")
    tasks = stored.tasks(allow_changes=allow_changes)
    if not tasks:
        click.echo(f"this shard has no runs: {parent}")
        return 0
    done: dict[Path, Outcome] = {}
    for each in tasks:
        spec = each.spec
        outcome = stored_outcome(each.directory, spec.name, spec.seed, spec.data.fold)
        if outcome.error is None:
            done[each.directory] = outcome
    specs = list({each.spec.name: each.spec for each in tasks}.values())

    def ranked(outcomes: Sequence[Outcome]) -> Ranking | None:
        return ranking(*best_first(series_of(outcomes), wanted, specs, ascending))

    left = [each for each in tasks if each.directory not in done]
    share_data()
    jobs = jobs_for(left, jobs) if executor is None else 1
    if done and not quiet:
        click.echo(f"{len(done)} of {len(tasks)} runs have finished already", err=True)
    try:
        found = train_all(
            left,
            registry=registry,
            disabled=disabled,
            jobs=jobs,
            quiet=quiet,
            done=list(done.values()),
            ranked=ranked,
            executor=executor,
            parent=parent,
        )
    except KeyboardInterrupt as error:
        error.add_note(f"to continue all runs: declnet resume {quote(str(parent))}")
        raise
    new = {each.directory: each for each in found}
    outcomes = [done.get(each.directory) or new[each.directory] for each in tasks]
    here = jobs if executor is None else None
    status = _show(stored, series_of(outcomes), specs, (wanted, ascending), here, drawn)
    _finish(stored)
    click.echo(f"{time.perf_counter() - start:.2f} s, {parent}")
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
    from declnet.runs.many.summary import series_of
    from declnet.runs.many.sweep_folder import open_sweep
    from declnet.runs.storage.folder import locked

    stored = open_sweep(parent, registry)
    if wanted is None:
        wanted = stored.content.get("metric")
        ascending = ascending if ascending is not None else stored.content.get("ascending")
    outcomes = stored.outcomes()
    left = sum(each.error is not None for each in outcomes)
    if left:
        click.echo(f"{left} of {len(outcomes)} runs have not finished", err=True)
    series = series_of(outcomes)
    _show(stored, series, stored.specs(), (wanted, ascending), None, (plot, picture))
    if not left and stored.status != "finished":  # shards that were copied together
        with locked(parent):
            _finish(stored)
    return 0


def _finish(stored: StoredSweep) -> None:
    """Make predictors of the specs of a sweep."""
    for why in stored.finish():
        click.echo(f"warning: {why}", err=True)


def _show(
    stored: StoredSweep,
    series: list[Series],
    specs: Sequence[RunSpec],
    choice: tuple[str | None, bool | None],
    jobs: int | None,
    drawn: Drawn,
) -> int:
    """Write the summaries, print the tables and draw the picture; return the exit code."""
    from declnet.cli.display.sweep_tables import best_first, print_effects, print_gaps, print_sweep

    wanted, ascending = choice
    all_series, metric = best_first(series, wanted, specs, ascending)
    _write_summaries(stored, all_series, metric, jobs)
    plot, picture = drawn
    if metric is None:
        click.echo("no run finished, so there is nothing to compare", err=True)
    else:
        if wanted and wanted not in (metric[1], ".".join(metric)):
            click.echo(f"note: no run has {wanted}; {'.'.join(metric)} is shown", err=True)
        print_sweep(all_series, metric)
        print_effects(all_series, metric, stored.values)
        print_gaps(all_series)
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


def _write_summaries(
    stored: StoredSweep,
    all_series: Sequence[Series],
    metric: tuple[str, str] | None,
    jobs: int | None,
) -> None:
    """Write a summary for each spec, and one for all.

    Args:
        jobs: how many runs were trained in parallel; None if none was trained here now.
    """
    parent, values = stored.path, stored.values
    more = {"jobs": jobs} if jobs is not None else {}
    data = []
    for each in all_series:
        own = each.as_data(parent / each.name)
        if (parent / each.name).is_dir():  # not if it is in other shards
            write_summary(parent / each.name, own | more)
        data.append(own | ({"values": values[each.name]} if values.get(each.name) else {}))
    name = ".".join(metric) if metric else None
    write_summary(parent, {"metric": name, **more, "specs": data})
