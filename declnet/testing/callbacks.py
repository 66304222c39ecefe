"""What a callback promises: to follow any run, and to continue in one that is resumed.

The run is only played: its metrics are such as a history has, and nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.callback import Callback, EpochFinished, EpochLogged
from declnet.components.context import RunContext
from declnet.components.metric import Better
from declnet.components.plain import NotPlainError, from_plain, to_plain
from declnet.components.returned import checked_monitors
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.trial import Setting, Trial
from declnet.testing.trial_checks import USED_ONCE
from declnet.training.metrics import VALIDATION, directions

EPOCHS = 60
"""Of the run; it learns for a sixth of them, and then gets slowly worse."""

LEARNING = EPOCHS // 6

CUTS = (1, 4, LEARNING + 2, EPOCHS // 2)
"""After how many epochs a run is killed and resumed."""

LOST = 2
"""Epochs after the checkpoint that are followed a second time."""


class PlayedModel:
    """A model whose only parameter counts the epochs, so that epochs can be told apart."""

    def __init__(self) -> None:
        self.count = np.zeros(1)

    def parameters(self) -> dict[str, Array]:
        """Return a copy of the count."""
        return {"layer.count": self.count.copy()}

    def load_parameters(self, saved: Mapping[str, Array]) -> None:
        """Put a count back."""
        self.count[...] = saved["layer.count"]

    def predict(self, x: Any) -> Array:
        """Return the same for all samples."""
        return np.full((len(x), 1), 0.5)


@dataclass
class PlayedRun:
    """The run as the callback sees it (`declnet.Run`).

    Attributes:
        directions: which values of each metric are better.
        now: the epoch that the callback follows; -1 before the first one.
        asked: what the callback asked for: the epoch, the method, and its arguments in words.
    """

    directory: Path | None
    directions: Mapping[str, Better | None]
    name: str = "played"
    epochs: int = EPOCHS
    model: PlayedModel = field(default_factory=PlayedModel)
    now: int = -1
    scale: float = 1.0
    stopped: bool = False
    asked: list[tuple[int, str, str]] = field(default_factory=list)

    def better(self, name: str) -> Better | None:
        """Return which values of a metric are better."""
        return self.directions.get(name.removeprefix(VALIDATION))

    def stop(self, reason: str) -> None:
        """Note it."""
        self.stopped = True
        self._note("stop", reason)

    def scale_learning_rate(self, factor: float) -> None:
        """Note it, and scale the rates that come."""
        self.scale *= factor
        self._note("scale_learning_rate", factor)

    def restore_parameters(self, parameters: Mapping[str, Array] | None) -> None:
        """Note it."""
        self._note("restore_parameters", parameters if parameters is None else dict(parameters))

    def save_checkpoint(self, best: bool = False) -> None:
        """Note it."""
        self._note("save_checkpoint", best)

    def save_checkpoints(self, **plan: Any) -> None:
        """Note it."""
        self._note("save_checkpoints", plan)

    def _note(self, method: str, what: Any) -> None:
        self.asked.append((self.now, method, repr(what)))


class PlayedCallback:
    """A callback that follows a played run; any part of it, from a start or what was saved.

    Args:
        subject: the callback.
        directory: of the run, or None.
        log_every: how many epochs there are to one that is logged.
    """

    def __init__(self, subject: Subject, directory: Path | None, log_every: int = 1) -> None:
        self.callback: Callback = subject.instance
        self._log_every = log_every
        metrics = (entry.component for entry in subject.registry.entries("metric"))
        known = {cls.type: cls.better for cls in metrics}
        self.run = PlayedRun(directory, {**known, **directions(())})
        with calling("monitors"):
            monitored = checked_monitors(self.callback, self.callback.monitors())
        self._monitored = {name for name in monitored if not name.startswith(VALIDATION)}
        self._validated = {name.removeprefix(VALIDATION) for name in monitored} - self._monitored
        self._names = {*known, "data_loss", "regularization_loss", *self._monitored, "loss"}
        self.state: Any = None

    def start(self) -> None:
        """Begin."""
        with calling("start"):
            self.state = self.callback.start(self.run)

    def restore(self, saved: dict[str, Any], scale: float) -> None:
        """Continue from what was saved, when the learning rate had been scaled so."""
        self.run.scale = scale
        with calling("restore"):
            self.state = self.callback.restore(self.run, saved)

    def save(self) -> dict[str, Any] | None:
        """Return what is read again of what the callback saves."""
        with calling("save"):
            saved, arrays = self.callback.save(self.state), dict[str, Array]()
        if saved is None:
            return None
        try:
            read: Any = from_plain(to_plain(saved, arrays, "what it saves"), arrays)
        except NotPlainError as error:
            raise CheckFailed(f"save gives what no file holds: {error}") from None
        if not isinstance(read, dict):
            raise CheckFailed(f"save gives {type(saved).__name__}; it must be a dict, or None")
        return read

    def follow(self, epochs: range) -> PlayedCallback:
        """Follow epochs, unless the callback has stopped the run; return this.

        Raises:
            CheckFailed: it raised, or changed the metrics of an epoch.
        """
        for number in epochs:
            if self.run.stopped:
                break
            self.run.now, self.run.model.count[...] = number, number
            logged = (number + 1) % self._log_every == 0
            epoch = self._epoch(number, logged)
            before = epoch.row()
            with calling(f"after_epoch for epoch {number}"):
                self.callback.after_epoch(self.state, epoch)
            if isinstance(epoch, EpochLogged):
                with calling(f"epoch_finished for epoch {number}"):
                    self.callback.epoch_finished(self.state, epoch)
            if epoch.row() != before:
                message = "it changes the metrics of an epoch; make a dict of your own"
                raise CheckFailed(message, message)
        return self

    def finish(self, error: BaseException | None = None) -> None:
        """End the run, well or with an error."""
        with calling("finished" if error is None else "failed"):
            if error is None:
                self.callback.finished(self.state, {"train": {"loss": 0.5}, "test": {"loss": 0.6}})
            else:
                self.callback.failed(self.state, error)

    def _epoch(self, number: int, logged: bool) -> EpochFinished:
        names = (self._names, self._names) if logged else (self._monitored, self._validated)
        kind = EpochLogged if logged else EpochFinished
        metrics, validation = (
            {name: self._value(name, number, noise) for name in sorted(each)}
            for noise, each in enumerate(names)
        )
        return kind(number, 0.1 * self.run.scale, metrics, validation)

    def _value(self, name: str, epoch: int, noise: int) -> float:
        """A metric that gets better while the model learns, and then worse."""
        worse = 0.01 * max(0, epoch - LEARNING) + 0.001 * noise
        loss = 1.0 - 0.5 * min(epoch, LEARNING) / LEARNING + worse
        return 1 - loss if self.run.better(name) == "higher" else loss


@contextmanager
def played(subject: Subject, folder: bool = True, log_every: int = 1) -> Iterator[PlayedCallback]:
    """Give a callback in a run that has begun, with a folder of its own or without one.

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
        callback = PlayedCallback(subject, Path(directory) if folder else None, log_every)
        callback.start()
        yield callback


