"""Checks on engines: they do what the calls do that they are given, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice, product
from typing import Any

import numpy as np

from declnet import (
    Array,
    ClipNorm,
    ClipValue,
    CompiledCalls,
    Engine,
    FlushDenormals,
    Gather,
    LayerState,
    NormalizeWeights,
    OptimizerUpdate,
    Record,
    Registry,
    StepLoop,
)
from declnet.testing.catalogue import checks_module
from declnet.testing.checking import (
    CheckFailed,
    CheckSkipped,
    Subject,
    called,
    calling,
    check,
    require_available,
)
from declnet.testing.checks.native import Calls, arrays_of, bound_calls
from declnet.testing.comparison import difference, same
from declnet.testing.examples import build_examples

DTYPES = ("float32", "float64")
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}
"""How far an engine's results may differ from the calls', relative to an array's largest value."""

SAMPLES, BATCH, FEATURES = 11, 4, 3

COMPONENTS = 4
"""Number of components of each kind that an engine is tried with."""


class _Arrays:
    """Arrays of a small step, and calls on them: no component, only NumPy and operations."""

    def __init__(self, dtype: str) -> None:
        rng = np.random.default_rng(3)
        draw: Callable[..., Array] = lambda *shape: rng.normal(size=shape).astype(dtype)  # noqa: E731
        self.x, self.y = draw(SAMPLES, FEATURES), draw(FEATURES, SAMPLES)
        self.batch, self.targets = draw(BATCH, FEATURES), draw(FEATURES, BATCH)
        self.losses, self.w, self.dw = draw(BATCH), draw(FEATURES), draw(FEATURES)
        self.weights, self.normalized = np.abs(draw(BATCH)), draw(BATCH)
        self.moments, self.product = draw(70), draw(BATCH, FEATURES)
        self.moments[3] = np.finfo(dtype).tiny / 4
        self.order, self.start = np.arange(SAMPLES)[::-1].copy(), np.zeros(1, np.int64)
        self.rate, self.step = np.zeros(1), np.zeros(1, np.int64)
        self.rows, self.row = np.zeros((3, BATCH), dtype), np.zeros(1, np.int64)
        self.notes: list[str] = []
        self.gathers = (Gather(self.x, self.batch, 0), Gather(self.y, self.targets, -1))

    def calls(self, *, noted: bool) -> list[Callable[[], object]]:
        """Return the calls of a step, with calls that only Python can make if `noted`."""
        calls: list[Callable[[], object]] = [
            NormalizeWeights(self.weights, self.normalized),
            partial(np.multiply, self.batch, self.w, self.product),
            partial(np.matmul, self.normalized, self.product, self.dw),
            partial(np.matmul, self.product, self.w, self.losses),
            Record(self.losses, self.rows, self.row),
        ]
        if noted:
            calls[1:1] = [partial(self.notes.append, "first")]
            calls.append(partial(self.notes.append, "last"))
        return calls

    def update(self) -> list[Callable[[], object]]:
        """Return the calls of an update, which also reads the rate and the step."""
        scratch, small = np.empty_like(self.moments), np.empty(len(self.moments), bool)
        return [
            ClipValue(self.dw, 0.7),
            ClipNorm(self.dw, 0.5),
            partial(np.add, self.w, self.dw, self.w),
            FlushDenormals(self.moments, self.step, 2, scratch, small),
        ]

    def filled(self) -> dict[str, Array]:
        """Return copies of all arrays that the calls fill."""
        names = "batch", "targets", "normalized", "product", "losses", "dw", "w", "moments", "rows"
        return {name: getattr(self, name).copy() for name in names}


def _compiled(subject: Subject, calls: Calls, *, exact: bool = False) -> CompiledCalls:
    return called(subject, Engine.compile, calls, exact)


def _require_available(subject: Subject) -> None:
    require_available(subject.instance)


def _require_same(results: dict[str, Array], expected: dict[str, Array], dtype: str) -> None:
    for name, array in expected.items():
        gap = difference(results[name], array, TOLERANCE[dtype])
        if gap is None and ((results[name] == 0) != (array == 0)).any():
            gap = "it has other zeros"  # of denormals
        if gap is not None:
            raise CheckFailed(f"with {dtype}, {name} is not what the calls give in Python: {gap}")


@check
def does_what_the_calls_do(subject: Subject) -> None:
    """Compiles calls to calls with the same results, up to rounding, in the same order."""
    _require_available(subject)
    for dtype in DTYPES:
        compiled_arrays, expected = _Arrays(dtype), _Arrays(dtype)
        calls = [*expected.calls(noted=True), *expected.update()]
        compiled = _compiled(
            subject, [*compiled_arrays.calls(noted=True), *compiled_arrays.update()]
        )
        for step in (1, 2):
            compiled_arrays.step[0] = expected.step[0] = step
            for call in calls:
                call()
            with calling("a compiled call"):
                for call in compiled.calls:
                    call()
        _require_same(compiled_arrays.filled(), expected.filled(), dtype)
        if compiled_arrays.notes != ["first", "last"] * 2:
            raise CheckFailed(
                f"calls were made in the order {compiled_arrays.notes}, not once a step in turn"
            )


