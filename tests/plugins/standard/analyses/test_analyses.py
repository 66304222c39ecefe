"""Analyses of models with known functions, compared with their definitions."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from declnet import DataError
from declnet.testing.checks.analyses import SimulatedModel
from declnet_plugins.standard.analyses.drift import Drift
from declnet_plugins.standard.analyses.groups import Groups
from declnet_plugins.standard.analyses.importance import Importance
from declnet_plugins.standard.analyses.partial_dependence import PartialDependence

N = 400


def model_of(columns, features, classes=None, training=None, **more):
    return SimulatedModel("a model", classes, columns, training or columns, features, **more)


@pytest.fixture
def columns():
    rng = np.random.default_rng(0)
    city = np.array(["Bern", "Lyon"], object)[rng.integers(0, 2, N)]
    return {"a": rng.normal(size=N), "b": rng.normal(size=N), "city": city, "c": rng.normal(size=N)}


def rows_of(tables, title=None):
    (table,) = [row for row in tables if title is None or row.title == title]
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_importance_is_the_mean_loss_of_metrics(columns):
    model = model_of(columns, ("a", "b"))  # predicts a + 2 b
    result = rows_of(Importance(repeats=6).analyze(model))
    assert [row["column"] for row in result] == ["b", "a"]
    rng = np.random.default_rng(7)
    orders = [rng.permutation(N) for _ in range(6)]
    for name, weight in (("a", 1), ("b", 2)):
        truth, x = columns["a"] + 2 * columns["b"], columns[name]
        after = [np.abs(truth + weight * (x[at] - x) + 0.1 - truth).mean() for at in orders]
        (row,) = [row for row in result if row["column"] == name]
        assert row["loss"] == pytest.approx(np.mean(after) - 0.1)
        assert row["loss sd"] == pytest.approx(np.std(after, ddof=1))
        assert row["share"] > 0  # a metric to maximize
        assert "spread" not in row  # a metric without a direction


def test_large_data_is_sampled_and_the_note_says_so():
    rng = np.random.default_rng(0)
    columns = {f"x{index}": rng.normal(size=20_000) for index in range(30)}
    model = model_of(columns, tuple(columns))
    (table,) = Importance(repeats=40).analyze(model)
    assert "on 833 of 20,000 samples of the test data" in table.note
    assert model.predicted <= 1_001_000


def test_groups_have_the_metrics_of_their_samples(columns):
    model = model_of(columns, ("a",))
    result = rows_of(Groups(by="city").analyze(model))
    assert [row["city"] for row in result] == ["Bern", "Lyon", "all"]
    for row in result[:2]:
        at = np.flatnonzero(columns["city"] == row["city"])
        assert row["samples"] == len(at)
        assert row["share of samples"] == len(at) / N
        assert row["loss"] == model.metrics(at)["loss"]


def test_numbers_are_grouped_at_quantiles_and_gaps_apart(columns):
    a = columns["a"].copy()
    a[:40] = np.nan
    result = rows_of(Groups(by="a", bins=3).analyze(model_of({**columns, "a": a}, ("b",))))
    assert [row["samples"] for row in result] == [120, 120, 120, 40, N]
    assert result[0]["a"].startswith("below -0.4")
    assert [row["a"] for row in result[-2:]] == ["missing", "all"]
    few = {**columns, "a": np.arange(N) % 3}  # as many numbers as bins are not divided
    result = rows_of(Groups(by="a", bins=3).analyze(model_of(few, ("b",))))
    assert [row["a"] for row in result] == ["0", "1", "2", "all"]


def test_partial_dependence_of_a_sum_is_linear(columns):
    model = model_of(columns, ("a", "b", "city"))
    tables = PartialDependence(columns=("b", "city"), points=5).analyze(model)
    rows = rows_of(tables, "Partial dependence on b")
    mean = columns["a"].mean() + 3 * (columns["city"] == "Bern").mean() + 0.1
    for row in rows:
        assert row["prediction"] == pytest.approx(mean + 2 * row["b"])
    values = np.sort(columns["b"])
    assert all(row["b"] in values for row in rows)
    assert (rows[0]["b"], rows[-1]["b"]) == (values[3], values[395])
    bern, lyon = rows_of(tables, "Partial dependence on city")
    assert (bern["city"], lyon["city"]) == ("Bern", "Lyon")
    assert bern["prediction"] - lyon["prediction"] == pytest.approx(3)
    first, *others = PartialDependence(most=2).analyze(model)
    assert first.title == "Partial dependence on b"
    assert len(others) == 1
    assert "1 column on which predictions depend less is left out" in first.note


def test_partial_dependence_of_classes_is_their_probability(columns):
    for classes in (("no", "yes"), ("x", "y", "z")):
        model = model_of(columns, ("a",), classes)
        (table,) = PartialDependence().analyze(model)
        named = classes[1:] if len(classes) == 2 else classes
        assert table.columns == ("a", *(f"probability of {row}" for row in named))
        if len(classes) == 3:
            assert all(sum(row[1:]) == pytest.approx(1) for row in table.rows)


def test_drift_is_the_index_and_the_distance_of_distributions():
    training = {"n": np.arange(100.0), "t": np.array(["a"] * 60 + ["b"] * 40, object)}
    now = {
        "n": np.concatenate([np.arange(50.0), [np.nan] * 10]),
        "t": np.array(["a"] * 30 + ["b"] * 18 + ["new"] * 12, object),
    }
    model = model_of(now, ("n", "t"), training=training)
    n, t = rows_of(Drift().analyze(model))  # sorted by drift
    assert (n["column"], t["column"]) == ("n", "t")
    assert n["KS"] == pytest.approx(0.5)
    assert (n["missing in training"], n["missing"]) == (0, pytest.approx(1 / 6))
    assert t["unseen"] == pytest.approx(0.2)
    p = np.array([60, 40, 0]) + 0.5
    q = np.array([30, 18, 12]) + 0.5
    p, q = p / p.sum(), q / q.sum()
    expected = sum((b - a) * log(b / a) for a, b in zip(p, q, strict=True))
    assert t["PSI"] == pytest.approx(expected)
    assert n["PSI"] > 1


def test_dates_are_compared_divided_and_varied_in_the_order_of_time():
    days = np.array(
        [f"{1 + at % 28:02d}.{1 + at // 28 % 12:02d}.{2020 + at // 336}" for at in range(672)],
        object,
    )
    model = model_of({"day": days[300:]}, ("day",), training={"day": days[:400]})
    (row,) = rows_of(Drift().analyze(model))
    assert (row["KS"], row["unseen"]) == (pytest.approx(0.75), None)
    groups = rows_of(Groups(by="day", bins=4).analyze(model))
    assert [group["samples"] for group in groups] == [92, 93, 93, 94, 372]
    assert groups[0]["day"] == "below 2021-03-01"
    (table,) = PartialDependence(points=3).analyze(model)
    assert [row[0] for row in table.rows] == ["24.11.2020", "10.06.2021", "25.12.2021"]
    ambiguous = np.array(["03/04/2021", "05/06/2021"] * 20, object)
    model = model_of({"day": ambiguous}, ("day",), training={"day": ambiguous[:10]})
    assert rows_of(Drift().analyze(model))[0]["KS"] is None


def test_the_same_distribution_has_the_drift_that_the_note_expects():
    rng = np.random.default_rng(5)
    result = []
    for _ in range(40):
        training = {"n": rng.normal(size=1000)}
        model = model_of({"n": rng.normal(size=500)}, ("n",), training=training)
        (table,) = Drift().analyze(model)
        result.append(table.rows[0][1])
    assert "PSI is about 0.027" in table.note
    assert np.mean(result) == pytest.approx(0.027, rel=0.2)


def test_windows_and_unknown_columns_are_errors(columns):
    windows = model_of(columns, (), windows=100)
    with pytest.raises(DataError, match="windows"):
        Importance().analyze(windows)
    with pytest.raises(DataError, match="windows of rows"):
        Groups(by="city").analyze(windows)
    assert Drift().analyze(windows)
    with pytest.raises(DataError, match='did you mean "city"'):
        Groups(by="citi").analyze(model_of(columns, ("a",)))


def test_groups_of_a_column_without_values_are_the_rows_where_it_is_missing():
    model = model_of({"a": np.array([np.nan, np.nan]), "b": np.arange(2.0)}, ("b",))
    rows = rows_of(Groups(by="a").analyze(model))
    assert [(row["a"], row["samples"]) for row in rows] == [("missing", 2), ("all", 2)]
