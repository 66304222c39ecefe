"""Runs with several outputs, targets and losses, of tables and arrays, up to predictions."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import declnet
from declnet import DataError, SpecError, load_spec, parse_spec
from declnet.data.sets import load_sets, split_sets
from declnet.training.checks.check import check_spec

LAYERS = [
    {"type": "dense", "units": 8, "name": "trunk"},
    "tanh",
    {"type": "dense", "units": 1, "name": "price"},
    {"type": "dense", "units": 1, "inputs": ["tanh_1"]},
    {"type": "sigmoid", "name": "sold"},
]


@pytest.fixture
def houses():
    """Sizes and ages, with prices far from 0 and whether each was sold."""
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


def test_accumulated_batches_are_joined_ones(from_table):
    groups, joined = (
        declnet.run(parse_spec(from_table(training={"epochs": 5, "log_every": 1, **training})))
        for training in ({"batch_size": 6, "accumulate": 3}, {"batch_size": 18})
    )
    for key, array in groups.model.parameters().items():
        expected = joined.model.parameters()[key]
        np.testing.assert_allclose(array, expected, rtol=1e-10, atol=1e-12, err_msg=key)


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
    found, again = result.predict(rows), stored.predictor().predict(rows)
    assert list(found) == ["price", "sold"]
    assert found["price"].prediction.shape == (80,)
    assert set(found["sold"].prediction) == {"no", "yes"}
    assert list(found.columns()) == [
        "price_prediction",
        "sold_prediction",
        "sold_probability_no",
        "sold_probability_yes",
    ]
    for name, column in found.columns().items():
        np.testing.assert_array_equal(column, again.columns()[name])

    evaluated = stored.evaluate("validation")
    assert evaluated.metrics == pytest.approx(result.metrics["validation"])
    assert list(evaluated.heads) == ["price", "sold"]
    assert evaluated.heads["sold"].class_names == ("no", "yes")
    assert evaluated.heads["price"].metrics["r2"] == evaluated.metrics["price_r2"]
    assert evaluated.heads["price"].errors["r2"] == pytest.approx(evaluated.metrics["price_r2"])
    whole = stored.predictor().evaluate(table)
    by_hand = np.abs(found["price"].prediction - prices).mean()
    assert whole.metrics["price_mean_absolute_error"] == pytest.approx(by_hand)
    json.dumps(whole.as_data())
    gradients = stored.gradients()
    assert set(gradients) == set(result.model.parameters())


def test_arrays_by_name_and_an_archive_give_the_same_run(houses, tmp_path):
    x, price, sold = houses
    y = {"price": price / 1e4, "sold": sold}
    np.savez(tmp_path / "houses.npz", x=x, **y)
    given = declnet.run(parse_spec(spec_of()), data=(x, y))
    source = {"type": "npz", "path": str(tmp_path / "houses.npz"), "targets": ["price", "sold"]}
    read = declnet.run(parse_spec(spec_of(data={"train": source})), out=tmp_path / "run")
    assert given.metrics == read.metrics
    predictor = declnet.open_run(tmp_path / "run").predictor()
    assert predictor.evaluate((x, y)).metrics == pytest.approx(read.metrics["train"])
    assert predictor.evaluate(tmp_path / "houses.npz").metrics == pytest.approx(
        read.metrics["train"]
    )
    outputs = read.model.predict(x)
    np.testing.assert_array_equal(outputs["sold"], predictor.predict(x)["sold"].outputs)


def test_a_run_that_was_stopped_resumes_with_the_same_bits(houses, tmp_path):
    x, price, sold = houses
    data = (x, {"price": price / 1e4, "sold": sold})

    class StopError(BaseException):
        pass

    def stop(event):
        if getattr(event, "epoch", 0) == 10:
            raise StopError

    spec = parse_spec(spec_of(training={"epochs": 30, "batch_size": 16, "log_every": 10,
        "callbacks": [{"type": "checkpoint", "every_epochs": 3}]}))  # fmt: skip
    whole = declnet.run(spec, data=data, out=tmp_path / "whole")
    with pytest.raises(StopError):
        declnet.run(spec, data=data, out=tmp_path / "stopped", listener=stop)
    again = declnet.resume(tmp_path / "stopped", data=data)
    assert again.metrics == whole.metrics
    assert again.history == whole.history


def test_metrics_of_a_loss_can_be_monitored(from_table):
    stopping = {"type": "early_stopping", "monitor": "validation_price_r2", "patience": 2}
    training = {"epochs": 200, "batch_size": 16, "log_every": 1, "callbacks": [stopping]}
    result = declnet.run(parse_spec(from_table(training=training)))
    assert "validation_price_r2" in result.stopped
    stopping["monitor"] = "validation_prise_r2"
    with pytest.raises(SpecError, match="validation_price_r2"):
        declnet.run(parse_spec(from_table(training=training)))


def test_targets_prepared_in_arrays_are_inverted(houses, tmp_path):
    x, price, _ = houses
    document = {
        "data": {"prepare_targets": {"y": ["standardize"]}},
        "model": {"layers": [{"type": "dense", "units": 1}], "dtype": "float64"},
        "loss": "mean_squared_error",
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "training": {"epochs": 300, "log_every": 100, "metrics": ["mean_squared_error"]},
    }
    result = declnet.run(parse_spec(document), data=(x, price), out=tmp_path / "run")
    train = result.metrics["train"]
    assert train["mean_squared_error"] == pytest.approx(train["loss"] * price.std() ** 2)
    found = declnet.load_predictor(tmp_path / "run").predict(x).prediction
    assert np.square(found - price).mean() == pytest.approx(train["mean_squared_error"])
    by_hand = np.linalg.lstsq(np.c_[x, np.ones(len(x))], price, rcond=None)[0]
    np.testing.assert_allclose(found, np.c_[x, np.ones(len(x))] @ by_hand, rtol=0.05)


@pytest.mark.parametrize(
    ("change", "path", "code", "message"),
    [
        (
            {"model": {"outputs": ["price", "sald"]}},
            ("model", "outputs", 1), "E048", 'there is no layer "sald"',
        ),
        (
            {"model": {"outputs": None}},
            ("losses", "price"), "E047", '"price" is not an output',
        ),
        (
            {"losses": {"prise": {"type": "huber", "target": "price"}}},
            ("losses", "prise"), "E047", '"prise" is not an output',
        ),
        (
            {"losses": {"price": {"type": "huber", "output": "trunk"}}},
            ("losses", "price", "output"), "E047", '"trunk" is not an output',
        ),
        (
            {"losses": {"price": {"type": "huber", "target": "prise"}}},
            ("losses", "price", "target"), "E046", 'no target "prise"',
        ),
        (
            {"data": {"train": {"targets": ["price"]}}},
            ("losses", "sold"), "E046", 'no target "sold"',
        ),
        (
            {"losses": {"sold": {"type": "mean_squared_error"}}},
            ("losses", "sold"), "E041", '"sold" is text',
        ),
        (
            {"losses": {"sold": {"type": "categorical_crossentropy"}}},
            ("model", "layers", 3, "units"), "E043", "a unit for each class",
        ),
        (
            {"data": {"prepare_targets": {"sold": ["standardize"]}}},
            ("data", "prepare_targets", "sold"), "E035", "holds classes",
        ),
        (
            {"data": {"prepare_targets": {"prise": ["log"]}}},
            ("data", "prepare_targets", "prise"), "E034", 'no target "prise"',
        ),
        (
            {"data": {"prepare_targets": {"price": ["datetime"]}}},
            ("data", "prepare_targets", "price", 0), "E035", "cannot be inverted",
        ),
        (
            {"data": {"prepare_targets": {"price": [{"type": "log", "columns": ["price"]}]}}},
            ("data", "prepare_targets", "price", 0, "columns"), "E017", "one column",
        ),
        (
            {"data": {"class_weights": "balanced"}},
            ("data", "class_weights"), "E036", "there are several",
        ),
        (
            {"data": {"split": {"method": "stratified"}}},
            ("data", "split", "method"), "E036", "several targets",
        ),
    ],
)  # fmt: skip
def test_errors_before_the_run_are_located(from_table, change, path, code, message):
    document = from_table()
    for section, values in change.items():
        for key, value in values.items():
            inner = document[section].get(key)
            kept = isinstance(inner, dict) and isinstance(value, dict) and key == "train"
            document[section][key] = {**inner, **value} if kept else value
    if document["model"]["outputs"] is None:
        del document["model"]["outputs"]
    with pytest.raises(SpecError) as caught:
        declnet.run(parse_spec(document))
    found = {(each.path, each.code): each.message for each in caught.value.problems}
    assert (path, code) in found, found
    assert message in found[path, code]


def test_one_loss_for_several_outputs_or_targets_is_refused(from_table, houses):
    document = {key: value for key, value in from_table().items() if key != "losses"}
    document |= {"loss": "huber"}
    with pytest.raises(SpecError) as caught:
        declnet.run(parse_spec(document))
    codes = [each.code for each in caught.value.problems if each.path == ("loss",)]
    assert codes == ["E047"]  # not E046 too: naming the losses corrects both
    x, price, sold = houses
    document["model"] = {"layers": [{"type": "dense", "units": 1}]}
    del document["data"]
    with pytest.raises(SpecError, match="the targets price, sold, but"):
        declnet.run(parse_spec(document), data=(x, {"price": price, "sold": sold}))


def test_a_target_without_a_loss_is_a_warning(from_table):
    document = from_table(losses={"price": {"type": "huber"}})
    del document["losses"]["sold"]
    document["model"] |= {"layers": LAYERS[:3], "outputs": ["price"]}
    spec = parse_spec(document)
    checked = check_spec(spec)
    (warning,) = checked.warnings
    assert (warning.code, warning.path) == ("W007", ("data", "train", "targets", 1))
    checked.require_right()


def test_given_arrays_of_other_shapes_are_refused(houses):
    x, price, sold = houses
    spec = parse_spec(spec_of())
    with pytest.raises(DataError, match="x has 80 samples, but price has 79"):
        declnet.run(spec, data=(x, {"price": price[:79], "sold": sold[:79]}))
    with pytest.raises(SpecError, match='no target "sold"'):
        declnet.run(spec, data=(x, {"price": price}))


def test_the_shipped_quantiles_cover_what_they_say(repository):
    spec = load_spec(repository / "specs" / "quantile_regression.toml")
    result = declnet.run(spec)
    test = split_sets(load_sets(spec.data, spec.seed), spec.data, spec.seed)["test"]
    found, rents = result.predict(test).prediction, test.columns["rent"][:, None]
    shares = (rents < found).mean(axis=0)
    np.testing.assert_allclose(shares, spec.loss.quantiles, atol=0.05)
    assert (np.diff(found, axis=1) > 0).mean() > 0.99
