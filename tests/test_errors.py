"""Errors about a cell have its row and column as attributes, for any column name."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from declnet import DataError, Table, as_table, parse_spec
from declnet.data.columns import joined, require_column
from declnet.data.preparing.target_encoding import require_finite_target
from declnet.data.splits import column_to_split_by
from declnet_plugins.serve.problems import ProblemError

ODD = 'size", column "age" is'
"""The name of a column that looks like part of a message."""


def table(*cells):
    column = np.array(cells, object if any(isinstance(cell, str) for cell in cells) else float)
    return Table({ODD: column}, rows=np.array([4, 7]))


CASES = {
    "a mixed column": (2, lambda: as_table({ODD: [1, "a"]})),
    "a gap to split by": (7, lambda: column_to_split_by(table("train", None), ODD)),
    "a text among the features": (4, lambda: joined(table("a", "b").columns, table("a", "b"))),
    "an infinite target": (
        7,
        lambda: require_finite_target(table(1, np.inf), ODD, np.array([1, np.inf])),
    ),
    "no such column": (None, lambda: require_column(["age"], ODD)),
}


def require_place(error, row):
    assert (error.row, error.column) == (row, ODD)
    problem = ProblemError.of(error)
    assert (problem.members.get("row"), problem.members["column"]) == (row, ODD)


@pytest.mark.parametrize(("row", "fail"), CASES.values(), ids=CASES)
def test_row_and_column_stay_when_the_message_changes(row, fail):
    with pytest.raises(DataError) as caught:
        fail()
    error = caught.value
    assert error.message.startswith("" if row is None else f"row {row}")
    require_place(error, row)
    require_place(copy.copy(error), row)
    other = error.replaced(message="data.csv: wrong", hint="correct it")
    assert (str(other), other.code, other.path) == (
        "data.csv: wrong (correct it)",
        error.code,
        error.path,
    )
    require_place(other, row)


def test_a_cell_of_a_file_has_its_row_and_column(document, tmp_path):
    quoted = ODD.replace('"', '""')
    (tmp_path / "train.csv").write_text(f'"{quoted}",y\n1,2\nthree,4\n')
    source = {"type": "csv", "path": str(tmp_path / "train.csv"), "target": "y"}
    document["data"] = {"train": source | {"types": {ODD: "number"}}}
    with pytest.raises(DataError, match="not a number") as caught:
        parse_spec(document).data.train.load(np.random.default_rng(0))
    require_place(caught.value, 2)
