"""Labels of metrics, and the digits of their values."""

from __future__ import annotations

import math

from declnet import EpochLogged, Metric
from declnet.display.tables import format_metric
from declnet.runs.display.metric_labels import abbreviations, live_metrics, metrics_in_words
from declnet.spec.heads import Head
from declnet_plugins.standard.losses.regression import MeanSquaredError
from declnet_plugins.standard.metrics.classification import F1, Accuracy

SHORTER = {"accuracy": "acc"}
METRICS = {"loss": 0.952, "data_loss": 0.932, "regularization_loss": 0.02, "accuracy": 0.556}


def test_an_r2_that_rounding_makes_negative_is_printed_as_0():
    values = METRICS | {"accuracy": -3e-14}
    assert metrics_in_words(values, {}).startswith("accuracy: 0.000")
    values["accuracy"] = -2e-9
    assert metrics_in_words(values, {}).startswith("accuracy: -2.00e-09")


def test_a_bar_has_the_first_metric_and_the_loss_if_there_is_room():
    more = METRICS | {"f1": 0.5}
    assert live_metrics(EpochLogged(1, 1.0, more), SHORTER) == "acc 0.556, loss 0.952"
    validated = EpochLogged(1, 1.0, more, {**more, "loss": 2.0, "accuracy": 0.25})
    both = "acc 0.556 (validation 0.250), loss 0.952 (2.000)"
    assert live_metrics(validated, SHORTER) == live_metrics(validated, SHORTER, len(both)) == both
    assert live_metrics(validated, SHORTER, len(both) - 1) == "acc 0.556 (validation 0.250)"
    losses = {key: value for key, value in METRICS.items() if key != "accuracy"}
    assert live_metrics(EpochLogged(1, 1.0, losses), SHORTER) == "loss 0.952"


class Hits(Accuracy):
    type = "hits"
    abbreviation = "hit"


class Misses(Metric):
    type = "misses"


def test_the_name_in_the_spec_replaces_the_label_that_a_metric_declares():
    metrics = (Accuracy(), F1(), Accuracy(name="right"), Hits(), Hits(name="aim"), Misses())
    shorter = abbreviations([Head("", MeanSquaredError(), dict(enumerate(metrics)))])
    assert shorter == {"accuracy": "acc", "hits": "hit"}
    named = abbreviations([Head("kind", MeanSquaredError(), {0: metrics[0]})])
    assert named == {"kind_accuracy": "kind_acc"}
    values = METRICS | {"hits": 0.5, "aim": 0.25, "right": 0.75}
    assert metrics_in_words(values, shorter).startswith(
        "acc: 0.556, hit: 0.500, aim: 0.250, right: 0.750, loss: 0.952"
    )


VALUES = [0.92, 1234.5, 0.0, None, math.nan, 7, -3e-14]


def test_metrics_have_four_digits():
    shown = ["0.9200", "1234", "0.000", "-", "-", "7", "0.000"]
    assert [format_metric(value) for value in VALUES] == shown
