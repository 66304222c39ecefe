"""Layers that keep state where it does not belong."""

from typing import Any, ClassVar

import numpy as np

from declnet import Layer, Parameter

from .memory import Doubled

_calls = {"forward": 0}


class KeepsItsInputOnTheClass(Layer):
    """y = x * x, with x kept on the class for backward."""

    type = "keeps_its_input_on_the_class"
    backward_needs = frozenset()
    kept: ClassVar[dict[str, Any]] = {}

    def forward(self, x, y, state):
        self.kept["x"] = x.copy()
        np.multiply(x, x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, 2 * self.kept["x"], out=dx)


class CountsOnTheClass(KeepsItsInputOnTheClass):
    """y = x * x, counting its calls on the class."""

    type = "counts_on_the_class"
    backward_needs = frozenset({"x"})
    calls: ClassVar[int] = 0

    def forward(self, x, y, state):
        type(self).calls += 1
        np.multiply(x, x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, 2 * x, out=dx)


class WarmsUp(Doubled):
    """y = 2 * x * (1 - 1 / calls), counting its calls in the module."""

    type = "warms_up"

    def forward(self, x, y, state):
        _calls["forward"] += 1
        np.multiply(x, 2 * (1 - 1 / (1 + _calls["forward"])), out=y)


class KeepsItsInputInState(Layer):
    """y = x * x, with x kept on the state instead of in a buffer."""

    type = "keeps_its_input_in_state"
    backward_needs = frozenset({"x"})

    def forward(self, x, y, state):
        state.kept = x
        np.multiply(x, x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, 2 * state.kept, out=dx)


class ReplacesItsGradient(Layer):
    """y = x + shift, with the gradient as a new array."""

    type = "replaces_its_gradient"
    backward_needs = frozenset()

    def parameters(self, input_shape):
        return {"shift": Parameter(input_shape, initializer="zeros")}

    def forward(self, x, y, state):
        np.add(x, state.shift, out=y)

    def backward(self, x, y, dy, dx, state):
        state.grad.shift = dy.sum(axis=0)
        if dx is not None:
            np.copyto(dx, dy)


class DecaysItsParameter(ReplacesItsGradient):
    """y = x + shift, with the shift shrinking in each pass."""

    type = "decays_its_parameter"

    def forward(self, x, y, state):
        np.add(x, state.shift, out=y)
        np.multiply(state.shift, 0.9, out=state.shift)

    def backward(self, x, y, dy, dx, state):
        np.sum(dy, axis=0, out=state.grad.shift)
        if dx is not None:
            np.copyto(dx, dy)


WRONG = {
    KeepsItsInputOnTheClass: "keeps_uses_apart",
    CountsOnTheClass: "keeps_nothing_on_itself",
    WarmsUp: "is_deterministic",
    KeepsItsInputInState: "uses_declared_state",
    ReplacesItsGradient: "uses_declared_state",
    DecaysItsParameter: "leaves_inputs_alone",
}
