from __future__ import annotations

import pytest

from declnet import EpochLogged
from declnet.report.log_line import live_figures, log_line

FIGURES = {"loss": 0.952, "data_loss": 0.932, "regularization_loss": 0.02, "accuracy": 0.556}


def test_the_line_is_that_of_the_book():
    assert log_line(EpochLogged(100, 0.019999, FIGURES)) == (
        "epoch: 100, acc: 0.556, loss: 0.952 (data_loss: 0.932, reg_loss: 0.020), lr: 0.0199990"
    )


def test_validation_follows():
    line = log_line(EpochLogged(0, 1.0, FIGURES, {**FIGURES, "accuracy": 0.25}))
    assert line.endswith(
        "lr: 1.0000000 | validation, acc: 0.250, loss: 0.952 (data_loss: 0.932, reg_loss: 0.020)"
    )


@pytest.mark.parametrize(("rate", "shown"), [(0.0, "0.0000000"), (1e-9, "1.0000e-09")])
def test_small_rates_keep_their_digits(rate, shown):
    assert log_line(EpochLogged(0, rate, FIGURES)).endswith(f"lr: {shown}")


def test_a_bar_has_the_loss_and_the_first_metric():
    more = FIGURES | {"f1": 0.5}
    assert live_figures(EpochLogged(1, 1.0, more)) == "loss 0.952, acc 0.556"
    assert live_figures(EpochLogged(1, 1.0, more, {**more, "loss": 2.0, "accuracy": 0.25})) == (
        "loss 0.952 (validation 2.000), acc 0.556 (0.250)"
    )
    losses = {key: value for key, value in FIGURES.items() if key != "accuracy"}
    assert live_figures(EpochLogged(1, 1.0, losses)) == "loss 0.952"
