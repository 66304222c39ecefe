"""Differences between the predictions of two models."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import declnet
from declnet import PredictedRows, PredictionSource, RowPredictor, default_registry
from declnet.runs.inference import differences
from declnet.runs.inference.differences import compared_predictions
from declnet.runs.inference.opened_model import OpenedModel, open_model
from declnet.testing.examples import registry_with

REGISTRY = default_registry()


def model(columns, *, labels=(), errors=None):
    """Return a model of fixed columns, whose rows a table selects by its column `row`, from 0."""

    def predict(rows):
        at = rows.columns["row"]
        reasons = {place: "why" for place, row in enumerate(at) if row in (errors or ())}
        predicted = {name: np.asarray(column)[at] for name, column in columns.items()}
        return PredictedRows(predicted, frozenset(labels), reasons)

    return OpenedModel("model", RowPredictor(predict, {"row": "integer"}), REGISTRY)


def rows_file(folder, count):
    path = folder / "rows.csv"
    path.write_text("row\n" + "".join(f"{row}\n" for row in range(count)), "utf-8")
    return path


numbers = st.floats(width=32) | st.sampled_from([0.0, 1.0, 1.0001, np.nan, np.inf])


@given(
    st.lists(st.tuples(numbers, numbers), min_size=1, max_size=40),
    st.sampled_from([0.0, 1e-4, 0.5]),
    st.sampled_from([0.0, 1e-6, 1.0]),
    st.integers(1, 7),
)
def test_differences_equal_the_definition(tmp_path_factory, pairs, rtol, atol, part):
    """The rows are compared in parts of several sizes."""
    a, b = np.array(pairs, float).T
    path = rows_file(tmp_path_factory.getbasetemp(), len(a))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(differences, "ROWS", part)
        result = compared_predictions(
            model({"prediction": a}), model({"prediction": b}), path, rtol=rtol, atol=atol
        )
    scale = np.abs(a[np.isfinite(a)]).max(initial=0.0)
    with np.errstate(invalid="ignore"):
        difference = np.abs(a - b)
    difference[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
    difference[np.isnan(difference)] = np.inf
    beyond = np.flatnonzero(difference > atol + rtol * scale)
    (output,) = result.outputs
    assert output.rows == len(beyond)
    assert output.absolute == difference.max()
    assert (output.largest is None) == (difference.max() == 0)
    if output.largest is not None:
        assert difference[output.largest.row - 1] == difference.max()
    assert [value.row - 1 for value in result.first_rows] == beyond[:10].tolist()
    assert result.are_equal == (not len(beyond))


def test_classes_and_rows_without_predictions_are_counted(tmp_path):
    first = model(
        {"prediction": np.array(["a", "b", None, "c", "a"], object), "probability_a": np.ones(5)},
        labels=["prediction"],
        errors=[2, 4],
    )
    second = model(
        {"prediction": np.array(["a", "c", "c", "b", None], object), "score": np.ones(5)},
        errors=[3, 4],
    )
    result = compared_predictions(first, second, rows_file(tmp_path, 5), limit=1)
    (labels,) = result.outputs
    assert (labels.rows, labels.is_label) == (1, True)
    assert [vars(value) for value in result.first_rows] == [
        {"row": 2, "output": "prediction", "first": "b", "second": "c"}
    ]
    assert (result.rows, result.compared) == (5, 2)
    counts = [
        (part.count, part.rows, part.reason)
        for part in (result.only_first, result.only_second, result.neither)
    ]
    assert counts == [(1, (4,), "why"), (1, (3,), "why"), (1, (5,), "why")]
    assert result.missing == (("score",), ("probability_a",))
    assert not result.are_equal
    assert result.as_data()["outputs"][0]["largest"]["second"] == "c"


def test_a_run_is_equal_to_itself_in_rows_that_it_predicts(flowers, tmp_path):
    lines = flowers.table.read_text("utf-8").splitlines()
    lines[3], lines[9] = "long,red,2,rose", "1e300,red,2,rose"
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines), "utf-8")
    opened = open_model(str(flowers.run), REGISTRY, print)
    result = compared_predictions(opened, opened, path)
    assert result.are_equal
    assert (result.compared, result.neither.rows) == (118, (3, 9))
    assert result.neither.reason == 'row 3, column "length": "long" is not a number'
    assert [output.output for output in result.outputs if output.is_label] == ["prediction"]
    path.write_text("length,color,width\nlong,red,2\n", "utf-8")
    message = r'neither model predicts any of its rows: row 1, column "length": "long" is not a nu'
    with pytest.raises(declnet.DataError, match=message):  # not "equal"
        compared_predictions(opened, opened, path)
    path.write_text("length,color\n1,red\n", "utf-8")
    with pytest.raises(declnet.DataError, match=r'rows.csv: there is no column "width"'):
        compared_predictions(opened, opened, path)


class Doubled(PredictionSource):
    """A model that predicts twice the cells of the column that a file names."""

    type = "doubled"
    suffixes = (".doubled",)
    schemes = ("doubled",)

    def open(self, name, registry):
        return RowPredictor(partial(self.predict, Path(name).read_text("utf-8")))

    def predict(self, column, rows):
        return PredictedRows({"prediction": 2 * rows.columns[column].astype(float)})


class Broken(Doubled):
    """A model that predicts one row too many."""

    type = "broken"
    suffixes = (".broken",)

    def predict(self, column, rows):
        return PredictedRows({"prediction": np.zeros(len(rows) + 1)})


def test_a_third_party_source_is_opened_by_suffix_or_scheme(tmp_path):
    registry = registry_with([Doubled, Broken])
    for name in ("a.doubled", "b.broken"):
        (tmp_path / name).write_text("row", "utf-8")
    opened = open_model(str(tmp_path / "a.doubled"), registry, print)
    other = model({"prediction": [0.0, 2.0, 5.0]})
    result = compared_predictions(opened, other, rows_file(tmp_path, 3))
    assert [(value.row, value.first) for value in result.first_rows] == [(3, 4.0)]
    broken = open_model(str(tmp_path / "b.broken"), registry, print)
    with pytest.raises(declnet.ComponentError, match=r"open\(\) predicts an array of .*\(4,\) as"):
        compared_predictions(broken, other, rows_file(tmp_path, 3))
    with pytest.raises(declnet.OutputError, match="several prediction sources open it"):
        open_model("doubled://somewhere", registry, print)
    with pytest.raises(declnet.OutputError, match="no installed prediction source opens such URLs"):
        open_model("other://somewhere", registry, print)
    with pytest.raises(declnet.OutputError, match="there is no such folder"):
        open_model(str(tmp_path / "absent.doubled"), registry, print)
