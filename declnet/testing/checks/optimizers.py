"""Checks on optimizers: an elementwise rule that minimizes functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from declnet import Array, Optimizer, ParameterInfo, RunContext, Schedule, TrainingStep, verified
from declnet.testing import checking
from declnet.testing.checking import CheckFailed, Subject, calling, check, checks_in, require
from declnet.testing.checks import common, native
from declnet.testing.comparison import require_equal, same
from declnet.testing.harness import NO_LOSS, model_of_parameters
from declnet.testing.trial import Setting, Trial, tried
from declnet.testing.watched import WatchedOptimizer

SIZE, FEW, MANY = 13, 4, 300  # parameters in most trials, to minimize, and to round differently
SLICE, LONG = 2**17, 2**17 + 1000  # parameters that the graph updates at a time, and in two slices
ENDS = np.r_[:7, SLICE - 3 : SLICE + 4, LONG - 5 : LONG]  # some to update without the others

LATE, LONGEST = 10**6, 3  # a late update; how many times as long corrected first ones may be

BESIDE_BOWL, BESIDE_VALLEY = np.array([1.0, -2.0, 0.5, 1.5]), np.array([-1.2, 1.0, 0.0, 0.8])
LEARNING_RATES, STEPS = (0.1, 0.01, 1.0, 1e-3, 1e-4, 10.0), 500
"""Learning rates to try from these points, of which one must work within a number of steps."""


class _OptimizerHarness:
    """A vector of parameters, its gradient and the graph's update of it.

    The optimizer's state starts at 0 unless it is passed.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        w: Array,
        parameters: Sequence[ParameterInfo] = (),
        state: Mapping[str, Array] | None = None,
    ) -> None:
        watched: Any = WatchedOptimizer(optimizer)
        model = model_of_parameters(parameters or _parameters(optimizer, len(w)), w.dtype.name)
        with calling("state_shapes" if optimizer.per_parameter else "state_names"):
            self._step = TrainingStep(model, NO_LOSS, 1, optimizer=watched, total=1000)
        self._step.vector[...], self._traits = w, watched.traits
        self.state = self._step.optimizer_state
        for name, array in (state or {}).items():
            self.state[name][...] = array

    @property
    def w(self) -> Array:
        """A copy of the parameters."""
        return self._step.vector.copy()

    @property
    def evaluated(self) -> Array:
        """The parameters that are evaluated instead of `w`."""
        with calling("evaluated"):
            return self._step.evaluated()

    def run(self, *gradients: Array, rate: float = 0.01, first: int = 1) -> Array:
        """Update by each gradient, which is spoiled afterwards; return the parameters."""
        self._traits["constant_rate"] = rate
        for number, gradient in enumerate(gradients, start=first):
            self._step.gradient[...] = gradient
            self._step.update(number)
            self._step.gradient.fill(np.nan)
        return self.w


def _parameters(optimizer: Optimizer, size: int) -> list[ParameterInfo]:
    """Return parameters of a total size: a vector, or two (or one) of kinds that it accepts."""
    if not optimizer.per_parameter:
        return [ParameterInfo("layer.weights", (size,), "weight")]
    columns, rest = divmod(size, rows := 2 if size == FEW else 3)
    weights = ParameterInfo("layer.weights", (rows, columns), "weight")
    biases = ParameterInfo("layer.biases", (rest,), "bias")
    problems = optimizer.check(RunContext(parameters=(biases,)))
    if any(problem.severity == "error" for problem in problems):
        biases = ParameterInfo("layer.more_weights", (1, rest), "weight")
    return [weights, biases] if rest else [weights]


