"""Trainings at several rates: the key of the rate, loss curves, and continuation."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet.inspection.rates.trainings import Curve, Trainings, rate_of, with_rate

COSINE = {"type": "cosine", "initial_rate": 0.5, "final_rate": 0.1}


@pytest.mark.parametrize(
    ("learning_rate", "below", "rate"),
    [
        (0.25, (), 0.25),
        (COSINE, ("initial_rate",), 0.5),
        ({"type": "warmup", "steps": 3, "schedule": 0.2}, ("schedule",), 0.2),
        (
            {"type": "warmup", "steps": 3, "schedule": COSINE},
            ("schedule", "initial_rate"),
            0.5,
        ),
    ],
)
def test_the_key_of_the_rate(make, learning_rate, below, rate):
    spec = make(optimizer__learning_rate=learning_rate)
    assert rate_of(spec) == (("optimizer", "learning_rate", *below), rate)
    other = with_rate(spec, 0.75)
    assert rate_of(other) == (("optimizer", "learning_rate", *below), 0.75)
    assert with_rate(other, rate) == spec


def test_a_curve_ends_before_the_loss_rises():
    rates = tuple(10.0 ** np.arange(-6, 2))
    curve = Curve(rates, (1.0, 1.0, 0.6, 0.2, 0.1, 5.0, 9.0, 12.0), diverged=True)
    assert curve.limit == rates[4]
    flat = Curve(rates, (1.0,) * 8, diverged=False)
    assert flat.limit == rates[-1]


@pytest.mark.parametrize(("accumulate", "parts"), [(1, (13, 20, 45)), (2, (8, 12, 27))])
def test_a_continued_training_equals_a_single_run(make, accumulate, parts):
    dropout = ["relu", {"type": "dropout", "rate": 0.5}, {"type": "dense", "units": 3}, "softmax"]
    layers = [{"type": "dense", "units": 8, "weight_initializer": "lsuv"}, *dropout]
    changes = {"training__batch_size": 7, "training__epochs": 9, "model__layers": layers}
    changes["training__accumulate"] = accumulate
    spec = make(optimizer={"type": "adam", "learning_rate": 0.1}, **changes)
    training = declnet.StepwiseTraining(spec)
    trainings = Trainings(training)
    for updates in parts:
        trainings.train(0.03, updates)
        trainings.train(0.1, updates)
    assert trainings.updates == 2 * parts[-1] == 2 * trainings.run_updates
    expected = declnet.run(spec).model.parameters()
    for name, array in training.model.parameters().items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
