"""Checks on regularizers: a penalty, and its gradient added to the parameter's."""

from __future__ import annotations

from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np
from pydantic import ValidationError

from declnet import Array, Registry, Shape
from declnet.testing.checking import Subject, calling, check, checks_in, require, skip_unless
from declnet.testing.checks import common, native
from declnet.testing.comparison import require_equal
from declnet.testing.examples import variants
from declnet.testing.gradients import require_gradient_along
from declnet.testing.harness import ModelHarness, build, probe
from declnet.testing.trial import USUAL, VALUES, Setting, Trial
from declnet.testing.watched import call_locked

PARAMETER_SHAPES: tuple[Shape, ...] = ((4, 3), (5,), (2, 3, 3, 2))
"""Weights of a dense layer, its biases, and weights of a convolution."""

LARGE, SINGLE = (250, 400), 1e-4
"""A shape of many weights, and how exactly float32 can sum as many."""

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
        place, size = {"name": "before", "shape": shape[1:]}, (prod(shape[1:]),)
        first = probe("batch_last", **place, samples=shape[0], regularizer=regularizer)
        last = probe("batch_last", name="after", samples=shape[0])
        model = build([first, last], size, Registry(), dtype)
        setting = USUAL.but(samples=shape[0], dtype=dtype)
        self._harness = ModelHarness(model, setting, kernels=kernels)
        self._x = {"": np.zeros((shape[0], *size), dtype)}

    def run(
        self, w: Array, before: Array | float = 0.0, *, locked: bool = True
    ) -> tuple[Array, Array]:
        """Return the penalty of a parameter, in an array, and its gradient added to another."""
        self._harness.initial = {KEY: w, "after.slopes": np.broadcast_to(before, w.shape)}
        self._harness.begin(self._x, np.zeros(len(w)))
        step = self._harness.step
        read = {"w": step.parameters[KEY]} if locked else {}
        penalty = float(call_locked("penalty", step.penalty, read))
        step.forward()
        gradients = call_locked("add_gradient", step.backward, read)
        return np.array([penalty]), gradients[KEY]


def weights(shape: Shape, seed: int = 0) -> Array:
    """Draw a parameter without numbers near 0, where penalties may have a kink."""
    rng = np.random.default_rng([seed, 29])
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 1.5, shape)


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Compute penalty and gradient of each shape of parameter."""
    trial = Trial()
    for shape in PARAMETER_SHAPES:
        harness = RegularizerHarness(subject.instance, shape, setting.dtype)
        w = VALUES[setting.values or "normal numbers"](weights(shape))
        penalty, gradient = harness.run(w, 1.0)
        trial.outputs[f"the penalty for w of shape {shape}"] = penalty
        trial.outputs[f"dw of shape {shape}"] = gradient
    return trial


def step_calls(subject: Subject) -> dict[str, native.Calls]:
    """Return the calls of a regularizer in a training step."""
    shape = PARAMETER_SHAPES[0]
    return {"": [partial(subject.instance.add_gradient, np.zeros(shape), np.zeros(shape))]}


@check
def gradient_of_penalty(subject: Subject) -> None:
    """Adds the gradient of its penalty, also with other values in its fields."""
    for (note, variant), shape in product(variants(subject), PARAMETER_SHAPES):
        evaluate = partial(_evaluate, RegularizerHarness(variant.instance, shape))
        for seed, size in enumerate((1.0, 10.0, 0.1, 100.0)):
            w, end = size * weights(shape, seed), size * weights(shape, seed + 10)
            direction = size * np.random.default_rng([seed, 99]).normal(size=shape)
            what = f"the gradient for w of shape {shape}{note}"
            require_gradient_along(evaluate, w, end, direction, what)


@check
def adds_to_the_gradient(subject: Subject) -> None:
    """Adds to `dw` what it adds to zeros, and overwrites nothing."""
    for shape in PARAMETER_SHAPES:
        harness, w = RegularizerHarness(subject.instance, shape), weights(shape)
        before = np.random.default_rng(37).normal(size=shape)
        added, fault = harness.run(w, before)[1] - before, "what it adds depends on what dw holds"
        require_equal(added, harness.run(w)[1], fault, "add with np.add(dw, …, out=dw)")


@check
def sums_large_parameters(subject: Subject) -> None:
    """Gives for a large parameter nearly the same penalty in float32 as in float64."""
    exact, single = (
        RegularizerHarness(subject.instance, LARGE, dtype).run(np.full(LARGE, 0.3))[0]
        for dtype in ("float64", "float32")
    )
    fault = f"the penalty for w of shape {LARGE} in float32 is not that in float64"
    require_equal(single, exact, fault, "sum by np.sum, or in float64", tolerance=SINGLE)


@check
def strength_zero_does_nothing(subject: Subject) -> None:
    """Gives no penalty and no gradient where its strength is 0."""
    values = dict(subject.instance)
    numbers = [name for name, value in values.items() if isinstance(value, float)]
    zeros = ["strength"] if "strength" in numbers else numbers
    names = ", ".join(zeros)
    with calling(f"a declaration where {names} are 0", skips=ValidationError):
        none = type(subject.instance).model_validate({**values, **dict.fromkeys(zeros, 0.0)})
    for shape in PARAMETER_SHAPES if zeros else ():
        penalty, gradient = RegularizerHarness(none, shape).run(weights(shape))
        largest = np.abs([*penalty, *gradient.flat]).max()
        is_defined = np.isfinite(largest) or zeros == ["strength"]
        skip_unless(is_defined, f"it is not defined where {names} are 0")
        fault = f"penalty or gradient are up to {largest:.9g}"
        require(largest == 0, f"with {names} = 0, {fault}; multiply both by it")


CHECKS = (
    common.leaves_inputs_alone,
    *common.USED_ONCE,
    common.takes_float32_and_float64,
    common.stays_finite,
    *checks_in(globals()),
    *native.CHECKS,
)


def _evaluate(harness: RegularizerHarness, w: Array) -> tuple[Array, Array, Any]:
    penalty, gradient = harness.run(w)
    return penalty, np.abs(penalty), lambda: gradient
