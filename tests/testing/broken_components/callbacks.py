"""Callbacks that break their contract."""

from dataclasses import dataclass
from typing import Any, ClassVar

from declnet import Callback, Run

_seen: list[float] = []


@dataclass
class Patience:
    """What a plateau knows."""

    run: Run
    best: float = float("inf")
    waited: int = 0


class Plateau(Callback):
    """Stops after 9 epochs without a smaller loss; right, the others spoil it."""

    type = "plateau"

    def start(self, run):
        return Patience(run)

    def save(self, state) -> Any:
        return {"best": state.best, "waited": state.waited}

    def restore(self, run, saved):
        return Patience(run, saved["best"], saved["waited"])

    def epoch_finished(self, state, epoch):
        loss = epoch.metrics["loss"]
        state.waited = 0 if loss < state.best else state.waited + 1
        state.best = min(loss, state.best)
        if state.waited == 9:
            state.run.stop("a plateau")


class NeedsAFolder(Plateau):
    """Notes its start in the run's folder, whether there is one or not."""

    type = "needs_a_folder"

    def start(self, run):
        (run.directory / "note.txt").write_text("started")
        return Patience(run)


class RoundsFigures(Plateau):
    """Rounds the loss for everybody."""

    type = "rounds_figures"

    def epoch_finished(self, state, epoch):
        epoch.metrics["loss"] = round(epoch.metrics["loss"], 1)
        super().epoch_finished(state, epoch)


class BestOfAllRuns(Plateau):
    """Stops by the losses of all runs of the process."""

    type = "best_of_all_runs"

    def start(self, run):
        _seen.clear()
        return super().start(run)

    def epoch_finished(self, state, epoch):
        _seen.append(epoch.metrics["loss"])
        if len(_seen) == 30:
            state.run.stop("seen enough")


class CountsOnTheClass(Plateau):
    """Counts the epochs of all runs on the class."""

    type = "counts_epochs_on_the_class"
    epochs: ClassVar[int] = 0

    def epoch_finished(self, state, epoch):
        type(self).epochs += 1


class SavesTheRun(Plateau):
    """Saves the run, which no file holds."""

    type = "saves_the_run"

    def save(self, state):
        return {"run": state.run, "best": state.best}


class SavesNothing(Plateau):
    """Remembers much and saves nothing."""

    type = "saves_nothing"

    def save(self, state):
        return None


class RestoresTheBestAlone(Plateau):
    """Forgets how long it has waited."""

    type = "restores_the_best_alone"

    def restore(self, run, saved):
        return Patience(run, saved["best"])


class ForgetsItsPlan(Callback):
    """Asks for checkpoints when it is started alone."""

    type = "forgets_its_plan"

    def start(self, run):
        run.save_checkpoints(every_epochs=5)
        return {}


class MonitorsByAString(Plateau):
    """Names one metric by a string, which is a collection of letters."""

    type = "monitors_by_a_string"

    def monitors(self):
        return "loss"


class ReadsMore(Plateau):
    """A callback that reads an undeclared metric after every epoch."""

    type = "reads_more"

    def monitors(self):
        return ("validation_loss",)

    def after_epoch(self, state, epoch):
        state.best = min(state.best, epoch.metric("loss"))


WRONG = {
    NeedsAFolder: "follows_a_run",
    RoundsFigures: "follows_a_run",
    BestOfAllRuns: "keeps_uses_apart",
    CountsOnTheClass: "keeps_nothing_on_itself",
    SavesTheRun: "saves_plain_values",
    SavesNothing: "continues_when_restored",
    RestoresTheBestAlone: "continues_when_restored",
    ForgetsItsPlan: "continues_when_restored",
    MonitorsByAString: "names_what_it_monitors",
    ReadsMore: "names_what_it_monitors",
}
