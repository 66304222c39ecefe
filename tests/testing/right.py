"""Right components that differ from all first-party ones: the kit must not raise a false alarm.

The components that the broken ones spoil are right as well.
"""

from pathlib import Path

import numpy as np
from pydantic import Field

from declnet import (
    Callback,
    DataInfo,
    Dataset,
    DataSource,
    Diagnostic,
    Layer,
    LearningRate,
    Loss,
    Metric,
    Optimizer,
    Parameter,
    Regularizer,
)

from .broken_components.callbacks import Plateau
from .broken_components.data import Centre, Flowers, Jitter, MeanError, Points
from .broken_components.declarations import Offset
from .broken_components.kernels import DoubledSquared, SquaresKernel
from .broken_components.losses import Crossentropy, Squared
from .broken_components.memory import Doubled
from .broken_components.parameters import Descent, Squares
from .broken_components.results import Noise


class Rectifier(Layer):
    """y = max(x, 0)."""

    type = "rectifier"
    backward_needs = frozenset({"y"})
    in_place = True

    def forward(self, x, y, state):
        np.maximum(x, 0, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, y > 0, out=dx)


class Product(Layer):
    """y = x[0] * x[1], of vectors only."""

    type = "product"
    backward_needs = frozenset({"x"})
    n_inputs = 2

    def output_shape(self, input_shapes):
        if len(input_shapes[0]) != 1:
            raise ValueError("product takes samples of one axis")
        return input_shapes[0]

    def forward(self, x, y, state):
        np.multiply(x[0], x[1], out=y)

    def backward(self, x, y, dy, dx, state):
        for own, other in zip(dx, reversed(x), strict=True):
            if own is not None:
                np.multiply(dy, other, out=own)


class Logarithm(Layer):
    """y = log(x), for positive x."""

    type = "logarithm"
    backward_needs = frozenset({"x"})
    in_place = True

    def forward(self, x, y, state):
        np.log(x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.divide(dy, x, out=dx)


class Largest(Layer):
    """y = the largest of each sample's numbers, of any shape: (n, *shape) to (n, 1)."""

    type = "largest"

    def output_shape(self, input_shape):
        return (1,)

    def forward(self, x, y, state):
        np.max(x, axis=tuple(range(1, x.ndim)), out=y[:, 0])

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            extra = (1,) * (x.ndim - 1)
            np.multiply(x == y.reshape(-1, *extra), dy.reshape(-1, *extra), out=dx)


class WithoutAxes(Layer):
    """y = the sum of each sample's numbers, one number a sample: (n, features) to (n,)."""

    type = "without_axes"
    backward_needs = frozenset()
    example_shapes = ((4,),)

    def output_shape(self, input_shape):
        return ()

    def forward(self, x, y, state):
        np.sum(x, axis=1, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy[:, None])


class Turned(Layer):
    """y = x with its last axis reversed, for samples in contiguous memory."""

    type = "turned"
    backward_needs = frozenset()
    memory_order = "batch_first"
    output_range = "input"
    is_linear = True

    def forward(self, x, y, state):
        np.copyto(y, x[..., ::-1])

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy[..., ::-1])


class VectorScale(Layer):
    """y = x * weights, for vectors only, which the inherited output_shape does not check."""

    type = "vector_scale"

    def parameters(self, input_shape):
        return {"weights": Parameter(input_shape, initializer="ones")}

    def forward(self, x, y, state):
        np.multiply(x, state.weights, out=y)

    def backward(self, x, y, dy, dx, state):
        np.einsum("nf,nf->f", x, dy, out=state.grad.weights)
        if dx is not None:
            np.multiply(dy, state.weights, out=dx)


