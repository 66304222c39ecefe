"""Frozen layers: which parameters train from which epoch, and at which cost."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from declnet import (
    Dataset,
    Layer,
    Parameter,
    default_registry,
    discover,
    parse_spec,
)
from declnet.contracts.runs.callback import EpochLogged
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer

BASE = {"type": "dense", "units": 5}
LAYERS = (BASE, "batch_norm", "tanh", {"type": "dense", "units": 4}, "relu",
          {"type": "dense", "units": 3}, "softmax")  # fmt: skip


class Watch(Layer):
    """y = x + shift; counts its backward passes."""

    type = "watch"
    counted: ClassVar[list[int]] = []

    def parameters(self, input_shape):
        return {"shift": Parameter(input_shape, "zeros", role="bias")}

    def forward(self, x, y, state):
        np.add(x, state.shift, out=y)

    def backward(self, x, y, dy, dx, state):
        self.counted.append(0 if dx is None else 1)
        np.add.reduce(dy, axis=0, out=state.grad.shift)
        if dx is not None:
            np.copyto(dx, dy)


@pytest.fixture
def trained(blobs):
    """Train; return the parameters after each logged epoch, the initial ones first."""

    def train(layers, registry=None, optimizer="adam", **training):
        registry = registry or default_registry()
        document = {
            "model": {"dtype": "float64", "layers": list(layers)},
            "loss": "categorical_crossentropy",
            "optimizer": optimizer,
            "training": {"epochs": 4, **training},
            "seed": 3,
        }
        spec = parse_spec(document, registry)
        prepared = prepare(spec, registry, {"train": Dataset(*blobs)})
        trainer = Trainer(prepared)
        snapshots, losses = [prepared.model.parameters()], []
        for event in trainer.events():
            if isinstance(event, EpochLogged):
                snapshots.append(prepared.model.parameters())
                losses.append(event.metrics["loss"])
        return snapshots, losses

    return train


def frozen(layers, positions, trainable=False):
    tables = [{"type": layer} if isinstance(layer, str) else layer for layer in layers]
    return [
        {**table, "trainable": trainable} if place in positions else table
        for place, table in enumerate(tables)
    ]


def test_unlogged_epochs_end_where_layers_start_to_train(trained):
    layers = frozen(LAYERS, (0,), {"from_epoch": 5})
    all_epochs, _ = trained(layers, epochs=9)
    ends, _ = trained(layers, epochs=9, log_every=8)
    for key, array in all_epochs[-1].items():
        assert array.tobytes() == ends[-1][key].tobytes()


def test_no_backward_pass_below_the_first_trained_layer(trained):
    registry = discover()
    registry.register(Watch)
    layers = ({"type": "dense", "units": 4}, "watch", {"type": "dense", "units": 3}, "softmax")
    for places, count in (((), 4), ((0, 1), 0), ((0,), 4), ((2,), 4), ((1,), 4), ((0, 2), 4)):
        Watch.counted.clear()
        trained(frozen(layers, places), registry)
        wants_dx = 0 not in places
        assert Watch.counted == [int(wants_dx)] * count, places


def test_the_loss_has_no_penalty_of_a_frozen_layer(trained):
    l2 = {"type": "l2", "strength": 0.1}
    layers = [{**BASE, "weight_regularizer": l2}, *LAYERS[1:]]
    _, free = trained(layers)
    _, without = trained(frozen(LAYERS, (0,)))
    _, losses = trained(frozen(layers, (0,)))
    assert losses == without
    assert free[0] > losses[0]
