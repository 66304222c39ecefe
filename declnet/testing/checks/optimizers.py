"""Checks on optimizers: an elementwise rule that minimizes functions."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from math import prod
from typing import cast

import numpy as np

from declnet import (
    Array,
    Optimizer,
    ParameterInfo,
    RunContext,
    Schedule,
    TrainingStep,
    verified,
)
from declnet.testing.checking import (
    CheckFailed,
    CheckSkipped,
    StateReplacedError,
    Subject,
    called,
    calling,
    check,
)
from declnet.testing.checks import native
from declnet.testing.checks.common import (
    USED_ONCE,
    continues_when_restored,
    keeps_uses_apart,
    only,
    parts_equal_the_whole,
    takes_float32_and_float64,
)
from declnet.testing.comparison import require_equal, same
from declnet.testing.field_variants import require_followed, scheduled_variants
from declnet.testing.harness import NO_LOSS, model_of_parameters
from declnet.testing.trial import Setting, Trial, tried
from declnet.testing.watched import WatchedOptimizer

SIZE, FEW = 13, 4
"""Numbers of parameters in most trials, and in those that minimize a function."""

SLICE = 2**17
"""The number of parameters that the graph updates at a time."""

LONG = SLICE + 1000
"""The number of parameters in a vector that the graph updates in two slices."""

ENDS = np.r_[:7, SLICE - 3 : SLICE + 4, LONG - 5 : LONG]
"""Parameters of a long vector to update again without the others."""

LEARNING_RATES = (0.1, 0.01, 1.0, 1e-3, 1e-4, 10.0)
"""Learning rates to try, of which one must work."""

WHOLE = ("w", "evaluated")
"""The arrays of all parameters, whatever parts they are updated in."""

STEPS = 500
"""The number of updates within which a function must become small."""


class _OptimizerHarness:
    """A vector of parameters, its gradient and the graph's update of it.

    The vector is cut into separate ones; the optimizer's state starts at 0 unless it is passed. For
    an optimizer that sees whole parameters, the vector holds two of them (one, if there are four
    numbers), and if it is cut, each has an update of its own.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        w: Array,
        cuts: Sequence[int] = (),
        state: Mapping[str, Array] | None = None,
    ) -> None:
        self._watched = WatchedOptimizer(optimizer)
        self._cuts = [*accumulate(map(_size, self._parameters(w, cuts)[:-1]))]
        with calling("state_shapes" if optimizer.per_parameter else "state_names"):
            self._steps = [
                TrainingStep(
                    model_of_parameters(parameters, w.dtype.name),
                    NO_LOSS,
                    samples=1,
                    optimizer=cast("Optimizer", self._watched),
                    total=1000,
                )
                for parameters in self._parameters(w, cuts)
            ]
        for step, part in zip(self._steps, np.split(w, self._cuts), strict=True):
            step.vector[...] = part
        self.state = self._steps[0].optimizer_state
        for name, array in (state or {}).items():
            self.state[name][...] = array

    def _parameters(self, w: Array, cuts: Sequence[int]) -> list[list[ParameterInfo]]:
        """Return the parameters that are updated together."""
        if self._watched.per_parameter:
            parameters = parameters_of_size(self._watched.component, len(w))
            return [[parameter] for parameter in parameters] if cuts else [parameters]
        sizes = np.diff([0, *cuts, len(w)])
        return [[_vector(int(size))] for size in sizes]

    @property
    def w(self) -> Array:
        """A copy of the parameters."""
        return np.concatenate([step.vector for step in self._steps])

    @property
    def evaluated(self) -> Array:
        """The parameters that are evaluated instead of `w`."""
        with calling("evaluated"):
            return np.concatenate([step.evaluated() for step in self._steps])

    def step(self, gradient: Array, number: int, rate: float = 0.01) -> None:
        """Update every parameter; the gradient's memory is spoiled afterwards."""
        self._watched.traits["constant_rate"] = rate
        for step, part in zip(self._steps, np.split(gradient, self._cuts), strict=True):
            step.gradient[...] = part
            step.update(number)
            step.gradient.fill(np.nan)

    def run(self, gradients: Array, rate: float = 0.01) -> Array:
        for number, gradient in enumerate(gradients, start=1):
            self.step(gradient, number, rate)
        return self.w


def _vector(size: int) -> ParameterInfo:
    return ParameterInfo("layer.weights", (size,), "weight")


