"""Data that a program may pass to `declnet.run`."""

from __future__ import annotations

import datetime as dt
import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from declnet import (
    ChangedFileError,
    DataError,
    Dataset,
    DataSource,
    Table,
    as_table,
)
from declnet.contracts.data.table import missing_values
from declnet.data.sources.loading import as_data, as_input, checked, load_source
from declnet.spec.streams import DataSet

COLUMNS = {"a": [1.0, 2.0, None], "kind": ["x", None, "y"], "n": [1, 2, 3], "y": ["p", "q", "p"]}


def shown(records):
    return {name: str(column.tolist()) for name, column in records.columns.items()}


EXPECTED = {
    "a": "[1.0, 2.0, nan]",
    "kind": "['x', None, 'y']",
    "n": "[1, 2, 3]",
    "y": "['p', 'q', 'p']",
}


@pytest.mark.parametrize("form", ["mapping", "rows", "pandas", "polars"])
def test_tables_with_the_name_of_the_target(form):
    table = COLUMNS
    if form == "rows":
        table = [
            dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)
        ]
    elif form != "mapping":
        table = pytest.importorskip(form).DataFrame(COLUMNS)
    records = as_data((table, "y"), "train")
    assert as_data(records, "train") is records
    assert shown(records) == EXPECTED
    assert records.target == "y"
    assert records.feature_columns == ("a", "kind", "n")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_with_separate_targets(library):
    frame = pytest.importorskip(library).DataFrame(COLUMNS)
    records = as_data((frame[["a", "n"]], frame["y"]), "train")
    assert records.target == "y"
    assert shown(records) == {name: EXPECTED[name] for name in ("a", "n", "y")}
    assert as_data((frame[["a"]], np.arange(3)), "train").target == "target"
    with pytest.raises(DataError, match='has a column "y" besides the target'):
        as_data((frame, frame["y"]), "train")


X, Y = np.arange(8.0).reshape(4, 2), np.arange(4)


def changed(array, position, value):
    copy = array.astype(float)
    copy[position] = value
    return copy


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, Y[:3], "x has 4 samples, but y has 3"),
        (changed(X, (2, 1), np.nan), Y, r"x has 1 values that are NaN .* first at \[2, 1\]"),
        (X, changed(Y, 3, np.nan), r"y has 1 values .* first at \[3\]"),
        (np.array(["a"] * 4), Y, "x must be numbers, not <U1"),
        (np.array([{}] * 4), Y, "x must be numbers, not object"),
        (np.float64(1), Y, "x is a single number"),
    ],
)
def test_invalid_arrays_are_refused(x, y, message):
    with pytest.raises(DataError, match=f"train data: {message}"):
        checked(Dataset(np.asarray(x), y), "train")


@pytest.mark.parametrize("weights", [np.ones(2), -np.ones(4), np.full(4, np.nan)])
def test_weights_must_be_finite_and_at_least_0(weights):
    with pytest.raises(DataError, match="weights must be"):
        checked(Dataset(X, Y, weights), "train")


def test_dates_durations_and_decimals_are_read_and_others_refused_by_column():
    at = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    columns = {
        "at": [at, None],
        "day": [at.date(), None],
        "time": [at.time(), None],
        "took": [dt.timedelta(seconds=90.5), None],
        "took_too": np.array([1500, "NaT"], "m8[ms]"),
        "price": [Decimal("1.50"), None],
    }
    columns_read = {name: column.tolist() for name, column in as_table(columns).columns.items()}
    nan = float("nan")
    assert str(columns_read) == str(
        {
            "at": ["2024-01-02T03:04:05+01:00", None],
            "day": ["2024-01-02", None],
            "time": ["03:04:05", None],
            "took": [90.5, nan],
            "took_too": [1.5, nan],
            "price": [1.5, nan],
        }
    )
    arrays = np.empty(2, object)
    arrays[:] = [np.arange(2), np.arange(3)]
    for values in ([[1], [2, 3]], arrays, [b"a", b"b"], [{"a": 1}, None], np.ones(2, complex)):
        with pytest.raises(DataError, match='column "odd"'):
            as_table({"odd": values})