class RowSquares(Loss):
    """losses = mean (y_pred - y_true)**2, for predictions of one axis."""

    type = "row_squares"

    def forward(self, y_pred, y_true, losses):
        np.mean((y_pred - y_true) ** 2, axis=1, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(y_pred, y_true, out=dy_pred)
        np.multiply(dy_pred, 2 / y_pred.shape[1], out=dy_pred)


class Counts(Loss):
    """losses = y_pred - y_true * log(y_pred), for counts, which are not negative."""

    type = "counts"

    def prepare(self, y, output_shape, dtype):
        if not (y >= 0).all() or not (y == np.floor(y)).all():
            raise ValueError("counts are whole and not negative")
        return super().prepare(y, output_shape, dtype)

    def forward(self, y_pred, y_true, losses):
        axes = tuple(range(1, y_pred.ndim))
        np.sum(y_pred - y_true * np.log(y_pred), axis=axes, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = 1 - y_true / y_pred


class Margin(Loss):
    """losses = sum max(0, 1 - y_true * y_pred), for y of -1 and 1."""

    type = "margin"

    def prepare(self, y, output_shape, dtype):
        if not np.isin(y, (-1, 1)).all():
            raise ValueError("y must be -1 or 1")
        return super().prepare(y, output_shape, dtype)

    def forward(self, y_pred, y_true, losses):
        axes = tuple(range(1, y_pred.ndim))
        np.sum(np.maximum(0, 1 - y_true * y_pred), axis=axes, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = np.where(y_true * y_pred < 1, -y_true, 0)


class SparseCrossentropy(Loss):
    """losses = -log(clip(y_pred[label])) ** power, with labels as y_true."""

    type = "sparse_crossentropy"
    targets = "classes"
    examples = ({"power": 1.0}, {"power": 2.0})

    power: float = Field(gt=0, description="exponent of each loss")

    def prepare(self, y, output_shape, dtype):
        return super().prepare(y, output_shape, dtype).argmax(axis=1)

    def forward(self, y_pred, y_true, losses):
        p = np.clip(y_pred[np.arange(len(y_true)), y_true], 1e-7, 1 - 1e-7)
        losses[...] = (-np.log(p)) ** self.power

    def backward(self, y_pred, y_true, dy_pred):
        rows = np.arange(len(y_true))
        p = np.clip(y_pred[rows, y_true], 1e-7, 1 - 1e-7)
        dy_pred.fill(0)
        dy_pred[rows, y_true] = -self.power * (-np.log(p)) ** (self.power - 1) / p


class BinaryLogits(Loss):
    """losses = sum log(1 + exp(-y_pred)) + (1 - y_true) * y_pred; predictions are probabilities."""

    type = "binary_logits"
    targets = "binary"
    takes = "logits"

    def predictions(self, y_pred):
        return np.exp(-np.logaddexp(0, -y_pred))

    def forward(self, y_pred, y_true, losses):
        each = np.logaddexp(0, -y_pred) + (1 - y_true) * y_pred
        np.sum(each, axis=tuple(range(1, y_pred.ndim)), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = np.exp(-np.logaddexp(0, -y_pred)) - y_true


class GaussianWidth(Loss):
    """losses = width + (y_true - mean)**2 / 2 / exp(2 * width), for predictions (mean, width)."""

    type = "gaussian_width"
    example_shapes = (((2,), ()), ((2,), (1,)))

    def prepare(self, y, output_shape, dtype):
        if output_shape != (2,) or y.size != len(y):
            raise ValueError("a mean and a width are needed for each number of y")
        return y.reshape(-1).astype(dtype)

    def forward(self, y_pred, y_true, losses):
        mean, width = y_pred[:, 0], np.clip(y_pred[:, 1], -10, 10)
        losses[...] = width + (y_true - mean) ** 2 / 2 / np.exp(2 * width)

    def backward(self, y_pred, y_true, dy_pred):
        gap, width = y_pred[:, 0] - y_true, np.clip(y_pred[:, 1], -10, 10)
        scale = np.exp(2 * width)
        dy_pred[:, 0] = gap / scale
        dy_pred[:, 1] = (1 - gap**2 / scale) * (np.abs(y_pred[:, 1]) < 10)


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


class Bell(Callback):
    """Stops in a certain epoch; remembers nothing but the run, so nothing is saved."""

    type = "bell"
    examples = ({"epoch": 7},)

    epoch: int = Field(ge=0, description="the last one")

    def epoch_finished(self, state, epoch):
        if epoch.epoch == self.epoch:
            state.stop("the bell rings")


class WidthError(Metric):
    """The mean of |y - mean| over the width, for predictions (mean, width) of each number of y."""

    type = "width_error"
    better = "lower"
    example_shapes = (((2,), ()),)

    def start(self):
        return np.zeros(2)

    def update(self, state, y_pred, y_true):
        state += np.abs((y_true - y_pred[:, 0]) / (1 + np.abs(y_pred[:, 1]))).sum(), len(y_true)

    def result(self, state):
        return state[0] / state[1]


class Pictures(DataSource):
    """Random images with integer pixels and one-hot labels."""

    type = "pictures"
    examples = ({}, {"labels": "integers"})

    labels: str = Field(default="one_hot", description="one_hot or integers")

    def describe(self):
        if self.labels == "one_hot":
            return DataInfo((3, 8, 8), "integer", "values", (4,), None, 20)
        return DataInfo((3, 8, 8), "integer", "classes", (), 4, None)

    def load(self, rng):
        x = rng.integers(0, 256, (20, 3, 8, 8), dtype=np.uint8)
        labels = rng.integers(0, 4, 20)
        return Dataset(x, np.eye(4)[labels] if self.labels == "one_hot" else labels)


SPOILED = (
    Plateau,
    Centre,
    Flowers,
    Jitter,
    MeanError,
    Points,
    Offset,
    DoubledSquared,
    SquaresKernel,
    Crossentropy,
    Squared,
    Doubled,
    Descent,
    Squares,
    Noise,
)

RIGHT = (
    Rectifier,
    Product,
    Logarithm,
    Largest,
    WithoutAxes,
    Turned,
    VectorScale,
    RowSquares,
    Counts,
    Margin,
    SparseCrossentropy,
    BinaryLogits,
    GaussianWidth,
    Decoupled,
    Huber,
    Notebook,
    Bell,
    WidthError,
    Pictures,
    *SPOILED,
)
