"""Tests of fitted transforms applied to several columns in one call."""

import copy

import numpy as np
import pytest

from declnet import ColumnError, DataError, Table, Transform
from declnet.contracts.returned import BrokenContractError
from declnet.data.preparing.column_steps import ColumnSteps, FittedStep

CALLS = []


class Centered(Transform):
    """y = x - mean, for several columns in one call."""

    type = "centered"

    def suits(self, column):
        return column.dtype.kind in "fi"

    def apply(self, x, state):
        CALLS.append((x.shape, sorted(state)))
        wrong = (x > 100).reshape(len(x), -1).any(axis=1)
        if wrong.any():
            raise ColumnError("is too large", int(np.argmax(wrong)))
        return x - state["mean"]

    def ready_state(self, state):
        CALLS.append("ready")
        return {**state, "ready": True}

    def joint_state(self, states):
        means = [state["mean"] for state in states]
        return None if 0.0 in means else {"mean": np.array(means)}


class Added(Centered):
    """Sum the columns, which breaks the contract of `joint_state`: the shape changes."""

    type = "added"

    def apply(self, x, state):
        return x.sum(axis=-1) if x.ndim > 1 else x


def steps(transform=None, **means):
    return FittedStep(transform or Centered(), {n: {"mean": m} for n, m in means.items()}, 1)


def columns(**arrays):
    return {name: np.array(values) for name, values in arrays.items()}


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


def test_columns_of_one_type_are_transformed_in_one_call_with_identical_bits():
    x = columns(a=[1.0, 2.0], n=[1, 2], b=[5.0, np.nan], alone=[3.0, 4.0], m=[3, 4], rest=[0.5, 0])
    fitted = steps(a=0.1, n=1.0, b=0.2, alone=0.0, m=2.0)
    prepared = ColumnSteps([fitted])
    together, _ = prepared.transformed(x, Table(x), together=True)
    assert sorted(map(str, CALLS)) == [
        "((2, 2), ['mean'])",
        "((2, 2), ['mean'])",
        "((2,), ['mean', 'ready'])",
        "ready",
    ]
    CALLS.clear()
    prepared.transformed(x, Table(x), together=True)
    assert len(CALLS) == 3, "ready_state is called once for each state"
    alone, _ = ColumnSteps([fitted]).transformed(x, Table(x))
    assert list(together) == list(alone) == list(x)
    for name, column in alone.items():
        np.testing.assert_array_equal(together[name], column, strict=True)


def test_an_error_names_the_row_and_the_column():
    x = columns(a=[1.0, 2.0, 3.0], b=[1.0, 2.0, 200.0], c=[1.0, 200.0, 3.0])
    with pytest.raises(DataError, match=r'row 3, column "b" is too large \(centered\)'):
        ColumnSteps([steps(a=1.0, b=2.0, c=3.0)]).transformed(x, Table(x), together=True)


def test_transforming_several_columns_must_keep_their_shape():
    x = columns(a=[1.0, 2.0], b=[1.0, 2.0])
    with pytest.raises(BrokenContractError, match=r"shape \(2,\) for an array of shape \(2, 2\)"):
        ColumnSteps([steps(Added(), a=1.0, b=2.0)]).transformed(x, Table(x), together=True)


def test_a_copy_of_the_steps_gives_equal_results():
    x = columns(a=[1.0, 2.0], b=[1.0, 2.0])
    prepared = ColumnSteps([steps(a=1.0, b=2.0)])
    expected, _ = prepared.transformed(x, Table(x), together=True)
    copied, _ = copy.copy(prepared).transformed(x, Table(x), together=True)
    np.testing.assert_array_equal(copied["b"], expected["b"])
