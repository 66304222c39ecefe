"""Losses of a third party over logits: whatever shows predictions shows probabilities."""

import csv
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from ..distributions import write_distribution

SOURCE = """
import numpy as np
from declnet import Loss, Metric, hookimpl

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

class LogitCrossentropy(Loss):
    "losses = log(sum(exp(y_pred))) - y_pred of the label."
    type, targets, takes = "logit_crossentropy", "classes", "logits"
    def predictions(self, y_pred):
        return softmax(y_pred)
    def forward(self, y_pred, y_true, losses):
        top = y_pred.max(axis=1)
        np.log(np.exp(y_pred - top[:, None]).sum(axis=1), out=losses)
        losses += top - (y_pred * y_true).sum(axis=1)
    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(softmax(y_pred), y_true, out=dy_pred)

class LogitBinary(Loss):
    "losses = log(1 + exp(y_pred)) - y_true * y_pred."
    type, targets, takes = "logit_binary", "binary", "logits"
    def predictions(self, y_pred):
        return 1 / (1 + np.exp(-y_pred))
    def forward(self, y_pred, y_true, losses):
        np.sum(np.logaddexp(0, y_pred) - y_true * y_pred, axis=1, out=losses)
    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(self.predictions(y_pred), y_true, out=dy_pred)

class LogLoss(Metric):
    "-mean(log(probability of what is right))"
    type, better = "log_loss", "lower"
    def start(self):
        return [0.0, 0]
    def update(self, state, y_pred, y_true):
        if y_pred.min() < 0 or y_pred.max() > 1:
            raise ValueError("these are not probabilities")
        labels = y_true.astype(int)
        p = np.concatenate([1 - y_pred, y_pred], axis=1) if y_pred.shape[1] == 1 else y_pred
        state[0] -= float(np.log(p[np.arange(len(p)), labels]).sum())
        state[1] += len(p)
    def result(self, state):
        return state[0] / state[1]

class Broken(LogitBinary):
    type = "broken_logits"
    def predictions(self, y_pred):
        return y_pred[0]

@hookimpl
def declnet_register(register):
    for each in (LogitCrossentropy, LogitBinary, LogLoss, Broken):
        register(each)
"""

SAMPLES = 80


@dataclass(frozen=True)
class Trained:
    """A run, and what it must predict.

    Attributes:
        folder: has the run in `run`, its inputs in `x.npy`.
        labels: (n,).
        logits: (n, outputs) of the finished model.
        probabilities: (n, classes).
    """

    folder: Path
    labels: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray

    @property
    def metrics(self):
        return json.loads((self.folder / "run" / "metrics.json").read_text())["train"]


@pytest.fixture(scope="module")
def logits(command_in, tmp_path_factory):
    site = tmp_path_factory.mktemp("logits")
    write_distribution(site, "declnet-logits", SOURCE, version="2.1")
    return command_in(tmp_path_factory.mktemp("work"), site)


@pytest.fixture(scope="module", params=["logit_crossentropy", "logit_binary"])
def trained(logits, tmp_path_factory, request):
    """Three classes, or yes and no; many binary logits are from 0 to 0.5: probabilities above."""
    rng = np.random.default_rng(1)
    x, noise = rng.normal(0, 2, size=(SAMPLES, 3)), rng.normal(size=(SAMPLES, 3))
    binary = request.param == "logit_binary"
    labels = (x[:, 0] + 2 * noise[:, 0] > 0).astype(int) if binary else (x + noise).argmax(axis=1)
    folder = tmp_path_factory.mktemp("run")
    np.savez(folder / "data.npz", x=x, y=labels)
    np.save(folder / "x.npy", x)
    layers = [{"type": "dense", "units": 1 if binary else 3}]
    metrics = ["binary_accuracy", "roc_auc"] if binary else ["accuracy"]
    document = {
        "declnet": 1,
        "data": {"train": {"type": "npz", "path": "data.npz"}},
        "model": {"dtype": "float64", "layers": layers},
        "loss": request.param,
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "training": {"epochs": 30, "metrics": [*metrics, "log_loss"]},
    }
    (folder / "spec.json").write_text(json.dumps(document))
    logits.succeeds("run", folder / "spec.json", "--quiet", "--out", folder / "run")
    weights = load_file(folder / "run" / "weights.safetensors")
    found = x @ weights["dense_1.weights"] + weights["dense_1.biases"]
    assert ((found > 0) & (found < 0.5)).any()
    exponents = np.exp(np.hstack([np.zeros_like(found), found]) if binary else found)
    return Trained(folder, labels, found, exponents / exponents.sum(axis=1, keepdims=True))


def test_metrics_see_probabilities(trained):
    found, p, labels = trained.metrics, trained.probabilities, trained.labels
    accuracy = found["accuracy"] if "accuracy" in found else found["binary_accuracy"]
    assert accuracy == np.mean(p.argmax(axis=1) == labels)
    expected = -np.log(p[np.arange(SAMPLES), labels]).mean()
    assert found["log_loss"] == pytest.approx(expected, rel=1e-9)
    assert found["data_loss"] == pytest.approx(expected, rel=1e-9)
    if "roc_auc" in found:
        ones, zeros = p[labels == 1, 1], p[labels == 0, 1]
        assert found["roc_auc"] == pytest.approx(np.mean(ones[:, None] > zeros), rel=1e-12)


def test_predict_gives_probabilities(logits, trained, tmp_path):
    p = trained.probabilities
    predict = ("predict", trained.folder / "run", trained.folder / "x.npy")
    header, *rows = csv.reader(logits.succeeds(*predict).splitlines())
    assert header == ["prediction", *(f"probability_{label}" for label in range(p.shape[1]))]
    table = np.array(rows, float)
    assert (table[:, 0] == p.argmax(axis=1)).all()
    assert np.allclose(table[:, 1:], p, rtol=1e-9)
    logits.succeeds(*predict, "-o", tmp_path / "out.npy")
    expected = p if trained.logits.shape[1] > 1 else p[:, 1:]
    assert np.allclose(np.load(tmp_path / "out.npy"), expected, rtol=1e-9)


def test_evaluate_counts_probabilities(logits, trained):
    found = json.loads(logits.succeeds("evaluate", trained.folder / "run", "--format", "json"))
    counts = np.zeros((max(trained.labels) + 1,) * 2, int)
    np.add.at(counts, (trained.labels, trained.probabilities.argmax(axis=1)), 1)
    assert found["confusion_matrix"] == counts.tolist()
    assert found["metrics"]["log_loss"] == trained.metrics["log_loss"]


def test_predictions_of_a_wrong_shape_are_attributed(logits, trained, tmp_path, renew_checksums):
    shutil.copytree(trained.folder / "run", tmp_path / "run")
    spec = tmp_path / "run" / "spec.toml"
    spec.write_text(re.sub(r'"logit_\w+"', '"broken_logits"', spec.read_text()))
    renew_checksums(tmp_path / "run")
    done = logits("predict", tmp_path / "run", trained.folder / "x.npy")
    assert done.returncode == 1
    assert 'loss "broken_logits" of plugin declnet_logits (declnet-logits 2.1)' in done.stderr
    assert "predictions() returned" in done.stderr
    assert "Traceback" not in done.stderr
