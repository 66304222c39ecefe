"""batch_norm: a batch's statistics in training, the running ones in evaluation, and accuracy."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import SpecError
from declnet_standard.layers import BatchNorm

from ....plain_arrays import LayerRun

RNG = np.random.default_rng(6)
ORDERS = pytest.mark.parametrize("order", ["batch_last", "batch_first"])


def bench_of(x, n, *, order="batch_last", **fields):
    layer = BatchNorm(**fields)
    return LayerRun(layer, x.shape[1:], n, dtype=x.dtype.name, input_order=order)


def passed(bench, x, dy=None, *, training=True):
    return bench.run(x, dy, training=training)


def by_channel(numbers, x):
    return np.reshape(numbers, (1, -1, *(1 for _ in x.shape[2:])))


def normalized(bench, x, mean=None, variance=None):
    """y in float64, with the statistics of the batch unless others are given."""
    x, axes = x.astype("float64"), (0, *range(2, x.ndim))
    mean, variance = (x.mean(axes), x.var(axes)) if mean is None else (mean, variance)
    z = (x - by_channel(mean, x)) / np.sqrt(by_channel(variance, x) + bench.layer.epsilon)
    return by_channel(bench.initial["scale"], x) * z + by_channel(bench.initial["offset"], x)


@ORDERS
@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 5), (500,)])  # 500: several parts
def test_training_takes_the_statistics_of_the_batch_and_follows_them(shape, order):
    x = RNG.normal(3, 2, size=(300, *shape))
    bench = bench_of(x, 300, order=order, momentum=0.75, epsilon=0.01)
    np.testing.assert_allclose(passed(bench, x)["y"], normalized(bench, x), rtol=1e-10, atol=1e-12)
    axes = (0, *range(2, x.ndim))
    np.testing.assert_allclose(bench.parameters["running_mean"], 0.25 * x.mean(axes), rtol=1e-12)
    variance = 0.75 + 0.25 * x.var(axes, ddof=1)
    np.testing.assert_allclose(bench.parameters["running_variance"], variance, rtol=1e-12)


def test_evaluation_takes_the_running_ones_and_leaves_them():
    x = RNG.normal(size=(6, 3, 2, 2))
    bench = bench_of(x, 6)
    bench.initial |= {"running_mean": RNG.normal(size=3), "running_variance": np.arange(1.0, 4)}
    statistics = bench.initial["running_mean"], bench.initial["running_variance"]
    y = passed(bench, x, training=False)["y"]
    np.testing.assert_allclose(y, normalized(bench, x, *statistics), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(bench.parameters["running_mean"], statistics[0])
    np.testing.assert_array_equal(bench.parameters["running_variance"], statistics[1])


def spec(layer, **training):
    layers = [layer, {"type": "dense", "units": 1}]
    document = {"model": {"dtype": "float64", "layers": layers}, "loss": "mean_squared_error"}
    document |= {"optimizer": {"type": "sgd", "learning_rate": 0.01}}
    return declnet.parse_spec(document | {"training": {"epochs": 1, **training}})


def test_a_prediction_depends_on_no_other_sample():
    x = RNG.normal(5, 3, size=(20, 4))
    model = declnet.run(spec("batch_norm", epochs=3), (x, x[:, :1])).model
    together = model.predict(x)
    for i, sample in enumerate(x):
        np.testing.assert_allclose(model.predict(sample[None]), together[i : i + 1], rtol=1e-12)
    others = np.concatenate([x[:5], 1e6 * x[5:]])
    np.testing.assert_allclose(model.predict(others)[:5], together[:5], rtol=1e-12)


def test_a_shorter_last_batch_counts_its_own_samples():
    x = RNG.normal(size=(7, 3, 2))
    bench = bench_of(x, 7)
    for part in (x, x[:3]):
        found = passed(bench, part)["y"]
        np.testing.assert_allclose(found, normalized(bench, part), rtol=1e-10, atol=1e-12)
        expected = 0.9 + 0.1 * part.var(axis=(0, 2), ddof=1)
        np.testing.assert_allclose(bench.parameters["running_variance"], expected, rtol=1e-12)


def test_a_run_whose_last_batch_is_one_sample():
    x = RNG.normal(size=(5, 3))
    layer = {"type": "batch_norm", "momentum": 0.0}
    found = declnet.run(spec(layer, batch_size=4), (x, x[:, :1])).model.parameters()
    assert np.abs(x - found["batch_norm_1.running_mean"]).max(axis=1).min() < 1e-12
    np.testing.assert_array_equal(found["batch_norm_1.running_variance"], 0)


def test_a_batch_of_one_gives_the_offset_and_no_gradient():
    x = RNG.normal(size=(1, 4))
    bench = bench_of(x, 1)
    filled = passed(bench, x, RNG.normal(size=x.shape))
    np.testing.assert_array_equal(filled["y"], bench.initial["offset"][None])
    np.testing.assert_array_equal(filled["grad.scale"], 0)
    np.testing.assert_allclose(filled["dx"], 0, atol=1e-12)
    np.testing.assert_allclose(bench.parameters["running_variance"], 0.9, rtol=1e-12)


@ORDERS
@pytest.mark.parametrize("n", [64, 96, 1000])
def test_a_constant_channel_gives_the_offset(n, order):
    x = RNG.normal(size=(n, 2, 3)).astype("float32")
    x[:, 1] = 1e4 + 0.1234
    bench = bench_of(x, n, order=order)
    filled = passed(bench, x, RNG.normal(size=x.shape).astype("float32"))
    np.testing.assert_array_equal(filled["y"][:, 1], bench.initial["offset"][1].astype("float32"))
    assert filled["grad.scale"][1] == 0
    assert np.isfinite(filled["dx"]).all()


@ORDERS
@pytest.mark.parametrize("shape", [(64,), (3, 7, 7)])
def test_a_large_mean_costs_no_digits_of_float32(shape, order):
    x = RNG.normal(1e4, 1, size=(500, *shape)).astype("float32")
    bench = bench_of(x, 500, order=order)
    found = passed(bench, x)["y"]
    assert np.abs(found - normalized(bench, x)).max() < 2e-5
    mean = 0.1 * x.astype("float64").mean(axis=(0, *range(2, x.ndim)))
    np.testing.assert_allclose(bench.parameters["running_mean"], mean, rtol=3e-7)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        *(({"epsilon": value}, "greater than 0") for value in (0, -1e-5)),
        *(({key: True}, "must be a number") for key in ("epsilon", "momentum")),
        ({"momentum": 1.5}, "momentum.* not 1.5"),
        ({"momentum": -0.1}, "momentum.* not -0.1"),
    ],
)
def test_wrong_fields_are_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        spec({"type": "batch_norm", **fields})


def test_it_needs_an_axis_of_channels():
    with pytest.raises(SpecError, match=r"takes samples \(features,\) or \(channels, …\)"):
        declnet.build_model(spec("batch_norm").model, ())
