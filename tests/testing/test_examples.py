"""How instances are built: from examples, else from defaults."""

import pytest

from declnet.testing import CheckFailed, ConformanceError, build_examples, check_component

from .broken_components.declarations import WrongExample
from .right.layers import Rectifier
from .right.losses import SparseCrossentropy


class Needy(Rectifier):
    """y = max(x, 0)."""

    type = "needy"
    slope: float


def test_each_table_of_examples():
    assert [example.power for example in build_examples(SparseCrossentropy)] == [1.0, 2.0]


def test_defaults_where_there_are_no_examples():
    assert build_examples(Rectifier) == (Rectifier(),)


def test_nothing_where_a_field_has_no_default():
    assert build_examples(Needy) == ()
    with pytest.raises(ConformanceError, match="declare examples"):
        check_component(Needy)


def test_a_wrong_example_names_itself():
    with pytest.raises(CheckFailed, match=r"examples\[1\].*strenght"):
        build_examples(WrongExample)
