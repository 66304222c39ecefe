"""How a command that trains ends: the metric that counts, and the commands that may follow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from declnet.cli.display.streams import print_line
from declnet.cli.display.terminal import print_wrapped
from declnet.cli.plugin_commands import CommandGroup
from declnet.data.preparing.windows import Windows
from declnet.display.tables import format_metric, format_number, format_spread
from declnet.display.words import counted
from declnet.runs.display.result_tables import compared
from declnet.runs.many.series import RunSeries, spread
from declnet.runs.ranking import TO_REPORT, main_metric
from declnet.runs.storage.documents import Baseline
from declnet.training.metrics import directions

if TYPE_CHECKING:
    from declnet.runs.many.group import Group
    from declnet.runs.result import RunResult
    from declnet.spec.model import RunSpec

AFTER_A_SWEEP = ("report RUN", "compare RUN", "runs RUN --all")
AFTER_A_STUDY = ("run RUN/best.toml", "report RUN", "compare RUN")
MOST_COMMANDS = 3
"""Maximum number of commands that are printed."""


def after_a_model(spec: RunSpec) -> tuple[str, ...]:
    """Return the commands that may follow the training of a model, with `RUN` for its folder."""
    windows = Windows.from_spec(spec.data)
    forecasts = windows is not None and {*windows.spec.known} <= {windows.time}
    predict = "predict RUN" if forecasts else "predict RUN INPUT"
    return "report RUN", predict, "serve RUN", "evaluate RUN"


def print_next(path: Path, commands: Sequence[str]) -> None:
    """Print the first of some commands that can be used, for a folder in place of `RUN`."""
    context = click.get_current_context(silent=True)
    root = context.find_root() if context is not None else None
    if root is None or not isinstance(root.command, CommandGroup):
        return
    group = root.command
    usable = (command for command in commands if group.is_usable(root, command.split()[0]))
    for number, command in enumerate(islice(usable, MOST_COMMANDS)):
        start = " " * 6 if number else "next: "
        print_line(f"{start}declnet {command.replace('RUN', quote(str(path)))}", wrap=False)


def print_judged(result: RunResult) -> None:
    """Print the task's main metric next to the same metric of simple predictions."""
    known = [(data, name) for data, values in result.metrics.items() for name in values]
    metric = main_metric(known, directions(result.spec.heads), TO_REPORT)
    simple = compared(metric[0], result.baselines, result.references) if metric is not None else []
    if metric is not None and simple:
        data, name = metric
        value = _number(result.metrics[data][name])
        print_wrapped(f"{data} {name}: {value}{_beside(simple, name)}")


def print_judged_group(group: Group, all_series: Sequence[RunSeries]) -> None:
    """Print the main metric of models used as one, its spread, and the constant baseline.

    Args:
        group: the folder of folds, seeds or members, all of which have finished.
        all_series: the runs of each spec.

    Raises:
        DeclnetError: as `Group.evaluations` does.
    """
    by_runs = all_series[0].metrics() if len(all_series) == 1 else {}
    better = directions(group.specs()[0].heads)
    if group.file.kind == "seeds" and not group.has_folds:
        metric = main_metric(by_runs, better, TO_REPORT)
        if metric is not None:
            manifest = group.runs[0].manifest
            simple = compared(metric[0], manifest.baseline, manifest.references)
            value = _spread_over(group, by_runs[metric])
            print_wrapped(f"{' '.join(metric)}: {value}{_beside(simple, metric[1])}")
        return
    together = group.evaluations[-1]
    data = together.data if together.data in TO_REPORT else "validation"  # out of fold
    metric = main_metric([(data, name) for name in together.metrics], better, TO_REPORT)
    if metric is not None:
        name, values = metric[1], by_runs.get(metric, [])
        constant = {"": together.baseline} if together.baseline is not None else {}
        simple = compared("", constant, {"": together.references})
        value, beside = _number(together.metrics[name]), _beside(simple, name)
        single = f"; single runs: {_spread_over(group, values)}" if len(values) > 1 else ""
        print_wrapped(f"{together.data} {name}: {value}{beside}{single}")


def _spread_over(group: Group, values: Sequence[float]) -> str:
    """Return the mean and standard deviation of a metric over runs, e.g. `0.93 ± 0.01`."""
    over = spread(values)
    several_seeds = group.has_folds and len(group.seeds) > 1
    runs = counted(len(values), "run" if several_seeds else group.file.kind[:-1])
    return f"{format_spread(over.mean, over.standard_deviation)} over {runs}"


def _beside(simple: Sequence[Baseline], name: str) -> str:
    """Return a metric of simple predictions; empty if none has it."""
    values = [
        f"{_number(baseline.metrics[name])} ({baseline.prediction_for(name)})"
        for baseline in simple
        if name in baseline.metrics
    ]
    return f", baseline {', '.join(values)}" if values else ""


def _number(value: float) -> str:
    """Return a metric as in log lines, but without the decimal places of large numbers."""
    return format_metric(value) if abs(value) >= 1000 else format_number(value)
