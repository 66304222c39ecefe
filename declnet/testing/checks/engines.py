"""Checks on engines: they do what the calls do that they are given, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice, product
from typing import Any

import numpy as np

import declnet
from declnet import Array, ClipNorm, ClipValue, Gather, Record, Registry, StepLoop
from declnet.testing import checking
from declnet.testing.catalogue import checks_module
from declnet.testing.checking import CheckFailed, Subject, check, require, require_available
from declnet.testing.checks.native import Calls, arrays_of, bound_calls, compiled_by
from declnet.testing.comparison import difference, require_equal, same
from declnet.testing.examples import build_examples

DTYPES = ("float32", "float64")
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}
"""How far an engine's results may differ from the calls', relative to an array's largest value."""

SAMPLES, BATCH, FEATURES = 11, 4, 3

COMPONENTS = 4
"""Number of components of each kind that an engine is tried with."""


class _Step:
    """A small step: arrays, and calls on them. No component, only NumPy and operations."""

    def __init__(self, dtype: str) -> None:
        rng = np.random.default_rng(3)
        draw: Callable[..., Array] = lambda *shape: rng.normal(size=shape).astype(dtype)  # noqa: E731
        self.x, self.y = draw(SAMPLES, FEATURES), draw(FEATURES, SAMPLES)
        self.batch, self.targets = draw(BATCH, FEATURES), draw(FEATURES, BATCH)
        self.losses, self.w, self.dw = draw(BATCH), draw(FEATURES), draw(FEATURES)
        self.weights, self.normalized = np.abs(draw(BATCH)), draw(BATCH)
        self.moments, self.product = draw(70), draw(BATCH, FEATURES)
        self.moments[3] = np.finfo(dtype).tiny / 4
        self.order, self.rows = np.arange(SAMPLES)[::-1].copy(), np.zeros((3, BATCH), dtype)
        self.start, self.rate = np.zeros(1, np.int64), np.zeros(1)
        self.step, self.row = np.zeros(1, np.int64), np.zeros(1, np.int64)
        self.now = (self.start, self.rate, self.step, self.row)
        self.gathers = (Gather(self.x, self.batch, 0), Gather(self.y, self.targets, -1))
        scratch, small = np.empty_like(self.moments), np.empty(len(self.moments), bool)
        self.calls: tuple[Callable[[], object], ...] = (
            declnet.NormalizeWeights(self.weights, self.normalized),
            partial(np.multiply, self.batch, self.w, self.product),
            partial(np.matmul, self.normalized, self.product, self.dw),
            partial(np.matmul, self.product, self.w, self.losses),
            Record(self.losses, self.rows, self.row),
        )
        self.update: tuple[Callable[[], object], ...] = (
            ClipValue(self.dw, 0.7),
            ClipNorm(self.dw, 0.5),
            partial(np.add, self.w, self.dw, self.w),
            declnet.FlushDenormals(self.moments, self.step, 2, scratch, small),
        )

    def require_same(self, expected: _Step) -> None:
        """Raise CheckFailed if the arrays differ from the results of a step in Python."""
        dtype = self.x.dtype.name
        for name, array in vars(expected).items():
            if isinstance(array, np.ndarray):
                fault = f"with {dtype}, {name} is not what the calls give in Python"
                require_equal(vars(self)[name], array, fault, tolerance=TOLERANCE[dtype])
                has_same_zeros = ((vars(self)[name] == 0) == (array == 0)).all()
                require(has_same_zeros, f"{fault}: it has other zeros")  # of denormals


@check
def does_what_the_calls_do(subject: Subject) -> None:
    """Compiles calls to calls with the same results, up to rounding, in the same order."""
    require_available(subject.instance)
    for dtype in DTYPES:
        step, expected, order = _Step(dtype), _Step(dtype), list[str]()
        first, last = partial(order.append, "first"), partial(order.append, "last")
        weigh, *others = step.calls  # between native calls, and after them
        compiled = compiled_by(subject, [weigh, first, *others, last, *step.update])
        for number in (1, 2):
            step.step[0] = expected.step[0] = number
            with checking.calling("a compiled call"):
                for call in (*compiled.calls, *expected.calls, *expected.update):
                    call()
        step.require_same(expected)
        fault = f"calls were made in the order {order}, not once a step in turn"
        require(order == ["first", "last"] * 2, fault)


