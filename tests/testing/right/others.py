"""Correct components that are neither layers nor losses."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from declnet import (
    Callback,
    ColumnError,
    DataInfo,
    Dataset,
    DataSource,
    Diagnostic,
    InputInfo,
    Kernel,
    KernelCalls,
    LearningRate,
    Metric,
    Optimizer,
    Regularizer,
    Run,
    Schedule,
    Scheduled,
    Sequences,
    TableSource,
    Transform,
)

from .layers import Doubled
from .losses import Squared


class Offset(Regularizer):
    """penalty = 0."""

    type = "offset"

    def penalty(self, w):
        return 0.0

    def add_gradient(self, w, dw):
        pass


class Squares(Regularizer):
    """penalty = strength * sum w**2."""

    type = "squares"
    examples = ({"strength": 0.1},)

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w):
        return self.strength * float(np.sum(w * w))

    def add_gradient(self, w, dw):
        np.add(dw, 2 * self.strength * w, out=dw)


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


class Descent(Optimizer):
    """w -= learning_rate * dw."""

    type = "descent"

    learning_rate: LearningRate = 0.1

    def update(self, w, dw, state, learning_rate, step):
        np.multiply(dw, learning_rate, out=dw)
        np.subtract(w, dw, out=w)


class Averaged(Descent):
    """w -= learning_rate * dw; the mean of all w is evaluated."""

    type = "averaged"

    def state_names(self):
        return ("ahead",)  # w - mean

    def update(self, w, dw, state, learning_rate, step):
        np.multiply(dw, learning_rate, out=dw)
        np.subtract(w, dw, out=w)
        np.subtract(state.ahead, dw, out=state.ahead)
        np.multiply(state.ahead, 1 - 1 / (step + 1), out=state.ahead)

    def evaluated(self, w, state):
        return w - state.ahead


class Smoothed(Descent):
    """w -= learning_rate * (the exponential moving average of dw)."""

    type = "smoothed"

    def state_names(self):
        return ("mean",)

    def update(self, w, dw, state, learning_rate, step):
        np.add(state.mean, 0.1 * (dw - state.mean), out=state.mean)
        np.subtract(w, learning_rate / (1 - 0.9**step) * state.mean, out=w)


class Shrinking(Descent):
    """w -= learning_rate * (dw + shrink * w), with a scheduled shrink."""

    type = "shrinking"

    shrink: Annotated[float | Schedule, Scheduled(ge=0, lt=1)] = Field(0.01, description="of w")

    def update(self, w, dw, state, learning_rate, step):
        np.multiply(w, 1 - learning_rate * state.now.shrink, out=w)
        super().update(w, dw, state, learning_rate, step)


class ShrinkingKernel(Kernel):
    """The same, in one expression."""

    type = "shrinking_fast"
    replaces = (Shrinking,)
    reads_schedules = True

    def bind(self, site):
        return KernelCalls(update=(partial(self.update, site),))

    def update(self, site):
        rate = site.rate.item()
        site.w[...] = (1 - rate * self.shrink(site)) * site.w - rate * site.dw

    def shrink(self, site):
        return site.state.now.shrink


@dataclass
class Patience:
    """The state of a plateau."""

    run: Run
    best: float = float("inf")
    waited: int = 0


@dataclass
class Sum:
    """The sum of the parameters after each update, flat."""

    run: Any
    sum: Any
    count: int = 0


class Plateau(Callback):
    """Stops after 9 epochs without a smaller loss."""

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


class LastMean(Callback):
    """The mean of the parameters after all updates is evaluated."""

    type = "last_mean"

    def start(self, run):
        return Sum(run, run.model.vector() * 0)

    def save(self, state) -> Any:
        return {"sum": state.run.model.from_vector(state.sum), "count": state.count}

    def restore(self, run, saved):
        return Sum(run, run.model.to_vector(saved["sum"]), saved["count"])

    def after_update(self, state, step):
        state.sum += state.run.model.vector()
        state.count += 1

    def evaluated(self, state, w):
        return state.sum / state.count if state.count else None


class MeanError(Metric):
    """The mean of |y_pred - y_true|."""

    type = "mean_error"

    def start(self):
        return [0.0, 0]

    def update(self, state, y_pred, y_true):
        state[0] += float(np.abs(y_pred - y_true.reshape(y_pred.shape)).sum())
        state[1] += y_pred.size

    def result(self, state):
        return state[0] / state[1] if state[1] else float("nan")


class Points(DataSource):
    """Thirty random points of three classes."""

    type = "points"

    def describe(self):
        return DataInfo((2,), "float", "classes", (), 3, 30)

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 2)), np.arange(30) % 3)


class Songs(DataSource):
    """Two inputs of different shape and type."""

    type = "songs"

    def describe(self):
        inputs = {"notes": InputInfo((5,), "integer"), "tempo": InputInfo(())}
        return DataInfo((), "float", "classes", (), 2, 30, inputs=inputs)

    def load(self, rng):
        x = {"notes": rng.integers(0, 12, (30, 5)), "tempo": rng.normal(size=30)}
        return Dataset(x, np.arange(30) % 2)


class Flowers(TableSource):
    """A table of numbers and text, with gaps."""

    type = "flowers"

    target: str | None = Field(default="kind", description="the column to predict")

    def read(self):
        sizes, kinds = np.arange(30.0), np.array(["rose", "tulip", None] * 10, object)
        sizes[3] = np.nan
        yield {"size": sizes, "kind": kinds}


class Center(Transform):
    """y = x - mean."""

    type = "center"

    def suits(self, column):
        return column.dtype.kind in "fi" and column.ndim == 1

    def fit(self, x):
        self.require(x)
        if np.isnan(x.astype(float)).all():
            raise ColumnError("is empty")
        return {"mean": float(np.nanmean(x))}

    def apply(self, x, state):
        self.require(x)
        return x - state["mean"]

    def require(self, x):
        if x.dtype.kind not in "fiu" or x.ndim != 1:
            raise ColumnError("is not a column of numbers")


class Third(Center):
    """Whether a number is below, near or above the mean: 0, 1 or 2."""

    type = "third"

    def apply(self, x, state):
        self.require(x)
        if np.isnan(x).any():
            raise ColumnError("is missing", int(np.argmax(np.isnan(x))))
        return 1 + np.sign(np.rint((x - state["mean"]) / 4)).astype(int)

    def levels(self, state):
        return 3


class Letters(Transform):
    """The code of each letter of a text, as a float; padded with -1."""

    type = "letters"

    def suits(self, column):
        return column.dtype.kind == "O"

    def fit(self, x):
        return {"length": max(map(len, self.texts(x)))}

    def apply(self, x, state):
        texts = self.texts(x)
        lengths = np.array([min(len(text), state["length"]) for text in texts], int)
        values = np.full((len(x), state["length"]), -1.0)
        for row, text in enumerate(texts):
            values[row, : lengths[row]] = [ord(letter) for letter in text[: state["length"]]]
        return Sequences(values, lengths)

    def texts(self, x):
        if x.dtype.kind != "O":
            raise ColumnError("is not text")
        if (x == None).any():  # noqa: E711  # elementwise
            raise ColumnError("is missing", int(np.argmax(x == None)))  # noqa: E711
        return x.tolist()

    def verify_state(self, state):
        if type(state["length"]) is not int:
            raise ValueError("the length is not an integer")


class Jitter(Transform):
    """Adds noise to each batch of the training data."""

    type = "jitter"
    training_only = True

    def suits(self, column):
        return column.dtype.kind == "f"

    def vary(self, x, rng):
        x += rng.normal(0, 0.1, x.shape)


class SquaresKernel(Kernel):
    """dw += 2 * strength * w."""

    type = "squares"
    replaces = (Squares,)

    def bind(self, site):
        (component,) = site.components
        return KernelCalls(backward=(partial(self.add, component.strength, site.w, site.dw),))

    def add(self, strength, w, dw):
        np.add(dw, 2 * strength * w, out=dw)


class DoubledSquared(Kernel):
    """y = 2 * x, losses = mean (y - y_true)**2."""

    type = "doubled_squared"
    replaces = (Doubled, Squared)

    def bind(self, site):
        forward = (partial(self.fill, site),)
        if site.dx is None:
            return KernelCalls(forward)
        return KernelCalls(forward, (partial(self.fill_back, site), site.weigh(site.dx)))

    def fill(self, site):
        np.multiply(site.x, 2, out=site.y)
        site.components[1].forward(site.y, site.y_true, site.losses)

    def fill_back(self, site):
        np.subtract(site.y, site.y_true, out=site.dx)
        np.multiply(site.dx, 4 * len(site.dx) / site.dx.size, out=site.dx)
