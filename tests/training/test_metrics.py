"""What a run reports, against the same computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import build_model, parse_spec, run
from declnet.spec.heads import Head
from declnet.training.metrics import MetricAccumulator
from declnet_plugins.standard.losses import CategoricalCrossentropy
from declnet_plugins.standard.metrics import Accuracy

TINY = 1e-7


def by_hand(model, x, labels):
    p = model.predict(x)
    losses = -np.log(np.clip(p[np.arange(len(x)), labels], TINY, 1 - TINY))
    return losses.mean(), (p.argmax(axis=1) == labels).mean()


def test_an_epochs_metrics_are_of_its_forward_pass_before_its_update(document, blobs):
    document["training"]["epochs"] = 1
    spec = parse_spec(document)
    result = run(spec)
    loss, accuracy = by_hand(build_model(spec.model, (2,), spec.seed), *blobs)
    (row,) = result.history
    assert row["loss"] == row["data_loss"] == pytest.approx(loss, rel=1e-12)
    assert row["accuracy"] == accuracy
    loss, accuracy = by_hand(result.model, *blobs)
    assert result.metrics["train"]["loss"] == pytest.approx(loss, rel=1e-12)
    assert result.metrics["train"]["accuracy"] == accuracy


def test_mini_batch_metrics_are_means_weighted_by_samples(document, blobs):
    document["training"] |= {"epochs": 1, "batch_size": 8}
    document["optimizer"] = {"type": "sgd", "learning_rate": 0.0}
    spec = parse_spec(document)
    (row,) = run(spec).history
    loss, accuracy = by_hand(build_model(spec.model, (2,), spec.seed), *blobs)
    assert row["data_loss"] == pytest.approx(loss, rel=1e-12)
    assert row["accuracy"] == accuracy


def test_metrics_weigh_batches_by_samples():
    accumulator = MetricAccumulator([Head("", CategoricalCrossentropy(), (Accuracy(),))])
    right, wrong = np.array([[0.9, 0.1]]), np.array([[0.1, 0.9]])
    accumulator.add([np.repeat(right, 3, axis=0)], [np.zeros(3, int)], [1.0], 10.0)
    accumulator.add([wrong], [np.zeros(1, int)], [5.0], 2.0)
    assert accumulator.result() == {
        "loss": 10.0,
        "data_loss": 2.0,
        "regularization_loss": 8.0,
        "accuracy": 0.75,
    }
