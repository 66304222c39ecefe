"""Losses of a third party over logits: whatever shows predictions shows probabilities."""

import csv
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

pytestmark = pytest.mark.xdist_group("environment")

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


@pytest.fixture(scope="module")
def logits(environment, write_distribution, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logits")
    environment.install(write_distribution(folder, "declnet-logits", SOURCE, version="2.1"))
    yield environment
    environment.uninstall("declnet-logits")


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(1).normal(0, 2, size=(SAMPLES, 3))


@pytest.fixture(scope="module")
def trained(logits, x, tmp_path_factory):
    """The folder of a run on classes, or on yes and no; its logits and labels, by hand."""

    def train(loss, labels, units, metrics):
        folder = tmp_path_factory.mktemp("run")
        np.savez(folder / "data.npz", x=x, y=labels)
        np.save(folder / "x.npy", x)
        document = {
            "declnet": 1,
            "data": {"train": {"type": "npz", "path": "data.npz"}},
            "model": {"dtype": "float64", "layers": [{"type": "dense", "units": units}]},
            "loss": loss,
            "optimizer": {"type": "adam", "learning_rate": 0.05},
            "training": {"epochs": 30, "metrics": metrics},
        }
        (folder / "spec.json").write_text(json.dumps(document))
        done = logits.declnet("run", folder / "spec.json", "--quiet", "--out", folder / "run")
        assert done.returncode == 0, done.stderr
        weights = load_file(folder / "run" / "weights.safetensors")
        return folder, x @ weights["dense_1.weights"] + weights["dense_1.biases"]

    return train


@pytest.fixture(scope="module")
def classes(trained, x):
    """Three classes, with their logits."""
    labels = np.argmax(x + np.random.default_rng(2).normal(0, 1, x.shape), axis=1)
    folder, found = trained("logit_crossentropy", labels, 3, ["accuracy", "log_loss"])
    assert found.max() > 1
    exponents = np.exp(found)
    return folder, labels, exponents / exponents.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def binary(trained, x):
    """Yes or no; many logits are between 0 and 0.5, which are probabilities above 0.5."""
    labels = (x[:, 0] + np.random.default_rng(2).normal(0, 2, SAMPLES) > 0).astype(int)
    metrics = ["binary_accuracy", "roc_auc", "f1", "log_loss"]
    folder, found = trained("logit_binary", labels, 1, metrics)
    assert ((found > 0) & (found < 0.5)).any()
    return folder, labels, 1 / (1 + np.exp(-found[:, 0]))


def metrics_of(folder):
    return json.loads((folder / "run" / "metrics.json").read_text())["train"]


def test_metrics_of_classes_see_probabilities(classes):
    folder, labels, p = classes
    found = metrics_of(folder)
    assert found["accuracy"] == np.mean(p.argmax(axis=1) == labels)
    right = -np.log(p[np.arange(SAMPLES), labels]).mean()
    assert found["log_loss"] == pytest.approx(right, rel=1e-9)
    assert found["data_loss"] == pytest.approx(right, rel=1e-9)


def test_metrics_of_yes_and_no_see_probabilities(binary):
    folder, labels, p = binary
    found = metrics_of(folder)
    assert found["binary_accuracy"] == np.mean((p > 0.5) == labels)
    ones, zeros = p[labels == 1], p[labels == 0]
    assert found["roc_auc"] == pytest.approx(np.mean(ones[:, None] > zeros), rel=1e-12)
    right = -np.log(np.where(labels == 1, p, 1 - p)).mean()
    assert found["log_loss"] == pytest.approx(right, rel=1e-9)
    assert found["data_loss"] == pytest.approx(right, rel=1e-9)


def predicted(logits, folder, form, tmp_path):
    out = tmp_path / f"out.{form}"
    done = logits.declnet("predict", folder / "run", folder / "x.npy", "-o", out)
    assert done.returncode == 0, done.stderr
    return out


def columns_of(path):
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_predict_gives_the_probabilities_of_classes(logits, classes, form, tmp_path):
    folder, _, p = classes
    found = columns_of(predicted(logits, folder, form, tmp_path))
    assert list(found) == ["prediction", *(f"probability_{each}" for each in range(3))]
    assert (found["prediction"] == p.argmax(axis=1)).all()
    for each in range(3):
        assert np.allclose(found[f"probability_{each}"], p[:, each], rtol=1e-9)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_predict_gives_the_probabilities_of_yes_and_no(logits, binary, form, tmp_path):
    folder, _, p = binary
    found = columns_of(predicted(logits, folder, form, tmp_path))
    assert list(found) == ["prediction", "probability_0", "probability_1"]
    assert (found["prediction"] == (p > 0.5)).all()
    assert np.allclose(found["probability_1"], p, rtol=1e-9)
    assert np.allclose(found["probability_0"], 1 - p, rtol=1e-9)


def test_npy_files_have_probabilities(logits, classes, binary, tmp_path):
    for folder, _, p in (classes, binary):
        found = np.load(predicted(logits, folder, "npy", tmp_path))
        assert np.allclose(found.reshape(p.shape), p, rtol=1e-9)
        (tmp_path / "out.npy").unlink()


def test_evaluate_counts_probabilities(logits, classes, binary):
    for folder, labels, p in (classes, binary):
        done = logits.declnet("evaluate", folder / "run", "--format", "json")
        found = json.loads(done.stdout)
        guesses = p.argmax(axis=1) if p.ndim == 2 else (p > 0.5).astype(int)
        counts = np.zeros((max(labels) + 1,) * 2, int)
        np.add.at(counts, (labels, guesses), 1)
        assert found["confusion_matrix"] == counts.tolist()
        assert found["figures"]["log_loss"] == metrics_of(folder)["log_loss"]


PROGRAM = """
import sys, json, numpy as np, declnet
run, x = sys.argv[1], np.load(sys.argv[2])
found, model = declnet.load_predictor(run).predict(x), declnet.load_model(run)
print(json.dumps([found.probabilities.tolist(), found.outputs.tolist(), model.predict(x).tolist()]))
"""


def test_a_program_gets_probabilities_and_the_model_alone_its_output(logits, classes, x):
    folder, _, p = classes
    done = logits.call("python", "-c", PROGRAM, folder / "run", folder / "x.npy")
    probabilities, outputs, raw = map(np.array, json.loads(done.stdout))
    assert np.allclose(probabilities, p, rtol=1e-9)
    assert np.array_equal(outputs, probabilities)
    weights = load_file(folder / "run" / "weights.safetensors")
    assert np.allclose(raw, x @ weights["dense_1.weights"] + weights["dense_1.biases"])


def test_predictions_of_a_wrong_shape_are_attributed(logits, binary, tmp_path):
    folder, _, _ = binary
    (tmp_path / "run").mkdir()
    for each in (folder / "run").iterdir():
        if each.is_file():
            (tmp_path / "run" / each.name).write_bytes(each.read_bytes())
    spec = tmp_path / "run" / "spec.toml"
    spec.write_text(spec.read_text().replace('"logit_binary"', '"broken_logits"'))
    done = logits.declnet("predict", tmp_path / "run", folder / "x.npy")
    assert done.returncode == 1
    assert 'loss "broken_logits" of plugin declnet_logits (declnet-logits 2.1)' in done.stderr
    assert "predictions() returned" in done.stderr
    assert "Traceback" not in done.stderr
