"""`declnet run` and `declnet resume`."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.display.diagnostics import show_diagnostics
from declnet.cli.display.streams import command_output, print_line
from declnet.cli.options import (
    PATH,
    TrainOptions,
    allow_changes_option,
    gathered,
    jobs_option,
    no_plugin_option,
    on_option,
    plain_option,
    quiet_option,
    run_argument,
    seeds_option,
    set_option,
    shard_of_runs_option,
    share_data,
)
from declnet.cli.process import interrupt_on_signals, without_collections

if TYPE_CHECKING:
    from declnet.training.checks.check import Checked


@click.command(short_help="Train and evaluate a spec.")
@click.argument("spec", type=PATH)
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
@shard_of_runs_option
@quiet_option
@plain_option
@gathered(TrainOptions)
def run(options: TrainOptions, spec: Path) -> int:
    """Train and evaluate SPEC, a TOML or JSON file.

    A spec with data.folds but no data.fold is trained once per fold, into fold-<fold> within the
    folder, and the mean and spread are printed. A spec with [[members]] trains each of them. Like a
    folder of seeds, these are also predictors that average the models.  [default folder:
    runs/<name>-folds-<number>, runs/<name>-members-<number>]
    """
    started = time.perf_counter()
    interrupt_on_signals()
    with without_collections():
        from declnet.cli.display.progress import Warnings, followed
        from declnet.cli.display.result_tables import print_result, print_starting_point
        from declnet.cli.reading import valid_spec
        from declnet.runs.options import RunOptions
        from declnet.runs.train_run import train_run
        from declnet.spec.sweep import require_no_sweep

    if options.seeds is not None:
        share_data()
    loaded, checked = valid_spec(
        spec, options.overrides, options.registry, members=True, quiet=options.quiet
    )
    require_no_sweep(loaded.sweep)
    show_diagnostics(checked.warnings)
    if options.seeds is not None or loaded.is_group:
        from declnet.cli.groups import train_new_group
        from declnet.runs.many.beginning import series_file

        return train_new_group(*series_file(loaded, options.seeds), options)
    options.require_one_run(": --seeds, folds or members")
    quiet, plain = options.quiet, options.plain
    if not (quiet or plain):
        _show_layers(checked)
    if not quiet:
        print_starting_point(checked.starting)
    warnings = Warnings()
    run_options = RunOptions(
        follow=partial(followed, quiet=quiet, plain=plain),
        notice=warnings.show,
        registry=options.registry,
        numbered=options.out is None,
        checked=checked,
    )
    result = train_run(loaded, None, options.out or Path("runs"), run_options)
    seconds = time.perf_counter() - started
    print_result(result, seconds, quiet=quiet, plain=plain, shown=warnings.shown)
    return 0


def _show_layers(checked: Checked) -> None:
    """Show what will be trained, on a terminal."""
    from declnet.cli.display.result_tables import print_layers
    from declnet.cli.display.terminal import is_terminal

    if checked.nodes and "train" in checked.data and is_terminal(command_output()):
        print_layers(checked.nodes, checked.data["train"].inputs)


@click.command()
@run_argument
@allow_changes_option
@no_plugin_option
@jobs_option
@on_option
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Time after which runs that belong together end, over all resumptions.  [default: from "
    "a study's spec]",
)
@quiet_option
@plain_option
@gathered(TrainOptions)
def resume(options: TrainOptions, run: Path, minutes: float | None) -> int:
    """Resume RUN, the folder of an interrupted run.

    The result is bit-identical to an uninterrupted run. A finished run is left unchanged.
    In a folder of folds, of seeds, of a sweep or of a study, the runs that are not finished are
    resumed or trained.
    """
    started = time.perf_counter()
    with without_collections():
        from declnet.cli.display.passes import passes_followed
        from declnet.cli.display.progress import Warnings, followed
        from declnet.cli.display.result_tables import print_result
        from declnet.runs.options import RunOptions
        from declnet.runs.resuming import resume_run

    interrupt_on_signals()
    if (run / "group.json").is_file():
        return _resume_group(run, options, minutes)
    if minutes is not None:
        raise click.UsageError("--minutes needs several runs, of which it limits the time")
    options.require_one_run()
    quiet, plain, warnings = options.quiet, options.plain, Warnings()
    run_options = RunOptions(
        follow=partial(followed, quiet=quiet, plain=plain),
        notice=warnings.show,
        registry=options.registry,
        allow_changes=options.allow_changes,
    )
    with passes_followed(quiet=quiet):
        result = resume_run(run, None, run_options, lambda sentence: print_line(sentence, err=True))
    seconds = time.perf_counter() - started
    print_result(result, seconds, quiet=quiet, plain=plain, shown=warnings.shown)
    return 0


def _resume_group(run: Path, options: TrainOptions, minutes: float | None) -> int:
    """Train the runs of a group that are left."""
    from declnet.cli.groups import train_group
    from declnet.runs.many.group import open_group
    from declnet.runs.storage.folder import locked

    executor = options.executor()
    with locked(run):
        group = open_group(run, options.registry)
        if minutes is not None:
            group.note(minutes=minutes)
        if group.file.tasks is not None and group.is_predictor and group.status == "finished":
            from declnet.runs.many.callbacks import finish_group

            finish_group(group)
            print_line("all of these runs are finished; nothing to resume", err=True)
            return 0
        return train_group(group, options, executor)
