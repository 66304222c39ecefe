"""How instances are built: from examples, else from defaults."""

import pytest

from declnet.testing import CheckFailed, build_examples

from .broken_components.declarations import WrongExample
from .right.layers import Drop, Rectifier
from .right.trained_layers import Lookup


def test_each_table_of_examples():
    assert [example.rate for example in build_examples(Drop)] == [0.5, 0.0]
    assert [example.rows for example in build_examples(Lookup)] == [5, 2]


def test_defaults_where_there_are_no_examples():
    assert build_examples(Rectifier) == (Rectifier(),)


def test_nothing_where_a_field_has_no_default():
    class Needy(Rectifier):
        """y = max(x, 0)."""

        type = "needy"
        slope: float

    assert build_examples(Needy) == ()


def test_a_wrong_example_names_itself():
    with pytest.raises(CheckFailed, match=r"examples\[1\].*strenght"):
        build_examples(WrongExample)
