"""Checks on regularizers: a penalty, and its gradient added to the parameter's."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np
from pydantic import ValidationError

from declnet import Array, Registry, Shape
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, check
from declnet.testing.checks import native
from declnet.testing.checks.common import USED_ONCE, leaves_inputs_alone, takes_float32_and_float64
from declnet.testing.comparison import require_equal, require_gradient
from declnet.testing.grid import VALUES
from declnet.testing.harness import ModelHarness, build, probe
from declnet.testing.trial import USUAL, Setting, Trial
from declnet.testing.watched import call_locked

PARAMETER_SHAPES: tuple[Shape, ...] = ((4, 3), (5,), (2, 3, 3, 2))
"""Weights of a dense layer, its biases, and weights of a convolution."""

KEY = "before.received"
"""The parameter that is penalized."""


class RegularizerHarness:
    """A model with one regularized parameter, in the input probe."""

    def __init__(
        self,
        regularizer: Any,
        shape: Shape,
        dtype: str = "float64",
        kernels: Registry | None = None,
    ) -> None:
        first = probe(
            "batch_last",
            name="before",
            samples=shape[0],
            shape=shape[1:],
            regularizer=regularizer,
        )
        last = probe("batch_last", name="after", samples=shape[0])
        size = (prod(shape[1:]),)
        model = build([first, last], size, Registry(), dtype)
        setting = USUAL.but(samples=shape[0], dtype=dtype)
        self._harness = ModelHarness(model, setting, kernels=kernels)
        self._x = {"": np.zeros((shape[0], *size), dtype)}
        self._w = self._harness.step.parameters[KEY]

    def penalty(self, w: Array) -> float:
        """Return the penalty of a parameter's value."""
        self._w[...] = w
        return float(call_locked("penalty", self._harness.step.penalty, {"w": self._w}))

    def gradient(self, w: Array, before: Array | float = 0.0, *, locked: bool = True) -> Array:
        """Return the gradient at a parameter's value, added to the previous gradient."""
        self._harness.initial = {KEY: w, "after.slopes": np.broadcast_to(before, w.shape)}
        self._harness.begin(self._x, np.zeros(len(w)))
        step = self._harness.step
        step.forward()
        gradients = call_locked("add_gradient", step.backward, {"w": self._w} if locked else {})
        gradient: Array = gradients[KEY]
        return gradient


def weights(shape: Shape, seed: int = 0) -> Array:
    """Draw a parameter without numbers near 0, where penalties may have a kink."""
    rng = np.random.default_rng([seed, 29])
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 1.5, shape)


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Compute penalty and gradient of each shape of parameter."""
    trial = Trial()
    for shape in PARAMETER_SHAPES:
        harness, w = RegularizerHarness(subject.instance, shape, setting.dtype), weights(shape)
        trial.outputs[f"the penalty for w of shape {shape}"] = np.array([harness.penalty(w)])
        trial.outputs[f"dw of shape {shape}"] = harness.gradient(w, 1.0)
    return trial


def step_calls(subject: Subject) -> dict[str, native.Calls]:
    """Return the calls of a regularizer in a training step."""
    shape = PARAMETER_SHAPES[0]
    return {"": [partial(subject.instance.add_gradient, np.zeros(shape), np.zeros(shape))]}


@check
def gradient_of_penalty(subject: Subject) -> None:
    """Adds the gradient of its penalty."""
    for shape in PARAMETER_SHAPES:
        harness = RegularizerHarness(subject.instance, shape)
        for seed, size in enumerate((1.0, 10.0, 0.1, 100.0)):
            w = size * weights(shape, seed)
            direction = size * np.random.default_rng([seed, 99]).normal(size=shape)
            what = f"the gradient for w of shape {shape}"
            require_gradient(partial(_penalties, harness), w, harness.gradient(w), direction, what)


@check
def adds_to_the_gradient(subject: Subject) -> None:
    """Adds to `dw` what it adds to zeros, and overwrites nothing."""
    for shape in PARAMETER_SHAPES:
        harness, w = RegularizerHarness(subject.instance, shape), weights(shape)
        before = np.random.default_rng(37).normal(size=shape)
        added, fault = harness.gradient(w, before) - before, "what it adds depends on what dw holds"
        require_equal(added, harness.gradient(w), fault, "add with np.add(dw, …, out=dw)")


@check
def penalty_is_a_finite_number(subject: Subject) -> None:
    """Gives a finite penalty and gradient, for zeros, tiny and large numbers too."""
    for shape in PARAMETER_SHAPES:
        harness = RegularizerHarness(subject.instance, shape)
        for values, change in VALUES.items():
            w = change(weights(shape))
            if not np.isfinite(harness.penalty(w)) or not np.isfinite(harness.gradient(w)).all():
                raise CheckFailed(f"penalty or gradient is not finite for w of {values}")


@check
def strength_zero_does_nothing(subject: Subject) -> None:
    """Gives no penalty and no gradient where its strength is 0."""
    instance = subject.instance
    fields = type(instance).model_fields
    numbers = [name for name in fields if isinstance(getattr(instance, name), float)]
    named = "strength" in numbers
    zeros = dict.fromkeys(["strength"] if named else numbers, 0.0)
    if not zeros:
        raise CheckSkipped("it has no field that is a number")
    names = ", ".join(zeros)
    try:
        none = type(instance).model_validate({**dict(instance), **zeros})
    except ValidationError as error:
        raise CheckSkipped(f"{names} cannot be 0") from error
    for shape in PARAMETER_SHAPES:
        harness, w = RegularizerHarness(none, shape), weights(shape)
        results = harness.penalty(w), float(np.abs(harness.gradient(w)).max())
        if not np.isfinite(results).all() and not named:
            raise CheckSkipped(f"it is not defined where {names} are 0")
        if results != (0, 0):
            raise CheckFailed(
                f"with {names} = 0 the penalty is {results[0]:g}, the gradient up to {results[1]:g}"
            )


CHECKS = (
    leaves_inputs_alone,
    *USED_ONCE,
    takes_float32_and_float64,
    gradient_of_penalty,
    adds_to_the_gradient,
    penalty_is_a_finite_number,
    strength_zero_does_nothing,
    *native.CHECKS,
)


def _penalties(harness: RegularizerHarness, w: Array) -> tuple[Array, Array]:
    penalty = np.array([harness.penalty(w)])
    return penalty, np.abs(penalty)
