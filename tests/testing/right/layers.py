"""Right layers without trainable parameters."""

import numpy as np
from pydantic import Field

from declnet import Elementwise, Layer, OutputRange, Workspace


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


class Drop(Layer):
    """y = x * mask / (1 - rate) in training, y = x otherwise."""

    type = "drop"
    examples = ({}, {"rate": 0.0})
    backward_needs = frozenset()
    in_place = True

    rate: float = Field(default=0.5, ge=0, lt=1, description="the fraction set to zero")

    def workspace(self, input_shape):
        return {"mask": Workspace(input_shape)}

    def forward(self, x, y, state):
        if not state.training:
            np.copyto(y, x)
            return
        kept = state.rng.random(x.shape, dtype=x.dtype) >= self.rate
        np.divide(kept, 1 - self.rate, out=state.mask)
        np.multiply(x, state.mask, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, state.mask, out=dx)


class Sum(Layer):
    """y = the sum of its inputs."""

    type = "sum"
    backward_needs = frozenset()
    n_inputs = None

    def output_shape(self, input_shapes):
        if len(set(input_shapes)) != 1:
            raise ValueError(f"all inputs must have one shape, not {input_shapes}")
        return input_shapes[0]

    def forward(self, x, y, state):
        np.copyto(y, x[0])
        for each in x[1:]:
            np.add(y, each, out=y)

    def backward(self, x, y, dy, dx, state):
        for each in dx:
            if each is not None:
                np.copyto(each, dy)


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


class Swish(Elementwise):
    """y = x / (1 + exp(-x))."""

    type = "swish"

    def value(self, x, y, scratch):
        np.negative(x, out=scratch)
        np.exp(scratch, out=scratch)
        np.add(scratch, 1, out=scratch)
        np.divide(x, scratch, out=y)

    def derivative(self, x, y, slope):
        chance = 1 / (1 + np.exp(-x))
        np.add(y * (1 - chance), chance, out=slope)


class Bend(Elementwise):
    """y = tanh(x), whose derivative follows from y."""

    type = "bend"
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange(-1, 1)

    def value(self, x, y, scratch):
        np.tanh(x, out=y)

    def derivative(self, x, y, slope):
        np.subtract(1, y * y, out=slope)


class Shares(Layer):
    """y = exp(x) / sum of exp(x) over the last axis."""

    type = "shares"
    backward_needs = frozenset({"y"})
    output_range = OutputRange(0, 1, sums_to_one=True)

    def forward(self, x, y, state):
        np.exp(x - x.max(axis=-1, keepdims=True), out=y)
        np.divide(y, y.sum(axis=-1, keepdims=True), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(y, dy - np.sum(y * dy, axis=-1, keepdims=True), out=dx)


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


class Unrolled(Layer):
    """y = x as one axis."""

    type = "unrolled"
    backward_needs = frozenset()
    only_reshapes = True
    output_range = "input"
    is_linear = True

    def output_shape(self, input_shape):
        return (int(np.prod(input_shape)),)

    def forward(self, x, y, state):
        np.copyto(y, x.reshape(y.shape))

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy.reshape(dx.shape))


RIGHT = (
    Rectifier,
    Drop,
    Sum,
    Product,
    Logarithm,
    Largest,
    WithoutAxes,
    Swish,
    Bend,
    Shares,
    Turned,
    Unrolled,
)
