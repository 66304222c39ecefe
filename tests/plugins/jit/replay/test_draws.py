"""Native draws give NumPy's numbers and leave its generator in the same state."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.jit.replay.draws import native_draw
from declnet_plugins.recording.recording import RecordedCall

pytestmark = pytest.mark.usefixtures("numba")


def stream(kind=np.random.PCG64):
    generator = np.random.Generator(kind(4))
    generator.random(dtype=np.float32)  # half of 64 bits are left
    return generator


def draw(name, out, generator):
    call = RecordedCall(name, "", (), {"out": out, "dtype": out.dtype}, (), 0)
    return native_draw(call, generator)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 17, 511, 512, 1501])
def test_parts_continue_each_other(size, dtype):
    """In any order, whether or not the previous draw left half a word."""
    for parts in (1, 2, 5):
        mine, other = stream(), stream()
        drawn, expected = np.empty((2, size), dtype)
        fill, leave_behind = draw("random", drawn, mine)
        assert fill.divisible
        for _ in range(4):
            for part in reversed(range(parts)):
                fill.block[:2] = part, parts
                fill()
            leave_behind()
            other.random(out=expected, dtype=expected.dtype.type)
            assert (drawn == expected).all()
            assert mine.bit_generator.state == other.bit_generator.state


@pytest.mark.parametrize("name", ["random", "standard_normal"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_drawn_in_the_order_of_memory(name, dtype):
    mine, other = stream(), stream()
    drawn, expected = np.empty((2, 5, 97), dtype).transpose(0, 2, 1)
    for call in draw(name, drawn, mine):
        call()
    getattr(other, name)(out=expected, dtype=expected.dtype.type)
    assert (drawn == expected).all()
    assert mine.bit_generator.state == other.bit_generator.state


def test_other_draws_are_left_to_python():
    out = np.empty(5)
    assert draw("random", out, stream(np.random.MT19937)) is None
    assert draw("random", np.empty((5, 4))[:, ::2], stream()) is None
    assert draw("standard_exponential", out, stream()) is None
