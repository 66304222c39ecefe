"""Checks on callbacks: they can follow any run, and continue in one that is resumed.

The run is only simulated: its metrics look like a real history, but nothing is trained.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np

import declnet
from declnet import Callback, EpochFinished, EpochLogged, Layer, Model, Run, RunContext
from declnet.testing import checking
from declnet.testing.checking import Subject, called, calling, check, require, skip_unless
from declnet.testing.checks import common
from declnet.testing.harness import model_of_parameters
from declnet.testing.trial import USUAL, Setting, Trial, read_only, tried

VALIDATION = "validation_"
"""The prefix of validation metrics in the history."""

EPOCHS, UPDATES = 60, 2
"""Epochs of the run, and updates in each; it improves for a sixth, then slowly gets worse."""

LEARNING = EPOCHS // 6

LOSSES = ("loss", "data_loss", "regularization_loss")
"""The columns of the history that every run has."""

REQUESTS = {name for name in vars(Run) if inspect.isfunction(vars(Run)[name])} - {"better"}
"""Methods of a run by which a callback asks for something."""

READING = ("parameters", "predict", "vector", "to_vector", "from_vector")
"""Methods of a model in training that change nothing."""

METRICS = {"train": {"loss": 0.5}, "test": {"loss": 0.6}}

LOST = 2
"""The number of epochs after the checkpoint that run a second time."""

PARTS = (1, 12, 30)
"""The number of epochs after which a run is resumed."""

RUNS: tuple[tuple[bool, int, int, BaseException | None], ...] = (
    (True, 1, EPOCHS, None),
    (False, EPOCHS + 1, EPOCHS, None),
    (True, 1, EPOCHS, KeyboardInterrupt()),
    (True, 1, 0, KeyboardInterrupt()),
    (False, 1, 3, ValueError("the run failed")),
)
"""Whether a run has a folder, which epochs are logged, after how many it ends, and the error."""


class _Layer(Layer):
    """The only layer of the played model."""

    type = "played"


class _Play:
    """A callback that follows a simulated run, from the start or from what another has saved.

    `asked` has its requests: the epoch (-1 before the first), the method, the arguments in words.
    """

    def __init__(
        self, subject: Subject, directory: Path | None, log_every: int = 1, saved: Any = None
    ) -> None:
        self._subject, self._log_every, self.directory = subject, log_every, directory
        self.asked, self.epoch = list[tuple[int, str, str]](), -1
        self.scale, self.stopped = 1.0, False
        metrics = (entry.component for entry in subject.registry.entries("metric"))
        self._known = {cls.type: cls.better for cls in metrics} | dict.fromkeys(LOSSES, "lower")
        self._monitored = {*called(subject, Callback.monitors)}
        count = declnet.ParameterInfo("layer.count", (1,), "weight")
        self._model = model_of_parameters([count], "float64")
        requests = {name: partial(self._request, name) for name in (*REQUESTS, "load_parameters")}
        methods = requests | {name: getattr(self._model, name) for name in READING}
        run = SimpleNamespace(name="played", epochs=EPOCHS, directory=directory, **requests)
        run.better, run.model = self._better, SimpleNamespace(**methods)
        method, restored = ("start", ()) if saved is None else ("restore", (saved,))
        self._state = self._call(method, run, *restored)
        self._observer = called(subject, Callback.observer, self._state)

    def _request(self, method: str, *arguments: Any, **named: Any) -> None:
        """Record what the callback asks the run or the model for."""
        signature = inspect.signature(getattr(Run, method, Model.load_parameters))
        self.scale *= signature.bind(self, *arguments, **named).arguments.get("factor", 1.0)
        self.stopped |= method == "stop"
        self.asked.append((self.epoch, method, repr((arguments, named))))

    def _better(self, name: str) -> Any:
        return self._known.get(name.removeprefix(VALIDATION))

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call a method of the callback, which may only read the parameters that are trained."""
        callback, w = self._subject.instance, self._model.store.vector.copy()
        with calling(name), np.errstate(all="raise"):
            result = getattr(callback, name)(*arguments)
        if (self._model.store.vector != w).any():
            fault = f"{name} writes to the trained parameters, which it may only read"
            raise checking.CheckFailed(f"{fault}; use evaluated, or load_parameters", fault)
        return result

    def save(self) -> Any:
        """Return what the callback saves, after writing and reading it back."""
        return common.stored_again(self._subject, called(self._subject, Callback.save, self._state))

    def resumed(self) -> _Play:
        """Return the callback in a run that is resumed from here, after epochs that are lost."""
        saved, scale = self.save(), self.scale
        self.follow(*range(self.epoch + 1, self.epoch + 1 + LOST))
        for path in _paths(self.directory):  # loses what is still in buffers
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
        resumed = _Play(self._subject, self.directory, saved=saved)
        resumed.scale *= scale
        return resumed

    def follow(self, *epochs: int) -> _Play:
        """Follow epochs, unless the callback has stopped the run; return this."""
        for number in epochs:
            if self.stopped:
                break
            self.epoch = number
            for step in range(number * UPDATES + 1, (number + 1) * UPDATES + 1):
                self._model.store.vector[...] = step / UPDATES - 1
                self._call("after_update", self._state, step)
            self._call("epoch_trained", self._state, number)
            w = self._model.vector()
            evaluated = self._call("evaluated", self._state, w)
            called(self._subject, Callback.evaluated, self._state, w)  # verifies it
            if evaluated is not None:
                self.asked.append((number, "evaluated", repr(evaluated)))
            logged = (number + 1) % self._log_every == 0
            epoch = self._finished(number, logged)
            before = epoch.row()
            if logged and self._observer is not None:
                with calling(f"its observer for epoch {number}"), np.errstate(all="raise"):
                    _play_step(self._observer, number)
            self._call("after_epoch", self._state, epoch)
            if logged:
                self._call("epoch_finished", self._state, epoch)
            if epoch.row() != before:
                fault = "it changes the metrics of an epoch"
                raise checking.CheckFailed(f"{fault}; make a dict of your own", fault)
        return self

    def finish(self, error: BaseException | None = None) -> None:
        """End the run, by an error or none."""
        if error is not None:
            self._call("failed", self._state, error)
            return
        self._call("training_ended", self._state)
        self._call("finished", self._state, METRICS)
        if self.directory is not None:
            self._call("found_finished", self.directory, METRICS)

    def _finished(self, number: int, logged: bool) -> EpochFinished:
        """Return an epoch with all metrics if it is logged, else with those it monitors."""
        names = {*self._monitored}
        if logged:
            names |= {prefix + name for name in self._known for prefix in ("", VALIDATION)}
        values = {name: self._value(name, number) for name in sorted(names)}
        validated = {name for name in names if name.startswith(VALIDATION)}
        metrics = {name: values[name] for name in values if name not in validated}
        validation = {name.removeprefix(VALIDATION): values[name] for name in sorted(validated)}
        kind = EpochLogged if logged else EpochFinished
        return kind(number, 0.1 * self.scale, metrics, validation)

    def _value(self, name: str, epoch: int) -> float:
        """Return a metric that improves while the model learns, then gets worse."""
        worse = 0.01 * max(0, epoch - LEARNING) + 0.001 * name.startswith(VALIDATION)
        loss = 1.0 - 0.5 * min(epoch, LEARNING) / LEARNING + worse
        return 1 - loss if self._better(name) == "higher" else loss