def _drawn(*shape: int) -> Array:
    return np.random.default_rng([0, *shape]).normal(size=shape)


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Run six updates of a short vector, also in parts, and three of a long one."""
    optimizer, w, slopes = subject.instance, _drawn(SIZE).astype(setting.dtype), _drawn(6, SIZE)
    if setting.restored >= len(slopes):
        return tried(subject, setting.but(restored=0))
    cuts = setting.cuts
    alone: list[Sequence[ParameterInfo]] = [()] * (len(cuts) + 1)
    if cuts and optimizer.per_parameter:
        alone = [(parameter,) for parameter in _parameters(optimizer, SIZE)]
        cuts = (prod(alone[0][0].shape),)
    parts = list[dict[str, Array]]()
    for parameters, start, gradients in zip(
        alone, np.split(w, cuts), np.split(slopes, cuts, axis=1), strict=True
    ):
        harness = _OptimizerHarness(optimizer, start, parameters)
        other = _OptimizerHarness(optimizer, start + 1, parameters) if setting.beside else None
        for step, gradient in enumerate(gradients, start=1):
            harness.run(gradient, first=setting.step or step)
            if other:
                other.run(gradient + 1, first=step)
            if setting.restored == step:
                harness = _OptimizerHarness(optimizer, harness.w, state=harness.state)
        state = {} if cuts else {f"state.{name}": array for name, array in harness.state.items()}
        parts.append({"w": harness.w, "evaluated": harness.evaluated, **state})
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if setting == Setting(dtype=setting.dtype, cuts=cuts) and not optimizer.per_parameter:
        w, slopes = _drawn(LONG).astype(setting.dtype), 1e3 * _drawn(3, LONG)
        some, rows = (ENDS, slice(None)) if cuts else (slice(None), ENDS)
        long = _OptimizerHarness(optimizer, w[some]).run(*slopes[:, some])[rows]
        outputs = {f"w of {LONG} parameters": long, **outputs}
    return Trial(outputs)


def step_calls(subject: Subject) -> dict[str, native.Calls]:
    """Return the calls of an optimizer in an update."""
    optimizer = subject.instance
    model = model_of_parameters(_parameters(optimizer, SIZE), "float64")
    step = TrainingStep(model, NO_LOSS, 1, optimizer=optimizer, total=1000)
    step.update(1)
    for array in (step.vector, *step.optimizer_state.values()):
        array.fill(0)
    return {"": step.update_calls}


@check
def survives_zero_gradients(subject: Subject) -> None:
    """Gives finite numbers for gradients of 0, and for tiny and large ones."""
    for size, rate in ((0.0, 0.01), (0.0, 0.0), (1e-30, 0.01), (1e8, 0.01)):
        for dtype in ("float64", "float32"):
            harness = _OptimizerHarness(subject.instance, _drawn(SIZE).astype(dtype))
            w = harness.run(*np.full((3, SIZE), size), rate=rate)
            fault = f"w or evaluated() is not finite after gradients of {size:g} in {dtype}"
            is_finite = np.isfinite([w, harness.evaluated]).all()
            require(is_finite, f"{fault}, at a rate of {rate:g}; add epsilon to what it divides by")


@check
def rests_without_gradients_or_rate(subject: Subject) -> None:
    """Leaves parameters alone, or lets them decay, for gradients or a learning rate of 0."""
    before = _drawn(SIZE)
    for gradients, rate, fault in (
        (np.zeros((3, SIZE)), 0.01, "all gradients are 0; subtract what it computes of w"),
        (_drawn(3, SIZE), 0.0, "the learning rate is 0; use the argument, not the field"),
    ):
        after = _OptimizerHarness(subject.instance, before).run(*gradients, rate=rate)
        shrinks = (after * before >= 0) & (np.abs(after) <= np.abs(before))
        require(shrinks.all(), f"w changes though {fault}")


@check
def takes_gradients_that_never_change(subject: Subject) -> None:
    """Takes finite steps along a gradient that never changes, the first ones hardly longer."""
    w, gradient = np.ones(MANY), 1 + 0.5 * np.tanh(_drawn(MANY))
    harness = _OptimizerHarness(subject.instance, w)
    points, states = [w], list[dict[str, Array]]()
    for number in range(1, 5):
        points.append(harness.run(gradient, first=number))
        states.append({name: array.copy() for name, array in harness.state.items()})
    limit = {name: _limit([state[name] for state in states]) for name in harness.state}

    def after(number: int, state: Mapping[str, Array], dtype: str = "float64") -> Array:
        harness = _OptimizerHarness(subject.instance, w.astype(dtype), state=state)
        return harness.run(gradient, first=number)

    fault = "w is not finite in float32 after many equal gradients"
    advice = "limit what may be below 0 by rounding, such as a variance"
    require(np.isfinite(after(LATE, limit, "float32")).all(), f"{fault}; {advice}")
    late = after(LATE, limit)
    if same(after(LATE, {}), points[1]) or not same(late, after(2 * LATE, limit)):
        return  # it corrects nothing, or its steps change with their number
    excess = float((np.abs(np.diff(points, axis=0)).max(axis=0) / np.abs(late - w)).max())
    fault = f"with equal gradients, first steps are {excess:.3g} times as long as late ones"
    require(not excess > LONGEST, f"{fault}; correct the bias of each moment, by 1 - beta**step")


@check
def evaluates_what_it_starts_from(subject: Subject) -> None:
    """Evaluates the parameters themselves before the first update."""
    harness = _OptimizerHarness(subject.instance, _drawn(SIZE))
    fault = "evaluated() is not w for a state of zeros"
    require_equal(harness.evaluated, harness.w, fault, tolerance=0)


@check
def gives_the_same_rates_together(subject: Subject) -> None:
    """Gives for several updates together the learning rates that it gives one by one."""
    optimizers, steps, total = [subject.instance], range(2, 9), 20
    if not isinstance(subject.instance.learning_rate, Schedule):
        optimizers.append(subject.instance.model_copy(update={"decay": 0.3}))
    for optimizer in optimizers:
        with calling("rate or rates"):
            alone = [verified(Optimizer.rate, optimizer, step, total) for step in steps]
            together = verified(Optimizer.rates, optimizer, steps, total)
        fault = f"rates({steps}, {total}) differs from rate, step by step"
        require_equal(together, np.array(alone), fault, tolerance=0)


@check
def descends(subject: Subject) -> None:
    """Makes a quadratic function small, and Rosenbrock's, with some usual learning rate."""
    offsets, rates = 1e-6 * np.eye(FEW), ", ".join(f"{rate:g}" for rate in LEARNING_RATES)
    for landscape, start, share in ((_bowl, BESIDE_BOWL, 0.1), (_rosenbrock, BESIDE_VALLEY, 0.5)):
        first, reached = landscape(start), np.inf
        for rate in LEARNING_RATES:
            harness = _OptimizerHarness(subject.instance, start)
            for number in range(1, STEPS + 1):
                above, below = landscape(harness.w + offsets), landscape(harness.w - offsets)
                if not (above < 1e12).all():
                    break
                harness.run((above - below) / 2e-6, rate=rate, first=number)
            reached = np.fmin(reached, landscape(harness.evaluated))
            if reached < share * first:
                break
        else:
            fault = f"after {STEPS} steps the value is {reached:g}, from {first:g}"
            advice = "check the sign and the size of the step"
            raise CheckFailed(f"{fault}, at the best of the learning rates {rates}; {advice}")


