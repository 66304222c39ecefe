"""Serialization of plain values; anything else is refused."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from declnet.contracts.serialization import NotPlainError, from_plain, is_plain_dict, to_plain

DTYPES = ["float32", "float64", "int8", "int64", "uint16", "bool", ">f8"]

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(DTYPES).flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=0)))
    | arrays("O", array_shapes(), elements=st.none() | st.text())
    | st.lists(st.text(min_size=1).filter(lambda text: text[-1] != "\0"), min_size=1).map(np.array)
)
plain_values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["array", "float", "dict"]), inner)
        | st.lists(inner).map(tuple)
    ),
    max_leaves=12,
)


def read_again(value, template=None, arrays=None):
    text = json.dumps(to_plain(value, arrays), allow_nan=False)
    return from_plain(json.loads(text), arrays, template)


def same(one, other):
    if isinstance(one, np.ndarray):
        return (
            one.shape == other.shape
            and one.dtype.newbyteorder("=") == other.dtype.newbyteorder("=")
            and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        )
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@given(plain_values)
def test_every_plain_value_comes_back(value):
    """Arrays are stored in the JSON or separately."""
    assert same(read_again(value), value)
    assert same(read_again(value, arrays={}), value)


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), -0.0, 0.1 + 0.2, 2**200, 5e-324])
def test_numbers_come_back_to_the_bit(value):
    assert repr(read_again(value)) == repr(value)
    assert repr(read_again({"a": [value]})) == repr({"a": [value]})


def test_nan_and_numpy_scalars_come_back():
    assert np.isnan(read_again(float("nan")))
    scalar = read_again(np.float32(0.1))
    assert type(scalar) is np.float32
    assert scalar == np.float32(0.1)


def test_arrays_of_names_that_look_alike_are_kept_apart():
    value = {"a/b": np.zeros(2), "a": {"b": np.ones(2)}}
    assert same(read_again(value, arrays={}), value)


@dataclass
class Inner:
    count: int = 0
    sums: np.ndarray | float = 0.0


@dataclass
class Outer:
    inner: Inner = field(default_factory=Inner)
    seen: list[int] = field(default_factory=list)


def test_a_dataclass_comes_back_only_with_a_template():
    state = Outer(Inner(3, np.arange(4.0)), [1, 2])
    read = read_again(state, Outer())
    assert (read.inner.count, read.inner.sums.tolist(), read.seen) == (3, [0, 1, 2, 3], [1, 2])
    for template in (None, Inner(), [Outer()]):
        with pytest.raises(NotPlainError):
            read_again(state, template)


@dataclass(frozen=True)
class Frozen:
    count: int = 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1}, "state is set"),
        ({"a": [object()]}, "state/a/0 is object"),
        ({1: 2}, "the key 1"),
        (OrderedDict(a=1), "OrderedDict"),
        (np.zeros(2, complex), "complex128"),
        (np.array([3], object), "object"),
        (b"bytes", "bytes"),
    ],
)
def test_a_value_that_is_not_plain_is_named(value, message):
    with pytest.raises(NotPlainError, match=message):
        to_plain(value, {})


@pytest.mark.parametrize(
    "plain",
    [
        {"array": "x"},
        {"array": [1, 2], "dtype": "float64", "shape": [3]},
        {"array": [1], "dtype": "datetime64", "shape": [1]},
        {"array": [1], "dtype": 3, "shape": None, "more": 1},
        {"float": "one"},
        {"tuple": 3},
        {"dict": 1},
        {"fields": {}},
    ],
)
def test_other_json_is_refused(plain):
    with pytest.raises(NotPlainError):
        from_plain(plain, {})


def test_plain_states_are_saved_unchanged():
    assert is_plain_dict({"epochs": 3, "best": np.zeros(3), "row": {"loss": 0.5}})
    for state in (None, [1], {"run": object()}, {"inner": Inner()}, Frozen()):
        assert not is_plain_dict(state)
    with pytest.raises(NotPlainError, match="cannot be restored"):
        read_again(Frozen(1), Frozen())
