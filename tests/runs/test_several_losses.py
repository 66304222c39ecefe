"""Runs with several outputs, targets and losses, of tables and arrays, up to predictions."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import declnet
from declnet import parse_spec

LAYERS = [
    {"type": "dense", "units": 8, "name": "trunk"},
    "tanh",
    {"type": "dense", "units": 1, "name": "price"},
    {"type": "dense", "units": 1, "inputs": ["tanh_1"]},
    {"type": "sigmoid", "name": "sold"},
]


@pytest.fixture
def houses():
    """Sizes and ages of houses, their prices, far from 0, and whether each was sold."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2))
    price = np.exp(9 + 0.5 * x[:, 0] + 0.05 * rng.normal(size=80))
    sold = (x[:, 1] + 0.3 * rng.normal(size=80) > 0).astype(int)
    return x, price, sold


@pytest.fixture
def table(houses, tmp_path):
    x, price, sold = houses
    with (tmp_path / "houses.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["size", "age", "price", "sold"])
        for row, cost, flag in zip(x.tolist(), price.tolist(), sold.tolist(), strict=True):
            writer.writerow([*row, cost, "yes" if flag else "no"])
    return tmp_path / "houses.csv"


def spec_of(**changes):
    document = {
        "model": {"layers": LAYERS, "outputs": ["price", "sold"], "dtype": "float64"},
        "losses": {
            "price": {"type": "huber", "metrics": ["mean_absolute_error", "r2"]},
            "sold": {"type": "binary_crossentropy", "weight": 0.5, "metrics": ["roc_auc"]},
        },
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": 30, "batch_size": 16, "log_every": 10},
    }
    for key, value in changes.items():
        document[key] = {**document.get(key, {}), **value} if isinstance(value, dict) else value
    return document


@pytest.fixture
def from_table(table):
    def document(**changes):
        source = {"type": "csv", "path": str(table), "targets": ["price", "sold"]}
        data = {"train": source, "validation": 0.2, "prepare": ["standardize"]}
        data["prepare_targets"] = {"price": ["log", "standardize"]}
        return spec_of(data={**data, **changes.pop("data", {})}, **changes)

    return document


def test_a_table_with_two_targets_is_trained_predicted_and_evaluated(
    from_table, table, houses, tmp_path
):
    result = declnet.run(parse_spec(from_table()), out=tmp_path / "run")
    row = result.history[-1]
    for name in (
        "price_loss",
        "price_mean_absolute_error",
        "price_r2",
        "sold_loss",
        "sold_roc_auc",
    ):
        assert {name, f"validation_{name}"} <= row.keys()
    assert row["loss"] == pytest.approx(row["price_loss"] + 0.5 * row["sold_loss"], rel=1e-12)
    assert result.metrics["train"]["price_r2"] > 0.9
    assert result.metrics["train"]["price_mean_absolute_error"] > 50  # in the price's own unit
    assert "sold_roc_auc" in result.baselines["validation"].metrics

    stored = declnet.open_run(tmp_path / "run")
    assert stored.metrics == result.metrics
    x, prices, _ = houses
    rows = {"size": x[:, 0], "age": x[:, 1]}
    predictions, again = result.predict(rows), stored.predictor().predict(rows)
    assert list(predictions) == ["price", "sold"]
    assert predictions["price"].prediction.shape == (80,)
    assert set(predictions["sold"].prediction) == {"no", "yes"}
    columns, repeated = declnet.prediction_columns(predictions), declnet.prediction_columns(again)
    assert list(columns)[:2] == ["price_prediction", "sold_prediction"]
    assert list(columns)[2:] == ["sold_probability_no", "sold_probability_yes"]
    for name, column in columns.items():
        np.testing.assert_array_equal(column, repeated[name])

    evaluated = stored.evaluate("validation")
    assert evaluated.metrics == pytest.approx(result.metrics["validation"])
    assert list(evaluated.heads) == ["price", "sold"]
    assert evaluated.heads["sold"].class_names == ("no", "yes")
    assert evaluated.heads["price"].metrics["r2"] == evaluated.metrics["price_r2"]
    assert evaluated.heads["price"].errors["r2"] == pytest.approx(evaluated.metrics["price_r2"])
    whole = stored.predictor().evaluate(table)
    by_hand = np.abs(predictions["price"].prediction - prices).mean()
    assert whole.metrics["price_mean_absolute_error"] == pytest.approx(by_hand)
    json.dumps(whole.as_data())
    gradients = stored.gradients()
    assert set(gradients) == set(result.model.parameters())


def test_arrays_by_name_and_an_archive_give_the_same_run(houses, tmp_path):
    x, price, sold = houses
    y = {"price": price / 1e4, "sold": sold}
    np.savez(tmp_path / "houses.npz", x=x, **y)
    by_name = declnet.run(parse_spec(spec_of()), data=(x, y))
    source = {"type": "npz", "path": str(tmp_path / "houses.npz"), "targets": ["price", "sold"]}
    read = declnet.run(parse_spec(spec_of(data={"train": source})), out=tmp_path / "run")
    assert by_name.metrics == read.metrics
    predictor = declnet.open_run(tmp_path / "run").predictor()
    assert predictor.evaluate((x, y)).metrics == pytest.approx(read.metrics["train"])
    assert predictor.evaluate(tmp_path / "houses.npz").metrics == pytest.approx(
        read.metrics["train"]
    )
    outputs = read.model.predict(x)
    np.testing.assert_array_equal(outputs["sold"], predictor.predict(x)["sold"].outputs)
