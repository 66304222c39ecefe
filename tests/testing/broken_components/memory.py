"""Layers that write, share or keep memory that they may not."""

from typing import Any, ClassVar

import numpy as np

from declnet import Parameter, Workspace

from ..right.layers import Doubled, Exponential, Shift, Square
from .expected import caught_by


@caught_by("writes_every_output")
class ForgetsOut(Doubled):
    """y = 2 * x, in a new array."""

    def forward(self, x, y, state):
        y = np.multiply(x, 2)  # noqa: F841


@caught_by("writes_every_output")
class LeavesTheLastFeature(Doubled):
    """y = 2 * x, but for the last feature."""

    def forward(self, x, y, state):
        np.multiply(x[..., :-1], 2, out=y[..., :-1])


@caught_by("writes_every_output")
class ForgetsOutInBackward(Doubled):
    """y = 2 * x, but dx is a new array."""

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            dx = np.multiply(dy, 2)


CALLS = [0]


@caught_by("does_the_same_at_every_call")
class CountsItsCalls(Doubled):
    """y = 2 * x for some time, then y = 3 * x."""

    def forward(self, x, y, state):
        CALLS[0] += 1
        np.multiply(x, 2 + CALLS[0] // 75, out=y)


@caught_by("leaves_inputs_alone")
class WritesAConstant(Doubled):
    """y = 2 * x, through a workspace that it declared constant."""

    def workspace(self, input_shape):
        return {"doubled": Workspace(input_shape, fill=0.0, constant=True)}

    def forward(self, x, y, state):
        np.multiply(x, 2, out=state.doubled)
        np.copyto(y, state.doubled)


@caught_by("takes_any_memory_order")
class AssumesCOrder(Doubled):
    """y = 2 * x through reshape, which copies arrays that are not in C order."""

    def forward(self, x, y, state):
        np.multiply(x.reshape(-1), 2, out=y.reshape(-1))


@caught_by("takes_any_memory_order")
class WalksThroughMemory(Doubled):
    """y = 2 * x, but with every second number in memory order negated."""

    def forward(self, x, y, state):
        values = x.ravel(order="K") * 2
        values[::2] *= -1
        y[...] = values.reshape(x.shape)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            values = dy.ravel(order="K") * 2
            values[::2] *= -1
            dx[...] = values.reshape(dy.shape)


@caught_by("leaves_inputs_alone")
class WritesToItsInput(Doubled):
    """y = 2 * x, but x is doubled with it."""

    def forward(self, x, y, state):
        x *= 2
        np.copyto(y, x)


@caught_by("leaves_inputs_alone")
class WritesToDy(Doubled):
    """y = 2 * x, but dy is doubled with dx."""

    def backward(self, x, y, dy, dx, state):
        dy *= 2
        if dx is not None:
            np.copyto(dx, dy)


@caught_by("leaves_inputs_alone")
class ClipsItsInput(Doubled):
    """y = 2 * x, with x clipped to a range that it never leaves."""

    def forward(self, x, y, state):
        np.clip(x, -100, 100, out=x)
        np.multiply(x, 2, out=y)


@caught_by("leaves_inputs_alone")
class ClipsYInBackward(Exponential):
    """y = exp(x), with y clipped in backward to a range that it never leaves."""

    def backward(self, x, y, dy, dx, state):
        np.clip(y, 0, 1e6, out=y)
        super().backward(x, y, dy, dx, state)


@caught_by("leaves_inputs_alone")
class ClipsItsParameter(Shift):
    """y = x + shift, with the shift clipped to a range that it never leaves."""

    def forward(self, x, y, state):
        np.clip(state.shift, -100, 100, out=state.shift)
        super().forward(x, y, state)


@caught_by("leaves_inputs_alone")
class ClipsItsStatisticsInBackward(Doubled):
    """y = 2 * x, with an untrained parameter that backward rewrites unchanged."""

    def parameters(self, input_shape):
        return {"mean": Parameter(input_shape, initializer="zeros", trainable=False)}

    def backward(self, x, y, dy, dx, state):
        state.mean[...] = state.mean.copy()
        super().backward(x, y, dy, dx, state)


@caught_by("backward_needs_is_true")
class LiesAboutNeeds(Exponential):
    """y = exp(x), but backward reads y, which it declares not to need."""

    backward_needs = frozenset({"x"})


@caught_by("in_place_is_true")
class LiesAboutInPlace(Square):
    """y = x * exp(x), reading x after y is written."""

    in_place = True

    def forward(self, x, y, state):
        np.exp(x, out=y)
        np.multiply(x, y, out=y)

    def fill_dx(self, x, dy, dx):
        np.multiply(dy, np.exp(x) * (1 + x), out=dx)


@caught_by("in_place_is_true")
class LiesAboutInPlaceInBackward(Square):
    """y = x * x, reading dy after dx is written."""

    in_place = True

    def fill_dx(self, x, dy, dx):
        np.multiply(2, x, out=dx)
        np.multiply(dx, dy, out=dx)


@caught_by("takes_no_dx")
class NeedsDx(Doubled):
    """y = 2 * x, but dx must be there."""

    def backward(self, x, y, dy, dx, state):
        dx[...] = 2 * dy


_calls = {"forward": 0}


@caught_by("keeps_uses_apart")
class KeepsItsInputOnTheClass(Square):
    """y = x * x, with x kept on the class for backward."""

    backward_needs = frozenset()
    kept: ClassVar[dict[str, Any]] = {}

    def forward(self, x, y, state):
        self.kept["x"] = x.copy()
        np.multiply(x, x, out=y)

    def fill_dx(self, x, dy, dx):
        np.multiply(dy, 2 * self.kept["x"], out=dx)


@caught_by("keeps_nothing_on_itself")
class CountsOnTheClass(Square):
    """y = x * x, counting its calls on the class."""

    calls: ClassVar[int] = 0

    def forward(self, x, y, state):
        type(self).calls += 1
        super().forward(x, y, state)


@caught_by("is_deterministic")
class WarmsUp(Doubled):
    """y = 2 * x * (1 - 1 / calls), counting its calls in the module."""

    def forward(self, x, y, state):
        _calls["forward"] += 1
        np.multiply(x, 2 * (1 - 1 / (1 + _calls["forward"])), out=y)


@caught_by("uses_declared_state")
class KeepsItsInputInState(Square):
    """y = x * x, with x kept on the state instead of in a workspace."""

    def forward(self, x, y, state):
        state.kept = x
        super().forward(x, y, state)

    def backward(self, x, y, dy, dx, state):
        super().backward(state.kept, y, dy, dx, state)


@caught_by("uses_declared_state")
class ReplacesItsGradient(Shift):
    """y = x + shift, with the gradient as a new array."""

    def fill_gradient(self, dy, state):
        state.grad.shift = dy.sum(axis=0)


@caught_by("leaves_inputs_alone")
class DecaysItsParameter(Shift):
    """y = x + shift, with the shift shrinking in each pass."""

    def forward(self, x, y, state):
        super().forward(x, y, state)
        np.multiply(state.shift, 0.9, out=state.shift)