@pytest.mark.parametrize(
    ("dtype", "computed"),
    [("i1", "i4"), ("u2", "i4"), ("u4", "i8"), ("u1", "u1"), ("i4", "i4"), ("i8", "i8")],
)
def test_integers_are_converted_to_one_of_three_types(dtype, computed):
    x = np.array([[0, 3], [100, 7]], dtype)
    converted = as_input(x, np.dtype("f4"), integer=True)
    assert (converted.dtype, converted.tolist()) == (np.dtype(computed), x.tolist())


@pytest.mark.parametrize("change", ["replaced", "rewritten", "removed"])
def test_a_file_that_changes_while_it_is_loaded_is_an_error(tmp_path, change):
    class Slow(DataSource):
        type = "slow"
        inputs: dict[str, Path]

        def load(self, rng):
            path, times = self.inputs["x"], self.inputs["x"].stat()
            if change == "replaced":
                other = path.with_suffix(".new")
                other.write_bytes(b"2")
                other.replace(path)
            elif change == "rewritten":
                path.write_bytes(b"2")
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            else:
                path.unlink()
            return Dataset(X, Y)

    path = tmp_path / "x.txt"
    path.write_bytes(b"1")
    with pytest.raises(ChangedFileError, match=r"x\.txt changed while it was read"):
        load_source(Slow(inputs={"x": path}), 0, DataSet.TRAIN)


MASK = np.arange(6) < 2


@pytest.mark.parametrize("name", ["x", "y", "weights", "a", "b"])
def test_masked_values_in_an_array_are_an_error_with_its_name(name):
    arrays = {
        field: np.ones((6, 2)) if field == "x" else np.ones(6) for field in ("x", "y", "weights")
    }
    if name in arrays:
        arrays[name] = np.ma.masked_array(
            arrays[name], np.broadcast_to(MASK, arrays[name].T.shape).T
        )
    else:
        plain = np.ones((6, 1))
        arrays["x"] = {"a": plain, "b": plain} | {name: np.ma.masked_array(plain, MASK[:, None])}
    with pytest.raises(DataError, match=f"train data: {name} is a masked array with [24] masked"):
        as_data(Dataset(**arrays), "train")
    if name != "weights":
        with pytest.raises(DataError, match="is a masked array"):
            as_data((arrays["x"], arrays["y"]), "train")


@pytest.mark.parametrize(
    "as_given", [dict, lambda columns: Table(columns, "y")], ids=["dict", "table"]
)
@pytest.mark.parametrize(
    "values",
    [
        np.arange(6.0),
        np.arange(6),
        np.arange(6) > 3,
        np.array([*"pqpqpq"], object),
        np.array([*"pqpqpq"]),
        np.arange(6).astype("M8[D]"),
    ],
    ids=["floats", "integers", "booleans", "texts", "strings", "dates"],
)
def test_masked_values_in_a_column_are_missing_values(values, as_given):
    columns = {"a": np.ma.masked_array(values, MASK), "y": np.ones(6)}
    if as_given is not dict and values.dtype.kind in "UM":
        pytest.skip("a Table holds texts as objects")
    table = as_given(columns)
    data = as_data(table if isinstance(table, Table) else (table, "y"), "train")
    assert type(data.columns["a"]) is np.ndarray
    np.testing.assert_array_equal(missing_values(data.columns["a"]), MASK)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2)])
def test_samples_without_values_are_an_error(shape):
    empty, full = np.ones((6, *shape)), np.ones((6, 1))
    for x, y, name in (
        (empty, full, "x"),
        (full, empty, "y"),
        ({"p": empty, "q": full}, full, "p"),
    ):
        with pytest.raises(DataError, match=rf"train data: {name} has samples of shape \("):
            as_data(Dataset(x, y), "train")
