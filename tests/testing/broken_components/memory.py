"""Layers that write where they may not, or not where they must."""

import numpy as np

from declnet import Layer, Parameter, Workspace


class Doubled(Layer):
    """y = 2 * x; the right layer that the others here spoil."""

    type = "doubled"
    backward_needs = frozenset()

    def forward(self, x, y, state):
        np.multiply(x, 2, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, 2, out=dx)


class ForgetsOut(Doubled):
    """y = 2 * x, in a new array."""

    type = "forgets_out"

    def forward(self, x, y, state):
        y = np.multiply(x, 2)  # noqa: F841


class LeavesTheLastFeature(Doubled):
    """y = 2 * x, but for the last feature."""

    type = "leaves_the_last_feature"

    def forward(self, x, y, state):
        np.multiply(x[..., :-1], 2, out=y[..., :-1])


class ForgetsOutInBackward(Doubled):
    """y = 2 * x, but dx is a new array."""

    type = "forgets_out_in_backward"

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            dx = np.multiply(dy, 2)


class WritesAConstant(Doubled):
    """y = 2 * x, through a workspace that it declared constant."""

    type = "writes_a_constant"

    def workspace(self, input_shape):
        return {"doubled": Workspace(input_shape, fill=0.0, constant=True)}

    def forward(self, x, y, state):
        np.multiply(x, 2, out=state.doubled)
        np.copyto(y, state.doubled)


class AssumesCOrder(Doubled):
    """y = 2 * x through reshape, which copies arrays that are not in C order."""

    type = "assumes_c_order"

    def forward(self, x, y, state):
        np.multiply(x.reshape(-1), 2, out=y.reshape(-1))


class WalksThroughMemory(Doubled):
    """y = 2 * x, but with every second number in memory order negated."""

    type = "walks_through_memory"

    def forward(self, x, y, state):
        values = x.ravel(order="K") * 2
        values[::2] *= -1
        y[...] = values.reshape(x.shape)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            values = dy.ravel(order="K") * 2
            values[::2] *= -1
            dx[...] = values.reshape(dy.shape)


class WritesToItsInput(Doubled):
    """y = 2 * x, but x is doubled with it."""

    type = "writes_to_its_input"

    def forward(self, x, y, state):
        x *= 2
        np.copyto(y, x)


class WritesToDy(Doubled):
    """y = 2 * x, but dy is doubled with dx."""

    type = "writes_to_dy"

    def backward(self, x, y, dy, dx, state):
        dy *= 2
        if dx is not None:
            np.copyto(dx, dy)


class ClipsItsInput(Doubled):
    """y = 2 * x, with x clipped to a range that it never leaves."""

    type = "clips_its_input"

    def forward(self, x, y, state):
        np.clip(x, -100, 100, out=x)
        np.multiply(x, 2, out=y)


class ClipsYInBackward(Doubled):
    """y = exp(x), with y clipped in backward to a range that it never leaves."""

    type = "clips_y_in_backward"
    backward_needs = frozenset({"y"})

    def forward(self, x, y, state):
        np.exp(x, out=y)

    def backward(self, x, y, dy, dx, state):
        np.clip(y, 0, 1e6, out=y)
        if dx is not None:
            np.multiply(dy, y, out=dx)


class ClipsItsParameter(Doubled):
    """y = x + shift, with the shift clipped to a range that it never leaves."""

    type = "clips_its_parameter"

    def parameters(self, input_shape):
        return {"shift": Parameter(input_shape, initializer="zeros")}

    def forward(self, x, y, state):
        np.clip(state.shift, -100, 100, out=state.shift)
        np.add(x, state.shift, out=y)

    def backward(self, x, y, dy, dx, state):
        np.sum(dy, axis=0, out=state.grad.shift)
        if dx is not None:
            np.copyto(dx, dy)


class ClipsItsStatisticsInBackward(Doubled):
    """y = 2 * x, with an untrained parameter that backward rewrites unchanged."""

    type = "clips_its_statistics_in_backward"

    def parameters(self, input_shape):
        return {"mean": Parameter(input_shape, initializer="zeros", trainable=False)}

    def backward(self, x, y, dy, dx, state):
        state.mean[...] = state.mean.copy()
        if dx is not None:
            np.multiply(dy, 2, out=dx)


WRONG = {
    ForgetsOut: "writes_every_output",
    LeavesTheLastFeature: "writes_every_output",
    ForgetsOutInBackward: "writes_every_output",
    WritesAConstant: "leaves_inputs_alone",
    AssumesCOrder: "takes_any_memory_order",
    WalksThroughMemory: "takes_any_memory_order",
    WritesToItsInput: "leaves_inputs_alone",
    WritesToDy: "leaves_inputs_alone",
    ClipsItsInput: "leaves_inputs_alone",
    ClipsYInBackward: "leaves_inputs_alone",
    ClipsItsParameter: "leaves_inputs_alone",
    ClipsItsStatisticsInBackward: "leaves_inputs_alone",
}
