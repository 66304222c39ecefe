"""Targets as losses prepare them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet_plugins.standard.losses.classification import CategoricalCrossentropy
from declnet_plugins.standard.losses.regression import MeanSquaredError

FLOAT = np.dtype("float32")


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=20))
def test_labels_become_rows_with_one_1_in_every_form(labels):
    expected = np.eye(5, dtype=FLOAT)[labels]
    forms = [np.array(labels), np.array(labels, "uint8"), np.array(labels)[:, None], expected]
    for y in forms:
        rows = CategoricalCrossentropy().prepare(y, (5,), FLOAT)
        assert rows.dtype == FLOAT
        assert (rows == expected).all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0, 1], [0.5, 0.5]], "its rows are not one-hot"),
        ([[0, 1], [0, 0]], "its rows are not one-hot"),
        ([[0, 1], [1, 1]], "its rows are not one-hot"),
        ([[0, 1, 0]], "one-hot with 3 classes, the last layer has 2$"),
        ([0.0, 1.0], "class labels are integers"),
        (["a", "b"], "class labels are integers"),
        ([[[0]]], "class labels are integers"),
        (
            [0, -1],
            "labels range from -1 to 0, but the last layer has 2 units, for the labels 0 to 1",
        ),
        ([0, 2], "labels range from 0 to 2"),
    ],
)
def test_invalid_labels_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        CategoricalCrossentropy().prepare(np.array(y), (2,), FLOAT)
    assert CategoricalCrossentropy().prepare(np.zeros(0, int), (2,), FLOAT).shape == (0, 2)


def test_values_take_the_shape_and_the_type_of_predictions():
    values = MeanSquaredError().prepare(np.arange(3), (1,), FLOAT)
    assert (values.tolist(), values.dtype) == ([[0.0], [1.0], [2.0]], FLOAT)
    assert MeanSquaredError().prepare(np.ones((3, 2, 2)), (2, 2), FLOAT).shape == (3, 2, 2)


@pytest.mark.parametrize(("shape", "output"), [((3, 2), (3,)), ((3,), (2,)), ((3, 1), (1, 1))])
def test_values_of_another_shape_are_refused(shape, output):
    with pytest.raises(ValueError, match="y has shape"):
        MeanSquaredError().prepare(np.ones(shape), output, FLOAT)
