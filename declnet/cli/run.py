"""`declnet run` and `declnet resume`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.display.diagnostics import show_diagnostics
from declnet.cli.display.streams import command_output, print_line
from declnet.cli.options import (
    PATH,
    executor_of,
    jobs_option,
    no_plugin_option,
    on_option,
    plain_option,
    quiet_option,
    registry_without,
    run_argument,
    seeds_option,
    set_option,
    shard_option,
    share_data,
    spec_argument,
)
from declnet.cli.process import interrupt_on_signals, without_collections
from declnet.cli.reading import valid_spec

if TYPE_CHECKING:
    from declnet.contracts.runs.executor import Executor
    from declnet.registry.registry import Registry
    from declnet.runs.many.execution.shards import Shard
    from declnet.runs.many.execution.tasks import Follow, Outcome, Task
    from declnet.spec.model import RunSpec
    from declnet.training.checks.check import Checked


@click.command(short_help="Train and evaluate a spec.")
@spec_argument
@set_option
@no_plugin_option
@click.option(
    "--out",
    type=PATH,
    help="Folder of the run, new or empty.  [default: runs/<name>-<number>]",
)
@seeds_option(
    "Train once with each seed, e.g. 0..9 or 0,3,7, into seed-<seed> within the folder, and "
    "print the mean and spread.  [default folder: runs/<name>-seeds-<number>]"
)
@jobs_option
@on_option
@shard_option
@quiet_option
@plain_option
def run(
    spec: Path,
    overrides: tuple[str, ...],
    disabled: tuple[str, ...],
    out: Path | None,
    seeds: tuple[int, ...] | None,
    jobs: int | None,
    on: str | None,
    shard: Shard | None,
    quiet: bool,
    plain: bool,
) -> int:
    """Train and evaluate SPEC, a TOML or JSON file.

    A spec with data.folds but no data.fold is trained once per fold, into fold-<fold> within the
    folder, and the mean and spread are printed. Like a folder of seeds, it is also a predictor that
    averages the models.  [default folder: runs/<name>-folds-<number>]
    """
    interrupt_on_signals()
    with without_collections():
        from declnet.cli.display.progress import Warnings, followed
        from declnet.cli.display.result_tables import print_result, print_starting_point
        from declnet.runs.run import run as run_spec
        from declnet.spec.sweep import require_no_sweep

    registry = registry_without(disabled)
    if seeds is not None:
        share_data()
    loaded, checked = valid_spec(spec, overrides, registry)
    require_no_sweep(loaded.sweep)
    show_diagnostics(checked.warnings)
    if seeds is not None or loaded.data.is_cross_validation:
        executor = executor_of(on, jobs, registry)
        return _run_series(
            loaded, disabled, registry, out, seeds, jobs, quiet, executor=executor, shard=shard
        )
    if shard is not None:
        raise click.UsageError("--shard needs several runs to divide: --seeds or folds")
    if on is not None:
        raise click.UsageError("--on needs several runs to train elsewhere: --seeds or folds")
    if jobs is not None and jobs > 1:
        raise click.UsageError("--jobs needs several runs to train in parallel: --seeds or folds")
    if not (quiet or plain):
        _show_layers(checked)
    if not quiet:
        print_starting_point(checked.starting)
    warnings = Warnings()
    with followed(loaded, quiet=quiet, plain=plain) as listener:
        result = run_spec(
            loaded,
            out=out or Path("runs"),
            numbered=out is None,
            listener=listener,
            notice=warnings.show,
            registry=registry,
            checked=checked,
        )
    print_result(result, quiet=quiet, plain=plain, shown=warnings.shown)
    return 0


def _run_series(
    spec: RunSpec,
    disabled: tuple[str, ...],
    registry: Registry,
    out: Path | None,
    seeds: tuple[int, ...] | None,
    jobs: int | None,
    quiet: bool,
    *,
    executor: Executor | None,
    shard: Shard | None,
) -> int:
    from declnet.runs.many.ensembles.recording import begin_ensemble
    from declnet.runs.many.execution.shards import begin_shard
    from declnet.runs.many.execution.tasks import tasks_of
    from declnet.runs.storage.folder import claimed

    kind = "folds" if seeds is None else "seeds"
    name = f"{spec.name}-{kind}" + (f"-shard-{shard}" if shard is not None else "")
    with claimed(out or Path("runs"), name, numbered=out is None) as parent:
        tasks = tasks_of(spec, seeds, parent)
        if shard is not None:
            begin_shard(parent, shard, tasks)
        begin_ensemble(parent, spec, tasks)
        return _train_series(parent, tasks, disabled, registry, jobs, quiet, executor)


def _train_series(
    parent: Path,
    tasks: Sequence[Task],
    disabled: tuple[str, ...],
    registry: Registry,
    jobs: int | None,
    quiet: bool,
    executor: Executor | None,
) -> int:
    """Train the runs of a folder, print their metrics, and make a predictor of them.

    For a shard, train only its own runs, which do not make a predictor.
    """
    import time
    from shlex import quote

    from declnet.cli.display.result_tables import print_series
    from declnet.cli.sweep import status_of, train_all
    from declnet.runs.many.ensembles.recording import finish_ensemble
    from declnet.runs.many.ensembles.series import series_of
    from declnet.runs.many.execution.dispatch import jobs_for, outcomes_of
    from declnet.runs.many.execution.shards import shard_runs
    from declnet.runs.many.groups.callbacks import telling_group
    from declnet.runs.many.groups.documents import SERIES_SUMMARY
    from declnet.runs.many.groups.stored_group import write_described
    from declnet.runs.storage.folder import SUMMARY

    start = time.perf_counter()
    own = shard_runs(parent)
    in_part = own is not None and not own.issuperset(each.directory for each in tasks)
    if own is not None:
        tasks = [each for each in tasks if each.directory in own]
    if not tasks:
        print_line(f"this shard has no runs: {parent}")
        return 0
    share_data()
    jobs = jobs_for(tasks, jobs) if executor is None else 1

    def train(follow: Follow) -> Generator[Outcome, None, None]:
        return outcomes_of(
            tasks,
            registry,
            jobs=jobs,
            disabled=disabled,
            follow=follow,
            executor=executor,
            parent=parent,
        )

    try:
        with telling_group(parent, lambda: tasks[0].spec.training.callbacks, registry):
            outcomes = train_all(tasks, train, quiet=quiet)
    except KeyboardInterrupt as error:
        error.add_note(f"to continue all runs: declnet resume {quote(str(parent))}")
        raise
    (series,) = series_of(outcomes)
    summary = series.summary(parent, jobs if executor is None else None)
    write_described(parent / SUMMARY, SERIES_SUMMARY.write(summary))
    print_series(series)
    why = None if in_part else finish_ensemble(parent, registry)
    if why is not None:
        print_line(f"warning: {why}", err=True)
    else:
        _show_as_one(parent, registry)
    print_line(f"{time.perf_counter() - start:.2f} s, {parent}")
    return status_of([series])


def _show_as_one(parent: Path, registry: Registry) -> None:
    """Print the metrics of the models of all folds together, if they have finished."""
    from declnet.cli.display.result_tables import print_together
    from declnet.errors import DeclnetError
    from declnet.runs.many.ensembles.ensemble import open_ensemble

    ensemble = open_ensemble(parent, registry)
    if ensemble.status != "finished" or not ensemble.has_folds:
        return
    try:
        print_together([ensemble.evaluate(name) for name in ensemble.evaluated_on])
    except DeclnetError as error:  # the runs themselves are as good as any
        print_line(f"warning: no metrics of all models: {error}", err=True)


def _show_layers(checked: Checked) -> None:
    """Show what will be trained, on a terminal."""
    from declnet.cli.display.result_tables import print_layers
    from declnet.cli.display.terminal import is_terminal

    if checked.nodes and "train" in checked.data and is_terminal(command_output()):
        print_layers(checked.nodes, checked.data["train"].inputs)


@click.command()
@run_argument
@click.option(
    "--allow-changes",
    is_flag=True,
    help="Resume even if the spec, data or versions have changed; the manifest lists the changes.",
)
@no_plugin_option
@jobs_option
@on_option
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Time after which a study ends, over all resumptions.  [default: as its spec says]",
)
@quiet_option
@plain_option
def resume(
    run: Path,
    allow_changes: bool,
    disabled: tuple[str, ...],
    jobs: int | None,
    on: str | None,
    minutes: float | None,
    quiet: bool,
    plain: bool,
) -> int:
    """Resume RUN, the folder of an interrupted run.

    The result is bit-identical to an uninterrupted run. A finished run is left unchanged.
    In a folder of folds, of seeds, of a sweep or of a study, the runs that are not finished are
    resumed or trained.
    """
    with without_collections():
        from declnet.cli.display.progress import Warnings, followed
        from declnet.cli.display.result_tables import print_result
        from declnet.cli.sweep import train_sweep
        from declnet.cli.tune import train_study
        from declnet.runs.many.ensembles.ensemble import is_ensemble
        from declnet.runs.many.studies.stored_study import StoredStudy
        from declnet.runs.many.sweeps.stored_sweep import StoredSweep
        from declnet.runs.resuming import resume as resume_run
        from declnet.runs.resuming import spec_to_resume
        from declnet.runs.storage.folder import locked

    interrupt_on_signals()
    registry = registry_without(disabled)
    if minutes is not None and not StoredStudy.is_at(run):
        raise click.UsageError("--minutes needs the folder of a study")
    several: tuple[tuple[Callable[[Path], bool], Callable[..., int]], ...] = (
        (is_ensemble, _train_rest),
        (StoredSweep.is_at, train_sweep),
        (StoredStudy.is_at, train_study),
    )
    for is_several, train in several:
        if is_several(run):
            executor = executor_of(on, jobs, registry)
            more = {"quiet": quiet, "allow_changes": allow_changes, "executor": executor}
            share_data()
            with locked(run):
                if minutes is not None:
                    StoredStudy(run, registry).limit(minutes)
                status: int = train(run, disabled, registry, jobs, **more)
            return status
    if on is not None:
        raise click.UsageError("--on needs several runs to train elsewhere")
    if jobs is not None and jobs > 1:
        raise click.UsageError("--jobs needs several runs to train in parallel")
    spec = spec_to_resume(run, registry)
    warnings = Warnings()
    with followed(spec, quiet=quiet, plain=plain) as listener:
        result = resume_run(
            run,
            allow_changes=allow_changes,
            listener=listener,
            notice=lambda sentence: print_line(sentence, err=True),
            warned=warnings.show,
            registry=registry,
        )
    print_result(result, quiet=quiet, plain=plain, shown=warnings.shown)
    return 0


def _train_rest(
    parent: Path,
    disabled: tuple[str, ...],
    registry: Registry,
    jobs: int | None,
    *,
    quiet: bool,
    allow_changes: bool,
    executor: Executor | None,
) -> int:
    """Train the remaining seeds or folds."""
    from declnet.runs.many.ensembles.ensemble import open_ensemble
    from declnet.runs.many.ensembles.recording import tasks_left, tell_callbacks

    ensemble = open_ensemble(parent, registry)
    if ensemble.status == "finished":
        tell_callbacks(ensemble, registry)
        print_line("all of these runs are finished; nothing to resume", err=True)
        return 0
    tasks = tasks_left(ensemble, registry, allow_changes=allow_changes)
    return _train_series(parent, tasks, disabled, registry, jobs, quiet, executor)
