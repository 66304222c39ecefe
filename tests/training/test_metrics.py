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


def test_the_regularization_loss_is_that_of_all_penalties(document):
    document["training"]["epochs"] = 1
    document["model"]["layers"][0] |= {
        "weight_regularizer": {"type": "l1_l2", "l1": 0.1, "l2": 0.2},
        "bias_regularizer": {"type": "l2", "strength": 0.3},
        "bias_initializer": "ones",
    }
    spec = parse_spec(document)
    result = run(spec)

    def penalty(parameters):
        w, b = parameters["dense_1.weights"], parameters["dense_1.biases"]
        return 0.1 * np.abs(w).sum() + 0.2 * (w**2).sum() + 0.3 * (b**2).sum()

    (row,) = result.history
    start = build_model(spec.model, (2,), spec.seed)
    assert row["regularization_loss"] == pytest.approx(penalty(start.parameters()), rel=1e-12)
    assert row["loss"] == row["data_loss"] + row["regularization_loss"]
    end = result.metrics["train"]
    assert end["regularization_loss"] == pytest.approx(penalty(result.model.parameters()))
    assert end["loss"] == end["data_loss"] + end["regularization_loss"]


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


@pytest.mark.parametrize("form", [np.asarray, lambda labels: np.eye(3)[labels]])
def test_labels_and_one_hot_rows_train_alike(document, blobs, form):
    spec = parse_spec(document)
    result = run(spec, data=(blobs[0], form(blobs[1])))
    assert result.history == run(spec).history


def test_two_metrics_of_one_type_go_by_their_names(document):
    document["training"]["metrics"] = [
        {"type": "top_k_accuracy", "k": 1, "name": "first"},
        {"type": "top_k_accuracy", "k": 2},
    ]
    metrics = run(parse_spec(document)).metrics["train"]
    assert metrics["first"] <= metrics["top_k_accuracy"]
