"""Training a group of runs for a command: its progress, and the tables of its results."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from shlex import quote

from declnet.cli.display import conclusion
from declnet.cli.display.conclusion import print_judged_group
from declnet.cli.display.progress import SweepFollower
from declnet.cli.display.result_tables import print_series, print_together
from declnet.cli.display.streams import print_json, print_line
from declnet.cli.display.study_display import StudyFollower, print_study
from declnet.cli.display.terminal import print_table
from declnet.cli.options import TrainOptions, share_data
from declnet.contracts.runs.executor import Executor
from declnet.contracts.runs.plan import Outcome, Task
from declnet.display.tables import ResultTable
from declnet.errors import DeclnetError
from declnet.runs.display.group_tables import (
    MOST_RANKED,
    members_table,
    ranking_table,
    sweep_tables,
)
from declnet.runs.display.series_tables import points_table
from declnet.runs.many.beginning import begun_group
from declnet.runs.many.group import Group, open_group
from declnet.runs.many.group_file import GroupFile, KnownSpecs
from declnet.runs.many.series import series_of
from declnet.runs.many.study import STUDY_SUMMARY
from declnet.runs.many.training import Training
from declnet.runs.storage.folder import locked

Drawing = Callable[[Path], object]
"""Draws the sweep in a folder."""


def train_new_group(
    file: GroupFile,
    specs: KnownSpecs | None,
    options: TrainOptions,
    *,
    label: str | None = None,
    draw: Drawing | None = None,
) -> int:
    """Begin a group in its folder, train it, print its results, and return the exit code.

    Args:
        file: the content of the group's file.
        specs: as for `begun_group`.
        options: the options of the command.
        label: as for `begun_group`.
        draw: draws a sweep, after its tables.
    """
    executor = options.executor()
    with begun_group(
        options.out or Path("runs"),
        file,
        options.registry,
        specs=specs,
        label=label,
        numbered=options.out is None,
        shard=options.shard,
    ) as group:
        return train_group(group, options, executor, draw=draw)


def train_group(
    group: Group,
    options: TrainOptions,
    executor: Executor | None,
    *,
    draw: Drawing | None = None,
) -> int:
    """Train what is left of a group, print its results, and return the exit code.

    Args:
        group: the group, whose folder this process has locked.
        options: the options of the command.
        executor: where to train; None for this machine.
        draw: draws a sweep, after its tables.
    """
    start = time.perf_counter()
    share_data()
    training = Training(group, disabled=options.disabled, allow_changes=options.allow_changes)
    jobs, form = options.jobs, options.form
    is_study = group.file.kind == "study"
    if training.tasks == ():
        print_line(f"this shard has no runs: {group.path}")
        return 0
    following = _follow_study if is_study else _follow_runs
    with closing(training):
        try:
            following(
                training,
                lambda: training.train(executor, (jobs or 1) if is_study else jobs),
                quiet=options.quiet or form == "json",
            )
        except KeyboardInterrupt as error:
            what = "the study" if is_study else "all runs"
            error.add_note(f"to continue {what}: declnet resume {quote(str(group.path))}")
            raise
    if is_study:
        for why in dict.fromkeys(training.warnings):
            print_line(f"warning: {why}", err=True)
        status = show_study(group, form)
    else:
        as_one = group.is_predictor and not training.warnings
        outcomes = training.outcomes()
        status = show_runs(group, outcomes, jobs=training.jobs, draw=draw, as_one=as_one)
        for why in training.warnings:
            print_line(f"warning: {why}", err=True)
        if as_one:
            _show_as_one(group, outcomes)
        if group.status == "running" and group.file.minutes is not None:
            command = f"declnet resume {quote(str(group.path))} --minutes N"
            count = f"{training.left:.0f} of {len(group.tasks)} runs"
            left = f"{count} are left after {group.file.minutes:g} min"
            print_line(f"{left}; to continue: {command}", wrap=False)
    if form == "text":
        print_line(f"{time.perf_counter() - start:.2f} s, {group.path}")
        has_results = not (is_study and status)
        if group.status == "finished" and has_results and not options.quiet:
            _print_next(group)
    return status


def _print_next(group: Group) -> None:
    """Print the commands that may follow."""
    if group.is_predictor:
        commands = conclusion.after_a_model(group.specs()[0])
    elif group.file.kind == "study":
        commands = conclusion.AFTER_A_STUDY
    else:
        commands = conclusion.AFTER_A_SWEEP
    conclusion.print_next(group.path, commands)


def _follow_runs(training: Training, train: Callable[[], None], *, quiet: bool) -> None:
    group, tasks, done = training.group, training.tasks, training.outcomes()
    compares = not group.is_predictor
    if done and not quiet and compares:
        of_all = f" of {len(tasks)}" if tasks is not None else ""
        print_line(f"{len(done)}{of_all} runs have finished already", err=True)

    def ranked(outcomes: Sequence[Outcome]) -> ResultTable | None:
        best, metric = group.ranked(series_of(outcomes))
        return ranking_table(best[:MOST_RANKED], metric) if metric is not None else None

    specs = [] if quiet else [group.spec_of(Task(""))] if tasks is None else group.specs()
    count = len(tasks) if tasks is not None else None
    followed = SweepFollower(
        specs, count, quiet=quiet, done=done, ranked=ranked if compares else None
    )
    training.follow, training.ended = followed.progress, followed.finished
    with followed.bar():
        train()


def _follow_study(training: Training, train: Callable[[], None], *, quiet: bool) -> None:
    runs_per_trial = training.search.runs_per_trial if training.search is not None else 1
    followed = StudyFollower(training.group, runs_per_trial, quiet=quiet)
    with followed.bar():
        known = training.trials()
        followed.add_earlier(known)
        done = sum(trial.state != "running" for trial in known)
        if done and not quiet:
            print_line(f"{done} trials have ended already", err=True)
        training.follow, training.trial_ended = followed.progress, followed.ended
        training.ended = followed.run_ended
        if not quiet:
            training.note = lambda sentence: print_line(f"note: {sentence}", err=True)
        train()


def show_runs(
    group: Group,
    outcomes: Sequence[Outcome],
    metric: str | None = None,
    *,
    ascending: bool | None = None,
    jobs: int | None = None,
    draw: Drawing | None = None,
    as_one: bool = False,
) -> int:
    """Write the summary, print the tables and draw the picture; return 1 if a run failed.

    Args:
        group: the group.
        outcomes: those of its runs.
        metric: the metric to compare by; None for that of the group.
        ascending: whether its lowest mean comes first; None for the best.
        jobs: how many runs were trained at once; None if none was trained here now.
        draw: draws a sweep, after its tables.
        as_one: whether a table of its members as one model follows.
    """
    series, best_by = group.summarize(outcomes, metric, ascending=ascending, jobs=jobs)
    metric = metric or group.file.metric
    if group.is_predictor:
        if len(series) == 1:
            print_series(series[0], group.path)
        elif group.status != "finished" or not as_one:
            print_table(points_table(series))
    elif best_by is None:
        print_line("no run finished, so there is nothing to compare", err=True)
    else:
        if metric and metric not in (best_by[1], ".".join(best_by)):
            print_line(f"note: no run has {metric}; {'.'.join(best_by)} is shown", err=True)
        for table in sweep_tables(series, best_by, group.values):
            print_table(table)
        if draw is not None:
            draw(group.path)
    return int(any(len(one.finished) < len(one.outcomes) for one in series))


def show_study(group: Group, form: str) -> int:
    """Print the summary; return 1 if no trial has finished."""
    if form == "json":
        print_json(STUDY_SUMMARY.plain(group.summary) if group.summary is not None else {})
    else:
        print_study(group)
        if group.is_predictor:
            _show_as_one(group)
    return int(group.best_trial is None)


def summarize_group(
    path: Path,
    options: TrainOptions,
    metric: str | None = None,
    *,
    ascending: bool | None = None,
    draw: Drawing | None = None,
) -> int:
    """Rebuild the summary of a sweep from the folders of its runs, or of a study."""
    group = open_group(path, options.registry)
    if group.file.kind == "study":
        with closing(Training(group, writes=False)) as training:
            training.summarize()
        return show_study(group, options.form)
    outcomes = group.outcomes()
    left = sum(outcome.error is not None for outcome in outcomes)
    if left:
        print_line(f"{left} of {len(outcomes)} runs have not finished", err=True)
    show_runs(group, outcomes, metric, ascending=ascending, draw=draw)
    if not left and group.status != "finished":  # shards that were copied together
        with locked(path):
            training = Training(group)
            training.finish()
        for why in training.warnings:
            print_line(f"warning: {why}", err=True)
    return 0


def _show_as_one(group: Group, outcomes: Sequence[Outcome] = ()) -> None:
    """Print the metrics of the models of all folds or members together, if they have finished."""
    if group.status != "finished":
        return
    try:
        if group.file.has_members:
            print_table(members_table(group))  # with the first evaluation together
            print_together(group.evaluations[1:])
        elif group.has_folds:
            print_together(group.evaluations)
        print_judged_group(group, series_of(outcomes))
    except DeclnetError as error:  # the runs themselves are as good as any
        print_line(f"warning: no metrics of all models: {error}", err=True)
