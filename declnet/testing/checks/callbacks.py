"""Checks on callbacks: they can follow any run, and continue in one that is resumed.

The run is only simulated: its metrics look like a real history, but nothing is trained.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from declnet import (
    Callback,
    EpochFinished,
    EpochLogged,
    Layer,
    Model,
    ParameterInfo,
    Run,
    RunContext,
    StepObserver,
)
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, called, calling, check
from declnet.testing.checks.common import (
    USED_ONCE,
    continues_when_restored,
    keeps_uses_apart,
    stored_again,
)
from declnet.testing.harness import model_of_parameters
from declnet.testing.trial import Setting, Trial, read_only

VALIDATION = "validation_"
"""The prefix of validation metrics in the history."""

EPOCHS = 60
"""Epochs of the run; it improves for a sixth of them, then slowly gets worse."""

UPDATES = 2
"""Updates in each epoch."""

LEARNING = EPOCHS // 6

REQUESTS = ("warn", "stop", "restore_parameters", "save_checkpoint", "save_checkpoints")
"""Methods of a run by which a callback asks for something, besides `scale_learning_rate`."""

LOSSES = ("loss", "data_loss", "regularization_loss")
"""The columns of the history that every run has."""

LOST = 2
"""The number of epochs after the checkpoint that run a second time."""


def _counting_model() -> Model:
    """Return a model whose only parameter counts the epochs, to distinguish them."""
    return model_of_parameters([ParameterInfo("layer.count", (1,), "weight")], "float64")


class _PlayedRun:
    """The run as the callback sees it (`declnet.Run`), which records the callback's requests.

    `asked` has the epoch (-1 before the first one), the method, and its arguments in words.
    """

    def __init__(self, directory: Path | None, metrics: Mapping[str, str | None]) -> None:
        self.directory, self._metrics, self.model = directory, metrics, _counting_model()
        self.name, self.epochs, self.now, self.scale = "played", EPOCHS, -1, 1.0
        self.asked: list[tuple[int, str, str]] = []

    @property
    def stopped(self) -> bool:
        return any(method == "stop" for _, method, _ in self.asked)

    def better(self, name: str) -> str | None:
        return self._metrics.get(name.removeprefix(VALIDATION))

    def scale_learning_rate(self, factor: float) -> None:
        self.scale *= factor
        self.asked.append((self.now, "scale_learning_rate", repr(factor)))

    def __getattr__(self, method: str) -> Callable[..., None]:
        if method not in REQUESTS:
            raise AttributeError(f"a run has no {method}")

        def note(*arguments: Any, **named: Any) -> None:
            inspect.signature(getattr(Run, method)).bind(self, *arguments, **named)
            self.asked.append((self.now, method, repr((arguments, named))))

        return note


class _PlayedLayer(Layer):
    """The only layer of the played model."""

    type = "played"


def play_step(observer: StepObserver, epoch: int) -> None:
    """Show an observer a step of a layer whose parameters shrink, as in `EPOCHS` epochs."""
    rng, layer = np.random.default_rng(epoch), _PlayedLayer()
    x, y, dy = (read_only(rng.normal(size=(8, 3))) for _ in range(3))
    before, after = (
        read_only(np.full((3, 3), 1 - 0.001 * number)) for number in (epoch, epoch + 1)
    )
    with np.errstate(all="raise"):
        observer.begin(epoch, epoch + 1, x)
        observer.forward("layer", layer, y)
        observer.losses(y, dy, read_only(np.square(y - dy).mean(axis=1)), "")
        observer.backward("layer", layer, dy)
        observer.gradients({"layer.count": before}, {"layer.count": read_only(x.T @ dy / 8)})
        observer.updated({"layer.count": before}, {"layer.count": after}, 0.1)


class _PlayedCallback:
    """A callback that follows a simulated run, or part of one, from the start or a saved state."""

    def __init__(self, subject: Subject, directory: Path | None, log_every: int = 1) -> None:
        self.callback: Callback = subject.instance
        self._subject, self._log_every = subject, log_every
        metrics = (entry.component for entry in subject.registry.entries("metric"))
        known = {cls.type: cls.better for cls in metrics} | dict.fromkeys(LOSSES, "lower")
        self.run: Any = _PlayedRun(directory, known)
        monitored = called(subject, Callback.monitors)
        validated = {name for name in monitored if name.startswith(VALIDATION)}
        self._monitored = set(monitored) - validated
        self._validated = {name.removeprefix(VALIDATION) for name in validated}
        self._names = {*known, *self._monitored, *self._validated}
        self.state: Any = None
        self._observer: StepObserver | None = None

    def start(self) -> None:
        with calling("start"):
            self.state = self.callback.start(self.run)
        self._observe()

    def _observe(self) -> None:
        self._observer = called(self._subject, Callback.observer, self.state)

    def resumed(self) -> _PlayedCallback:
        """Return the callback in a run that is resumed from here, after epochs that are lost."""
        saved, other = self.save(), _PlayedCallback(self._subject, self.run.directory)
        other.run.scale = self.run.scale
        self.follow(*range(self.run.now + 1, self.run.now + 1 + LOST))
        if saved is None:
            other.start()
        else:
            with calling("restore"):
                other.state = self.callback.restore(other.run, saved)
            other._observe()
        return other

    def save(self) -> dict[str, Any] | None:
        """Return what the callback saves, after writing and reading it back."""
        with calling("save"):
            saved = self.callback.save(self.state)
        if saved is None:
            return None
        read: Any = stored_again(saved)
        if not isinstance(read, dict):
            raise CheckFailed(f"save gives {type(saved).__name__}; it must be a dict, or None")
        return read

    def follow(self, *epochs: int) -> _PlayedCallback:
        """Follow epochs, unless the callback has stopped the run; return this."""
        for number in epochs:
            if self.run.stopped:
                break
            self.run.now = number
            for update in range(UPDATES):
                step = number * UPDATES + update + 1
                self.run.model.store.vector[...] = step / UPDATES - 1
                with calling(f"after_update for step {step}"), np.errstate(all="raise"):
                    self.callback.after_update(self.state, step)
            with calling(f"epoch_trained for epoch {number}"):
                self.callback.epoch_trained(self.state, number)
            w = self.run.model.vector()
            evaluated = called(self._subject, Callback.evaluated, self.state, w)
            if evaluated is not None:
                self.run.asked.append((number, "evaluated", repr(evaluated)))
            logged = (number + 1) % self._log_every == 0
            epoch = self._epoch(number, logged)
            before = epoch.row()
            if logged and self._observer is not None:
                with calling(f"its observer for epoch {number}"):
                    play_step(self._observer, number)
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
        if error is None:
            with calling("training_ended"):
                self.callback.training_ended(self.state)
        with calling("finished" if error is None else "failed"):
            if error is None:
                self.callback.finished(self.state, {"train": {"loss": 0.5}, "test": {"loss": 0.6}})
            else:
                self.callback.failed(self.state, error)

    def _epoch(self, number: int, logged: bool) -> EpochFinished:
        names = (self._names, self._names) if logged else (self._monitored, self._validated)
        kind = EpochLogged if logged else EpochFinished
        metrics, validation = (
            {name: self._value(name, number, noise) for name in sorted(group)}
            for noise, group in enumerate(names)
        )
        return kind(number, 0.1 * self.run.scale, metrics, validation)

    def _value(self, name: str, epoch: int, noise: int) -> float:
        """Return a metric that improves while the model learns, then gets worse."""
        worse = 0.01 * max(0, epoch - LEARNING) + 0.001 * noise
        loss = 1.0 - 0.5 * min(epoch, LEARNING) / LEARNING + worse
        return 1 - loss if self.run.better(name) == "higher" else loss


@contextmanager
def _played(subject: Subject, folder: bool = True, log_every: int = 1) -> Iterator[_PlayedCallback]:
    """Yield a callback in a run that has started, with or without a folder.

    Raises CheckSkipped if it works outside the folder, or its own check says it cannot run here.
    """
    if subject.instance.works_outside:
        raise CheckSkipped("it works outside the run's folder")
    with calling("check, for an empty RunContext,"):
        findings = list(subject.instance.check(RunContext()))
    for finding in findings:
        if finding.code.startswith("E"):
            raise CheckSkipped(finding.message)
    with TemporaryDirectory() as directory:
        callback = _PlayedCallback(subject, Path(directory) if folder else None, log_every)
        callback.start()
        yield callback


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Simulate a whole run, a resumed one, or two; return the callback's requests over time."""
    with _played(subject) as callback, _played(subject) as other:
        earlier, killed = list[tuple[int, str, str]](), list[_PlayedCallback]()
        for epoch in range(EPOCHS):
            callback.follow(epoch)
            if setting.beside and epoch >= LEARNING:
                other.follow(epoch - LEARNING)
            if setting.restored == epoch + 1 and not callback.run.stopped:
                earlier = [request for request in callback.run.asked if request[0] >= 0]
                killed.append(callback)
                callback = callback.resumed()  # noqa: PLW2901
        callback.finish()
        other.finish()
        for ended in killed:  # which ends its threads, as the end of a process does
            ended.finish(KeyboardInterrupt())
    asked = sorted([*earlier, *callback.run.asked], key=lambda request: request[0])
    words = [f"{method}{arguments} in epoch {now}" for now, method, arguments in asked]
    return Trial({"what it asks the run for": np.array([*words, "no more"], object)})


@check
def names_what_it_monitors(subject: Subject) -> None:
    """Names by `monitors` the metrics that `after_epoch` reads, which alone are computed."""
    with _played(subject, log_every=EPOCHS + 1) as callback:
        callback.follow(*range(EPOCHS)).finish()


@check
def follows_a_run(subject: Subject) -> None:
    """Follows a run to its end or its failure, with a folder or without, and changes no metrics."""
    for folder in (True, False):
        for error in (None, KeyboardInterrupt(), ValueError("the run failed")):
            with _played(subject, folder) as callback:
                callback.follow(*range(EPOCHS)).finish(error)


@check
def saves_plain_values(subject: Subject) -> None:
    """Saves a dict of JSON values and arrays, or nothing, after any epoch."""
    with _played(subject) as callback:
        callback.save()
        for number in range(EPOCHS):
            callback.follow(number).save()
        callback.finish()


CHECKS = (
    names_what_it_monitors,
    follows_a_run,
    *USED_ONCE,
    saves_plain_values,
    keeps_uses_apart,
    continues_when_restored,
)
