"""Observed steps have the bits of unobserved ones, and observers get consistent arrays."""

from __future__ import annotations

import tomllib
from typing import ClassVar

import numpy as np
import pytest

from declnet import Callback, Dataset, StepObserver, parse_spec, run
from declnet.registry.discovery import discover


class Copies(StepObserver):
    """Records copies of all arrays that it observes."""

    def __init__(self):
        self.steps = []

    def begin(self, epoch, step, x):
        self.steps.append({"epoch": epoch, "step": step, "x": x.copy(), "y": {}, "dy": {}})

    def forward(self, name, layer, y):
        assert not y.flags.writeable
        self.steps[-1]["y"][name] = y.copy()

    def losses(self, y_pred, y_true, losses, name):
        self.steps[-1] |= {"y_true": y_true.copy(), "losses": losses.copy()}

    def backward(self, name, layer, dy):
        self.steps[-1]["dy"][name] = dy.copy()

    def gradients(self, parameters, gradients):
        self.steps[-1]["dw"] = {key: gradient.copy() for key, gradient in gradients.items()}

    def updated(self, before, after, rate):
        pairs = {key: (before[key].copy(), after[key].copy()) for key in before}
        self.steps[-1] |= {"w": pairs, "rate": rate}


class Observing(Callback):
    """Observes with `Copies`, which it records in the class."""

    type = "observing"
    copies: ClassVar[list[Copies]] = []

    def observer(self, state):
        self.copies.append(Copies())
        return self.copies[-1]


SPEC = """
declnet = 1
seed = 3
[data]
train = {{ type = "nnfs_spiral", samples = 30, classes = 3 }}
[model]
dtype = "float64"
layers = [
  {{ type = "dense", units = 7, weight_regularizer = {{ type = "l2", strength = 0.01 }} }}, "relu",
  {{ type = "dense", units = 5 }}, "relu",
  {{ type = "dropout", rate = {{ type = "cosine", initial_rate = 0.4 }} }},
  {{ type = "dense", units = 3 }}, "softmax",
]
[loss]
type = "categorical_crossentropy"
[optimizer]
type = "sgd"
learning_rate = 0.5
[training]
epochs = 7
log_every = 3
{training}
"""


def trained(training, callbacks, engine=""):
    Observing.copies.clear()
    registry = discover()
    registry.register(Observing)
    text = SPEC.format(training=f"{training}\ncallbacks = {callbacks}") + engine
    return run(parse_spec(tomllib.loads(text), registry=registry), registry=registry)


@pytest.mark.parametrize("training", ["", "batch_size = 32", "batch_size = 32\nclip_norm = 0.01"])
@pytest.mark.parametrize("engine", ["", '[engine]\nkernels = "jit"\n'])
def test_an_observed_run_has_the_same_bits(training, engine):
    if engine:
        pytest.importorskip("numba")
    alone = trained(training, "[]", engine)
    observed = trained(training, '["observing", "observing"]', engine)
    first, second = Observing.copies
    for key, array in alone.model.parameters().items():
        assert array.tobytes() == observed.model.parameters()[key].tobytes()
    assert alone.history == observed.history
    steps_per_epoch = 3 if training else 1
    assert [step["epoch"] for step in first.steps] == [0, 3, 6]
    assert [step["step"] for step in second.steps] == [(e + 1) * steps_per_epoch for e in (0, 3, 6)]
    for step in first.steps:
        check_step(step)


def check_step(step):
    """Recompute a step from its inputs and parameters before the update."""
    w = {key: before for key, (before, _) in step["w"].items()}
    y, x, n = step["y"], step["x"], len(step["x"])
    assert list(y) == [
        *("dense_1", "relu_1", "dense_2", "relu_2", "dropout_1", "dense_3", "softmax_1")
    ]
    hidden = np.maximum(x @ w["dense_1.weights"] + w["dense_1.biases"], 0)
    second = hidden @ w["dense_2.weights"] + w["dense_2.biases"]
    np.testing.assert_allclose(y["relu_2"], np.maximum(second, 0), rtol=1e-10, atol=1e-14)
    scores = y["dropout_1"] @ w["dense_3.weights"] + w["dense_3.biases"]
    np.testing.assert_allclose(y["dense_3"], scores, rtol=1e-10, atol=1e-14)
    right = (y["softmax_1"] * step["y_true"]).sum(axis=1)  # one-hot, as prepared by the loss
    np.testing.assert_allclose(step["losses"], -np.log(right), rtol=1e-6)
    error = (y["softmax_1"] - step["y_true"]).sum(axis=0) / n
    np.testing.assert_allclose(step["dw"]["dense_3.biases"], error, atol=1e-12)
    before, after = step["w"]["dense_3.biases"]
    if np.sqrt(sum((gradient**2).sum() for gradient in step["dw"].values())) <= 0.01:
        np.testing.assert_allclose(after - before, -0.5 * step["dw"]["dense_3.biases"], atol=1e-12)
    assert step["rate"] == 0.5
    if "dense_2" in step["dy"]:  # not fused by a kernel
        dw = hidden.T @ step["dy"]["dense_2"]
        np.testing.assert_allclose(step["dw"]["dense_2.weights"], dw, atol=1e-12)


WEIGHTED = """
[model]
outputs = ["left", "right"]

[[model.layers]]
type = "dense"
units = 4

[[model.layers]]
type = "dense"
name = "left"
units = 2
inputs = ["dense_1"]

[[model.layers]]
type = "dense"
name = "right"
units = 3
inputs = ["dense_1"]

[losses]
left = { type = "mean_squared_error", output = "left", weight = 2 }
right = { type = "mean_absolute_error", output = "right", weight = 0.5 }

[optimizer]
type = "adam"

[training]
epochs = 3
batch_size = 8
"""


def test_an_observed_step_of_several_losses_has_the_weights_of_its_own_batch():
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(30, 4)), rng.uniform(0.1, 9, 30)
    data = Dataset(
        x, {"left": rng.normal(size=(30, 2)), "right": rng.normal(size=(30, 3))}, weights=weights
    )
    registry, histories = discover(), []
    registry.register(Observing)
    for callbacks in ([], ["observing"]):
        Observing.copies.clear()
        spec = tomllib.loads(WEIGHTED)
        spec["training"]["callbacks"] = callbacks
        result = run(parse_spec(spec, registry=registry), data=data, registry=registry)
        histories.append((result.history, result.metrics))
    assert len(Observing.copies[0].steps) == 3
    assert histories[0] == histories[1]
