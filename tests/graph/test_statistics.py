"""Running statistics of a third party's layer, measured again for other weights."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Dataset, Layer, Parameter, parse_spec
from declnet.testing.examples import registry_with
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer

SAMPLES, BATCH = 23, 5


class Level(Layer):
    """y = x; `mean` is the mean of the last batch, or of all batches when measuring."""

    type = "level"
    backward_needs = frozenset()

    def parameters(self, input_shape):
        return {"mean": Parameter(input_shape, "zeros", trainable=False, running_statistic=True)}

    def forward(self, x, y, state):
        np.copyto(y, x)
        if state.training and not state.frozen:
            share = 0 if state.measuring else 0.5
            state.mean[...] = share * state.mean + (1 - share) * x.mean(axis=0)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)


@pytest.fixture
def registry():
    return registry_with([Level])


def trained(registry, layers, data, **training):
    document = {
        "model": {"dtype": "float64", "layers": layers},
        "loss": "mean_squared_error",
        "optimizer": {"type": "sgd", "learning_rate": 0.01},
        "training": {"epochs": 3, "batch_size": BATCH, **training},
    }
    spec = parse_spec(document, registry)
    prepared = prepare(spec, registry, {"train": Dataset(*data)})
    trainer = Trainer(prepared)
    trainer.advance(trainer.steps)
    return trainer, prepared.model.store.arrays


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    return rng.normal(size=(SAMPLES, 2)), rng.normal(size=(SAMPLES, 1))


LAYERS = [
    {"type": "level", "name": "first"},
    {"type": "level", "name": "frozen", "trainable": False},
    {"type": "level", "name": "late", "trainable": {"from_epoch": 2}},
    {"type": "level", "name": "later", "trainable": {"from_epoch": 9}},
    {"type": "dropout", "rate": 0.4},
    {"type": "level", "name": "dropped"},
    {"type": "dense", "units": 1},
]


def test_each_batch_counts_once_and_frozen_layers_keep_their_statistics(registry, data):
    x = data[0]
    trainer, statistics = trained(registry, LAYERS, data, shuffle=False)
    for key, array in statistics.items():
        array[...] = 7 if "mean" in key else array
    trainer.recompute_statistics()
    expected = np.mean([part.mean(axis=0) for part in np.split(x, range(5, 23, 5))], axis=0)
    for name in ("first", "late"):
        np.testing.assert_allclose(statistics[f"{name}.mean"], expected, rtol=1e-12)
    for name in ("frozen", "later"):
        np.testing.assert_array_equal(statistics[f"{name}.mean"], 7)
    assert not np.isclose(statistics["dropped.mean"], expected).any()  # dropout is active


def test_a_shared_layer_has_the_mean_over_all_its_uses(registry, data):
    layers = [
        {"type": "level", "name": "own"},
        {"type": "scaled_by_two", "name": "twice"},
        {"type": "level", "weights_from": "own"},
        {"type": "dense", "units": 1},
    ]
    registry.register(ScaledByTwo)
    trainer, statistics = trained(registry, layers, data, batch_size=None)
    trainer.recompute_statistics()
    np.testing.assert_allclose(statistics["own.mean"], 1.5 * data[0].mean(axis=0), rtol=1e-12)


class ScaledByTwo(Layer):
    """y = 2 x."""

    type = "scaled_by_two"

    def forward(self, x, y, state):
        np.multiply(x, 2, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, 2, out=dx)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_measuring_is_reproducible_and_does_not_change_the_training(registry, data, accumulate):
    trainer, statistics = trained(registry, LAYERS, data, accumulate=accumulate)
    state = trainer.state()
    order, layers = state.order, state.layers
    trainer.recompute_statistics()
    first = {key: array.copy() for key, array in statistics.items()}
    trainer.recompute_statistics()
    for key, array in first.items():
        np.testing.assert_array_equal(statistics[key], array)
    after = trainer.state()
    np.testing.assert_array_equal(after.order["order"], order["order"])
    assert (after.order["rng"], after.layers) == (order["rng"], layers)