def _play_step(observer: declnet.StepObserver, epoch: int) -> None:
    """Show an observer a step of a layer whose parameters shrink, as in `EPOCHS` epochs."""
    rng, layer = np.random.default_rng(epoch), _Layer()
    x, y, dy = (read_only(rng.normal(size=(8, 3))) for _ in range(3))
    before, after = (
        {"layer.count": read_only(np.full((3, 3), 1 - 0.001 * at))} for at in (epoch, epoch + 1)
    )
    observer.begin(epoch, epoch + 1, x)
    observer.forward("layer", layer, y)
    observer.losses(y, dy, read_only(np.square(y - dy).mean(axis=1)), "")
    observer.backward("layer", layer, dy)
    observer.gradients(before, {"layer.count": read_only(x.T @ dy / 8)})
    observer.updated(before, after, 0.1)


@contextmanager
def _played(subject: Subject, folder: bool = True, log_every: int = 1) -> Iterator[_Play]:
    """Yield a callback in a run that has started, with or without a folder.

    Raises CheckSkipped if it works outside the folder, or its own check says it cannot run here.
    """
    skip_unless(not subject.instance.works_outside, "it works outside the run's folder")
    with calling("check, for an empty RunContext,"):
        problems = list(subject.instance.check(RunContext()))
    for problem in problems:
        skip_unless(not problem.code.startswith("E"), problem.message)
    with TemporaryDirectory() as directory:
        yield _Play(subject, Path(directory) if folder else None, log_every)


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Simulate a whole run, a resumed one, or two; return the callback's requests over time."""
    with _played(subject) as play, _played(subject) as other:
        earlier, killed = list[tuple[int, str, str]](), list[_Play]()
        for epoch in range(EPOCHS):
            play.follow(epoch)
            if setting.beside and epoch >= LEARNING:
                other.follow(epoch - LEARNING)
            if setting.restored == epoch + 1 and not play.stopped:
                earlier = [request for request in play.asked if request[0] >= 0]
                killed.append(play)
                play = play.resumed()  # noqa: PLW2901
        play.finish()
        other.finish()
        files = {path.name: path.read_bytes() for path in _paths(play.directory)}
        for ended in killed:  # which ends its threads, as the end of a process does
            ended.finish(KeyboardInterrupt())
    subject.once(("files", setting), lambda: files)
    asked = sorted([*earlier, *play.asked], key=lambda request: request[0])
    words = [f"{method}{arguments} in epoch {now}" for now, method, arguments in asked]
    return Trial({"what it asks the run for": np.array([*words, "no more"], object)})