def _limit(arrays: Sequence[Array]) -> Array:
    """Return the limit of a geometric sequence of four arrays; skip the check if it is not one."""
    steps = np.diff(arrays, axis=0)
    ratios = np.divide(steps[1:], steps[:-1], out=np.zeros_like(steps[1:]), where=steps[:-1] != 0)
    converges = np.allclose(*ratios) and (np.abs(ratios) <= 0.9999).all()
    checking.skip_unless(converges, "its state does not converge")
    limit: Array = arrays[-1] + steps[-1] * ratios[-1] / (1 - ratios[-1])
    return limit


def _bowl(w: Array) -> Any:
    """Return the value of a bowl at points (…, 4), ten times steeper along one axis."""
    return np.sum(np.linspace(0.5, 5, FEW) * w**2, axis=-1)


def _rosenbrock(w: Array) -> Any:
    """Return the value of a curved valley of pairs of numbers at points (…, 4)."""
    x, y = w[..., ::2], w[..., 1::2]
    return np.sum(100 * (y - x**2) ** 2 + (1 - x) ** 2, axis=-1)


CHECKS = (
    common.uses_declared_state,
    *common.USED_ONCE,
    *checks_in(globals()),
    common.takes_float32_and_float64,
    common.follows_its_schedules,
    *common.DIVIDED,
    *native.CHECKS,
)
