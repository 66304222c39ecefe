"""Models with the samples to examine, compared with whole tables that are prepared again."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import declnet
from declnet import Analysis, DataError, Dataset, ResultTable, Table
from declnet.data.replacing import column_names, raw_columns
from declnet.data.sets import PreparedSets
from declnet.runs.inference.analyzing import set_of_run, some_of
from declnet.testing.examples import registry_with

RNG = np.random.default_rng(3)
ROWS = 80


def houses(rows=ROWS, rng=RNG):
    size = rng.uniform(20, 200, rows).round(1)
    city = np.array(["Bern", "Lyon", "Turin"], object)[rng.integers(0, 3, rows)]
    note = np.array(["a quiet street", "by the sea", "near the station"], object)
    rooms, price = rng.integers(1, 6, rows), size * 3 + 100 * (city == "Bern")
    words = note[rng.integers(0, 3, rows)]
    columns = {"size": size, "city": city, "note": words, "rooms": rooms, "price": price}
    return Table(columns, "price", ("size", "city", "note", "rooms"))


LAYERS = [
    {"type": "embedding", "units": 2, "inputs": ["input.codes"], "name": "city"},
    {"type": "flatten", "name": "flat"},
    {"type": "embedding", "units": 2, "inputs": ["input.words"], "name": "note"},
    {"type": "mean_over_time", "name": "mean", "inputs": ["note", "input.words_lengths"]},
    {"type": "concatenate", "inputs": ["input.numbers", "flat", "mean"]},
    {"type": "dense", "units": 1},
]
INPUTS = {"numbers": ["size", "rooms"], "codes": ["city"], "words": ["note"]}
PREPARE = [
    {"type": "tokenize", "columns": ["note"]},
    {"type": "ordinal", "columns": ["city"]},
    {"type": "standardize", "columns": ["size", "rooms"]},
]
SPECS = {
    "one_input": {
        "data": {"prepare": ["standardize", "one_hot"]},
        "model": {"layers": LAYERS[-1:]},
    },
    "named_inputs": {"data": {"inputs": INPUTS, "prepare": PREPARE}, "model": {"layers": LAYERS}},
}


def trained(document, data, out=None, registry=None):
    base = {
        "loss": "mean_squared_error",
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "training": {"epochs": 20, "metrics": ["mean_absolute_error"]},
    }
    spec = declnet.parse_spec({**base, **document}, registry=registry)
    return declnet.run(spec, data, out, registry=registry)


def analyzed(result, raw):
    samples = result.predictor.labeled(raw, "given").samples[0]
    sets = PreparedSets({}, result.preparation, {"train": raw}, {"train": samples})
    return set_of_run(result.predictor, sets, "train")


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("name", ["size", "city", "note", "rooms"])
def test_replaced_values_are_prepared_like_a_table_that_has_them(spec, name):
    table = houses()
    if "inputs" not in spec["data"]:
        table = replace(table, features=("size", "city", "rooms"))
        if name == "note":
            return
    result = trained(spec, table)
    model = analyzed(result, table)
    assert set(model.features) == set(table.feature_columns)
    positions = np.sort(RNG.choice(ROWS, 50, replace=False))
    values = RNG.permutation(table.columns[name][positions])
    part = table.take(positions)
    changed = replace(part, columns={**part.columns, name: values})
    (outputs,) = model.outputs(positions, {name: values}).values()
    assert np.array_equal(outputs, result.predict(changed).outputs)
    expected = result.predictor.evaluate(changed)
    measured = {**expected.errors, **expected.metrics}
    assert model.metrics(positions, {name: values}) == pytest.approx(
        {name: measured[name] for name in model.better}
    )
    (before,) = model.outputs(positions).values()
    assert np.array_equal(before, result.predict(part).outputs)  # nothing was written to


def test_numbers_of_arrays_are_columns():
    x = RNG.normal(size=(60, 3))
    y = x @ [1.0, 2.0, 0.0]
    document = {"data": {"prepare": ["standardize"]}, "model": SPECS["one_input"]["model"]}
    result = trained(document, (x, y))
    model = analyzed(result, Dataset(x, y))
    assert model.features == ("x[0]", "x[1]", "x[2]")
    other = x.copy()
    other[:, 1] = x[::-1, 1]
    (outputs,) = model.outputs(None, {"x[1]": other[:, 1]}).values()
    assert np.array_equal(outputs, result.predict(other).outputs)
    with pytest.raises(DataError, match=r'"x\[7\]" cannot be replaced'):
        model.outputs(None, {"x[7]": x[:, 0]})


@pytest.mark.parametrize(
    ("inputs", "names", "columns"),
    [
        ("matrix", ("a", "b"), {"a": (0,), "b": (1,)}),
        ("matrix", ("a", "a"), {"x[0]": (0,), "x[1]": (1,)}),
        ("matrix", ("a", "b", "c"), {"x[0]": (0,), "x[1]": (1,)}),
        ("row", ("a",), {"x": ()}),
        ("image", None, {}),
        (["matrix", "row", "image"], ("a", "b"), {"matrix[0]": (0,), "matrix[1]": (1,), "row": ()}),
    ],
)
def test_each_number_of_a_sample_has_a_name(inputs, names, columns):
    numbers = RNG.normal(size=(9, 2, 2, 1))
    arrays = {"matrix": numbers[:, 0, :, 0], "row": numbers[:, 0, 0, 0], "image": numbers}
    one = isinstance(inputs, str)
    data = Dataset(
        arrays[inputs] if one else {name: arrays[name] for name in inputs},
        numbers[:, 0, 0, 0],
        feature_names=names,
    )
    raw = raw_columns(data)
    assert column_names(data) == (*raw,) == (*columns,)
    for column, position in columns.items():
        array = arrays[inputs if one else column.partition("[")[0]]
        np.testing.assert_array_equal(raw[column], array[(slice(None), *position)])


def write(path, table):
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(table.columns)
        rows.writerows(zip(*table.columns.values(), strict=True))


@pytest.fixture
def document(tmp_path):
    write(tmp_path / "houses.csv", houses())
    features = ["size", "city", "rooms"]
    path = str(tmp_path / "houses.csv")
    train = {"type": "csv", "path": path, "target": "price", "features": features}
    return {
        **SPECS["one_input"],
        "analyses": ["importance", {"type": "groups", "by": "note"}],
        "data": {"train": train, "test": 0.3, **SPECS["one_input"]["data"]},
    }


def test_a_run_stores_its_analyses_and_later_ones_are_the_same(document, tmp_path):
    result = trained(document, None, tmp_path / "run")
    run = declnet.open_run(tmp_path / "run")
    assert [analysis.analysis for analysis in result.analyses] == [
        {"type": "importance"},
        {"type": "groups", "by": "note"},
    ]
    assert run.analyses == result.analyses
    assert [(analysis.data, analysis.samples) for analysis in run.analyses] == [("test", 24)] * 2
    again = run.analyze("importance", {"type": "groups", "by": "note"})
    assert again == result.analyses
    assert run.analyze("importance") == result.analyses[:1]  # whatever else is analyzed
    test = run.predictor().spec  # a file has columns besides features too
    assert test.analyses
    (of_file,) = run.analyze({"type": "groups", "by": "note"}, data=tmp_path / "houses.csv")
    assert of_file.samples == ROWS
    assert of_file.tables[0].rows[-1][:2] == ("all", ROWS)
    (tmp_path / "run" / "analyses.json").write_text("[]")
    with pytest.raises(declnet.OutputError, match=r"analyses\.json: changed since the run ended"):
        _ = declnet.open_run(tmp_path / "run").analyses


class Fails(Analysis):
    """An analysis that raises the given exception."""

    type = "fails"

    how: str = "data"

    def analyze(self, model):
        if self.how == "data":
            raise DataError("it does not suit")
        return [ResultTable("t", ("a",), ((1, 2),))] if self.how == "table" else 1 / 0


def test_an_analysis_that_fails_is_a_warning_of_a_run_that_ends_well(document, tmp_path):
    registry = registry_with([Fails])
    fails = [{"type": "fails", "how": how} for how in ("data", "table", "?")]
    document["analyses"] = [*fails, {"type": "groups", "by": "city"}]
    result = trained(document, None, tmp_path / "run", registry)
    assert [analysis.analysis["type"] for analysis in result.analyses] == ["groups"]
    first, second, third = result.warnings
    assert first == "no result of an analysis: fails: it does not suit"
    assert 'table "t" has a row of 2 values for 1 columns' in second
    assert "raised ZeroDivisionError in analyze()" in third
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text("utf-8"))
    assert manifest["status"] == "finished"
    assert manifest["warnings"] == list(result.warnings)


def test_samples_without_numbers_are_numbered_across_parts():
    parts = iter([Table({"at": np.arange(3)}), Table({"at": np.arange(3, 5)})])
    samples, _ = some_of(parts, np.random.default_rng(0))
    assert np.array_equal(samples.rows, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("most", [7, 40, 1000])
def test_some_samples_of_many_parts_are_drawn_evenly_and_stay_in_order(most):
    total = 200
    counts = np.zeros(total)
    for seed in range(60):
        rows = np.arange(1, total + 1)
        whole = Table({"at": np.arange(total)}, rows=rows)
        parts = (whole.take(np.arange(start, start + 20)) for start in range(0, total, 20))
        drawn, count = some_of(parts, np.random.default_rng(seed), most)
        at = drawn.columns["at"]
        assert count == total
        assert len(at) == min(most, total)
        assert (np.diff(at) > 0).all()
        assert np.array_equal(drawn.rows, at + 1)
        counts[at] += 1
    quarters = counts.reshape(4, -1).sum(axis=1)
    expected = 60 * min(most, total) / 4
    assert np.abs(quarters - expected).max() <= 4 * np.sqrt(expected) * (most < total)


def test_predictions_are_calibrated_as_in_an_evaluation(document, tmp_path):
    write(tmp_path / "houses.csv", houses(300))
    document["data"]["validation"] = 0.3
    document["data"]["train"] |= {"target": "city", "features": ["size", "price"]}
    document |= {
        "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
        "loss": "categorical_crossentropy",
        "training": {"epochs": 20, "metrics": ["log_loss"]},
        "calibration": {"steps": ["temperature"]},
        "analyses": [{"type": "groups", "by": "note"}],
    }
    result = trained(document, None, tmp_path / "run")
    run = declnet.open_run(tmp_path / "run")
    (table,) = result.analyses[0].tables
    row = dict(zip(table.columns, table.rows[-1], strict=True))
    assert row["log_loss"] == pytest.approx(run.evaluate("test").metrics["log_loss"])
    assert row["log_loss"] != pytest.approx(row["loss"])  # which is not calibrated
    assert run.analyze({"type": "groups", "by": "note"}) == result.analyses