def _files(subject: Subject, **changes: int) -> dict[str, bytes]:
    """Return the files that it writes in a run."""
    setting = USUAL.but(**changes)
    tried(subject, setting)
    return subject.once(("files", setting), dict)


def _paths(directory: Path | None) -> list[Path]:
    return [] if directory is None else [path for path in directory.rglob("*") if path.is_file()]


def _lines(content: bytes) -> int:
    return 0 if b"\0" in content else content.count(b"\n")


@check
def follows_a_run(subject: Subject) -> None:
    """Follows a run to its end or failure, whatever is logged or written; leaves no file open."""
    for folder, log_every, epochs, error in RUNS:
        with _played(subject, folder, log_every) as play:
            play.follow(*range(epochs)).finish(error)
            links = [os.path.realpath(link) for link in Path("/proc/self/fd").glob("*")]  # Linux
            for path in _paths(play.directory):
                method = "finished" if error is None else "failed"
                fault = f"it leaves {path.name} open; close it in {method} too"
                require(os.path.realpath(path) not in links, fault)


@check
def writes_each_epoch_once(subject: Subject) -> None:
    """Leaves the same files in a run that was resumed, for which some epochs are repeated."""
    first, again = _files(subject), _files(subject, use=1)
    for part in PARTS:
        resumed = _files(subject, restored=part)
        for name in first.keys() & again.keys():
            content = bytes if first[name] == again[name] else _lines  # it has e.g. the time
            fault = f"{name} has other content in a run that is resumed after epoch {part - 1}, as"
            advice = "the next epochs are repeated; save its length, and truncate it in restore"
            is_same = content(resumed.get(name, b"")) == content(first[name])
            require(is_same, f"{fault} {advice}")


@check
def declares_its_selection(subject: Subject) -> None:
    """Declares `selects_epoch` if it restores parameters and monitors the validation data."""
    monitored = called(subject, Callback.monitors)
    if not any(name.startswith(VALIDATION) for name in monitored):
        return
    with _played(subject) as play:
        play.follow(*range(EPOCHS)).finish(KeyboardInterrupt())
        selects = any(method == "restore_parameters" for _, method, _ in play.asked)
    fault = "after_epoch restores parameters by the validation data, so what these data are "
    fault += "predicted with out of fold is too good"
    require(subject.instance.selects_epoch or not selects, f"{fault}; set selects_epoch = True")


_OTHERS = (*common.USED_ONCE, common.keeps_uses_apart, common.continues_when_restored)
CHECKS = (follows_a_run, *_OTHERS, writes_each_epoch_once, declares_its_selection)