@check
def loops_over_steps(subject: Subject) -> None:
    """Makes as many steps as there are rows of values, with the same results as one by one."""
    require_available(subject.instance)
    for dtype in DTYPES:
        step, expected = _Step(dtype), _Step(dtype)
        rows = [(0, 0.1, 1, 0), (4, 0.2, 2, 1), (2, 0.3, 3, 2)]
        for row in rows:
            for array, number in zip(expected.now, row, strict=True):
                array[0] = number
            for gather in expected.gathers:
                gather(expected.order[row[0] : row[0] + BATCH])
            for call in (*expected.calls, *expected.update):
                call()
        steps = _loop(subject, step).run(_values(rows))
        require(steps == len(rows), f"run made {steps} steps of {len(rows)}")
        step.require_same(expected)


@check
def stops_at_a_loss_that_is_not_finite(subject: Subject) -> None:
    """Ends before the update of the step whose loss is NaN or infinite, and counts the others."""
    require_available(subject.instance)
    for wrong in (np.nan, np.inf):
        step = _Step("float64")
        step.x[step.order[BATCH]] = wrong
        before = step.w.copy()
        rows = [(0, 0.1, 1, 0), (1, 0.1, 2, 1), (0, 0.1, 3, 2)]
        steps = _loop(subject, step).run(_values(rows))
        fault = f"run made {steps} steps, though the loss of the second is {wrong}"
        require(steps == 1 and step.step[0] == 2, fault)
        fault = "run made the update of a step whose loss is not finite, or skipped another one"
        require(np.isfinite(step.w).all() and (step.w != before).any(), fault)


@check
def repeats_components(subject: Subject) -> None:
    """Gives what the methods of components give, and the same bits if asked to."""
    require_available(subject.instance)
    for component, exact in product(_components(subject.registry), (True, False)):
        try:
            recorded, expected = _calls_of(component), _calls_of(component)
        except (CheckFailed, checking.CheckSkipped):  # its own checks say why
            continue
        compiled = compiled_by(subject, recorded, exact=exact)
        for step in (1, 2) if exact else (1,):
            for calls in (recorded, expected):
                _prepare(calls, step)
            for call in (*compiled.calls, *expected):
                call()
        arrays_to_compare = arrays_of if exact else _results
        pairs = zip(arrays_to_compare(recorded), arrays_to_compare(expected), strict=True)
        for array, right in pairs:
            tolerance = 0 if exact else 10 * TOLERANCE.get(array.dtype.name, 0)
            gap = difference(array, right, tolerance)
            if gap is None and exact and not same(array, right):
                gap = "it differs where it is not finite"
            what = "has other bits" if exact else "differs"
            require(gap is None, f"an array of {component.component} {what}: {gap}")


def _results(calls: Calls) -> Iterator[Array]:
    """Yield the arrays that calls fill for others: no workspace, nor gradients after an update."""
    for call in calls:
        if isinstance(call, declnet.OptimizerUpdate):
            yield call.w
            yield from arrays_of(
                [array for name, array in vars(call.state).items() if name != "scratch"]
            )
        elif isinstance(call, partial):
            for argument in (*call.args, *call.keywords.values()):
                if isinstance(argument, declnet.LayerState):
                    yield from vars(argument.grad).values()
                else:
                    yield from arrays_of(argument)


def _calls_of(component: Subject) -> Calls:
    return [call for calls in bound_calls(component).values() for call in calls]


def _components(registry: Registry) -> Iterator[Subject]:
    """Yield the first components of each kind that has calls in a step."""
    for kind in registry.kinds():
        for entry in islice(registry.entries(kind), COMPONENTS):
            cls = entry.component
            if cls.conformance_checks and hasattr(checks_module(cls), "step_calls"):
                with suppress(CheckFailed):
                    for instance in build_examples(cls, registry)[:1]:
                        yield Subject(instance, 0, registry)


def _prepare(calls: Calls, step: int) -> None:
    """Fill the floats that calls compute with, and set the number of a step."""
    rng = np.random.default_rng(step)
    for array in arrays_of(calls):
        if array.dtype.kind == "f" and array.flags.writeable:
            array[...] = rng.uniform(0.1, 0.9, array.shape)
    for call in calls:
        if isinstance(call, declnet.OptimizerUpdate):
            call.step[0] = step


def _values(rows: Sequence[tuple[int, float, int, int]]) -> Array:
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return np.stack([column.view(np.int64) for column in columns], axis=1)


def _loop(subject: Subject, step: _Step) -> Any:
    """Return a loop over steps; skip the check if Python has to make some of the calls."""
    calls, update = (compiled_by(subject, part).native for part in (step.calls, step.update))
    if calls is None or update is None:
        raise checking.CheckSkipped("it leaves some of NumPy's calls to Python")
    sizes = step.gathers, step.order, step.start, BATCH
    with checking.calling("loop"):
        return subject.instance.loop(StepLoop(*sizes, calls, (step.losses,), update, step.now))


CHECKS = checking.checks_in(globals())
