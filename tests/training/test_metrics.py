"""Reported metrics against a calculation by hand."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import build_model, parse_spec, run

TINY = 1e-7


def by_hand(model, x, labels):
    p = model.predict(x)
    losses = -np.log(np.clip(p[np.arange(len(x)), labels], TINY, 1 - TINY))
    return losses.mean(), (p.argmax(axis=1) == labels).mean()


def test_an_epochs_metrics_come_from_the_forward_pass_before_its_update(document, blobs):
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
