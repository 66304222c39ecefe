"""A third-party loss over logits, whose metrics and predictions use probabilities."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import Loss


class LogitBinary(Loss):
    """losses = log(1 + exp(y_pred)) - y_true * y_pred."""

    type, targets, takes = "logit_binary", "binary", "logits"

    def predictions(self, y_pred):
        return 1 / (1 + np.exp(-y_pred))

    def forward(self, y_pred, y_true, losses):
        np.sum(np.logaddexp(0, y_pred) - y_true * y_pred, axis=1, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(self.predictions(y_pred), y_true, out=dy_pred)


def test_metrics_and_predictions_use_probabilities(document, blobs, tmp_path):
    registry = declnet.discover()
    registry.register(LogitBinary)
    x, y = blobs[0], (blobs[1] == 1).astype(int)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    document["model"]["layers"] = [{"type": "dense", "units": 1}]
    document |= {"loss": "logit_binary"}
    document["training"]["metrics"] = ["binary_accuracy", "log_loss"]
    spec = declnet.parse_spec(document, registry)
    result = declnet.run(spec, out=tmp_path / "run", registry=registry)
    p = 1 / (1 + np.exp(-result.model.predict(x)[:, 0]))
    expected = -np.log(np.where(y, p, 1 - p)).mean()
    metrics = result.metrics["train"]
    for name in ("log_loss", "data_loss"):
        assert metrics[name] == pytest.approx(expected, rel=1e-9)
    assert metrics["binary_accuracy"] == np.mean((p > 0.5) == y)
    predictor = declnet.open_run(tmp_path / "run", registry=registry).predictor()
    np.testing.assert_allclose(predictor.predict(x).probabilities[:, 1], p, rtol=1e-9)
    evaluation = predictor.evaluate((x, y)).metrics
    assert {name: evaluation[name] for name in metrics} == metrics
