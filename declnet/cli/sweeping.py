"""What `declnet run --seeds` and `declnet sweep` have in common: they train and write summaries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from declnet.registry.registry import Registry
    from declnet.runs.sweep.series import Series
    from declnet.runs.sweep.task import Outcome, Task

SUMMARY = "summary.json"


def train_all(
    tasks: Sequence[Task],
    *,
    registry: Registry,
    disabled: Sequence[str],
    jobs: int,
    quiet: bool,
) -> list[Outcome]:
    """Trains all tasks; what fails is told on stderr and costs the others nothing.

    Returns:
        The outcomes in the order of the tasks.
    """
    from declnet.report.sweep_progress import sweep_followed
    from declnet.runs.sweep.workers import at_once, one_after_another

    found: dict[Path, Outcome] = {}
    with sweep_followed(tasks, quiet=quiet) as followed:
        if jobs > 1:
            outcomes = at_once(tasks, jobs, disabled, followed.progress)
        else:
            outcomes = one_after_another(tasks, registry, followed.progress)
        for outcome in outcomes:
            followed.finished(outcome)
            found[outcome.directory] = outcome
    return [found[task.directory] for task in tasks]


def write_summary(directory: Path, content: object) -> None:
    """Writes `summary.json`.

    Raises:
        RunError: it cannot be written.
    """
    from declnet.errors import RunError
    from declnet.runs.writing import write_json

    try:
        write_json(directory / SUMMARY, content)
    except OSError as error:
        raise RunError(f"{directory / SUMMARY}: cannot be written: {error.strerror}") from None


def status_of(all_series: Sequence[Series]) -> int:
    """The exit code: 1 if a run failed."""
    return int(any(len(each.finished) < len(each.outcomes) for each in all_series))


def tell_folder(seconds: float, directory: Path) -> None:
    """The last line, as that of a single run."""
    click.echo(f"{seconds:.2f} s, {directory}")
