"""Samples in arrays: selected, split and joined in the same way for every kind of array."""

from __future__ import annotations

from math import prod
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import Dataset, Table
from declnet.contracts import arrays
from declnet.contracts.arrays import MappedArray
from declnet.training.preparation import ReadyData

N = 11
NUMBERS = np.arange(float(N))
IMAGES = np.arange(N * 6.0).reshape(N, 2, 3)
TEXTS = np.array([None, *map(str, range(1, N))], object)


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    path = tmp_path_factory.mktemp("mapped") / "images"
    path.write_bytes(IMAGES.tobytes())
    mapped = MappedArray(path, 0, IMAGES.shape, IMAGES.dtype)
    return {
        "table": Table({"text": TEXTS, "weights": NUMBERS}, "weights"),
        "one array": Dataset(IMAGES, NUMBERS),
        "a mapped array": Dataset(mapped, NUMBERS),
        "named arrays": Dataset({"a": IMAGES, "x": NUMBERS}, {"a": -NUMBERS}, NUMBERS),
        "ready": ReadyData({"": IMAGES}, (NUMBERS,), (IMAGES,), NUMBERS),
    }


FORMS = ["table", "one array", "a mapped array", "named arrays", "ready"]


@pytest.mark.parametrize("form", FORMS)
@given(size=st.integers(1, N + 1), first=st.integers(1, 100))
def test_parts_joined_are_the_whole_and_keep_their_numbers(forms, form, size, first):
    whole = forms[form].numbered_from(first)
    head, *others = whole.parts(size)
    joined = head.joined(others)
    assert len(joined) == N
    assert joined.arrays.keys() == whole.arrays.keys()
    for name, array in joined.arrays.items():
        np.testing.assert_array_equal(np.asarray(array), np.asarray(whole.arrays[name]))
    if form != "ready":
        assert joined.rows.tolist() == [*range(first, first + N)]
        last = [*whole.parts(size)][-1]
        assert last.sample_name(len(last) - 1).number == first + N - 1


@given(st.lists(st.integers(0, 3), max_size=2), st.integers(1, 100), st.permutations(range(N)))
def test_a_mapped_array_is_read_in_parts_of_some_bytes(tmp_path_factory, shape, most, order):
    path = tmp_path_factory.mktemp("parts") / "numbers"
    whole = np.arange(N * prod(shape), dtype="f4").reshape(N, *shape)
    path.write_bytes(b"header" + whole.tobytes())
    mapped = MappedArray(path, 6, whole.shape, whole.dtype)
    for array, expected in ((mapped, whole), (mapped.subset(np.array(order)), whole[order])):
        with patch.object(arrays, "PART", most):
            parts = [*array.astype(np.dtype(float)).parts()]
        np.testing.assert_array_equal(np.concatenate(parts), expected, strict=False)
        row = whole[0].nbytes
        assert {len(part) for part in parts[:-1]} <= {max(1, most // max(row, 1))}


@pytest.mark.parametrize("form", FORMS)
def test_arrays_that_stay_in_a_file_take_no_memory(forms, form):
    data = forms[form]
    assert isinstance(data.take(np.array([3, 1])), type(data))
    in_memory = [array for array in data.arrays.values() if isinstance(array, np.ndarray)]
    assert data.nbytes == sum(array.nbytes for array in in_memory)
    assert data.take(np.array([3, 1])).nbytes * N == data.nbytes * 2


def test_inputs_are_columns_of_several_dimensions(forms):
    assert forms["table"].records is forms["table"]
    assert [*forms["one array"].records.columns] == ["x"]
    assert forms["named arrays"].records.columns["a"].shape == IMAGES.shape
    assert forms["named arrays"].target_columns == ("a",)
