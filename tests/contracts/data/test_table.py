"""Tables and what their cells are called."""

import numpy as np
import pytest

from declnet import class_name


@pytest.mark.parametrize(
    ("value", "name"),
    [(True, "true"), (np.False_, "false"), (3, "3"), (np.int64(3), "3"), ("Red", "Red")],
)
def test_classes_are_named_as_in_predictions(value, name):
    assert class_name(value) == name