def _size(parameters: Sequence[ParameterInfo]) -> int:
    return sum(prod(parameter.shape) for parameter in parameters)


def parameters_of_size(optimizer: Optimizer, size: int) -> list[ParameterInfo]:
    """Return parameters of a given total size, of kinds that an optimizer accepts."""
    rows = 2 if size == FEW else 3
    columns = size // rows
    weights = ParameterInfo("layer.weights", (rows, columns), "weight")
    if rows * columns == size:
        return [weights]
    rest = size - rows * columns
    biases = ParameterInfo("layer.biases", (rest,), "bias")
    problems = optimizer.check(RunContext(parameters=(biases,)))
    if any(problem.severity == "error" for problem in problems):
        biases = ParameterInfo("layer.more_weights", (1, rest), "weight")
    return [weights, biases]


def _drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Run six updates of a short vector, and three of a long one."""
    optimizer, w = subject.instance, _drawn(SIZE).astype(setting.dtype)
    harness = _OptimizerHarness(optimizer, w, setting.cuts)
    other = _OptimizerHarness(optimizer, w + 1)
    for step, gradient in enumerate(_drawn(6, SIZE), start=1):
        harness.step(gradient, step)
        if setting.beside:
            other.step(gradient + 1, step)
        if setting.restored == step:
            harness = _OptimizerHarness(optimizer, harness.w, state=harness.state)
    state = {f"state.{name}": array for name, array in harness.state.items()}
    state["w"], state["evaluated"] = harness.w, harness.evaluated
    if optimizer.per_parameter:
        return Trial({name: state[name] for name in WHOLE} if setting.cuts else state)
    w, slopes = _drawn(LONG).astype(setting.dtype), 1e3 * _drawn(3, LONG)
    if setting.cuts:
        long = _OptimizerHarness(optimizer, w[ENDS]).run(slopes[:, ENDS])
        whole = {name: state[name] for name in WHOLE}
        return Trial({**whole, f"w of {LONG} parameters": long})
    long = _OptimizerHarness(optimizer, w).run(slopes)[ENDS]
    return Trial({f"w of {LONG} parameters": long, **state})


def step_calls(subject: Subject) -> dict[str, native.Calls]:
    """Return the calls of an optimizer in an update."""
    optimizer, parameters = subject.instance, [_vector(SIZE)]
    if optimizer.per_parameter:
        parameters = parameters_of_size(optimizer, SIZE)
    model = model_of_parameters(parameters, "float64")
    step = TrainingStep(model, NO_LOSS, 1, optimizer=optimizer, total=1000)
    step.update(1)
    for array in (step.vector, *step.optimizer_state.values()):
        array.fill(0)
    return {"": step.update_calls}


@check
def declares_its_state(subject: Subject) -> None:
    """Names its state arrays by different names that can be attributes, and uses no others."""
    names = called(subject, Optimizer.state_names)
    for name in filter(keyword.iskeyword, names):
        raise CheckFailed(f'state_names() has "{name}", which cannot be written as state.{name}')
    if subject.instance.per_parameter:
        with calling("state_shapes"):
            for info in parameters_of_size(subject.instance, SIZE):
                first, second = (
                    verified(Optimizer.state_shapes, subject.instance, info) for _ in range(2)
                )
                if first != second:
                    raise CheckFailed("state_shapes() differs from call to call")
    with only(StateReplacedError):
        tried(subject)


@check
def survives_zero_gradients(subject: Subject) -> None:
    """Gives finite numbers for gradients of 0, as for dead units, and for tiny ones."""
    for size in (0.0, 1e-30, 1e8):
        for dtype in ("float64", "float32"):
            harness = _OptimizerHarness(subject.instance, _drawn(SIZE).astype(dtype))
            if not np.isfinite(harness.run(np.full((3, SIZE), size))).all():
                raise CheckFailed(
                    f"w is not finite after gradients of {size:g} in {dtype}; add epsilon to what "
                    "it divides by"
                )


@check
def rate_zero_changes_nothing(subject: Subject) -> None:
    """Leaves parameters alone where the learning rate is 0."""
    if any("decay" in name for name in type(subject.instance).model_fields if name != "decay"):
        raise CheckSkipped("its own decay may not depend on the rate")
    harness = _OptimizerHarness(subject.instance, _drawn(SIZE))
    if not same(harness.run(_drawn(3, SIZE), rate=0.0), _drawn(SIZE)):
        raise CheckFailed(
            "w changes though the learning rate is 0; use the learning_rate argument, not the "
            "field, which may be a schedule"
        )


@check
def evaluates_what_it_starts_from(subject: Subject) -> None:
    """Evaluates the parameters themselves before the first update, and finite ones after it."""
    for dtype in ("float64", "float32"):
        harness = _OptimizerHarness(subject.instance, _drawn(SIZE).astype(dtype))
        fault = "evaluated() is not w for a state of zeros"
        require_equal(harness.evaluated, harness.w, fault, tolerance=0)
        harness.run(np.zeros((3, SIZE)), rate=0.0)
        if not np.isfinite(harness.evaluated).all():
            raise CheckFailed("evaluated() is not finite after updates at a rate of 0")


@check
def gives_the_same_rates_at_once(subject: Subject) -> None:
    """Gives for several updates at once the learning rates that it gives one by one."""
    optimizers, steps, total = [subject.instance], range(2, 9), 20
    if not isinstance(subject.instance.learning_rate, Schedule):
        optimizers.append(subject.instance.model_copy(update={"decay": 0.3}))
    for optimizer in optimizers:
        with calling("rate"):
            alone = np.array([verified(Optimizer.rate, optimizer, step, total) for step in steps])
        with calling("rates"):
            together = verified(Optimizer.rates, optimizer, steps, total)
        fault = f"rates({steps}, {total}) differs from rate, step by step"
        require_equal(together, alone, fault, tolerance=0)


@check
def descends(subject: Subject) -> None:
    """Makes a quadratic function small, and Rosenbrock's, with some usual learning rate."""
    _require_descent(subject, _quadratic, np.array([1.0, -2.0, 0.5, 1.5]), 0.1)
    _require_descent(subject, _rosenbrock, np.array([-1.2, 1.0, 0.0, 0.8]), 0.5)


