"""What an optimizer promises: an elementwise rule that makes functions small."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.optimizer import Optimizer
from declnet.components.returned import checked_state_names
from declnet.graph.update import SLICE, Update
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.comparison import difference, same
from declnet.testing.harness import WatchedOptimizer
from declnet.testing.trial import Setting, Trial
from declnet.testing.trial_checks import USED_ONCE, takes_float32_and_float64

SIZE = 13
"""Parameters in most trials."""

LONG = SLICE + 1000
"""Parameters in a vector that the graph updates in two slices."""

ENDS = np.r_[:7, SLICE - 3 : SLICE + 4, LONG - 5 : LONG]
"""Parameters of a long vector that are updated again by themselves."""

DIVISIONS = ((5,), (1, 2, 3), (4, 8, 12), tuple(range(1, SIZE)))
"""Where a vector is cut."""

LEARNING_RATES = (0.1, 0.01, 1.0, 1e-3, 1e-4, 10.0)
"""Learning rates to try; one must do."""

STEPS = 500
"""Updates in which a function must become small."""

Landscape = Callable[[Array], tuple[float, Array]]
"""The value and the gradient at a point."""


class OptimizerHarness:
    """A vector of parameters, its gradient and the graph's update of it.

    Args:
        optimizer: what updates it.
        w: where it starts.
        bounds: where the vector is cut into vectors of their own.
        state: the optimizer's arrays by name, if they do not start at 0.

    Attributes:
        w: the parameters.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        w: Array,
        bounds: Sequence[int] = (),
        state: dict[str, Array] | None = None,
    ) -> None:
        self.w, self._gradient = w.copy(), np.empty_like(w)
        self._watched = WatchedOptimizer(optimizer)
        watched: Any = self._watched
        edges = [0, *bounds, len(w)]
        with calling("state_names"):
            self._updates = [
                Update(watched, self.w[start:end], self._gradient[start:end], 1000)
                for start, end in pairwise(edges)
            ]
        for name, array in (state or {}).items():
            self._updates[0].state[name][...] = array

    @property
    def state(self) -> dict[str, Array]:
        """The optimizer's arrays by name, of a vector that is not cut."""
        return self._updates[0].state

    def step(self, gradient: Array, rate: float, step: int) -> None:
        """Update every parameter; the gradient's memory is spoiled afterwards."""
        self._gradient[...] = gradient
        self._watched.traits["given_rate"] = rate
        for update in self._updates:
            update(step)
        self._gradient.fill(np.nan)

    def run(self, gradients: Array, rate: float = 0.01, first_step: int = 1) -> None:
        """Update with each row of gradients."""
        for offset, gradient in enumerate(gradients):
            self.step(gradient, rate, first_step + offset)


def gradients(steps: int, seed: int = 0, size: int = SIZE) -> Array:
    """Draw a gradient for each step."""
    return np.random.default_rng([seed, 17]).normal(size=(steps, size))


def start(seed: int = 0, size: int = SIZE) -> Array:
    """Draw parameters to start with."""
    return np.random.default_rng([seed, 19]).normal(size=size)


def try_optimizer(subject: Subject, setting: Setting) -> Trial:
    """Run five updates."""
    harness = OptimizerHarness(subject.instance, start().astype(setting.dtype))
    harness.run(gradients(5))
    state = {f"state.{name}": array for name, array in harness.state.items()}
    return Trial({"w": harness.w, **state})


@check
def declares_its_state(subject: Subject) -> None:
    """Names its state arrays by different names that can be attributes, and uses no others."""
    with calling("state_names"):
        names = checked_state_names(subject.instance, subject.instance.state_names())
    for name in names:
        if keyword.iskeyword(name):
            raise CheckFailed(
                f'state_names() has "{name}", which cannot be written as state.{name}'
            )
    OptimizerHarness(subject.instance, start()).run(gradients(2))


@check
def is_elementwise(subject: Subject) -> None:
    """Gives the same however the vector is divided, and however long it is."""
    whole = OptimizerHarness(subject.instance, start())
    whole.run(gradients(6))
    for bounds in DIVISIONS:
        cut = OptimizerHarness(subject.instance, start(), bounds)
        cut.run(gradients(6))
        _require_elementwise(cut.w, whole.w, f"if the vector is cut at {bounds}")
    for scale in (1.0, 1e3):
        w, slopes = start(size=LONG), scale * gradients(3, size=LONG)
        long = OptimizerHarness(subject.instance, w)
        long.run(slopes)
        few = OptimizerHarness(subject.instance, w[ENDS])
        few.run(slopes[:, ENDS])
        _require_elementwise(few.w, long.w[ENDS], f"among {len(ENDS)} and among {LONG} parameters")


