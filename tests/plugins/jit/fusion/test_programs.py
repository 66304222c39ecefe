"""Programs in compiled loops match NumPy and access no memory outside their arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet_plugins.jit.fusion import compiling
from tests.plugins.jit.fusion.guarded import (
    exact_calls,
    filled,
    fused_calls,
    guarded,
    recorded,
    run,
)
from tests.plugins.jit.fusion.processors import PROCESSORS, address_on, is_available

pytestmark = [
    pytest.mark.usefixtures("numba"),
    pytest.mark.skipif(sys.platform != "linux", reason="protects pages by mprotect"),
]

UNARY = (np.exp, np.tanh, np.negative, np.square, np.absolute, np.sign)
BINARY = (np.add, np.subtract, np.multiply, np.maximum, np.minimum)
REDUCTIONS = (np.add, np.maximum, np.minimum)
HOST = ""


class Program:
    """Random calls of NumPy on four arrays: three of one shape, and one that lacks some axes.

    The three are separate arrays, or views of one array that overlap in any way.
    """

    def __init__(self, draw: Any) -> None:
        axes = draw(st.integers(1, 3))
        least = draw(st.sampled_from([0, 1, 1, 1, 1]))
        self.shape = tuple(draw(st.integers(least, 67 if axes < 3 else 9)) for _ in range(axes))
        self.without = tuple(axis for axis in range(axes) if draw(st.booleans()))
        self.short_shape = tuple(n for axis, n in enumerate(self.shape) if axis not in self.without)
        self.dtype = draw(st.sampled_from(["float32", "float64"]))
        self.orders = [draw(st.permutations(range(axes))) for _ in range(2)]
        self.steps = draw(st.lists(st.tuples(*[st.integers(0, 7)] * 4), min_size=1, max_size=9))
        self.seed, self.at_end = draw(st.integers(0, 99)), draw(st.booleans())
        self.gap = draw(st.integers(1, 2))
        starts = st.tuples(*[st.integers(0, 2)] * axes)
        self.starts = [draw(starts) for _ in range(3)] if draw(st.booleans()) else None

    def arrays(self, placed: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
        """Return the arrays: a, b and c, the shorter one, and a mask.

        Args:
            placed: returns a copy of an array.
        """
        rng = np.random.default_rng(self.seed)
        if self.starts:
            whole = tuple(self.gap * n + 2 for n in self.shape)
            parent = placed(filled(rng, whole, self.dtype, self.orders[0]))
            arrays = [
                parent[
                    *(
                        slice(start, start + self.gap * n, self.gap)
                        for start, n in zip(starts, self.shape, strict=True)
                    )
                ]
                for starts in self.starts
            ]
        else:
            orders = [self.orders[0], self.orders[0], self.orders[1]]
            arrays = [placed(filled(rng, self.shape, self.dtype, order)) for order in orders]
        if arrays[1].size > 2:
            arrays[1][(0,) * len(self.shape)] = np.nan
        short = rng.normal(size=self.short_shape).astype(self.dtype)
        mask = filled(rng, self.shape, "float32", self.orders[0]) > 0
        return [*arrays, placed(short), placed(mask)]

    def __call__(self, a: Any, b: Any, c: Any, short: Any, mask: Any) -> None:
        """Run the calls."""
        whole = (a, b, c)
        for kind, first, second, third in self.steps:
            x, y, z = (whole[number % 3] for number in (first, second, third))
            wide = np.expand_dims(short, self.without) if self.without else short
            if kind == 0:
                UNARY[second % len(UNARY)](x, out=z)
                np.multiply(z, 0.1, out=z)
            elif kind == 1:
                BINARY[first % len(BINARY)](x, y, out=z)
            elif kind == 2:
                BINARY[first % len(BINARY)](x, wide, out=z)
            elif kind == 3 and self.without and all(self.shape[axis] for axis in self.without):
                REDUCTIONS[first % len(REDUCTIONS)].reduce(x, axis=self.without, out=short)
            elif kind == 4:
                np.multiply(short, 0.7, out=short)
            elif kind == 5:
                np.copyto(z, np.where(mask, x, y) if first % 2 else x, where=mask)
            elif kind == 6 and len(self.shape) > 1 and x.size:
                np.add(x, y[:1], out=z)
            else:
                np.greater(x, y, out=mask)
                np.multiply(x, mask, out=z)


def results(
    program: Program, compiled: Callable[..., Sequence[Callable[[], Any]]], parts: int
) -> list[np.ndarray]:
    """Return the contents of a program's arrays after its compiled calls, between guards."""
    arrays = program.arrays(partial(guarded, at_end=program.at_end))
    copies = [array.copy(order="K") for array in arrays]
    calls = recorded(program, arrays)
    for array, copy in zip(arrays, copies, strict=True):
        array[...] = copy
    run(compiled(calls), parts)
    return arrays


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_random_programs_match_numpy(data: Any) -> None:
    program = Program(data.draw)
    processor = data.draw(st.sampled_from([HOST, *filter(is_available, PROCESSORS)]))
    expected = program.arrays(partial(np.array, order="K"))
    with np.errstate(all="ignore"):
        program(*expected)
    with pytest.MonkeyPatch.context() as patch:
        if processor != HOST:
            patch.setattr(compiling, "address_of_pattern", partial(address_on, processor))
        whole, divided = (results(program, fused_calls, parts) for parts in (1, 3))
    for array, again in zip(whole, divided, strict=True):
        assert array.tobytes() == again.tobytes()
    exact = results(program, exact_calls, 1)
    scale = max(np.abs(array[np.isfinite(array)]).max(initial=1) for array in expected[:4])
    tolerance = scale * (1e-5 if program.dtype == "float32" else 1e-13)
    for arrays in (whole, exact):
        for array, right in zip(arrays[:4], expected[:4], strict=True):
            np.testing.assert_allclose(array, right, rtol=1e-5, atol=tolerance)
