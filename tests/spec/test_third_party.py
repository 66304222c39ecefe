"""Third-party classes in a custom registry work in specs like any others."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from pydantic import Field

from declnet import Layer, Parameter, Registry, Regularizer, parse_spec, run
from declnet.registry.discovery import default_registry
from declnet.spec.model import resolved_toml


class Shrink(Regularizer):
    type = "shrink"

    strength: float = Field(ge=0)
    table: Path | None = None

    def penalty(self, w):
        return self.strength * float((w**4).sum())

    def add_gradient(self, w, dw):
        dw += 4 * self.strength * w**3


class Scale(Layer):
    type = "scale"

    regularizer: Regularizer | None = None

    def parameters(self, input_shape):
        return {"weights": Parameter(input_shape, "ones", self.regularizer)}

    def forward(self, x, y, state):
        np.multiply(x, state.weights, out=y)

    def backward(self, x, y, dy, dx, state):
        np.einsum("nf,nf->f", x, dy, out=state.grad.weights)
        if dx is not None:
            np.multiply(dy, state.weights, out=dx)


@pytest.fixture
def registry():
    own = Registry()
    for entry in default_registry().entries():
        own.register(entry.component, entry.plugin)
    own.register(Shrink)
    own.register(Scale)
    return own


@pytest.fixture
def extended(document):
    document["model"]["layers"][1] = {
        "type": "scale",
        "regularizer": {"type": "shrink", "strength": 0.1},
    }
    document["model"]["layers"][2]["weight_regularizer"] = {"type": "shrink", "strength": 0.2}
    return document


def test_third_party_classes_fit_in_first_party_fields(extended, registry):
    extended["model"]["layers"][1]["regularizer"]["table"] = "t.npy"
    spec = parse_spec(extended, registry, folder=Path("/there"))
    assert spec.model.layers[2].weight_regularizer == Shrink(strength=0.2)
    assert spec.model.layers[1] == Scale(regularizer=Shrink(strength=0.1, table="/there/t.npy"))
    assert parse_spec(tomllib.loads(resolved_toml(spec)), registry) == spec


def test_they_train(extended, registry, blobs):
    result = run(parse_spec(extended, registry), data=blobs, registry=registry)
    assert result.history[0]["regularization_loss"] > 0
    assert (result.model.parameters()["scale_1.weights"] != 1).all()