@check
def loops_over_steps(subject: Subject) -> None:
    """Makes as many steps as there are rows of values, with the same results as one by one."""
    _require_available(subject)
    for dtype in DTYPES:
        compiled_arrays, expected = _Arrays(dtype), _Arrays(dtype)
        rows = [(start, 0.1 * step, step) for step, start in enumerate((0, 4, 2), start=1)]
        for row, (start, _, step) in enumerate(rows):
            expected.step[0], expected.row[0] = step, row
            for gather in expected.gathers:
                gather(expected.order[start : start + BATCH])
            for call in (*expected.calls(noted=False), *expected.update()):
                call()
        steps = _loop(subject, compiled_arrays).run(_values(rows))
        if steps != len(rows):
            raise CheckFailed(f"run made {steps} steps of {len(rows)}")
        _require_same(compiled_arrays.filled(), expected.filled(), dtype)
        if (compiled_arrays.rate[0], compiled_arrays.step[0]) != (0.1 * 3, 3):
            raise CheckFailed("run did not write the values of the last row to `now`")


@check
def stops_at_a_loss_that_is_not_finite(subject: Subject) -> None:
    """Ends before the update of the step whose loss is NaN or infinite, and counts the others."""
    _require_available(subject)
    for wrong in (np.nan, np.inf):
        arrays = _Arrays("float64")
        arrays.x[arrays.order[BATCH]] = wrong
        before = arrays.w.copy()
        steps = _loop(subject, arrays).run(_values([(0, 0.1, 1), (1, 0.1, 2), (0, 0.1, 3)]))
        if steps != 1 or arrays.step[0] != 2:
            raise CheckFailed(f"run made {steps} steps, though the loss of the second is {wrong}")
        if not np.isfinite(arrays.w).all() or (arrays.w == before).all():
            raise CheckFailed(
                "run made the update of a step whose loss is not finite, or skipped another one"
            )


@check
def repeats_components(subject: Subject) -> None:
    """Gives what the methods of components give, and the same bits if asked to."""
    _require_available(subject)
    for component, exact in product(_components(subject.registry), (True, False)):
        try:
            recorded, expected = _calls_of(component), _calls_of(component)
        except (CheckFailed, CheckSkipped):  # its own checks say why
            continue
        compiled = _compiled(subject, recorded, exact=exact)
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
            if gap is not None:
                what = "has other bits" if exact else "differs"
                raise CheckFailed(f"an array of {component.component} {what}: {gap}")


def _results(calls: Calls) -> Iterator[Array]:
    """Yield the arrays that calls fill for others: no workspace, nor gradients after an update."""
    for call in calls:
        if isinstance(call, OptimizerUpdate):
            yield call.w
            yield from arrays_of(
                [array for name, array in vars(call.state).items() if name != "scratch"]
            )
        elif isinstance(call, partial):
            for argument in (*call.args, *call.keywords.values()):
                if isinstance(argument, LayerState):
                    yield from vars(argument.grad).values()
                else:
                    yield from arrays_of(argument)


def _calls_of(component: Subject) -> Calls:
    return [call for calls in bound_calls(component).values() for call in calls]


def _components(registry: Registry) -> Iterator[Subject]:
    """Yield the first components of each kind that has calls in a step."""
    for kind in registry.kinds():
        for entry in islice(registry.entries(kind), COMPONENTS):
            component = entry.component
            if component.conformance_checks and hasattr(checks_module(component), "step_calls"):
                for instance in _first_example(component, registry):
                    yield Subject(instance, 0, registry)


def _first_example(cls: type[Any], registry: Registry) -> tuple[Any, ...]:
    try:
        return build_examples(cls, registry)[:1]
    except CheckFailed:
        return ()


def _prepare(calls: Calls, step: int) -> None:
    """Fill the floats that calls compute with, and set the number of a step."""
    rng = np.random.default_rng(step)
    for array in arrays_of(calls):
        if array.dtype.kind == "f" and array.flags.writeable:
            array[...] = rng.uniform(0.1, 0.9, array.shape)
    for call in calls:
        if isinstance(call, OptimizerUpdate):
            call.step[0] = step


def _values(rows: Sequence[tuple[int, float, int]]) -> Array:
    numbers = [
        (start, np.float64(rate).view(np.int64), step, row)
        for row, (start, rate, step) in enumerate(rows)
    ]
    return np.array(numbers, np.int64)


def _loop(subject: Subject, arrays: _Arrays) -> Any:
    """Return a loop over steps; skip the check if Python has to make some of the calls."""
    compiled = [_compiled(subject, part) for part in (arrays.calls(noted=False), arrays.update())]
    calls, update = (part.native for part in compiled)
    if calls is None or update is None:
        raise CheckSkipped("it leaves some of NumPy's calls to Python")
    sizes = arrays.gathers, arrays.order, arrays.start, BATCH
    now = arrays.start, arrays.rate, arrays.step, arrays.row
    with calling("loop"):
        return subject.instance.loop(StepLoop(*sizes, calls, (arrays.losses,), update, now))


CHECKS = (
    does_what_the_calls_do,
    repeats_components,
    loops_over_steps,
    stops_at_a_loss_that_is_not_finite,
)
