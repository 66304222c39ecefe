from __future__ import annotations

import numpy as np
import pytest

from declnet import DataError, Dataset
from declnet.data.loading import as_data, as_input, checked

X, Y = np.ones((4, 2)), np.arange(4)


def changed(array, position, value):
    copy = array.astype(float)
    copy[position] = value
    return copy


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, Y[:3], "x has 4 samples, but y has 3"),
        (X[:0], Y[:0], "there are no samples"),
        (changed(X, (2, 1), np.nan), Y, r"x has 1 values that are NaN .* first at \[2, 1\]"),
        (changed(X, (0, 0), np.inf), Y, r"x has 1 values .* first at \[0, 0\]"),
        (X, changed(Y, 3, np.nan), r"y has 1 values .* first at \[3\]"),
        (np.array(["a"] * 4), Y, "x must be numbers, not <U1"),
        (X + 1j, Y, "x must be numbers, not complex128"),
        (np.array([{}] * 4), Y, "x must be numbers, not object"),
        (np.float64(1), Y, "x is a single number"),
    ],
)
def test_arrays_that_cannot_be_learned_from_are_refused(x, y, message):
    with pytest.raises(DataError, match=f"train data: {message}"):
        checked(Dataset(np.asarray(x), y), "train")


def test_pairs_and_data_sets_are_taken_alike():
    dataset = Dataset(X, Y)
    assert as_data(dataset, "train") is dataset
    pair = as_data((X.tolist(), Y.tolist()), "train")
    assert (pair.x == X).all()
    assert (pair.y == Y).all()


@pytest.mark.parametrize("data", [X, (X,), (X, Y, Y), "xy!", {"x": X}])
def test_what_is_no_pair_is_refused(data):
    with pytest.raises(DataError, match=r"must be \(x, y\), a Dataset"):
        as_data(data, "train")


def test_input_is_converted_only_where_it_must_be():
    x = np.ones((3, 2), np.float32)
    assert as_input(x, np.dtype("float32"), integer=False) is x
    assert as_input(x, np.dtype("float64"), integer=False).dtype == np.float64
    assert as_input(x.astype(int), np.dtype("float32"), integer=True).dtype == int
    with pytest.raises(DataError, match="the model takes integers, but x is float32"):
        as_input(x, np.dtype("float32"), integer=True)
