"""Components in fused loops match their results in Python up to rounding."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from declnet import (
    LayerState,
    NativeCall,
    Optimizer,
    OptimizerState,
    OptimizerUpdate,
)
from declnet.graph.schedules import ScheduledValues
from declnet.testing.trial import Setting
from declnet_plugins.jit.engine import NativeEngine
from declnet_plugins.jit.replay.replay import joined, replay
from declnet_plugins.standard.layers.normalization import BatchNorm
from tests.plugins.jit.component_calls import calls_of, subjects
from tests.plugins.jit.fusion.guarded import between_guards, run

pytestmark = pytest.mark.usefixtures("numba")

TOLERANCE = {"float32": 4e-6, "float64": 4e-14}
"""Relative to the largest number of an array, or to 1."""

SUBJECTS = [
    subject
    for kind in ("layer", "loss", "regularizer")
    for subject in subjects(kind, 1)
    if subject.instance.type not in ("gru", "lstm", "simple_rnn", "embedding", "embedding_bag")
]


def named(subject: Any) -> str:
    return f"{subject.component}[{subject.example}]"


def results(call: Any) -> Iterator[np.ndarray]:
    """Yield the arrays of a call, without the workspace of layers."""
    for argument in (*call.args, *call.keywords.values()):
        for array in argument if isinstance(argument, tuple) else (argument,):
            if isinstance(array, np.ndarray):
                yield array
        if isinstance(argument, LayerState):
            yield from vars(argument.grad).values()


def filled(calls: Any, rng: np.random.Generator) -> None:
    """Fill the arrays of calls with numbers between 0.1 and 0.9."""
    for call in calls:
        for array in results(call):
            if array.dtype.kind == "f" and array.flags.writeable:
                array[...] = rng.uniform(0.1, 0.9, array.shape)


def close(array: np.ndarray, expected: np.ndarray) -> None:
    assert np.array_equal(np.isnan(array), np.isnan(expected))
    finite = np.isfinite(expected)
    assert np.array_equal(array[~finite], expected[~finite], equal_nan=True)
    scale = max(1.0, np.abs(expected[finite]).max(initial=0))
    gap = np.abs(array[finite] - expected[finite]).max(initial=0)
    assert gap <= TOLERANCE.get(array.dtype.name, 0) * scale


@pytest.mark.parametrize("subject", SUBJECTS, ids=named)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_layers_losses_and_regularizers_agree_in_any_number_of_parts(subject: Any) -> None:
    number = SUBJECTS.index(subject)
    dtype = ("float32", "float64")[number % 2]
    orders = "batch_last", "batch_first"
    setting = Setting(
        samples=(37, 67, 5, 1)[number // 4 % 4],
        dtype=dtype,
        input_order=orders[number // 2 % 2],
        order=orders[number // 2 % 2],
    )
    bits = []
    for parts in (0, 1, 3):
        calls = [call for _, call in calls_of(subject, setting)]
        filled(calls, np.random.default_rng(number))
        if parts and sys.platform == "linux":
            calls = between_guards(calls)
        if parts:
            compiled = joined([part for call in calls for part in replay(call).parts or ()])
            if not all(isinstance(call, NativeCall) for call in compiled):
                pytest.skip("some calls are made from Python")
            run(compiled, parts)
        else:
            for call in calls:
                call()
        bits.append([array.copy() for call in calls for array in results(call)])
    for array, whole, expected in zip(bits[2], bits[1], bits[0], strict=True):
        assert array.tobytes() == whole.tobytes()
        close(array, expected)


ACTIVATIONS = [
    subject
    for subject in subjects("layer", 2)
    if type(subject.instance).__module__.endswith(("activations", "gelu"))
]


@pytest.mark.parametrize("subject", ACTIVATIONS, ids=named)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_activations_of_numbers_of_all_sizes(subject: Any) -> None:
    dtype = ("float32", "float64")[ACTIVATIONS.index(subject) % 2]
    layer, rng, shape = subject.instance, np.random.default_rng(1), (37, 101)
    x = rng.normal(size=shape) * 10.0 ** rng.integers(-9, 3, shape)
    x[0, :6] = [0, -0.0, np.nan, np.inf, -np.inf, 300]
    outputs = []
    for fused in (False, True):
        state = LayerState(np.random.default_rng(), training=True)
        for name, buffer in layer.workspace((37,)).items():
            size = (*buffer.shape, 101)
            array = np.full(size, buffer.fill or 0, buffer.dtype or dtype)
            setattr(state, name, np.moveaxis(array, -1, 0))
        x_in = x.astype(dtype).T
        y, dy = np.empty_like(x_in), rng.uniform(0.5, 1, shape).astype(dtype).T
        dy[...] = 0.7
        dx = np.empty_like(dy)
        if layer.in_place:
            y, dx = x_in, dy
        needs = layer.backward_needs
        calls: Any = [
            partial(layer.forward, x_in, y, state),
            partial(
                layer.backward,
                x_in if "x" in needs else None,
                y if "y" in needs else None,
                dy,
                dx,
                state,
            ),
        ]
        if fused:
            calls = NativeEngine().compile(calls).calls
            assert all(isinstance(call, NativeCall) for call in calls)
        for call in calls:
            call()
        outputs.append((y, dx))
    for array, expected in zip(outputs[1], outputs[0], strict=True):
        close(array, expected)


def numbers(rng: np.random.Generator, dtype: str) -> np.ndarray:
    """Draw numbers of many magnitudes, some of them special."""
    drawn = rng.normal(size=1009) * 10.0 ** rng.integers(-12, 6, 1009)
    drawn[:7] = [0, -0.0, np.nan, np.inf, -np.inf, 1e-42, -1e-42]
    return drawn.astype(dtype)


OPTIMIZERS = [
    subject
    for subject in subjects("optimizer", 1)
    if subject.instance.type not in ("lamb", "muon") and not subject.instance.per_parameter
]


@pytest.mark.parametrize("subject", OPTIMIZERS, ids=named)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_optimizers_agree_step_by_step(subject: Any) -> None:
    dtype = ("float32", "float64")[OPTIMIZERS.index(subject) % 2]
    optimizer: Optimizer = subject.instance
    rng = np.random.default_rng(1)
    start, names = numbers(rng, dtype), optimizer.state_names()
    schedules = ScheduledValues(900)
    states = []
    for _ in range(2):
        scratch = np.empty_like(start), np.empty_like(start)
        state = OptimizerState(scratch, schedules.of(optimizer))
        for name in names:
            setattr(state, name, np.zeros_like(start))
        states.append(state)
    rate, step = np.zeros(1), np.zeros(1, np.int64)
    (w, v), (dw, dv) = (start, start.copy()), np.empty((2, start.size), dtype)
    compiled = NativeEngine().compile([OptimizerUpdate(optimizer, v, dv, states[1], rate, step)])
    assert compiled.native is not None
    for number in (1, 2, 3, 700, 70000):
        gradient = numbers(rng, dtype)
        dw[:] = dv[:] = gradient
        rate[0], step[0] = 0.1 / number, number
        schedules.begin(number)
        optimizer.update(w, dw, states[0], 0.1 / number, number)
        run(compiled.native, 1)
        size = np.abs(gradient)
        for name in names:
            expected, native = (getattr(state, name) for state in states)
            error, bound = np.abs(native - expected), TOLERANCE[dtype] * (np.abs(expected) + size)
            assert not (error > bound).any()
            native[...] = expected
        assert not (np.abs(v - w) > TOLERANCE[dtype] * (np.abs(w) + 0.5)).any()
        assert np.array_equal(np.isfinite(v), np.isfinite(w))
        v[...] = w


def test_a_constant_channel_is_normalized_to_its_offset_exactly() -> None:
    layer, n = BatchNorm(), 50
    rng, state = np.random.default_rng(6), LayerState(np.random.default_rng(), training=True)
    for name, parameter in layer.parameters((3,)).items():
        setattr(state, name, rng.normal(1, 0.3, parameter.shape).astype("float32"))
    for name, array in layer.workspace((3,)).items():
        shape = (*array.shape, n) if array.per_sample else array.shape
        setattr(state, name, np.moveaxis(np.full(shape, np.nan, "float32"), -1, 0))
    y = rng.normal(30, 2, (3, n)).astype("float32").T
    y[:, 1] = 1e6 / 3
    for call in NativeEngine().compile([partial(layer.forward, y, y, state)]).calls:
        call()
    assert (y[:, 1] == state.offset[1]).all()
    assert abs(y[:, 0].mean() - state.offset[0]) < 1e-5
