"""Layers with one defect each."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from declnet import Elementwise, Layer, OutputRange, Parameter, Workspace


class CenterOverTime(Layer):
    """A batch of one sample loses its first axis (np.squeeze), so the mean is over features."""

    type = "center_over_time"
    backward_needs = frozenset()
    is_linear = True

    def output_shape(self, input_shape):
        if len(input_shape) != 2 or min(input_shape) < 2:
            raise ValueError(f"it centers sequences (time, features), not {input_shape}")
        return input_shape

    def forward(self, x, y, state):
        sequences = np.squeeze(x)
        y[...] = sequences - sequences.mean(axis=1, keepdims=True)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.subtract(dy, dy.mean(axis=1, keepdims=True), out=dx)


class ReluUpToSix(Elementwise):
    """The slope is 1 above 6, too, as for relu."""

    type = "relu_up_to_six"
    backward_needs = frozenset({"x"})
    output_range = OutputRange(0, 6)

    def value(self, x, y, scratch):
        np.clip(x, 0, 6, out=y)

    def derivative(self, x, y, slope):
        np.greater(x, 0, out=slope)


class BentTail(Elementwise):
    """The slope is 1 below -6, too, where it should be 0.1."""

    type = "bent_tail"
    backward_needs = frozenset()

    def value(self, x, y, scratch):
        np.maximum(x, 0.1 * (x + 6) - 6, out=y)

    def derivative(self, x, y, slope):
        slope[...] = 1


class Bounded(Layer):
    """The gradient is not 0 where values are clipped."""

    type = "bounded"
    backward_needs = frozenset()
    in_place = True
    output_range = OutputRange(-10, 10)

    def forward(self, x, y, state):
        np.clip(x, -10, 10, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)


class SmoothRelu(Elementwise):
    """log1p(exp(x)) overflows for large x."""

    type = "smooth_relu"
    backward_needs = frozenset({"x"})
    output_range = OutputRange(low=0)

    def value(self, x, y, scratch):
        np.exp(x, out=y)
        np.log1p(y, out=y)

    def derivative(self, x, y, slope):
        np.tanh(x * 0.5, out=slope)
        np.multiply(slope, 0.5, out=slope)
        np.add(slope, 0.5, out=slope)


class SineOverX(Elementwise):
    """The value is NaN at x = 0, where it should be 1."""

    type = "sine_over_x"

    def value(self, x, y, scratch):
        np.sin(x, out=scratch)
        np.divide(scratch, x, out=y)

    def derivative(self, x, y, slope):
        safe = np.where(x == 0, 1, x)
        slope[...] = np.where(x == 0, 0, (np.cos(x) - np.sin(safe) / safe) / safe)


class OneAndAHalf(Elementwise):
    """The slope is NaN at x = 0, where it should be 0."""

    type = "one_and_a_half"

    def value(self, x, y, scratch):
        np.abs(x, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.multiply(x, scratch, out=y)

    def derivative(self, x, y, slope):
        np.divide(y, x, out=slope)
        np.multiply(slope, 1.5, out=slope)


class UnitRows(Layer):
    """x / |x| of a row of zeros is NaN, forward and backward."""

    type = "unit_rows"
    backward_needs = frozenset({"x"})
    output_range = OutputRange(-1, 1)

    def forward(self, x, y, state):
        axes = tuple(range(1, x.ndim))
        np.divide(x, np.sqrt(np.sum(x * x, axis=axes, keepdims=True)), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is None:
            return
        axes = tuple(range(1, x.ndim))
        norm = np.sqrt(np.sum(x * x, axis=axes, keepdims=True))
        unit = x / norm
        dx[...] = (dy - unit * np.sum(unit * dy, axis=axes, keepdims=True)) / norm


class QuietSquareRoot(Elementwise):
    """It turns off NumPy's warnings for the whole process (np.seterr)."""

    type = "quiet_square_root"

    def value(self, x, y, scratch):
        np.seterr(all="ignore")
        np.multiply(x, x, out=scratch)
        np.add(scratch, 1, out=scratch)
        np.sqrt(scratch, out=y)

    def derivative(self, x, y, slope):
        np.divide(x, y, out=slope)


