"""Tests of metrics."""

from __future__ import annotations

import math

import pytest

from declnet import EpochLogged, Metric
from declnet.runs.display.metrics import (
    abbreviations,
    find_metric,
    format_metric,
    informative,
    live_metrics,
    log_line,
    main_metric,
    metrics_in_words,
    order_of,
    ordered,
    sort_key,
)
from declnet.spec.heads import Head
from declnet_plugins.standard.losses import MeanSquaredError
from declnet_plugins.standard.metrics import F1, Accuracy

SHORTER = {"accuracy": "acc"}
METRICS = {"loss": 0.952, "data_loss": 0.932, "regularization_loss": 0.02, "accuracy": 0.556}


def test_the_line_is_that_of_the_book():
    assert log_line(EpochLogged(100, 0.019999, METRICS), SHORTER) == (
        "epoch: 100, acc: 0.556, loss: 0.952 (data_loss: 0.932, reg_loss: 0.020), lr: 0.0199990"
    )


def test_a_loss_without_a_penalty_has_no_parts_and_a_large_one_is_short():
    values = {"loss": 55975084032.0, "data_loss": 55975084032.0, "regularization_loss": 0.0}
    assert metrics_in_words(values, {}) == "loss: 5.598e+10"


def test_an_r2_that_rounding_makes_negative_is_printed_as_0():
    values = METRICS | {"accuracy": -3e-14}
    assert metrics_in_words(values, {}).startswith("accuracy: 0.000")
    values["accuracy"] = -2e-9
    assert metrics_in_words(values, {}).startswith("accuracy: -2.00e-09")


def test_validation_follows():
    line = log_line(EpochLogged(0, 1.0, METRICS, {**METRICS, "accuracy": 0.25}), SHORTER)
    assert line.endswith(
        "lr: 1.0000000 | validation, acc: 0.250, loss: 0.952 (data_loss: 0.932, reg_loss: 0.020)"
    )


@pytest.mark.parametrize(("rate", "shown"), [(0.0, "0.0000000"), (1e-9, "1.0000e-09")])
def test_small_rates_keep_their_digits(rate, shown):
    assert log_line(EpochLogged(0, rate, METRICS), SHORTER).endswith(f"lr: {shown}")


def test_a_bar_has_the_loss_and_the_first_metric():
    more = METRICS | {"f1": 0.5}
    assert live_metrics(EpochLogged(1, 1.0, more), SHORTER) == "loss 0.952, acc 0.556"
    assert live_metrics(
        EpochLogged(1, 1.0, more, {**more, "loss": 2.0, "accuracy": 0.25}), SHORTER
    ) == ("loss 0.952 (validation 2.000), acc 0.556 (0.250)")
    losses = {key: value for key, value in METRICS.items() if key != "accuracy"}
    assert live_metrics(EpochLogged(1, 1.0, losses), SHORTER) == "loss 0.952"


class Hits(Accuracy):
    type = "hits"
    abbreviation = "hit"


class Misses(Metric):
    type = "misses"


def test_metrics_are_called_as_they_declare_unless_the_spec_names_them():
    metrics = (Accuracy(), F1(), Accuracy(name="right"), Hits(), Hits(name="aim"), Misses())
    shorter = abbreviations([Head("", MeanSquaredError(), metrics)])
    assert shorter == {"accuracy": "acc", "hits": "hit"}
    named = abbreviations([Head("kind", MeanSquaredError(), metrics[:1])])
    assert named == {"kind_accuracy": "kind_acc"}
    values = METRICS | {"hits": 0.5, "aim": 0.25, "right": 0.75}
    assert metrics_in_words(values, shorter).startswith(
        "acc: 0.556, hit: 0.500, aim: 0.250, right: 0.750, loss: 0.952"
    )


KNOWN = [("train", "loss"), ("train", "accuracy"), ("test", "loss"), ("test", "accuracy")]


def test_metrics_come_before_losses_and_data_sets_in_their_order():
    names = ["loss", "data_loss", "regularization_loss", "f1", "accuracy"]
    found = ordered((data, name) for data in ("test", "train") for name in names)
    order = ["f1", "accuracy", "loss", "data_loss", "regularization_loss"]
    assert found == [(data, name) for data in ("train", "test") for name in order]


@pytest.mark.parametrize(
    ("wanted", "metric"),
    [
        ("train.loss", ("train", "loss")),
        ("accuracy", ("test", "accuracy")),
        ("validation.loss", None),
        ("f1", None),
        ("", None),
    ],
)
def test_a_word_names_a_metric(wanted, metric):
    assert find_metric(wanted, KNOWN) == metric


def test_the_main_metric_is_the_first_of_what_was_held_out():
    known = {"loss": "lower", "accuracy": "higher"}
    assert main_metric(KNOWN, known) == ("test", "accuracy")
    assert main_metric([*KNOWN, ("validation", "loss")], known) == ("validation", "loss")
    assert main_metric([("train", "loss")], known) == ("train", "loss")
    assert main_metric([], known) is None


def test_the_main_metric_is_one_that_can_be_sorted_by():
    known = [("test", each) for each in ("loss", "data_loss", "count", "hits")]
    assert main_metric(known, {"loss": "lower", "hits": "higher"}) == ("test", "hits")
    assert main_metric(known, {"loss": "lower", "hits": None}) == ("test", "loss")


def test_the_parts_of_a_loss_tell_nothing_without_regularization():
    values = {"loss": 1.0, "data_loss": 1.0, "regularization_loss": 0.0}
    assert informative([{"train": values}]) == [("train", "loss")]
    regularized = values | {"regularization_loss": 0.5}
    assert len(informative([{"train": values}, {"train": regularized}])) == 3


def test_the_lowest_or_highest_is_first_and_what_is_missing_last():
    values = [0.5, None, math.nan, 0.25, 0.75]
    assert sorted(values, key=lambda each: sort_key(each, "lower"))[:3] == [0.25, 0.5, 0.75]
    assert sorted(values, key=lambda each: sort_key(each, "higher"))[:3] == [0.75, 0.5, 0.25]


def test_the_best_come_first_unless_the_user_says_otherwise():
    known = {"accuracy": "higher", "loss": "lower", "count": None}
    assert order_of("accuracy", known, None) == order_of("loss", known, False) == "higher"
    assert order_of("loss", known, None) == order_of("accuracy", known, True) == "lower"
    assert (order_of("count", known, True), order_of("count", known, False)) == ("lower", "higher")
    for unknown in ("count", "absent"):
        with pytest.raises(ValueError, match=f'"{unknown}" are better; add --ascending or --desc'):
            order_of(unknown, known, None)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.92, "0.9200"),
        (1234.5, "1234"),
        (0.0, "0.000"),
        (None, "-"),
        (math.nan, "-"),
        (7, "7.000"),
        (-3e-14, "0.000"),
    ],
)
def test_metrics_have_four_digits(value, shown):
    assert format_metric(value) == shown
