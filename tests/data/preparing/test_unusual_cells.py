"""Counts of cells that are unlike the training data."""

from __future__ import annotations

from functools import reduce
from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from declnet import Table, Transform
from declnet.data.preparing.preparation import fit_preparation
from declnet.data.preparing.targets import LossTarget
from declnet.data.preparing.unusual_cells import TrainingCells, UnusualCells, watches_of
from declnet.data.preparing.windows import Windows
from declnet.spec.data_section import WindowSpec


class Lower(Transform):
    """Convert text to lower case; has no known categories."""

    type = "lower"

    def suits(self, column):
        return column.dtype.kind == "O"

    def apply(self, x, state):
        return np.array([None if cell is None else cell.lower() for cell in x], object)


def text(*values):
    return np.array(values, object)


def table(**changes):
    columns = {
        "size": np.array([1.0, 2.0, np.nan, 4.0, 5.0, 3.0]),
        "count": np.array([1, 1, 2, 2, 3, 3]),
        "color": text("red", None, "Blue", "red", "red", "Blue"),
        "wild": np.array([True, False, True, False, True, False]),
        "kind": text("a", "b", "a", "b", "a", "b"),
    }
    return Table(columns | changes, target="kind")


def fitted(*declared, train=None):
    steps = tuple(
        one if isinstance(one, Transform) else Transform.from_declaration(one) for one in declared
    )
    return fit_preparation(train or table(), steps, [LossTarget("", "classes")])


ONE_HOT = {"type": "one_hot", "columns": ["color", "count"]}


def unusual(preparations, new):
    counts = {}
    for preparation, watch in zip(preparations, watches_of(preparations), strict=True):
        preparation.apply(new, None if watch is None else lambda c, w=watch: w.count(c, counts))
    return counts


def test_cells_are_counted_by_column_before_their_preparation():
    new = table(
        size=np.array([0.5, 5.0, np.nan, np.nan, 9.0, 1.0]),
        count=np.array([1, 2, 3, 4, 5, 1]),
        color=text("red", None, "green", "Blue", None, "blue"),
        wild=np.array([1.0, np.nan, 0.0, 1.0, 1.0, np.nan]),
    )
    assert unusual([fitted("impute", ONE_HOT, "standardize")], new) == {
        "size": UnusualCells(missing=2, outside=2),
        "count": UnusualCells(unseen=2, outside=2),
        "color": UnusualCells(missing=2, unseen=2),
        "wild": UnusualCells(missing=2),
    }
    assert unusual([fitted("impute", ONE_HOT, "standardize")], table()).keys() == {"size", "color"}


def test_cells_are_categories_if_a_transform_has_known_values():
    new = table(color=text("green", "Red", "red", "Blue", None, "red"))
    rare = {"type": "group_rare", "min_count": 3}
    for steps in (["one_hot"], [Lower(), "one_hot"], [rare, "one_hot"], ["one_hot", Lower()]):
        counts = unusual([fitted("impute", *steps)], new)
        assert counts["color"] == UnusualCells(missing=1, unseen=2)


def test_no_category_is_unseen_if_there_are_too_many_to_remember(monkeypatch):
    monkeypatch.setattr("declnet.data.preparing.unusual_cells.MOST_CATEGORIES", 1)
    new = table(color=text(*["green"] * 6))
    assert unusual([fitted("impute", "one_hot")], new) == {"size": UnusualCells(missing=1)}


def test_several_members_count_a_cell_once():
    first = fitted("impute", ONE_HOT)
    other = fitted("impute", ONE_HOT, train=table(size=np.array([7.0] * 6), color=text(*"ab" * 3)))
    new = table(size=np.array([6.0, 0, 8, 2, 7, 1]), color=text("a", "red", "c", "b", "b", "b"))
    assert unusual([first, other], new) == {
        "size": UnusualCells(outside=2),
        "color": UnusualCells(unseen=1),
    }


def test_the_past_of_a_forecast_may_grow_but_has_no_gaps():
    rows = np.arange(12.0)
    grown = Table({"price": rows + 5, "sales": rows + 5}, "sales")
    windows = Windows(WindowSpec(past=3, horizon=1))
    train = Table({"price": rows, "sales": rows}, "sales")
    preparation = fit_preparation(train, [], [LossTarget("", "values")], windows=windows)
    (watch,) = watches_of([preparation])
    assert watch.training["sales"] == TrainingCells(12, 0)  # `predict` needs it to report gaps
    counts = {}
    watch.count({**grown.columns, "sales": np.where(rows == 0, np.nan, rows + 5)}, counts)
    assert counts == {"price": UnusualCells(outside=5), "sales": UnusualCells(missing=1)}


def test_arrays_are_not_counted():
    from declnet.contracts.data.data_source import Dataset

    data = Dataset(np.ones((4, 2)), np.array([0, 1, 0, 1]))
    preparation = fit_preparation(data, [], [LossTarget("", "classes")])
    assert watches_of([preparation]) == (None,)


CELLS = st.lists(st.one_of(st.just(np.nan), st.floats(-5, 5, width=16)), max_size=8)


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_joining_blocks_equals_reading_all_rows(blocks):
    def known(cells):
        return TrainingCells.of_column(np.array(cells, float), categorical=True)

    assert reduce(TrainingCells.joined, map(known, blocks)) == known([*chain(*blocks)])
