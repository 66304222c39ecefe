"""Callbacks with one defect each."""

import threading
import time
from dataclasses import dataclass
from typing import Any

from declnet import Array, Callback, Run


@dataclass
class Shrinkage:
    """What the callback knows of its run."""

    run: Run
    vector: Array


class Shrink(Callback):
    """It makes the read-only parameter vector writable and writes to it."""

    type = "shrink"

    def start(self, run):
        return Shrinkage(run, run.model.vector())

    def after_update(self, state, step):
        state.vector.flags.writeable = True
        state.vector *= 0.999
        state.vector.flags.writeable = False


class Heartbeat(Callback):
    """It starts a thread that never ends."""

    type = "heartbeat"

    def start(self, run):
        threading.Thread(target=self.beat, daemon=True).start()
        return {}

    def beat(self):
        while True:
            time.sleep(0.2)


@dataclass
class Mean:
    """The mean of the parameters after each epoch, by name."""

    run: Run
    mean: dict[str, Array]
    count: int = 0


class MeanOfEpochs(Callback):
    """It saves arrays that it later changes in place, instead of copies."""

    type = "mean_of_epochs"

    def start(self, run):
        return Mean(run, run.model.parameters())

    def save(self, state):
        return {"mean": state.mean, "count": state.count}

    def restore(self, run, saved):
        return Mean(
            run, {name: array.copy() for name, array in saved["mean"].items()}, saved["count"]
        )

    def after_epoch(self, state, epoch):
        state.count += 1
        for name, now in state.run.model.parameters().items():
            state.mean[name] += (now - state.mean[name]) / state.count

    def training_ended(self, state):
        state.run.restore_parameters(state.mean, f"the mean of {state.count} epochs")


@dataclass
class Lines:
    """What the callback knows of its run."""

    run: Run
    written: int = 0


class LossFile(Callback):
    """A resumed run appends to its file, which then has repeated epochs twice."""

    type = "loss_file"

    def start(self, run):
        if run.directory is not None:
            (run.directory / "losses.txt").write_text("")
        return Lines(run)

    def save(self, state):
        return {"written": state.written}

    def restore(self, run, saved: dict[str, Any]):
        return Lines(run, saved["written"])

    def epoch_finished(self, state, epoch):
        state.written += 1
        if state.run.directory is not None:
            with (state.run.directory / "losses.txt").open("a") as file:
                file.write(f"{epoch.epoch} {epoch.metrics['loss']}\n")


DEFECTS = (("A", Shrink), ("A", Heartbeat), ("B", MeanOfEpochs), ("B", LossFile))
