"""Right components that change parameters."""

from math import cos, pi
from pathlib import Path

import numpy as np
from pydantic import Field

from declnet import (
    Callback,
    Diagnostic,
    Initializer,
    LearningRate,
    Optimizer,
    Regularizer,
    Schedule,
)


class Decoupled(Optimizer):
    """w -= learning_rate * momentum + shrink_decay * w, momentum = momentum / 2 + dw."""

    type = "decoupled"

    learning_rate: LearningRate = 0.1
    shrink_decay: float = Field(default=1e-4, ge=0, description="share of w that goes each step")

    def state_names(self):
        return ("momentum",)

    def update(self, w, dw, state, learning_rate, step):
        np.multiply(state.momentum, 0.5, out=state.momentum)
        np.add(state.momentum, dw, out=state.momentum)
        w -= learning_rate * state.momentum + self.shrink_decay * w


class Signs(Optimizer):
    """w -= learning_rate * sign(dw)."""

    type = "sign_descent"

    learning_rate: LearningRate = 0.01

    def update(self, w, dw, state, learning_rate, step):
        np.sign(dw, out=dw)
        np.multiply(dw, learning_rate, out=dw)
        np.subtract(w, dw, out=w)


class Waves(Schedule):
    """rate = highest * (1 + cos(pi * step / period)) / 2, after a warm-up."""

    type = "waves"
    examples = ({"highest": 0.1, "period": 100}, {"highest": 1.0, "period": 7, "warm_up": 10})

    highest: float = Field(ge=0, description="the highest rate")
    period: int = Field(ge=1, description="steps from highest to lowest")
    warm_up: int = Field(default=0, ge=0, description="steps of a linear rise before")

    def rate(self, step, total):
        if step <= self.warm_up:
            return self.highest * step / self.warm_up
        return self.highest * (1 + cos(pi * (step - self.warm_up) / self.period)) / 2


class Ramp(Schedule):
    """rate = highest * (1 - step / total): 0 at the last step."""

    type = "ramp"

    highest: float = Field(default=0.1, ge=0, description="the highest rate")

    def rate(self, step, total):
        return self.highest * (1 - step / total)


class Orthogonal(Initializer):
    """w with orthonormal rows or columns; matrices and filters only."""

    type = "orthogonal_like"

    def fill(self, w, rng, fan_in, fan_out):
        if w.ndim < 2:
            raise ValueError("orthogonal parameters have at least two axes")
        rows = w.shape[0]
        draws = rng.normal(size=(rows, w.size // rows))
        tall = draws if draws.shape[0] >= draws.shape[1] else draws.T
        q, _ = np.linalg.qr(tall)
        w[...] = (q if tall is draws else q.T).reshape(w.shape)


class Huber(Regularizer):
    """penalty = sum sqrt(w**2 + delta**2) - delta."""

    type = "huber_like"

    delta: float = Field(default=0.1, gt=0, description="width of the round bottom")

    def check(self, context):
        if self.delta < 1:
            yield Diagnostic("a narrow bottom", "widen it", path=("delta",), code="W060")
        if context.last is not None:
            yield Diagnostic("the run is known", code="W060")

    def penalty(self, w):
        return float(np.sum(np.sqrt(w**2 + self.delta**2) - self.delta))

    def add_gradient(self, w, dw):
        dw += w / np.sqrt(w**2 + self.delta**2)


class Notebook(Callback):
    """A callback with a list of losses in its saved dict, which reports the folder at the end."""

    type = "notebook"

    def start(self, run):
        return {"losses": [], "folder": None if run.directory is None else str(run.directory)}

    def epoch_finished(self, state, epoch):
        state["losses"].append(epoch.metrics["loss"])

    def finished(self, state, metrics):
        if state["folder"] is not None:
            (Path(state["folder"]) / "notes.txt").write_text(repr(state["losses"]))


class Watchman(Callback):
    """Stops where a monitored loss has not fallen for three epochs, logged or not."""

    type = "watchman"
    examples = ({}, {"monitor": "loss"})

    monitor: str = Field(default="validation_loss", description="what is watched")

    def start(self, run):
        return {"best": None, "waited": 0, "run": None}, run

    def save(self, state):
        return state[0]

    def restore(self, run, saved):
        return saved, run

    def monitors(self):
        return (self.monitor,)

    def after_epoch(self, state, epoch):
        known, run = state
        loss = epoch.metric(self.monitor)
        better = known["best"] is None or loss < known["best"]
        known["best"], known["waited"] = (
            (loss, 0) if better else (known["best"], known["waited"] + 1)
        )
        if known["waited"] == 3:
            run.stop("no progress")


class Bell(Callback):
    """Stops in a certain epoch; remembers nothing but the run, so nothing is saved."""

    type = "bell"
    examples = ({"epoch": 7},)

    epoch: int = Field(ge=0, description="the last one")

    def epoch_finished(self, state, epoch):
        if epoch.epoch == self.epoch:
            state.stop("the bell rings")


RIGHT = (Decoupled, Signs, Waves, Ramp, Orthogonal, Huber, Notebook, Watchman, Bell)