class SoftmaxOfFeatures(Layer):
    """The gradient of a softmax over time sums over features: wrong only for sequences."""

    type = "softmax_of_features"
    backward_needs = frozenset({"y"})

    def forward(self, x, y, state):
        np.exp(x - x.max(axis=1, keepdims=True), out=y)
        np.divide(y, y.sum(axis=1, keepdims=True), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(y, dy - np.sum(y * dy, axis=-1, keepdims=True), out=dx)


class WeighedTwice(Layer):
    """The second use of its weight overwrites the gradient of the first instead of adding to it."""

    type = "weighed_twice"
    backward_needs = frozenset({"x"})

    def parameters(self, input_shape):
        return {"gain": Parameter(input_shape, {"type": "constant", "value": 0.7}, role="scale")}

    def forward(self, x, y, state):
        np.multiply(x, state.gain, out=y)
        np.tanh(y, out=y)
        np.multiply(y, state.gain, out=y)

    def backward(self, x, y, dy, dx, state):
        inner = np.tanh(x * state.gain)
        slope = (1 - inner * inner) * state.gain * dy
        np.sum(slope * x, axis=0, out=state.grad.gain)
        np.sum(inner * dy, axis=0, out=state.grad.gain)
        if dx is not None:
            np.multiply(slope, state.gain, out=dx)


class BatchScale(Layer):
    """Predictions are divided by the spread of their batch instead of the running spread."""

    type = "batch_scale"
    backward_needs = frozenset({"x"})
    mixes_samples = True

    def parameters(self, input_shape):
        spread = Parameter(input_shape, "ones", trainable=False, running_statistic=True)
        return {"spread": spread}

    def forward(self, x, y, state):
        spread = np.sqrt(np.mean(x * x, axis=0) + 1e-5)
        if state.frozen:
            np.divide(x, state.spread, out=y)
            return
        np.divide(x, spread, out=y)
        if state.training:
            momentum = 0 if state.measuring else 0.9
            np.multiply(state.spread, momentum, out=state.spread)
            np.add(state.spread, (1 - momentum) * spread, out=state.spread)

    def backward(self, x, y, dy, dx, state):
        if dx is None:
            return
        if state.frozen:
            np.divide(dy, state.spread, out=dx)
            return
        spread = np.sqrt(np.mean(x * x, axis=0) + 1e-5)
        dx[...] = (dy - x * np.mean(x * dy, axis=0) / spread**2) / spread


class HalfDropped(Layer):
    """It draws a different mask in backward than in forward."""

    type = "half_dropped"
    backward_needs = frozenset()
    is_linear = True

    def forward(self, x, y, state):
        if state.training:
            np.multiply(x, 2 * (state.rng.random(x.shape) < 0.5), out=y)
        else:
            np.copyto(y, x)

    def backward(self, x, y, dy, dx, state):
        if dx is None:
            return
        if state.training:
            np.multiply(dy, 2 * (state.rng.random(dy.shape) < 0.5), out=dx)
        else:
            np.copyto(dx, dy)


class MeanOfSteps(Layer):
    """The mean over a sequence of length 0 is NaN."""

    type = "mean_of_steps"
    examples = ({"inputs": ["input", "input.lengths"]},)
    example_shapes = (((5, 3), ()),)
    backward_needs = frozenset({"x"})
    n_inputs = 2
    input_dtype = ("float", "integer")

    def output_shape(self, input_shape):
        sequences, lengths = input_shape
        if len(sequences) != 2 or lengths != ():
            raise ValueError(f"it takes (time, features) and lengths, not {input_shape}")
        return sequences[1:]

    def forward(self, x, y, state):
        values, lengths = x
        real = np.arange(values.shape[1]) < lengths[:, None]
        sums = np.einsum("ntf,nt->nf", values, real.astype(values.dtype))
        np.divide(sums, lengths[:, None].astype(values.dtype), out=y)

    def backward(self, x, y, dy, dx, state):
        values, lengths = x
        if dx[0] is not None:
            real = np.arange(values.shape[1]) < lengths[:, None]
            share = real / lengths[:, None]
            np.multiply(dy[:, None, :], share[:, :, None].astype(dy.dtype), out=dx[0])


class Positions(Layer):
    """It keeps a table on its class, in the dtype of the first model."""

    type = "positions"
    backward_needs = frozenset()
    is_linear = True
    tables: ClassVar[dict[tuple[int, ...], Any]] = {}

    def output_shape(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(f"it takes sequences (time, features), not {input_shape}")
        return input_shape

    def forward(self, x, y, state):
        if x.shape[1:] not in self.tables:
            time, features = np.indices(x.shape[1:])
            angles = time / 10_000 ** (features / x.shape[2])
            self.tables[x.shape[1:]] = np.sin(angles).astype(x.dtype)
        np.add(x, self.tables[x.shape[1:]], out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)


class ScaledExponential(Elementwise):
    """The slope below 0 lacks alpha, which is 1 in its only example."""

    type = "scaled_exponential"
    examples = ({},)
    backward_needs = frozenset({"x"})

    alpha: float = Field(default=1.0, gt=0, description="minus the limit for small x")

    def value(self, x, y, scratch):
        np.minimum(x, 0, out=scratch)
        np.expm1(scratch, out=scratch)
        np.multiply(scratch, self.alpha, out=scratch)
        np.add(scratch, np.maximum(x, 0), out=y)

    def derivative(self, x, y, slope):
        np.minimum(x, 0, out=slope)
        np.exp(slope, out=slope)


class GateAndShift(Layer):
    """Its parameters come from a set of names, so their order and initial values vary."""

    type = "gate_and_shift"
    backward_needs = frozenset({"x"})
    is_linear = True

    def parameters(self, input_shape):
        names = {"gate", "shift", "base", "offset"}
        return {name: Parameter(input_shape, "normal", role="scale") for name in names}

    def workspace(self, input_shape):
        return {"gains": Workspace(input_shape, per_sample=False)}

    def forward(self, x, y, state):
        np.add(state.gate, state.base, out=state.gains)
        np.multiply(x, state.gains, out=y)
        np.add(y, state.shift, out=y)
        np.add(y, state.offset, out=y)

    def backward(self, x, y, dy, dx, state):
        np.einsum("n...,n...->...", x, dy, out=state.grad.gate)
        np.copyto(state.grad.base, state.grad.gate)
        np.sum(dy, axis=0, out=state.grad.shift)
        np.copyto(state.grad.offset, state.grad.shift)
        if dx is not None:
            np.add(state.gate, state.base, out=state.gains)
            np.multiply(dy, state.gains, out=dx)


DEFECTS = (
    ("A", CenterOverTime),
    ("A", ReluUpToSix),
    ("A", BentTail),
    ("A", Bounded),
    ("A", SmoothRelu),
    ("A", SineOverX),
    ("A", OneAndAHalf),
    ("A", UnitRows),
    ("A", QuietSquareRoot),
    ("B", SoftmaxOfFeatures),
    ("B", WeighedTwice),
    ("B", BatchScale),
    ("B", HalfDropped),
    ("B", MeanOfSteps),
    ("B", Positions),
    ("B", ScaledExponential),
    ("B", GateAndShift),
)
