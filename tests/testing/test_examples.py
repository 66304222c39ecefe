"""How instances are built: from examples, else from defaults."""

import pytest

from declnet.testing import CheckFailed, ConformanceError, build_examples, check_component

from .right.layers import Rectifier
from .right.losses import SparseCrossentropy
from .right.others import Offset


class Needy(Rectifier):
    """y = max(x, 0)."""

    type = "needy"
    slope: float


class WrongExample(Offset):
    """penalty = 0."""

    type = "wrong_example"
    examples = ({}, {"strenght": 1.0})


def test_examples_or_defaults_are_built():
    assert [example.power for example in build_examples(SparseCrossentropy)] == [1.0, 2.0]
    assert build_examples(Rectifier) == (Rectifier(),)
    assert build_examples(Needy) == ()
    with pytest.raises(ConformanceError, match="declare examples"):
        check_component(Needy)
    with pytest.raises(CheckFailed, match=r"examples\[1\].*strenght"):
        build_examples(WrongExample)
