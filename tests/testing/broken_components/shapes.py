"""Layers that are wrong about shapes, types and names."""

import numpy as np

from declnet import Layer, Parameter, Workspace

from .memory import Doubled


class WrongOutputShape(Doubled):
    """y = 2 * x, said to be one feature longer."""

    type = "wrong_output_shape"

    def output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)


class FloatOutputShape(Doubled):
    """y = 2 * x, with float sizes in its output shape."""

    type = "output_shape_of_floats"

    def output_shape(self, input_shape):
        return tuple(size / 1 for size in input_shape)


class TakesMoreThanItCan(Layer):
    """y = x @ weights, for samples of one axis, but it accepts any."""

    type = "takes_more_than_it_can"
    backward_needs = frozenset({"x"})

    def output_shape(self, input_shape):
        return (2,)

    def parameters(self, input_shape):
        return {"weights": Parameter((input_shape[0], 2), initializer="glorot_uniform")}

    def forward(self, x, y, state):
        np.matmul(x, state.weights, out=y)

    def backward(self, x, y, dy, dx, state):
        np.matmul(x.T, dy, out=state.grad.weights)
        if dx is not None:
            np.matmul(dy, state.weights.T, out=dx)


class RefusesEverything(Doubled):
    """y = 2 * x, for shapes that the kit does not know."""

    type = "refuses_everything"

    def output_shape(self, input_shape):
        raise ValueError("no shape is good enough")


class UnusableBufferName(Doubled):
    """y = 2 * x, with a buffer whose name has a space."""

    type = "unusable_buffer_name"

    def workspace(self, input_shape):
        return {"grad ": Workspace(input_shape)}


class UntrainedButRegularized(Doubled):
    """y = 2 * x, with a parameter that is not trained, but penalized."""

    type = "untrained_but_regularized"

    def parameters(self, input_shape):
        penalty = _l2()
        return {"mean": Parameter(input_shape, "zeros", penalty, trainable=False)}


class TinyEpsilon(Doubled):
    """y = 2 * x * (e / e), with an e that is 0 in float32."""

    type = "tiny_epsilon"

    def forward(self, x, y, state):
        tiny = x.dtype.type(1e-50)
        np.multiply(x, 2 * (tiny / tiny), out=y)


class Float64Buffer(Doubled):
    """y = 2 * x, through a float64 buffer whatever the model's type."""

    type = "float64_buffer"

    def workspace(self, input_shape):
        return {"doubled": Workspace(input_shape, dtype="float64")}

    def forward(self, x, y, state):
        np.multiply(x, 2, out=state.doubled)
        np.copyto(y, state.doubled, casting="equiv")


class Float32Buffer(Doubled):
    """y = 2 * x, through a float32 buffer whatever the model's type."""

    type = "float32_buffer"

    def workspace(self, input_shape):
        return {"doubled": Workspace(input_shape, dtype="float32")}

    def forward(self, x, y, state):
        np.multiply(x, 2, out=state.doubled, casting="same_kind")
        np.copyto(y, state.doubled)


def _l2():
    from declnet import Regularizer

    return Regularizer.from_declaration({"type": "l2", "strength": 0.1})


WRONG = {
    WrongOutputShape: "takes_the_shapes_it_accepts",
    FloatOutputShape: "declares_what_the_graph_allocates",
    TakesMoreThanItCan: "takes_the_shapes_it_accepts",
    RefusesEverything: "takes_the_shapes_it_accepts",
    UnusableBufferName: "declares_what_the_graph_allocates",
    UntrainedButRegularized: "declares_what_the_graph_allocates",
    TinyEpsilon: "takes_float32_and_float64",
    Float64Buffer: "takes_float32_and_float64",
    Float32Buffer: "gradient_of_inputs",
}
