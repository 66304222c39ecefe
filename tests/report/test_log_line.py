from __future__ import annotations

import pytest

from declnet import EpochLogged, Metric
from declnet.report.log_line import abbreviations, live_metrics, log_line, metrics_in_words
from declnet_metrics import F1, Accuracy

SHORTER = {"accuracy": "acc"}
METRICS = {"loss": 0.952, "data_loss": 0.932, "regularization_loss": 0.02, "accuracy": 0.556}


def test_the_line_is_that_of_the_book():
    assert log_line(EpochLogged(100, 0.019999, METRICS), SHORTER) == (
        "epoch: 100, acc: 0.556, loss: 0.952 (data_loss: 0.932, reg_loss: 0.020), lr: 0.0199990"
    )


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
    metrics = [Accuracy(), F1(), Accuracy(name="right"), Hits(), Hits(name="aim"), Misses()]
    shorter = abbreviations(metrics)
    assert shorter == {"accuracy": "acc", "hits": "hit"}
    values = METRICS | {"hits": 0.5, "aim": 0.25, "right": 0.75}
    assert metrics_in_words(values, shorter).startswith(
        "acc: 0.556, hit: 0.500, aim: 0.250, right: 0.750, loss: 0.952"
    )
