"""Verification of components that change without the engine knowing."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from declnet import (
    ComponentError,
    Layer,
    Optimizer,
    Regularizer,
    parse_spec,
    run,
)
from declnet.registry.discovery import discover
from declnet.registry.plugin import Plugin
from declnet.training import compiled_steps

pytestmark = pytest.mark.usefixtures("numba")

HIDDEN = {"factor": 1.0}
"""What a component's result must not depend on."""


class Scaled(Layer):
    """y = x * factor."""

    type = "scaled"
    backward_needs: ClassVar[set[str]] = set()

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, y, state):
        np.multiply(x, HIDDEN["factor"], out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, 1.0, out=dx)


class Descent(Optimizer):
    """W -= rate * factor * dw."""

    type = "descent"

    def update(self, w, dw, state, learning_rate, step):
        np.multiply(dw, learning_rate * HIDDEN["factor"], out=state.scratch[0])
        np.subtract(w, state.scratch[0], out=w)


class Pull(Regularizer):
    """Penalty = factor * sum w."""

    type = "pull"

    def penalty(self, w):
        return HIDDEN["factor"] * float(w.sum())

    def add_gradient(self, w, dw):
        np.add(dw, HIDDEN["factor"], out=dw)


class Declared(Scaled):
    """The same layer, declared to depend on something else."""

    type = "declared"
    recordable = False


@pytest.fixture
def registry():
    """The installed components, and the ones above as a distribution's."""
    registry = discover()
    for component in (Scaled, Declared, Descent, Pull):
        registry.register(component, Plugin("hidden", "declnet-hidden", "1.2"))
    return registry


@pytest.fixture
def always(monkeypatch):
    """Verify at every logged epoch, however long that takes."""
    monkeypatch.setattr(compiled_steps, "SHARE", np.inf)
    monkeypatch.setattr(compiled_steps, "GROWTH", 0.0)


def spec(registry, layer="tanh", optimizer="sgd", regularizer=None, epochs=20, batch_size=16):
    dense = {
        "type": "dense",
        "units": 3,
        "weight_regularizer": regularizer or {"type": "l2", "strength": 0.1},
    }
    return parse_spec(
        {
            "declnet": 1,
            "data": {"train": {"type": "nnfs_spiral", "samples": 20, "classes": 3}},
            "model": {"layers": [layer, {"type": "dropout", "rate": 0.2}, dense, "softmax"]},
            "loss": "categorical_crossentropy",
            "optimizer": {"type": optimizer, "learning_rate": 0.1},
            "training": {"epochs": epochs, "batch_size": batch_size, "log_every": 5},
            "engine": {"kernels": "jit"},
        },
        registry=registry,
    )


def change(event):
    """Change the hidden number after epoch 5."""
    if getattr(event, "epoch", None) == 5:
        HIDDEN["factor"] = 0.5


@pytest.fixture(autouse=True)
def unchanged():
    HIDDEN["factor"] = 1.0
    yield
    HIDDEN["factor"] = 1.0


@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize(
    ("part", "name", "method"),
    [
        ("layer", "scaled", "forward"),
        ("optimizer", "descent", "update"),
        ("regularizer", "pull", "add_gradient"),
    ],
)
def test_an_error_names_the_component_that_changed(
    part, name, method, batch_size, registry, always
):
    document = spec(registry, **{part: name}, batch_size=batch_size)
    run(document, registry=registry)
    message = rf'{part} "{name}" of plugin hidden \(declnet-hidden 1\.2\): {method}\(\) no longer'
    with pytest.raises(ComponentError, match=f"{message}.*recordable = False"):
        run(document, registry=registry, listener=change)


def test_a_component_declared_so_is_called_at_every_step(registry, always):
    verified = []
    for listener in (None, change):
        HIDDEN["factor"] = 1.0
        document = spec(registry, layer="declared")
        verified.append(
            run(document, registry=registry, listener=listener).metrics["train"]["loss"]
        )
    assert verified[0] != verified[1]


@pytest.mark.parametrize("batch_size", [None, 16])
def test_verification_changes_no_bit(batch_size, registry, monkeypatch):
    weights = []
    for share in (0.0, np.inf):
        monkeypatch.setattr(compiled_steps, "SHARE", share)
        monkeypatch.setattr(compiled_steps, "GROWTH", 0.0)
        document = spec(registry, "scaled", "descent", "pull", batch_size=batch_size)
        weights.append(run(document, registry=registry).model.store.vector.tobytes())
    assert weights[0] == weights[1]
