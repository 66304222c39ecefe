"""Windows over images: their sizes, tiles, and Keras's rule for "same"."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from declnet_plugins.standard.layers.window import Axis, Window, window_over

AXES = st.builds(
    Axis,
    size=st.integers(1, 9),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 5),
    dilation=st.integers(1, 3),
    before=st.integers(0, 5),
    after=st.integers(0, 5),
)
PADDING = -1


def views(axis):
    """Numbers in each place of a window, by trying every start; `PADDING` outside."""
    line = [PADDING] * axis.before + list(range(axis.size)) + [PADDING] * axis.after
    starts = range(0, len(line) - (axis.kernel - 1) * axis.dilation, axis.stride)
    return np.array(
        [
            [line[start + position * axis.dilation] for position in range(axis.kernel)]
            for start in starts
        ]
    ).reshape(-1, axis.kernel)


@given(AXES, AXES)
def test_tiles_are_windows_that_see_each_number_once(rows, columns):
    assume(len(views(rows)) and len(views(columns)))
    once = all(
        sorted(views(axis).ravel()) == list(range(axis.size)) and axis.kernel == axis.stride
        for axis in (rows, columns)
    )
    window = Window(rows, columns)
    inside = not any(axis.before + axis.after for axis in (rows, columns))
    assert window.tiles == (once and inside)
    assert window.has_padding != inside


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "before", "after"),
    [
        (5, 3, 1, 1, 1, 1),
        (5, 2, 1, 1, 0, 1),  # an odd rest goes behind
        (5, 2, 2, 1, 0, 1),
        (6, 3, 2, 1, 0, 1),  # torch's padding of 1 would be before too
        (7, 5, 3, 1, 2, 2),
        (224, 7, 2, 1, 2, 3),  # ResNet's first convolution in Keras
        (5, 3, 1, 2, 2, 2),
        (6, 1, 4, 1, 0, 0),  # a stride beyond the kernel: never negative
        (1, 4, 3, 1, 1, 2),
    ],
)
def test_same_is_the_rule_of_keras(size, kernel, stride, dilation, before, after):
    expected = Axis(size, kernel, stride, dilation, before, after)
    pairs = [(value, value) for value in (kernel, stride, dilation)]
    window = window_over("pool", (2, size, size), pairs[0], pairs[1], "same", pairs[2])
    assert window == Window(expected, expected)
    assert window.output == (-(-size // stride),) * 2
