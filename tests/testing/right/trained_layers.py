"""Right layers with parameters."""

import numpy as np
from pydantic import Field

from declnet import Layer, Parameter, Workspace


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


class Lookup(Layer):
    """y = rows[x], for integers x: (n, length) to (n, length, size)."""

    type = "lookup"
    examples = ({"rows": 5, "size": 3}, {"rows": 2, "size": 1})
    backward_needs = frozenset({"x"})
    input_dtype = "integer"

    rows: int = Field(ge=1, description="how many integers there are")
    size: int = Field(ge=1, description="numbers for each")

    def output_shape(self, input_shape):
        if len(input_shape) != 1:
            raise ValueError("lookup takes samples of one axis")
        return (*input_shape, self.size)

    def parameters(self, input_shape):
        return {"rows": Parameter((self.rows, self.size), initializer="normal")}

    def forward(self, x, y, state):
        y[...] = state.rows[x]

    def backward(self, x, y, dy, dx, state):
        state.grad.rows.fill(0)
        np.add.at(state.grad.rows, x, dy)


class Normalize(Layer):
    """y = gain * (x - mean) / sqrt(variance + 1e-5) + shift, over the batch in training.

    x: (n, features). In evaluation, by running statistics.
    """

    type = "normalize"
    backward_needs = frozenset()
    mixes_samples = True

    momentum: float = Field(default=0.9, ge=0, lt=1, description="share of the old statistics")

    def output_shape(self, input_shape):
        if len(input_shape) != 1:
            raise ValueError("normalize takes samples of one axis")
        return input_shape

    def parameters(self, input_shape):
        return {
            "gain": Parameter(input_shape, "ones"),
            "shift": Parameter(input_shape, "zeros"),
            "running_mean": Parameter(input_shape, "zeros", trainable=False),
            "running_variance": Parameter(input_shape, "ones", trainable=False),
        }

    def workspace(self, input_shape):
        deviation = Workspace(input_shape, per_sample=False)
        return {"normalized": Workspace(input_shape), "deviation": deviation}

    def forward(self, x, y, state):
        mean, variance = state.running_mean, state.running_variance
        if state.training:
            mean, variance = x.mean(axis=0), x.var(axis=0)
            share = self.momentum
            state.running_mean[...] = share * state.running_mean + (1 - share) * mean
            state.running_variance[...] = share * state.running_variance + (1 - share) * variance
        np.sqrt(variance + 1e-5, out=state.deviation)
        np.subtract(x, mean, out=state.normalized)
        np.divide(state.normalized, state.deviation, out=state.normalized)
        np.multiply(state.normalized, state.gain, out=y)
        np.add(y, state.shift, out=y)

    def backward(self, x, y, dy, dx, state):
        np.einsum("nf,nf->f", state.normalized, dy, out=state.grad.gain)
        np.sum(dy, axis=0, out=state.grad.shift)
        if dx is not None:
            inner = dy - dy.mean(axis=0) - state.normalized * (state.grad.gain / len(dy))
            np.multiply(inner, state.gain / state.deviation, out=dx)


class Filter(Layer):
    """y[i] = sum over j of x[i + j] * weights[j], along the last axis of any shape."""

    type = "filter"
    examples = ({"width": 2},)
    backward_needs = frozenset({"x"})

    width: int = Field(ge=1, description="numbers that it spans")

    def output_shape(self, input_shape):
        if input_shape[-1] < self.width:
            raise ValueError(f"the last axis must have at least {self.width} numbers")
        return (*input_shape[:-1], input_shape[-1] - self.width + 1)

    def parameters(self, input_shape):
        return {"weights": Parameter((self.width,), "glorot_uniform")}

    def forward(self, x, y, state):
        y.fill(0)
        for offset in range(self.width):
            np.add(y, x[..., offset : offset + y.shape[-1]] * state.weights[offset], out=y)

    def backward(self, x, y, dy, dx, state):
        size = dy.shape[-1]
        for offset in range(self.width):
            state.grad.weights[offset] = np.sum(x[..., offset : offset + size] * dy)
        if dx is not None:
            dx.fill(0)
            for offset in range(self.width):
                dx[..., offset : offset + size] += dy * state.weights[offset]


RIGHT = (VectorScale, Lookup, Normalize, Filter)
