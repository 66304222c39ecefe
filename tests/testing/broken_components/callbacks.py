"""Callbacks that break their contract."""

from typing import ClassVar

from declnet import Callback, StepObserver

from ..right.others import LastMean, Patience, Plateau, Sum
from .expected import caught_by

_seen: list[float] = []


@caught_by("follows_a_run")
class NeedsAFolder(Plateau):
    """Notes its start in the run's folder, whether there is one or not."""

    def start(self, run):
        (run.directory / "note.txt").write_text("started")
        return Patience(run)


@caught_by("follows_a_run")
class RoundsMetrics(Plateau):
    """Rounds the loss for everything that reads it later."""

    def epoch_finished(self, state, epoch):
        epoch.metrics["loss"] = round(epoch.metrics["loss"], 1)
        super().epoch_finished(state, epoch)


class _Scales(StepObserver):
    def forward(self, name, layer, y):
        y *= 0.5


@caught_by("follows_a_run")
class ChangesOutputs(Plateau):
    """Observes steps, and changes what it sees."""

    def observer(self, state):
        return _Scales()


@caught_by("keeps_uses_apart")
class BestOfAllRuns(Plateau):
    """Stops by the losses of all runs of the process."""

    def start(self, run):
        _seen.clear()
        return super().start(run)

    def epoch_finished(self, state, epoch):
        _seen.append(epoch.metrics["loss"])
        if len(_seen) == 30:
            state.run.stop("seen enough")


@caught_by("keeps_nothing_on_itself")
class CountsOnTheClass(Plateau):
    """Counts the epochs of all runs on the class."""

    epochs: ClassVar[int] = 0

    def epoch_finished(self, state, epoch):
        type(self).epochs += 1


@caught_by("saves_plain_values")
class SavesTheRun(Plateau):
    """Saves the run, which no file can store."""

    def save(self, state):
        return {"run": state.run, "best": state.best}


@caught_by("continues_when_restored")
class SavesNothing(Plateau):
    """Remembers much and saves nothing."""

    def save(self, state):
        return None


@caught_by("continues_when_restored")
class RestoresTheBestAlone(Plateau):
    """Forgets how long it has waited."""

    def restore(self, run, saved):
        return Patience(run, saved["best"])


@caught_by("continues_when_restored")
class ForgetsItsPlan(Callback):
    """Asks for checkpoints when it is started alone."""

    type = "forgets_its_plan"

    def start(self, run):
        run.save_checkpoints(every_epochs=5)
        return {}


@caught_by("continues_when_restored")
class ForgetsTheSum(LastMean):
    """Averages only the updates after it was restored."""

    def restore(self, run, saved):
        return Sum(run, run.model.vector() * 0)


@caught_by("names_what_it_monitors")  # the first check that follows updates
class AveragesInPlace(LastMean):
    """Sets the parameters that are being trained to their mean."""

    def after_update(self, state, step):
        super().after_update(state, step)
        state.run.model.vector()[...] = state.sum / state.count


@caught_by("names_what_it_monitors")
class MonitorsByAString(Plateau):
    """Names one metric by a string, which is a collection of letters."""

    def monitors(self):
        return "loss"


@caught_by("names_what_it_monitors")
class ReadsMore(Plateau):
    """A callback that reads an undeclared metric after every epoch."""

    def monitors(self):
        return ("validation_loss",)

    def after_epoch(self, state, epoch):
        state.best = min(state.best, epoch.metric("loss"))
