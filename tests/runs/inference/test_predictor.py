"""Predictors of runs: tables and arrays in the forms that programs use."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import declnet
from declnet import DataError
from declnet.contracts.data.table import Table


@pytest.fixture(scope="module")
def predictor(flowers):
    return declnet.load_predictor(flowers.run)


@pytest.fixture(scope="module")
def columns(flowers):
    rows = flowers.rows
    return {
        "length": np.array([float(row["length"] or "nan") for row in rows]),
        "color": np.array([row["color"] for row in rows], object),
        "width": np.array([float(row["width"].replace("NA", "nan")) for row in rows]),
    }


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_a_copy_gives_the_same(predictor, columns, flowers, duplicate):
    expected = predictor.predict(columns)
    same = duplicate(predictor)
    assert np.array_equal(same.predict(columns).outputs, expected.outputs)
    assert same.class_names == predictor.class_names
    (part,) = same.predict_parts(flowers.table)
    assert np.array_equal(part.outputs, expected.outputs)


def test_tables_of_all_types_give_the_same(predictor, columns):
    whole = predictor.predict(columns)
    assert len(whole) == 120
    assert whole.probabilities.shape == (120, 3)
    names = np.array(predictor.class_names, object)
    assert (whole.prediction == names[whole.probabilities.argmax(axis=1)]).all()
    lists = {name: column.tolist() for name, column in columns.items()}
    rows = [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
    gaps = [{key: value for key, value in row.items() if value == value} for row in rows]
    for table in (Table(columns), lists, rows, gaps):
        prediction = predictor.predict(table)
        assert np.array_equal(prediction.outputs, whole.outputs)
        assert prediction.prediction.tolist() == whole.prediction.tolist()


def test_data_frames_give_the_same(predictor, columns):
    polars = pytest.importorskip("polars", reason="the extra data is not installed")
    lists = {name: column.tolist() for name, column in columns.items()}
    frame = polars.DataFrame(lists).fill_nan(None).with_columns(polars.lit("x").alias("more"))
    expected = predictor.predict(columns).outputs
    assert np.array_equal(predictor.predict(frame).outputs, expected)
    category = frame.with_columns(polars.col("color").cast(polars.Categorical))
    assert np.array_equal(predictor.predict(category).outputs, expected)


def test_data_frames_of_pandas_give_the_same(predictor, columns):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    expected = predictor.predict(columns).outputs
    frame = pandas.DataFrame(columns)
    for table in (frame, frame.convert_dtypes(), frame.astype({"color": "category"})):
        assert np.array_equal(predictor.predict(table).outputs, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": None}, 'there is no column "width"'),
        ({"width": ["wide"] * 120}, 'row 1, column "width": "wide" is not a number'),
        ({"color": [[1]] * 120}, 'row 1, column "color" is [1]: a cell holds'),
        ({"width": [np.inf] * 120}, 'column "width" is infinite'),
        ({"width": [1.0] * 3}, "columns have 3 and 120 rows"),
        ({"width": [[1.0]] * 120}, r'row 1, column "width" is [1.0]'),
        ({"width": [1.0] * 119 + ["x"]}, 'row 120, column "width": "x" is not a number'),
    ],
)
def test_a_wrong_table_is_reported_at_its_row_and_column(change, message, predictor, columns):
    table = {name: column for name, column in (columns | change).items() if column is not None}
    with pytest.raises(declnet.DataError) as raised:
        predictor.predict(table)
    assert message in str(raised.value)


def test_frames_with_a_column_twice_or_without_rows_are_refused(predictor, columns):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(columns)
    twice = pandas.concat([frame, frame[["width"]]], axis=1)
    place = list(columns).index("width") + 1
    message = f'columns {place} and {len(columns) + 1} are both called "width"'
    with pytest.raises(declnet.DataError, match=message):
        predictor.predict(twice)
    with pytest.raises(declnet.DataError, match="there are no samples"):
        predictor.predict(frame.iloc[:0])


def test_an_array_is_not_a_table(predictor):
    with pytest.raises(declnet.DataError, match="give its columns by name"):
        predictor.predict(np.zeros((2, 5)))


def test_data_with_targets_is_evaluated(predictor, columns, flowers):
    """The data is a file, a table with its target, or a table and a target of any name."""
    kinds = np.array([row["kind"] for row in flowers.rows], object)
    expected = predictor.evaluate(flowers.table)
    assert expected.samples == expected.counts.sum() == 120
    for data in (({**columns, "kind": kinds}, "kind"), (columns, kinds)):
        evaluation = predictor.evaluate(data)
        assert evaluation.metrics == expected.metrics
        assert np.array_equal(evaluation.counts, expected.counts)
    assert declnet.open_run(flowers.run).evaluate(flowers.table).metrics == expected.metrics
    with pytest.raises(DataError, match=r"trained on a table \(give a table with its columns"):
        predictor.evaluate((np.zeros((3, 3)), np.arange(3)))
    with pytest.raises(DataError, match=r"the given data must be \(x, y\)"):
        predictor.evaluate(columns)


def test_a_transform_of_arrays_is_applied_again(document, changed, blobs, tmp_path):
    spec = declnet.parse_spec(changed(document, {"data.prepare": ["standardize"]}))
    result = declnet.run(spec, out=tmp_path / "run")
    assert (tmp_path / "run" / "preparation.safetensors").exists()
    predictor = declnet.load_predictor(tmp_path / "run")
    scaled = (blobs[0] - blobs[0].mean(axis=0)) / blobs[0].std(axis=0)
    expected = result.model.predict(scaled)
    assert np.allclose(predictor.predict(blobs[0]).outputs, expected)
    table = {"first": blobs[0][:, 0], "second": blobs[0][:, 1]}
    assert np.allclose(predictor.predict(table).outputs, expected)
    with pytest.raises(declnet.DataError, match="sample 2 has a number that is NaN"):
        predictor.predict(np.array([[0, 0], [np.nan, 0]]))
