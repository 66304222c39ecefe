"""The runs of a sweep, or of folds or seeds: what each is to do, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from declnet.contracts.runs.callback import EpochFinished
from declnet.data.splits import Data
from declnet.errors import DeclnetError, OutputError
from declnet.registry.registry import Registry
from declnet.runs.resuming import has_begun, resume
from declnet.runs.run import run
from declnet.runs.session import StopWhen
from declnet.runs.storage.folder import claim, claim_numbered
from declnet.spec.model import RunSpec, fold_specs
from declnet.training.trainer import Event

Progress = Callable[[float], None]
"""Called with the completed fraction of a run, from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Task:
    """A run to execute.

    Attributes:
        spec: the spec, with the run's own seed.
        directory: the output folder, new or empty.
        resumes: whether the folder may hold what an earlier process did of the run.
        allow_changes: as for `resume`.
        stop_when: as for `run`; called in the process that gives out the tasks.
        data: data sets by name, used instead of the spec's; only in this process.
    """

    spec: RunSpec
    directory: Path
    resumes: bool = False
    allow_changes: bool = False
    stop_when: StopWhen | None = None
    data: Mapping[str, Data] | None = None

    def outcome(
        self,
        metrics: dict[str, dict[str, float]] | None = None,
        seconds: float | None = None,
        error: str | None = None,
        stopped: str | None = None,
    ) -> Outcome:
        """Return the outcome of this task."""
        spec, fold = self.spec, self.spec.data.fold
        found = metrics or {}
        return Outcome(spec.name, spec.seed, self.directory, found, seconds, error, fold, stopped)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task.

    Attributes:
        metrics: metrics of the finished model by data set, as in `metrics.json`; empty for a
            failed run.
        seconds: duration as in the manifest; None for a failed run.
        error: why the run failed, or None.
        fold: the fold selected by the spec, counted from 1, or None.
        stopped: why the training ended early, or None.
    """

    name: str
    seed: int
    directory: Path
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float | None = None
    error: str | None = None
    fold: int | None = None
    stopped: str | None = None

    @property
    def label(self) -> str:
        """The name used for the run in messages."""
        fold = f", fold {self.fold}" if self.fold is not None else ""
        return f"{self.name}, seed {self.seed}{fold}"

    @property
    def status(self) -> Literal["finished", "failed"]:
        """The run's status as in the manifest."""
        return "finished" if self.error is None else "failed"


def carry_out(task: Task, registry: Registry, progress: Progress) -> Outcome:
    """Execute the run; return a failure that declnet can explain as an outcome."""
    epochs = task.spec.training.most_epochs or 1

    def listener(event: Event) -> None:
        nonlocal epochs
        if isinstance(event, EpochFinished):
            done: float = event.epoch + 1
        else:
            done, epochs = event.epochs_done, event.epochs
        progress(done / epochs)

    try:
        if task.resumes and has_begun(task.directory):
            result = resume(
                task.directory,
                task.data,
                allow_changes=task.allow_changes,
                listener=listener,
                registry=registry,
                stop_when=task.stop_when,
            )
        else:
            result = run(
                task.spec,
                task.data,
                out=task.directory,
                listener=listener,
                registry=registry,
                stop_when=task.stop_when,
            )
    except DeclnetError as error:
        return task.outcome(error=str(error))
    return task.outcome(result.metrics, round(result.seconds, 3), stopped=result.stopped)


def claim_parent(out: Path | None, runs: Path, name: str) -> Path:
    """Create the folder for all runs: `out`, new or empty, or `<runs>/<name>-<number>`.

    Raises:
        OutputError: `out` is not empty.
        RunError: the folder cannot be created.
    """
    return claim(out) if out is not None else claim_numbered(runs, name)


def tasks_of(spec: RunSpec, seeds: Sequence[int] | None, parent: Path) -> list[Task]:
    """Return a task for each seed and each of the spec's folds.

    Args:
        spec: the spec, which may have folds without selecting one.
        seeds: the seeds; None uses the spec's own.
        parent: the folder that contains `seed-<seed>`, `fold-<fold>` or `seed-<seed>/fold-<fold>`.
    """
    tasks = []
    for seed in [spec.seed] if seeds is None else seeds:
        seeded = spec.model_copy(update={"seed": seed})
        folder = parent if seeds is None else parent / f"seed-{seed}"
        if spec.data.is_cross_validation:
            tasks += [Task(each, folder / f"fold-{each.data.fold}") for each in fold_specs(seeded)]
        else:
            tasks.append(Task(seeded, folder))
    return tasks


def check_names(specs: Sequence[tuple[Path, RunSpec]]) -> None:
    """Reject specs with the same name, whose runs would go to the same folder.

    Raises:
        OutputError: two specs have the same name, ignoring case.
    """
    files: dict[str, Path] = {}
    for file, spec in specs:
        other = files.setdefault(spec.name.lower(), file)
        if other is not file:
            message = f'{other} and {file} are both called "{spec.name}"'
            raise OutputError(f"{message}; rename one, since their runs would share a folder")
