"""Normalization over a batch, by running statistics, or over single samples; and accuracy."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet_plugins.standard.layers.normalization import BatchNorm
from declnet_plugins.standard.layers.sample_normalization import GroupNorm, LayerNorm

from ....plain_arrays import LayerRun

RNG = np.random.default_rng(6)
ORDERS = pytest.mark.parametrize("order", ["batch_last", "batch_first"])


def run_of(layer, x, order="batch_last"):
    orders = {"order" if layer.memory_order == "any" else "input_order": order}
    return LayerRun(layer, x.shape[1:], len(x), dtype=x.dtype.name, **orders)


def over_batch(numbers, x):
    return np.reshape(numbers, (1, -1, *(1 for _ in x.shape[2:])))


def normalized_over_batch(run, x, mean=None, variance=None):
    """Return y in float64, by the statistics of the batch or the given ones."""
    x, axes = x.astype("float64"), (0, *range(2, x.ndim))
    mean, variance = (x.mean(axes), x.var(axes)) if mean is None else (mean, variance)
    z = (x - over_batch(mean, x)) / np.sqrt(over_batch(variance, x) + run.layer.epsilon)
    return over_batch(run.initial["scale"], x) * z + over_batch(run.initial["offset"], x)


def normalized_over_samples(run, x, axes):
    """Return y in float64, over the last axes."""
    over, x = tuple(range(-axes, 0)), x.astype("float64")
    variance = x.var(axis=over, keepdims=True) + run.layer.epsilon
    z = (x - x.mean(axis=over, keepdims=True)) / np.sqrt(variance)
    return run.initial["scale"] * z + run.initial["offset"]


def normalized_over_groups(run, x):
    """Return y of group_norm in float64, group by group."""
    groups = x.astype("float64").reshape(len(x), run.layer.groups, -1)
    variance = groups.var(axis=2, keepdims=True) + run.layer.epsilon
    z = ((groups - groups.mean(axis=2, keepdims=True)) / np.sqrt(variance)).reshape(x.shape)
    return over_batch(run.initial["scale"], x) * z + over_batch(run.initial["offset"], x)


def spec(layer, **training):
    layers = [layer, "flatten", {"type": "dense", "units": 1}]
    document = {"model": {"dtype": "float64", "layers": layers}, "loss": "mean_squared_error"}
    document |= {"optimizer": {"type": "sgd", "learning_rate": 0.01}}
    return declnet.parse_spec(document | {"training": {"epochs": 1, **training}})


def test_a_shorter_last_batch_counts_its_own_samples():
    x = RNG.normal(size=(7, 3, 2))
    run = run_of(BatchNorm(), x)
    for part in (x, x[:3]):
        expected = normalized_over_batch(run, part)
        np.testing.assert_allclose(run.run(part)["y"], expected, rtol=1e-10, atol=1e-12)
        variance = 0.9 + 0.1 * part.var(axis=(0, 2), ddof=1)
        np.testing.assert_allclose(run.parameters["running_variance"], variance, rtol=1e-12)


def test_a_batch_of_one_gives_the_offset_and_no_gradient():
    x = RNG.normal(size=(1, 4))
    run = run_of(BatchNorm(), x)
    filled = run.run(x, RNG.normal(size=x.shape))
    np.testing.assert_array_equal(filled["y"], run.initial["offset"][None])
    np.testing.assert_array_equal(filled["grad.scale"], 0)
    np.testing.assert_allclose(filled["dx"], 0, atol=1e-12)
    np.testing.assert_allclose(run.parameters["running_variance"], 0.9, rtol=1e-12)


@pytest.mark.parametrize(
    "layer", ["batch_norm", "layer_norm", {"type": "layer_norm", "axes": 1}], ids=str
)
def test_a_prediction_depends_on_no_other_sample(layer):
    x = RNG.normal(5, 3, size=(20, 3, 4))
    model = declnet.run(spec(layer, epochs=3), (x, x[:, 0, :1])).model
    together = model.predict(x)
    for i, sample in enumerate(x):
        np.testing.assert_allclose(model.predict(sample[None]), together[i : i + 1], rtol=1e-11)
    x[5:] *= 1e6
    x[6] = np.nan
    np.testing.assert_array_equal(model.predict(x)[:5], together[:5])


@ORDERS
@pytest.mark.parametrize("n", [64, 96, 1000])
def test_a_constant_channel_gives_the_offset(n, order):
    x = RNG.normal(size=(n, 2, 3)).astype("float32")
    x[:, 1] = 1e4 + 0.1234
    run = run_of(BatchNorm(), x, order)
    filled = run.run(x, RNG.normal(size=x.shape).astype("float32"))
    np.testing.assert_array_equal(filled["y"][:, 1], run.initial["offset"][1].astype("float32"))
    assert filled["grad.scale"][1] == 0
    assert np.isfinite(filled["dx"]).all()


@ORDERS
@pytest.mark.parametrize("length", [1, 100, 1000])
def test_a_constant_sample_gives_the_offset(length, order):
    x = np.full((3, length), 1e4 + 0.1234, "float32")
    run = run_of(LayerNorm(), x, order)
    filled = run.run(x)
    expected = np.tile(run.initial["offset"].astype("float32"), (3, 1))
    np.testing.assert_array_equal(filled["y"], expected)
    assert np.isfinite(filled["dx"]).all()


@ORDERS
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (BatchNorm(), (64,)),
        (BatchNorm(), (3, 7, 7)),
        (LayerNorm(), (1000,)),
        (GroupNorm(groups=4), (4, 16, 16)),
    ],
    ids=repr,
)
def test_a_large_mean_costs_no_digits_of_float32(layer, shape, order):
    x = RNG.normal(1e4, 1, size=(500, *shape)).astype("float32")
    run = run_of(layer, x, order)
    result = run.run(x)["y"]
    if isinstance(layer, GroupNorm):
        assert np.abs(result - normalized_over_groups(run, x)).max() < 2e-5
        x[:, 1] = 1e4 + 0.1234  # a constant channel gives the offset
        offset = run.initial["offset"][1].astype("float32")
        assert (run.run(x)["y"][:, 1] == offset).all()
        return
    if isinstance(layer, LayerNorm):
        assert np.abs(result - normalized_over_samples(run, x, 1)).max() < 2e-5
        return
    assert np.abs(result - normalized_over_batch(run, x)).max() < 2e-5
    mean = 0.1 * x.astype("float64").mean(axis=(0, *range(2, x.ndim)))
    np.testing.assert_allclose(run.parameters["running_mean"], mean, rtol=3e-7)
