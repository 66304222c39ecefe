"""Calls that can be recorded, and the reasons why others cannot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet import Layer, NativeCall, Optimizer, OptimizerState, OptimizerUpdate
from declnet.contracts.network.parameter import LayerState
from declnet_plugins.jit.engine import NativeEngine
from tests.plugins.jit.component_calls import replayed, why_not

pytestmark = pytest.mark.usefixtures("numba")


def layer(forward: Callable[..., None]) -> Layer:
    """Return a layer with a method."""

    class Own(Layer):
        type = "own"

    Own.forward = forward  # type: ignore[method-assign]
    return Own(name="own")


def call_of(forward: Callable[..., None], shape: tuple[int, ...] = (6, 5), **state: Any) -> Any:
    """Return a bound call of a method, with float32 arrays x and y."""
    held = LayerState(np.random.default_rng(3), training=True)
    for name, value in state.items():
        setattr(held, name, value)
    x, y = np.ones(shape, "f4"), np.zeros(shape, "f4")
    return partial(layer(forward).forward, x, y, held)


def _decides(_: Any, x: Any, y: Any, state: Any) -> None:
    if x.max() > 0:
        y[...] = x


def _selects(_: Any, x: Any, y: Any, state: Any) -> None:
    y[...] = x[x > 0].sum()


def _keeps(_: Any, x: Any, y: Any, state: Any) -> None:
    state.mask = x > 0
    np.multiply(x, state.mask, out=y)


def _makes_memory(_: Any, x: Any, y: Any, state: Any) -> None:
    memory = np.empty(x.shape, x.dtype)
    np.exp(x, out=memory)
    y[...] = memory


def _leaves_numpy(_: Any, x: Any, y: Any, state: Any) -> None:
    y[...] = np.asarray(x).copy()


def _raises(_: Any, x: Any, y: Any, state: Any) -> None:
    raise KeyError("no")


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (_decides, "needs the value of an array while it runs (test_recording.py, line"),
        (_selects, "selects elements by a mask"),
        (_keeps, "sets the attribute mask of its state"),
        (_makes_memory, "writes to an array that is neither an argument nor its state"),
        (_leaves_numpy, "gives other results when its calls of NumPy are repeated"),
        (_raises, "raises KeyError while it is recorded"),
    ],
)
def test_says_why_a_call_is_not_recorded(forward: Any, reason: str) -> None:
    call = call_of(forward)
    assert replayed(call) is None
    assert reason in str(why_not(call))


def _everything(_: Any, x: Any, y: Any, state: Any) -> None:
    """Views, temporaries, broadcasting, casts, assignments and masks."""
    half = x[:, ::2] * 2 - x.T.reshape(x.shape)[:, ::2]
    y[...] = x.mean(axis=0, keepdims=True)
    y[:, ::2] += half
    y[1:] -= y[:-1]
    y[x > 0.5] = 0.25
    np.add(y, np.where(x < 0, x, 1), out=y, where=x < 2)
    y *= np.concatenate([x[:1], x[1:]]) ** 2
    y += np.vecdot(x, y)[:, None] + x.astype(bool).sum() + state.counts
    np.minimum(y, x.max(axis=1)[:, None], out=y)
    y[0] = x[1][::-1].copy()
    y += np.take(x, state.counts[::-1] - 1, axis=1, mode="clip")
    y += np.take(x, (state.counts[: len(x)] * 3).reshape(-1, 1), axis=0, mode="clip")[:, 0][
        : len(x)
    ].sum(axis=0)


@settings(max_examples=15, deadline=None)
@given(
    rows=st.integers(2, 40), columns=st.integers(2, 300), wide=st.booleans(), turned=st.booleans()
)
def test_joined_calls_match_numpy(rows: int, columns: int, wide: bool, turned: bool) -> None:
    """Compare new numbers in arrays of either memory order."""
    random, dtype = np.random.default_rng(rows), "f8" if wide else "f4"

    def array() -> Any:
        matrix = random.normal(size=(columns, rows) if turned else (rows, columns)).astype(dtype)
        return matrix.T if turned else matrix

    state = LayerState(random, training=True)
    state.counts = np.arange(columns)
    x, y, z = array(), array(), array()
    calls = [
        partial(layer(_everything).forward, x, y, state),
        partial(np.tanh, y, out=z),
        partial(np.add, z, x, z),
        partial(np.subtract, z, y, out=x),
        partial(np.multiply, x, z, z),
    ]
    together = NativeEngine().compile(calls, exact=True).calls
    assert [type(call) for call in together] == [NativeCall]
    x[...], y[...] = array(), array()
    start, results = (x.copy(), y.copy()), []
    for run in (calls, together):
        x[...], y[...] = start
        for call in run:
            call()
        results.append([array.tobytes() for array in (x, y, z)])
    assert results[0] == results[1]


def _positions(_: Any, x: Any, y: Any, state: Any) -> None:
    np.argmax(x, axis=1, out=state.places)
    y[...] = state.places[:, None] - np.argmin(x[::-1], axis=0)
    y += x.argmax(axis=-1, keepdims=True) + np.argmax(x > 0, axis=0)
    y -= state.table.argmin(0) * x[0].argmax(axis=0)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("turned", [False, True])
def test_positions_of_extremes_are_found_natively(dtype: str, turned: bool) -> None:
    """As in NumPy: the first of equal numbers, or the first NaN."""
    x, y = (np.zeros((9, 17), dtype, order="F" if turned else "C") for _ in range(2))
    state = LayerState(np.random.default_rng(0), training=True)
    state.places, state.table = np.zeros(9, np.int64), np.arange(153).reshape(9, 17) * 5 % 7
    call = partial(layer(_positions).forward, x, y, state)
    calls = replayed(call)
    assert calls is not None
    assert all(isinstance(part, NativeCall) for part in calls), why_not(call)
    for share in (0, 0.05, 0.9):
        values = state.rng.integers(-3, 3, x.shape) / 2
        with np.errstate(invalid="ignore"):
            x[...] = np.where(state.rng.random(x.shape) < share, np.nan, values)
            results = []
            for run in ((call,), calls):
                for step in run:
                    step()
                results.append((y.tobytes(), state.places.tobytes()))
        assert results[0] == results[1]


class _Momentum(Optimizer):
    """Momentum with coefficients that change from step to step."""

    type = "own_momentum"

    def state_names(self) -> tuple[str, ...]:
        return ("momentum",)

    def update(
        self, w: Any, dw: Any, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        keep = 0.9 * (1 - 0.98**step) + 0.01 / step
        np.multiply(state.momentum, keep, out=state.momentum)
        np.add(state.momentum, dw, out=state.momentum)
        np.multiply(state.momentum, learning_rate / (1 - 0.9 ** (step + 1)), out=dw)
        np.subtract(w, dw, out=w)
        w *= 1 - learning_rate * 0.01
        w -= (learning_rate * 2) ** 1.5


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_numbers_that_change_with_the_step_are_computed_natively(dtype: str) -> None:
    random = np.random.default_rng(0)
    arrays = [random.normal(size=100).astype(dtype) for _ in range(3)]
    state = OptimizerState((np.empty(0), np.empty(0)))
    state.momentum = arrays[2]
    rate, number = np.zeros(1), np.zeros(1, np.int64)
    update = OptimizerUpdate(
        _Momentum(learning_rate=0.1), arrays[0], arrays[1], state, rate, number
    )
    calls = NativeEngine().compile([update]).native
    assert calls is not None
    for step in (1, 2, 3, 50, 12345):
        start, results = [array.copy() for array in arrays], []
        rate[0], number[0] = 0.1 / step, step
        for run in ((update,), calls):
            for array, held in zip(arrays, start, strict=True):
                array[...] = held
            for call in run:
                call()
            results.append([array.copy() for array in (arrays[0], arrays[2])])
        for expected, computed in zip(*results, strict=True):
            np.testing.assert_allclose(computed, expected, rtol=1e-12 if dtype == "f8" else 1e-5)


def test_uninitialized_memory_may_contain_any_integers() -> None:
    def forward(_: Any, x: Any, y: Any, state: Any) -> None:
        np.multiply(x, x[state.rows], out=y)

    call = call_of(forward, (3, 2), rows=np.array([-(2**60), 7, 2**60]))
    calls = replayed(call)
    assert calls is not None
    x, y, state = call.args
    x[...], state.rows[...] = [[1, 2], [3, 4], [5, 6]], [2, 0, 1]
    for part in calls:
        part()
    np.testing.assert_array_equal(y, x * x[[2, 0, 1]])
