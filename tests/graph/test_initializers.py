"""Arguments of initializers."""

from __future__ import annotations

import pytest

from declnet import Parameter
from declnet.graph.parameters import fans


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Parameter((4, 5), "zeros"), (4, 5)),
        (Parameter((5,), "zeros"), (5, 5)),
        (Parameter((8, 3, 5, 5), "zeros"), (75, 200)),
        (Parameter((8, 3, 5, 5), "zeros", fan_in=9), (9, 200)),
        (Parameter((4, 5), "zeros", fan_out=7), (4, 7)),
        (Parameter((), "zeros"), (1, 1)),
    ],
)
def test_fans_are_computed_from_the_shape_unless_declared(parameter, expected):
    assert fans(parameter) == expected
