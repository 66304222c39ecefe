"""layer_norm: the statistics of each sample alone, over all or its last axes."""

from __future__ import annotations

import re

import numpy as np
import pytest

import declnet
from declnet import SpecError
from declnet_standard.layers import LayerNorm

from ....plain_arrays import LayerRun

RNG = np.random.default_rng(7)
ORDERS = pytest.mark.parametrize("order", ["batch_last", "batch_first"])


def bench_of(x, order="batch_last", **fields):
    return LayerRun(LayerNorm(**fields), x.shape[1:], len(x), dtype=x.dtype.name, order=order)


def normalized(bench, x, axes):
    """y in float64, over the last axes."""
    over = tuple(range(-axes, 0))
    x = x.astype("float64")
    variance = x.var(axis=over, keepdims=True) + bench.layer.epsilon
    z = (x - x.mean(axis=over, keepdims=True)) / np.sqrt(variance)
    return bench.initial["scale"] * z + bench.initial["offset"]


@ORDERS
@pytest.mark.parametrize(
    ("shape", "fields", "axes"),
    [
        ((6,), {}, 1),
        ((6,), {"axes": 1}, 1),
        ((3, 4), {}, 2),
        ((3, 4), {"axes": 1, "epsilon": 0.1}, 1),
        ((2, 3, 4), {"axes": 2}, 2),
        ((2, 3, 4), {"axes": 3}, 3),
    ],
)
def test_it_normalizes_over_all_or_the_last_axes(shape, fields, axes, order):
    x = RNG.normal(3, 2, size=(5, *shape))
    bench = bench_of(x, order, **fields)
    for name in ("scale", "offset"):
        assert bench.initial[name].shape == shape[-axes:]
    found = bench.run(x, training=False)["y"]
    np.testing.assert_allclose(found, normalized(bench, x, axes), rtol=1e-12, atol=1e-13)


def spec(**fields):
    document = {"model": {"dtype": "float64", "layers": [{"type": "layer_norm", **fields}]}}
    document |= {"loss": "mean_squared_error", "optimizer": "sgd", "training": {"epochs": 1}}
    return declnet.parse_spec(document)


@pytest.mark.parametrize("axes", [1, None])
def test_a_sample_depends_on_no_other(axes):
    x = RNG.normal(size=(8, 3, 4))
    model = declnet.build_model(spec(**({"axes": axes} if axes else {})).model, (3, 4))
    together = model.predict(x)
    np.testing.assert_allclose(model.predict(x[2:3]), together[2:3], rtol=1e-11, atol=1e-13)
    x[3:] *= 1e6
    x[4] = np.nan
    np.testing.assert_array_equal(model.predict(x)[:3], together[:3])


def test_gradients_of_a_sample_depend_on_no_other():
    x, dy = RNG.normal(size=(4, 6)), RNG.normal(size=(4, 6))
    bench = bench_of(x)
    together = bench.run(x, dy)["dx"]
    x[1:], dy[1:] = 7.0, 1e3
    np.testing.assert_array_equal(bench.run(x, dy)["dx"][0], together[0])


def test_rows_of_a_sample_are_apart_where_axes_say_so():
    x = RNG.normal(size=(2, 3, 4))
    model = declnet.build_model(spec(axes=1).model, (3, 4))
    before = model.predict(x)
    x[:, 2] += np.arange(4) ** 2
    np.testing.assert_array_equal(model.predict(x)[:, :2], before[:, :2])


def test_scaling_and_shifting_a_sample_changes_nothing():
    x = RNG.normal(size=(3, 50))
    model = declnet.build_model(spec(epsilon=1e-12).model, (50,))
    np.testing.assert_allclose(model.predict(100 * x - 40), model.predict(x), rtol=1e-9, atol=1e-9)


@ORDERS
@pytest.mark.parametrize("length", [1, 100, 1000])
def test_a_constant_sample_gives_the_offset(length, order):
    x = np.full((3, length), 1e4 + 0.1234, "float32")
    bench = bench_of(x, order)
    filled = bench.run(x)
    expected = np.tile(bench.initial["offset"].astype("float32"), (3, 1))
    np.testing.assert_array_equal(filled["y"], expected)
    assert np.isfinite(filled["dx"]).all()


@ORDERS
def test_a_large_mean_costs_no_digits_of_float32(order):
    x = RNG.normal(1e4, 1, size=(20, 1000)).astype("float32")
    bench = bench_of(x, order)
    found = bench.run(x)["y"]
    assert np.abs(found - normalized(bench, x, 1)).max() < 2e-5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        *(({"axes": value}, "must be a whole number") for value in (True, 2.0)),
        *(({"axes": value}, f"axes.* not {value}") for value in (0, -1)),
        *(({"epsilon": value}, "greater than 0") for value in (0, -1e-5)),
        ({"epsilon": True}, "must be a number"),
    ],
)
def test_wrong_fields_are_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        spec(**fields)


@pytest.mark.parametrize(("shape", "axes"), [((4,), 2), ((4, 6), 3), ((), None)])
def test_samples_with_too_few_axes_are_refused(shape, axes):
    message = re.escape(f"layer_norm takes samples of at least {axes or 1} axes, not {shape}")
    with pytest.raises(SpecError, match=message):
        declnet.build_model(spec(**({"axes": axes} if axes else {})).model, shape)