@check
def follows_its_schedules(subject: Subject) -> None:
    """Gives with a schedule in a scheduled field, at each step, what it gives with its number."""
    slopes = _drawn(3, SIZE)
    for name, scheduled, before, after in scheduled_variants(subject):
        w = _OptimizerHarness(scheduled.instance, _drawn(SIZE)).run(slopes)
        first = _OptimizerHarness(before.instance, _drawn(SIZE))
        first.step(slopes[0], 1)
        later = _OptimizerHarness(after.instance, first.w, state=first.state)
        for step in (2, 3):
            later.step(slopes[step - 1], step)
        require_followed(name, "w", w, later.w)


CHECKS = (
    declares_its_state,
    *USED_ONCE,
    takes_float32_and_float64,
    parts_equal_the_whole,
    keeps_uses_apart,
    continues_when_restored,
    survives_zero_gradients,
    rate_zero_changes_nothing,
    evaluates_what_it_starts_from,
    gives_the_same_rates_at_once,
    descends,
    follows_its_schedules,
    *native.CHECKS,
)

_Landscape = Callable[[Array], tuple[float, Array]]
"""The value and the gradient at a point."""


def _quadratic(w: Array) -> tuple[float, Array]:
    """Return a quadratic bowl, ten times steeper along one axis than along another."""
    steepness = np.linspace(1, 10, len(w))
    return float(np.sum(steepness * w**2) / 2), steepness * w


def _rosenbrock(w: Array) -> tuple[float, Array]:
    """Return a curved valley for pairs of numbers, with its minimum at ones."""
    x, y = w[0::2], w[1::2]
    valley = y - x**2
    gradient = np.empty_like(w)
    gradient[0::2] = -400 * x * valley - 2 * (1 - x)
    gradient[1::2] = 200 * valley
    return float(np.sum(100 * valley**2 + (1 - x) ** 2)), gradient


def _require_descent(subject: Subject, landscape: _Landscape, w: Array, share: float) -> None:
    first, reached = landscape(w)[0], np.inf
    for rate in LEARNING_RATES:
        harness = _OptimizerHarness(subject.instance, w)
        for step in range(1, STEPS + 1):
            value, gradient = landscape(harness.w)
            if not value < 1e12:
                break
            harness.step(gradient, step, rate)
        value = landscape(harness.evaluated)[0]
        if value < share * first:
            return
        reached = min(reached, value) if np.isfinite(value) else reached
    raise CheckFailed(
        f"after {STEPS} steps the value is {reached:g}, from {first:g}, at the best of the "
        f"learning rates {', '.join(f'{rate:g}' for rate in LEARNING_RATES)}; check the sign and "
        "the size of the step"
    )
