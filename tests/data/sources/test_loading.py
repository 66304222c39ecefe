"""What a program may hand over to `declnet.run`."""

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
    parse_spec,
    run,
)
from declnet.contracts.data.table import missing_values
from declnet.data.sources.loading import as_data, as_input, checked, fingerprint, load_source
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
def test_frames_with_their_targets_apart(library):
    frame = pytest.importorskip(library).DataFrame(COLUMNS)
    records = as_data((frame[["a", "n"]], frame["y"]), "train")
    assert records.target == "y"
    assert shown(records) == {name: EXPECTED[name] for name in ("a", "n", "y")}
    assert as_data((frame[["a"]], np.arange(3)), "train").target == "target"
    with pytest.raises(DataError, match='has a column "y" besides the target'):
        as_data((frame, frame["y"]), "train")


def test_types_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "category": pandas.Categorical(["b", None, "a"]),
            "nullable": pandas.array([1, None, 3], dtype="Int64"),
            "flag": pandas.array([True, None, False], dtype="boolean"),
            "text": pandas.array(["u", None, "v"], dtype="string"),
            "time": pandas.to_datetime(["2024-01-02", None, "2023-05-06"]),
            "y": [0, 1, 0],
        }
    )
    found = shown(as_data((frame, "y"), "train"))
    assert found["category"] == "['b', None, 'a']"
    assert found["nullable"] == "[1.0, nan, 3.0]"
    assert found["flag"] == "[1.0, nan, 0.0]"
    assert found["text"] == "['u', None, 'v']"
    assert found["time"].startswith("['2024-01-02")
    assert ", None, '2023-05-06" in found["time"]


def test_dates_of_polars_are_text_in_their_order():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"day": [dt.date(2024, 1, 2), None], "y": [0, 1]})
    assert shown(as_data((frame, "y"), "train"))["day"] == "['2024-01-02', None]"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((COLUMNS, "z"), 'no column "z"'),
        (({"a": [1, "x"], "y": [1, 2]}, "y"), 'row 2, column "a"'),
        (({"a": [1, 2], "y": [1]}, "y"), "columns have 1 and 2 rows"),
        (({"a": np.ones((2, 2)), "y": [1, 2]}, "y"), r'column "a" must be \(n,\)'),
        ((np.ones((2, 2)), "y"), "is not a table"),
        (({"a": [], "y": []}, "y"), "there are no rows"),
    ],
)
def test_what_is_no_table_is_reported(data, message):
    with pytest.raises(DataError, match=message):
        as_data(data, "train")


def test_a_frame_without_a_target_says_how():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match=r'\(frame, "name of the target column"\)'):
        as_data(pandas.DataFrame(COLUMNS), "train")


def test_a_run_on_a_table(document):
    rng = np.random.default_rng(0)
    columns = {
        "a": rng.normal(size=40),
        "color": np.array(["red", "blue"] * 20),
        "y": np.array(["p", "q", "r", "p"] * 10),
    }
    document["data"] = {"validation": 0.2, "prepare": ["standardize", "one_hot"]}
    result = run(parse_spec(document), data=(columns, "y"))
    assert set(result.metrics) == {"train", "validation"}
    assert result.model.input_shape == (3,)
    frame = {name: columns[name] for name in ("a", "color")}
    again = run(parse_spec(document), data=(frame, columns["y"]))
    assert again.history == result.history


X, Y = np.arange(8.0).reshape(4, 2), np.arange(4)


def test_equal_arrays_have_equal_fingerprints_in_any_memory_order():
    assert fingerprint(Dataset(X, Y)) == fingerprint(Dataset(np.asfortranarray(X), Y.copy()))
    assert fingerprint(Dataset(X, Y)).startswith("sha256:")


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X + 1, Y),
        (X, Y[::-1]),
        (X.astype("float32"), Y),
        (X.reshape(4, 1, 2), Y),
        (X, Y.astype(float)),
    ],
)
def test_any_difference_changes_the_fingerprint(x, y):
    assert fingerprint(Dataset(x, y)) != fingerprint(Dataset(X, Y))


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


@pytest.mark.parametrize("weights", [np.ones(2), -np.ones(4), np.full(4, np.nan)])
def test_weights_are_numbers_of_at_least_0(weights):
    with pytest.raises(DataError, match="weights must be"):
        checked(Dataset(X, Y, weights), "train")


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
    found = {name: column.tolist() for name, column in as_table(columns).columns.items()}
    nan = float("nan")
    assert str(found) == str(
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
    ("given", "computed"),
    [("i1", "i4"), ("u2", "i4"), ("u4", "i8"), ("u1", "u1"), ("i4", "i4"), ("i8", "i8")],
)
def test_integers_are_computed_in_one_of_three_types(given, computed):
    x = np.array([[0, 3], [100, 7]], given)
    found = as_input(x, np.dtype("f4"), integer=True)
    assert (found.dtype, found.tolist()) == (np.dtype(computed), x.tolist())


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
def test_masked_values_of_an_array_are_an_error_that_names_it(name):
    arrays = {
        each: np.ones((6, 2)) if each == "x" else np.ones(6) for each in ("x", "y", "weights")
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


def test_a_masked_array_without_masked_values_is_one_like_any_other():
    data = as_data(
        Dataset(np.ma.masked_array(np.ones((6, 2))), np.ma.masked_array(np.ones(6))), "train"
    )
    assert {type(data.x), type(data.y)} == {np.ndarray}


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
def test_masked_values_of_a_column_are_missing(values, as_given):
    columns = {"a": np.ma.masked_array(values, MASK), "y": np.ones(6)}
    if as_given is not dict and values.dtype.kind in "UM":
        pytest.skip("a Table holds texts as objects")
    given = as_given(columns)
    data = as_data(given if isinstance(given, Table) else (given, "y"), "train")
    assert type(data.columns["a"]) is np.ndarray
    np.testing.assert_array_equal(missing_values(data.columns["a"]), MASK)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2)])
def test_samples_without_a_number_are_an_error_of_the_data(shape):
    empty, full = np.ones((6, *shape)), np.ones((6, 1))
    for x, y, name in (
        (empty, full, "x"),
        (full, empty, "y"),
        ({"p": empty, "q": full}, full, "p"),
    ):
        with pytest.raises(DataError, match=rf"train data: {name} has samples of shape \("):
            as_data(Dataset(x, y), "train")