def try_callback(subject: Subject, setting: Setting) -> Trial:  # noqa: ARG001
    """Play a whole run; what the callback asked for, and when."""
    asked = _whole(subject).run.asked
    return Trial(
        {
            f"the epochs in which it calls run.{method}": np.array(
                [epoch for epoch, other, _ in asked if other == method]
            )
            for method in sorted({method for _, method, _ in asked})
        }
    )


@check
def names_what_it_monitors(subject: Subject) -> None:
    """Names by `monitors` the metrics that `after_epoch` reads, which alone are computed."""
    with played(subject, log_every=EPOCHS + 1) as callback:
        callback.follow(range(EPOCHS)).finish()


@check
def follows_a_run(subject: Subject) -> None:
    """Follows a run to its end or its failure, with a folder or without, and changes no metrics."""
    for folder in (True, False):
        for error in (None, KeyboardInterrupt(), ValueError("the run failed")):
            with played(subject, folder) as callback:
                callback.follow(range(EPOCHS)).finish(error)


@check
def keeps_runs_apart(subject: Subject) -> None:
    """Holds no state itself: two runs with the same instance do not disturb each other."""
    with played(subject) as first, played(subject) as second:
        for number in range(EPOCHS):
            first.follow(range(number, number + 1))
            if number >= EPOCHS // 3:
                second.follow(range(number - EPOCHS // 3, number - EPOCHS // 3 + 1))
        first.finish()
        second.finish()
    alone = _whole(subject)
    if first.run.asked != alone.run.asked:
        raise CheckFailed(
            f"it asks for {_in_words(first)} if another run goes on beside, but for "
            f"{_in_words(alone)} alone; keep what changes in the state that start gives"
        )


@check
def saves_plain_values(subject: Subject) -> None:
    """Saves a dict of JSON values and arrays, or nothing, after any epoch."""
    with played(subject) as callback:
        callback.save()
        for number in range(EPOCHS):
            callback.follow(range(number, number + 1)).save()
        callback.finish()


@check
def continues_when_resumed(subject: Subject) -> None:
    """Asks for the same in a run that was killed and resumed as in one that was not."""
    whole = _whole(subject)
    for cut in CUTS:
        with played(subject) as killed:
            killed.follow(range(cut))
            saved, scale = killed.save(), killed.run.scale
            before = [each for each in killed.run.asked if each[0] < cut]
            if killed.run.stopped:
                killed.finish()
                continue
            killed.follow(range(cut, cut + LOST))
            resumed = PlayedCallback(subject, killed.run.directory)
            if saved is None:
                resumed.run.scale = scale
                resumed.start()
            else:
                resumed.restore(saved, scale)
            resumed.follow(range(cut, EPOCHS)).finish()
        found = before + [each for each in resumed.run.asked if each[0] >= cut]
        if found != whole.run.asked:
            raise CheckFailed(
                f"in a run that is resumed after {cut} epochs it asks for {_in_words(resumed)}, "
                f"but for {_in_words(whole)} in one that was not stopped; save what it must "
                "remember in save(), and take it up again in restore()"
            )
        if _plans(resumed) != _plans(whole):
            raise CheckFailed(
                "restore does not call run.save_checkpoints as start does; the plan is not saved"
            )


CHECKS = (
    names_what_it_monitors,
    follows_a_run,
    *USED_ONCE,
    keeps_runs_apart,
    saves_plain_values,
    continues_when_resumed,
)


def _whole(subject: Subject) -> PlayedCallback:
    with played(subject) as callback:
        callback.follow(range(EPOCHS)).finish()
    return callback


def _plans(callback: PlayedCallback) -> list[tuple[str, str]]:
    return [each[1:] for each in callback.run.asked if each[0] < 0]


def _in_words(callback: PlayedCallback) -> str:
    asked = [f"{method} in epoch {epoch}" for epoch, method, _ in callback.run.asked if epoch >= 0]
    shown = ", ".join(asked[:4]) + (", …" if len(asked) > 4 else "")
    return shown or "nothing"
