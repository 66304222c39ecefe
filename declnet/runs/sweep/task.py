"""One run of a sweep: what is to be trained and where to, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from declnet.components.callback import EpochFinished
from declnet.errors import DeclnetError
from declnet.registry.registry import Registry
from declnet.runs.run import run
from declnet.spec.model import RunSpec
from declnet.training.events import Event

Progress = Callable[[float], None]
"""Called with the share of a run that is done, from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Task:
    """A run that is to be made.

    Attributes:
        spec: with the run's own seed.
        directory: new or empty.
    """

    spec: RunSpec
    directory: Path

    def outcome(
        self,
        metrics: dict[str, dict[str, float]] | None = None,
        seconds: float | None = None,
        error: str | None = None,
    ) -> Outcome:
        """What came of it."""
        spec = self.spec
        return Outcome(
            spec.name, spec.seed, self.directory, metrics or {}, seconds, error, spec.data.fold
        )


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes:
        metrics: of the finished model by data set, as in `metrics.json`; empty of a failed run.
        seconds: as in the manifest; None of a failed run.
        error: why it failed, or None.
        fold: the one that the spec chose, counted from 1, or None.
    """

    name: str
    seed: int
    directory: Path
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float | None = None
    error: str | None = None
    fold: int | None = None

    @property
    def label(self) -> str:
        """What messages call the run."""
        fold = f", fold {self.fold}" if self.fold is not None else ""
        return f"{self.name}, seed {self.seed}{fold}"

    @property
    def status(self) -> Literal["finished", "failed"]:
        """As the manifest has it."""
        return "finished" if self.error is None else "failed"


def carry_out(task: Task, registry: Registry, progress: Progress) -> Outcome:
    """Makes the run; one that declnet can explain as failed is an outcome and no exception."""
    epochs = task.spec.training.epochs

    def listener(event: Event) -> None:
        done = event.epoch + 1 if isinstance(event, EpochFinished) else event.epochs_done
        progress(done / epochs)

    try:
        result = run(task.spec, out=task.directory, listener=listener, registry=registry)
    except DeclnetError as error:
        return task.outcome(error=str(error))
    return task.outcome(result.metrics, round(result.seconds, 3))
