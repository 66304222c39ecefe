"""Transforms against values computed by hand; tests/peers compares with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import ColumnError
from declnet_plugins.standard.transforms.categories import OneHot, Ordinal
from declnet_plugins.standard.transforms.images import Normalize
from declnet_plugins.standard.transforms.impute import Impute
from declnet_plugins.standard.transforms.scaling import MinMax, Standardize

NAN = np.nan


def text(*values):
    return np.array(values, object)


def through(transform, column, other=None):
    return transform.apply(column if other is None else other, transform.fit(column))


@pytest.mark.parametrize("transform", [Standardize(), MinMax()])
@pytest.mark.parametrize("shape", [(4, 1), (4,), (3,), (4, 5), (4, 2, 3)])
def test_samples_of_another_shape_are_not_broadcast(transform, shape):
    state = transform.fit(np.arange(12.0).reshape(4, 3))
    with pytest.raises(ColumnError, match=r"of shape \(.*\), but was fitted to \(3,\)"):
        transform.apply(np.ones(shape), state)


@pytest.mark.parametrize(
    ("transform", "column", "expected"),
    [
        (Standardize(), np.array([2, 2, 2]), [0, 0, 0]),
        (Standardize(), np.array([0.1] * 3), [0, 0, 0]),
        (Standardize(), np.array([1.0, NAN, 3.0]), [-1, NAN, 1]),
        (MinMax(low=3, high=4), np.array([5.0, 5.0]), [3, 3]),
        (Impute(infinite=True), np.array([1.0, np.inf, 5.0, -np.inf]), [1, 3, 5, 3]),
        (Impute(infinite=True), np.array([1, 2]), [1, 2]),
        (Impute(strategy="constant", value=7), np.array([1.0, NAN]), [1, 7]),
        (Impute(strategy="constant", value="?"), text(None, None), ["?", "?"]),
        (Ordinal(unknown="index", missing="unknown"), text("b", None, "a"), [1, 2, 0]),
        (OneHot(missing="zeros"), text("b", None, "a"), [[0, 1], [0, 0], [1, 0]]),
        (OneHot(), np.array([True, False]), [[0, 1], [1, 0]]),
        (Normalize(), np.array([[0, 255], [51, 102]], np.uint8), [[0, 1], [0.2, 0.4]]),
        (Normalize(maximum=16, mean=[0.5], std=[0.5]), np.array([[0.0, 16.0]]), [[-1, 1]]),
    ],
)
def test_transformed_values_by_hand(transform, column, expected):
    result = through(transform, column)
    if result.dtype.kind == "O":
        assert result.tolist() == expected
    else:
        np.testing.assert_allclose(result.astype(float), np.array(expected, float), rtol=1e-7)


@pytest.mark.parametrize(
    ("transform", "column", "other", "message", "row"),
    [
        (OneHot(), text("a", None), None, "is missing", 1),
        (OneHot(), text("a", "b"), text("a", "b", None), "is missing", 2),
        (OneHot(unknown="error"), text("a"), text("a", "z"), 'is "z"', 1),
        (Ordinal(), text("a"), text("a", "a", "z"), 'is "z"', 2),
        (Ordinal(missing="unknown"), text("a"), text("a", None), "is missing", 1),
        (Ordinal(missing="unknown"), text("a", None), None, "is missing", 1),
        (OneHot(most_categories=2), text(*"abc"), None, "has 3 categories, more than 2", None),
        (OneHot(), np.array([1.0, 1.5]), None, "is 1.5, but categories are", 1),
        (OneHot(), np.array([1.0, np.inf]), None, "is inf", 1),
        (OneHot(), np.ones((2, 2)), None, "several numbers per row", None),
        (OneHot(), text(None, None), None, "is empty", None),
        (Standardize(), text("a"), None, "is text", None),
        (Standardize(), np.array([1.0, np.inf]), None, "is infinite", 1),
        (Standardize(), np.array([1.0, NAN, -1e300]), None, "is 1e.300, too large", 2),
        (MinMax(), np.array([NAN, NAN]), None, "is empty", None),
        (Impute(), text(None), None, "is empty", None),
        (Impute(strategy="constant", value=1), text("a"), None, "holds text", None),
        (Impute(strategy="constant", value="a"), np.ones(2), None, "holds numbers", None),
        (Normalize(mean=[1, 2], std=[1, 2]), np.ones((2, 3, 4, 4)), None, "2 channels", None),
    ],
)
def test_what_cannot_be_transformed_is_reported(transform, column, other, message, row):
    with pytest.raises(ColumnError, match=message) as caught:
        through(transform, column, other)
    assert caught.value.row == row


@pytest.mark.parametrize(
    "make",
    [
        lambda: MinMax(low=1, high=1),
        lambda: Impute(strategy="constant"),
        lambda: Impute(value=3),
        lambda: Normalize(std=[0]),
        lambda: Normalize(mean=[1, 2], std=[1]),
        lambda: OneHot(columns=[]),
    ],
)
def test_invalid_fields_are_refused(make):
    with pytest.raises(ValueError):
        make()
