"""The code of fused loops: vectorized on every processor, with the same bits in parts."""

from __future__ import annotations

import ctypes
import re
from typing import Any

import numpy as np
import pytest

from declnet_plugins.jit.fusion.compiling import optimized
from declnet_plugins.jit.fusion.functions import FUNCTIONS
from declnet_plugins.jit.fusion.nests import nests_of
from declnet_plugins.jit.fusion.patterns import Words, placed
from declnet_plugins.recording.program import assignments
from tests.plugins.jit.fusion.guarded import filled, fused_calls, recorded, run
from tests.plugins.jit.fusion.processors import PROCESSORS, address_on, machine_for

pytestmark = pytest.mark.usefixtures("numba")


def words_of(function: Any, arrays: list[np.ndarray]) -> list[Words]:
    calls = recorded(function, arrays)
    nests = nests_of([[item for call in calls for item in assignments(call)]])
    return [Words(nest, placed(nest), set()) for nest in nests]


def softmax_and_norm(x: Any, y: Any, row: Any, scale: Any) -> None:
    """Compute y = tanh(scale softmax(x)) along the last axis; row is a buffer for reductions."""
    np.maximum.reduce(x, axis=-1, out=row)
    np.subtract(x, row[:, None], out=y)
    np.exp(y, out=y)
    np.add.reduce(y, axis=-1, out=row)
    np.divide(y, row[:, None], out=y)
    np.multiply(y, scale, out=y)
    np.tanh(y, out=y)


def arrays_of(n: int, dtype: str, last: bool) -> list[np.ndarray]:
    rng = np.random.default_rng(n)
    x = filled(rng, (n, 7), dtype, (1, 0) if last else (0, 1))
    return [x, np.zeros_like(x), np.zeros(n, dtype), rng.uniform(1, 2, 7).astype(dtype)]


@pytest.mark.parametrize("last", [True, False], ids=["batch last", "batch first"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("processor", ["x86-64", "haswell"])
def test_other_processors_give_the_same_up_to_rounding(
    processor: str, dtype: str, last: bool
) -> None:
    machine_for(processor)  # or skip
    results = []
    for n in (1, 5, 67):
        expected = arrays_of(n, dtype, last)
        softmax_and_norm(*expected)
        for parts in (1, 3):
            arrays = arrays_of(n, dtype, last)
            start = [array.copy(order="K") for array in arrays]
            for words in words_of(softmax_and_norm, arrays):
                for array, before in zip(arrays, start, strict=True):
                    array[...] = before
                run([words.call(address_on(processor, words.pattern))], parts)
            results.append(arrays[1].tobytes())
            np.testing.assert_allclose(
                arrays[1], expected[1], rtol=2e-6 if dtype == "float32" else 1e-14
            )
        assert results[-1] == results[-2]


INSTRUCTION = re.compile(r"\tv?(mul|add|sub|div|max|fn?m(add|sub)\d+)(p|s)[sd]\t.*")


@pytest.mark.parametrize("processor", ["x86-64", "haswell"])
def test_each_loop_in_place_computes_with_whole_vectors(processor: str) -> None:
    """Also where x and y are the same array, which keeps a compiler from vectorizing loops."""
    machine, width = machine_for(processor)
    x = np.ones((64, 300), "float32")
    (words,) = words_of(lambda x: np.tanh(x, out=x), [x])
    text = machine.emit_assembly(optimized(words.pattern, width, machine))
    loops = [block for block in re.split(r"\n\.L\w+:", text) if INSTRUCTION.search(block)]
    longest = max(loops, key=len)
    instructions = [match.group(0) for match in INSTRUCTION.finditer(longest)]
    assert len(instructions) > 20
    assert all(match.group(3) == "p" for match in INSTRUCTION.finditer(longest))
    assert all(PROCESSORS[processor][2] in line for line in instructions)


def test_one_buffer_is_named_once() -> None:
    x = np.ones((64, 300), "float32")
    (words,) = words_of(lambda x: np.multiply(x, x, out=x), [x])
    assert len(words.pattern.slots) == 1
    assert ctypes.sizeof(ctypes.c_void_p) == 8


NUMBERS = [0, -0.0, 1, -1, 0.5, 2, 3.7, -2.5, 1e-30, 1e30, 87, -87, 100, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "function", [f for f in FUNCTIONS if isinstance(f, np.ufunc)], ids=lambda f: f.__name__
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions_match_numpy_up_to_rounding(function: Any, dtype: str) -> None:
    kind = bool if function.__name__.startswith(("bitwise", "invert")) else dtype
    numbers = np.array(NUMBERS, "float64").astype(kind)
    grids = np.meshgrid(*[numbers] * function.nin, indexing="ij")
    inputs = [np.ascontiguousarray(grid).reshape(-1) for grid in grids]
    expected = function(*inputs)
    outputs = np.empty_like(expected)
    calls = recorded(lambda *arrays: function(*arrays[:-1], out=arrays[-1]), [*inputs, outputs])
    outputs[...] = 0
    run(fused_calls(calls), 1)
    assert outputs.dtype == bool or np.array_equal(np.isnan(outputs), np.isnan(expected))
    tolerance = 3e-6 if dtype == "float32" else 2e-13
    np.testing.assert_allclose(outputs, expected, rtol=tolerance, atol=0)
