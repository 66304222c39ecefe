"""One callback in a run that is only played: figures as a history has them, nothing trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from declnet.components.arrays import Array
from declnet.components.callback import Callback, EpochLogged
from declnet.components.context import RunContext
from declnet.testing.failures import CheckFailed, CheckSkipped, calling
from declnet.testing.settings import Setting
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial

EPOCHS = 60
"""Of the run; it learns for a sixth of them, and then gets slowly worse."""

LEARNING = EPOCHS // 6
RATE = 0.1
METRICS = {"train": {"loss": 0.5}, "test": {"loss": 0.6}}


class PlayedModel:
    """A model whose only parameter counts the epochs, so that epochs can be told apart."""

    def __init__(self) -> None:
        self.count = np.zeros(1)

    def parameters(self) -> dict[str, Array]:
        """A copy of the count."""
        return {"layer.count": self.count.copy()}

    def load_parameters(self, saved: Mapping[str, Array]) -> None:
        """Puts a count back."""
        self.count[...] = saved["layer.count"]

    def predict(self, x: Any) -> Array:
        """The same for all samples."""
        return np.full((len(x), 1), 0.5)


@dataclass
class PlayedRun:
    """The run as the callback sees it (`declnet.Run`).

    Attributes:
        now: the epoch that the callback is told of; -1 before the first one.
        asked: what the callback asked for: the epoch, the method, and its arguments in words.
    """

    directory: Path | None
    name: str = "played"
    epochs: int = EPOCHS
    model: PlayedModel = field(default_factory=PlayedModel)
    now: int = -1
    scale: float = 1.0
    stopped: bool = False
    asked: list[tuple[int, str, str]] = field(default_factory=list)

    def better(self, name: str) -> Literal["higher", "lower"] | None:
        """Losses are better if they are lower."""
        return "lower" if name.endswith("loss") else None

    def stop(self, reason: str) -> None:
        """Notes it."""
        self.stopped = True
        self._note("stop", reason)

    def scale_learning_rate(self, factor: float) -> None:
        """Notes it, and scales the rates that come."""
        self.scale *= factor
        self._note("scale_learning_rate", factor)

    def restore_parameters(self, parameters: Mapping[str, Array] | None) -> None:
        """Notes it."""
        known = parameters if parameters is None else dict(parameters)
        self._note("restore_parameters", known)

    def save_checkpoint(self, best: bool = False) -> None:
        """Notes it."""
        self._note("save_checkpoint", best)

    def save_checkpoints(self, **plan: Any) -> None:
        """Notes it."""
        self._note("save_checkpoints", plan)

    def _note(self, method: str, what: Any) -> None:
        self.asked.append((self.now, method, repr(what)))


class CallbackBench:
    """A callback that follows a played run; any part of it, from a start or what was saved."""

    def __init__(self, subject: Subject, directory: Path | None) -> None:
        self.callback: Callback = subject.instance
        self.run = PlayedRun(directory)
        self._metrics = tuple(subject.registry.types("metric"))
        self.state: Any = None

    def start(self) -> None:
        """Begins."""
        with calling("start"):
            self.state = self.callback.start(self.run)

    def restore(self, saved: dict[str, Any], scale: float) -> None:
        """Goes on from what was saved, when the learning rate had been scaled so."""
        self.run.scale = scale
        with calling("restore"):
            self.state = self.callback.restore(self.run, saved)

    def save(self) -> dict[str, Any] | None:
        """What the callback wants kept."""
        with calling("save"):
            return self.callback.save(self.state)

    def epoch(self, number: int) -> None:
        """Tells the callback of an epoch, unless it has stopped the run.

        Raises:
            CheckFailed: it raised, or changed what it was told.
        """
        if self.run.stopped:
            return
        figures, validation = self._figures(number, 0), self._figures(number, 1)
        epoch = EpochLogged(number, RATE * self.run.scale, figures, validation)
        before = epoch.row()
        self.run.now, self.run.model.count[...] = number, number
        with calling(f"epoch_finished for epoch {number}"):
            self.callback.epoch_finished(self.state, epoch)
        if epoch.row() != before:
            raise CheckFailed("it changes the figures of an epoch; make a dict of your own")

    def finish(self, error: BaseException | None = None) -> None:
        """Ends the run, well or with an error."""
        with calling("finished" if error is None else "failed"):
            if error is None:
                self.callback.finished(self.state, METRICS)
            else:
                self.callback.failed(self.state, error)

    def _figures(self, epoch: int, noise: int) -> dict[str, float]:
        """Losses fall and metrics rise while the model learns."""
        worse = 0.01 * max(0, epoch - LEARNING) + 0.001 * noise
        gain = min(epoch, LEARNING) / LEARNING
        losses = {"loss": 1.0 - 0.5 * gain + worse, "data_loss": 0.9 - 0.5 * gain + worse}
        metrics = {
            name: losses["loss"] if "error" in name else 1 - losses["loss"]
            for name in self._metrics
        }
        return {**losses, "regularization_loss": 0.1, **metrics}


@contextmanager
def bench(subject: Subject, folder: bool = True) -> Iterator[CallbackBench]:
    """A bench with a folder of its own, or without one.

    Raises:
        CheckSkipped: it works outside the folder, or its own check says that it cannot work here.
    """
    if subject.instance.works_outside:
        raise CheckSkipped("it works outside the run's folder")
    with calling("check, for an empty RunContext,"):
        findings = list(subject.instance.check(RunContext()))
    for finding in findings:
        if finding.code.startswith("E"):
            raise CheckSkipped(finding.message)
    with TemporaryDirectory() as directory:
        yield CallbackBench(subject, Path(directory) if folder else None)


def try_callback(subject: Subject, setting: Setting) -> Trial:  # noqa: ARG001
    """A whole run; what the callback asked for, and when."""
    with bench(subject) as played:
        played.start()
        for number in range(EPOCHS):
            played.epoch(number)
        played.finish()
    methods = sorted({method for _, method, _ in played.run.asked})
    return Trial(
        {
            f"the epochs in which it calls run.{method}": np.array(
                [epoch for epoch, asked, _ in played.run.asked if asked == method]
            )
            for method in methods
        }
    )