@check
def keeps_runs_apart(subject: Subject) -> None:
    """Holds no state itself: two runs with the same instance do not disturb each other."""
    alone = OptimizerHarness(subject.instance, start())
    alone.run(gradients(6))
    first, second = (OptimizerHarness(subject.instance, start(seed)) for seed in (0, 1))
    for step, (own, foreign) in enumerate(zip(gradients(6), gradients(6, 1), strict=True), start=1):
        first.step(own, 0.01, step)
        second.step(foreign, 0.01, step)
    fault = difference(first.w, alone.w)
    if fault:
        raise CheckFailed(
            f"w differs if another run goes on in between: {fault}; keep state in the arrays of "
            "state_names(), and count steps by the step that is handed in"
        )


@check
def continues_after_a_restart(subject: Subject) -> None:
    """Continues from saved parameters and state bit by bit as if it had never stopped."""
    through = OptimizerHarness(subject.instance, start())
    through.run(gradients(8))
    before = OptimizerHarness(subject.instance, start())
    before.run(gradients(8)[:4])
    after = OptimizerHarness(subject.instance, before.w, state=before.state)
    after.run(gradients(8)[4:], first_step=5)
    for name, array in {"w": through.w, **through.state}.items():
        found = after.w if name == "w" else after.state[name]
        if not same(found, array):
            raise CheckFailed(
                f"{name} differs after saving and restoring midway; all state must be in the "
                "arrays of state_names()"
            )


@check
def survives_zero_gradients(subject: Subject) -> None:
    """Gives finite numbers for gradients of 0, as dead units have them, and for tiny ones."""
    for size in (0.0, 1e-30, 1e8):
        for dtype in ("float64", "float32"):
            harness = OptimizerHarness(subject.instance, start().astype(dtype))
            harness.run(np.full((3, SIZE), size))
            if not np.isfinite(harness.w).all():
                raise CheckFailed(
                    f"w is not finite after gradients of {size:g} in {dtype}; add epsilon to what "
                    "it divides by"
                )


@check
def rate_zero_changes_nothing(subject: Subject) -> None:
    """Leaves parameters alone where the learning rate is 0."""
    if any("decay" in name for name in type(subject.instance).model_fields if name != "decay"):
        raise CheckSkipped("it has a decay of its own, which may not depend on the rate")
    harness = OptimizerHarness(subject.instance, start())
    harness.run(gradients(3), rate=0.0)
    if not same(harness.w, start()):
        raise CheckFailed(
            "w changes though the learning rate is 0; use the learning_rate that is handed in, "
            "not the field, which may be a schedule"
        )


@check
def descends_a_quadratic(subject: Subject) -> None:
    """Comes near the minimum of a quadratic function, with some usual learning rate."""
    _require_descent(subject, quadratic, np.array([1.0, -2.0, 0.5, 1.5]), 0.1)


@check
def descends_rosenbrock(subject: Subject) -> None:
    """Descends into Rosenbrock's valley, with some usual learning rate."""
    _require_descent(subject, rosenbrock, np.array([-1.2, 1.0, 0.0, 0.8]), 0.5)


CHECKS = (
    declares_its_state,
    *USED_ONCE,
    takes_float32_and_float64,
    is_elementwise,
    keeps_runs_apart,
    continues_after_a_restart,
    survives_zero_gradients,
    rate_zero_changes_nothing,
    descends_a_quadratic,
    descends_rosenbrock,
)


def quadratic(w: Array) -> tuple[float, Array]:
    """Return value and gradient of a bowl, ten times steeper along one axis than another."""
    steepness = np.linspace(1, 10, len(w))
    return float(np.sum(steepness * w**2) / 2), steepness * w


def rosenbrock(w: Array) -> tuple[float, Array]:
    """Return value and gradient of a curved valley over pairs; its minimum is at ones."""
    x, y = w[0::2], w[1::2]
    valley = y - x**2
    gradient = np.empty_like(w)
    gradient[0::2] = -400 * x * valley - 2 * (1 - x)
    gradient[1::2] = 200 * valley
    return float(np.sum(100 * valley**2 + (1 - x) ** 2)), gradient


def _require_elementwise(found: Array, wanted: Array, when: str) -> None:
    fault = difference(found, wanted)
    if fault:
        raise CheckFailed(
            f"w differs {when}: {fault}; each element may depend on its own w, dw and state only, "
            "not on a norm or a mean"
        )


def _require_descent(subject: Subject, landscape: Landscape, w: Array, share: float) -> None:
    first, reached = landscape(w)[0], np.inf
    for rate in LEARNING_RATES:
        harness = OptimizerHarness(subject.instance, w)
        for step in range(1, STEPS + 1):
            value, gradient = landscape(harness.w)
            if not value < 1e12:
                break
            harness.step(gradient, rate, step)
        value = landscape(harness.w)[0]
        if value < share * first:
            return
        reached = min(reached, value) if np.isfinite(value) else reached
    raise CheckFailed(
        f"after {STEPS} steps the value is {reached:g}, from {first:g}, at the best of the "
        f"learning rates {', '.join(f'{rate:g}' for rate in LEARNING_RATES)}; check the sign and "
        "the size of the step"
    )
