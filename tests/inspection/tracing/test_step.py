"""Traced steps agree with a calculation by hand, and their gradients are verified."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import declnet
from declnet import Layer, Loss, Registry, default_registry, load_spec, parse_spec
from declnet.inspection.tracing.starting import Start, start_of_run, start_of_spec
from declnet.inspection.tracing.step import trace
from declnet.inspection.tracing.trace import Trace, suspects

SPECS = Path(__file__).parents[3] / "specs"
FILES = sorted(
    path.relative_to(SPECS)
    for path in SPECS.rglob("*")
    if path.suffix in (".toml", ".json")
    and not path.name.endswith((".schema.json", "_1000.toml"))  # copies of other specs' networks
    and path.parent.name != "optimizers"
)

Started = Callable[..., Start]


@pytest.fixture
def started(document: dict[str, Any], changed: Callable[..., Any]) -> Started:
    """Start the training of the small spec with changes."""

    def start(values: dict[str, Any] | None = None, step: int = 0, registry: Any = None) -> Start:
        registry = registry or default_registry()
        spec = parse_spec(changed(document, values or {}), registry)
        return start_of_spec(declnet.StepwiseTraining(spec, registry), step)

    return start


ADAM = {
    "optimizer": {"type": "adam", "learning_rate": 0.05, "decay": 0.1},
    "model.layers.0": {
        "type": "dense",
        "units": 4,
        "weight_regularizer": {"type": "l2", "strength": 0.01},
    },
    "training.batch_size": 8,
    "training.clip_norm": 0.2,
}


def test_all_numbers_agree_with_a_calculation_by_hand(started: Started) -> None:
    traced = trace(started(ADAM, step=2))
    (dense, relu, output, softmax) = traced.layers
    w1, b1, w2, b2 = traced.parameters
    assert [parameter.key for parameter in traced.parameters] == [
        "dense_1.weights",
        "dense_1.biases",
        "dense_2.weights",
        "dense_2.biases",
    ]
    x = traced.x[""]
    z1 = x @ w1.before + b1.before
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2.before + b2.before
    p = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
    for layer, y in zip(traced.layers, (z1, a1, z2, p), strict=True):
        np.testing.assert_allclose(layer.y, y, rtol=1e-12)
    (head,) = traced.losses
    np.testing.assert_allclose(head.losses, -np.log((p * head.y_true).sum(axis=1)), rtol=1e-12)
    assert traced.data_loss == pytest.approx(head.losses.mean())
    assert w1.penalty == traced.penalty == pytest.approx(0.01 * (w1.before**2).sum())
    assert traced.loss == pytest.approx(traced.data_loss + traced.penalty)

    dp = -head.y_true / p / 3
    dz2 = p * (dp - (dp * p).sum(axis=1, keepdims=True))
    da1 = dz2 @ w2.before.T
    dz1 = da1 * (z1 > 0)
    for layer, dy in zip((softmax, output, relu, dense), (dp, dz2, da1, dz1), strict=True):
        np.testing.assert_allclose(layer.dy, dy, rtol=1e-9, atol=1e-15)
    gradients = {
        "dense_1.weights": x.T @ dz1 + 0.02 * w1.before,
        "dense_1.biases": dz1.sum(axis=0),
        "dense_2.weights": a1.T @ dz2,
        "dense_2.biases": dz2.sum(axis=0),
    }
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients.values()))
    assert norm > 0.2
    np.testing.assert_allclose(w1.penalty_gradient, 0.02 * w1.before)

    assert (traced.step, traced.steps, traced.rate) == (3, 12, pytest.approx(0.05 / 1.2))
    for parameter in traced.parameters:
        gradient = gradients[parameter.key]
        np.testing.assert_allclose(parameter.gradient, gradient, rtol=1e-9, atol=1e-15)
        clipped = gradient * 0.2 / norm
        np.testing.assert_allclose(parameter.clipped, clipped, rtol=1e-9, atol=1e-15)
        momentum = 0.9 * parameter.state["momentum"][0] + clipped
        cache = 0.999 * parameter.state["cache"][0] + clipped**2
        assert parameter.state["momentum"][0].any()
        np.testing.assert_allclose(parameter.state["momentum"][1], momentum, rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(parameter.state["cache"][1], cache, rtol=1e-9, atol=1e-15)
        m, v = 0.1 * momentum / (1 - 0.9**3), 0.001 * cache / (1 - 0.999**3)
        after = parameter.before - traced.rate * m / (np.sqrt(v) + 1e-7)
        np.testing.assert_allclose(parameter.after, after, rtol=1e-9, atol=1e-15)


def test_a_step_on_a_whole_batch_equals_the_step_of_the_training(
    document: dict[str, Any], changed: Callable[..., Any], started: Started
) -> None:
    values = {"training.batch_size": 7, "training.epochs": 1, "optimizer.momentum": 0.9}
    traced = trace(started(values, step=4), 2)
    assert (traced.epoch, traced.batch, traced.batch_size) == (0, 4, 2)
    result = declnet.run(parse_spec(changed(document, values)))
    trained = result.model.parameters()
    assert {parameter.key for parameter in traced.parameters} == set(trained)
    for parameter in traced.parameters:
        np.testing.assert_allclose(parameter.after, trained[parameter.key], rtol=1e-12, atol=1e-15)


def test_sample_weights_and_random_layers(started: Started, changed: Callable[..., Any]) -> None:
    values = {
        "data.class_weights": {"0": 3.0, "1": 1.0, "2": 0.5},
        "model.layers.1": {"type": "dropout", "rate": 0.5},
    }
    traced = trace(started(values), verify=True)
    assert traced.weights is not None
    assert traced.weights.tolist() == [3.0, 1.0, 0.5]
    assert traced.data_loss == pytest.approx(traced.losses[0].losses @ traced.weights / 4.5)
    assert (traced.layers[1].y == 0).any()
    assert suspects(traced) == ()
    assert all(check.passed and check.compared for check in traced.checks)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_the_gradients_of_each_shipped_spec_are_verified(
    file: Path, shipped_spec: Callable[[Path], Path]
) -> None:
    spec = load_spec(shipped_spec(file), {"model.initial_weights": None})  # from another run
    traced = trace(start_of_spec(declnet.StepwiseTraining(spec)), verify=True)
    assert traced.dtype == "float64"
    assert suspects(traced) == ()
    assert max(check.error for check in traced.checks) <= 1e-6
    keys = {parameter.key for parameter in traced.parameters if parameter.gradient is not None}
    layers = {layer.name for layer in traced.layers if layer.dy is not None}
    assert {check.name for check in traced.checks} == keys | layers
    assert sum(check.compared for check in traced.checks) > 50


class WrongScale(Layer):
    """y = 3 * x."""

    type = "wrong_scale"
    factor: float = 3.0

    def forward(self, x: Any, y: Any, state: Any) -> None:
        np.multiply(x, 3, out=y)

    def backward(self, x: Any, y: Any, dy: Any, dx: Any, state: Any) -> None:
        if dx is not None:
            np.multiply(dy, self.factor, out=dx)


@pytest.fixture
def with_scale() -> Registry:
    registry = declnet.discover()
    registry.register(WrongScale)
    return registry


def test_a_wrong_gradient_is_reported_with_its_layer(
    started: Started, with_scale: Registry
) -> None:
    def trace_with(factor: float) -> Trace:
        layer = {"type": "wrong_scale", "factor": factor, "name": "scaled"}
        return trace(started({"model.layers.1": layer}, 0, with_scale), verify=True)

    assert suspects(trace_with(3.0)) == ()
    wrong = trace_with(3.0001)
    assert suspects(wrong) == ("scaled (wrong_scale)",)
    assert [check.name for check in wrong.checks if not check.passed] == [
        "dense_1",
        "dense_1.weights",
        "dense_1.biases",
    ]


def test_a_wrong_gradient_of_the_loss_is_not_attributed_to_a_layer(started: Started) -> None:
    class Crooked(Loss):
        """losses = sum(y_pred**2)."""

        type = "crooked"
        targets = "classes"

        def forward(self, y_pred: Any, y_true: Any, losses: Any) -> None:
            np.sum(y_pred**2, axis=1, out=losses)

        def backward(self, y_pred: Any, y_true: Any, dy_pred: Any) -> None:
            np.multiply(y_pred, 1.9, out=dy_pred)

    registry = declnet.discover()
    registry.register(Crooked)
    values = {"loss": "crooked", "training.metrics": []}
    traced = trace(started(values, registry=registry), verify=True)
    assert suspects(traced) == ("the loss (crooked)",)
    assert [check.passed for check in traced.checks] == [False] * len(traced.checks)


def test_an_unfinished_run_is_traced_from_its_newest_checkpoint(
    document: dict[str, Any], changed: Callable[..., Any], tmp_path: Path
) -> None:
    values = {
        "training.callbacks": [{"type": "checkpoint", "every_epochs": 1}],
        "training.epochs": 5,
        "optimizer.momentum": 0.9,
        "model.layers.1": {"type": "dropout", "rate": 0.5},
    }
    spec = parse_spec(changed(document, values))
    uninterrupted = declnet.run(spec).model.parameters()

    def interrupt(event: Any) -> None:
        if getattr(event, "epoch", 0) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        declnet.run(spec, out=tmp_path / "run", listener=interrupt)
    traced = trace(start_of_run(declnet.open_run(tmp_path / "run"), None, ()), 30)
    assert "after 4 updates" in traced.origin
    assert (traced.step, traced.epoch) == (5, 4)
    for parameter in traced.parameters:
        expected = uninterrupted[parameter.key]
        np.testing.assert_allclose(parameter.after, expected, rtol=1e-9, atol=1e-15)


def test_scheduled_fields_and_data_driven_initializers_are_traced(tmp_path):
    """The second update of a run with a decreasing dropout rate and LSUV weights."""
    spec = parse_spec(
        {
            "data": {"train": {"type": "nnfs_spiral", "samples": 20, "classes": 3}},
            "model": {
                "layers": [
                    {"type": "dense", "units": 8, "weight_initializer": "lsuv"},
                    "tanh",
                    {
                        "type": "dropout",
                        "rate": {"type": "polynomial", "initial_rate": 0.4, "power": 1.0},
                    },
                    {"type": "dense", "units": 3},
                    "softmax",
                ]
            },
            "loss": "categorical_crossentropy",
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
            "training": {"epochs": 2},
        }
    )
    traced = trace(start_of_spec(declnet.StepwiseTraining(spec), 1), 60, verify=True)
    assert all(check.error <= 1e-6 for check in traced.checks)
    before, after = traced.layers[1].y, traced.layers[2].y
    np.testing.assert_allclose(after[after != 0] / before[after != 0], 1 / (1 - 0.2))
    first = trace(start_of_spec(declnet.StepwiseTraining(spec)), 60, verify=True)
    assert first.layers[0].y.var() == pytest.approx(1, abs=0.02)
