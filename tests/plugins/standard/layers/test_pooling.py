"""Pools, window by window: ties, padding, and NaN; and global_average_pool2d."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import declnet
from declnet import DivergenceError, SpecError
from declnet_plugins.standard.layers import (
    AveragePool2d,
    GlobalAveragePool2d,
    GlobalMaxPool2d,
    MaxPool2d,
)

from ....plain_arrays import LayerRun

POOLS = pytest.mark.parametrize("pool", [MaxPool2d, AveragePool2d])
RNG = np.random.default_rng(8)


def run(layer, x, dy=None, order="batch_last"):
    filled = LayerRun(layer, x.shape[1:], len(x), order=order).run(x, dy)
    return filled["y"], filled["dx"]


def by_loop(layer, x, dy):
    """y and dx, one window at a time; argmax gives the first of equal numbers."""
    size, stride = layer.pool_size, layer.stride or layer.pool_size
    if layer.padding == "same":  # as TensorFlow's documentation has it
        each = zip(x.shape[2:], size, stride, strict=True)
        total = [max(k - (length % s or s), 0) for length, k, s in each]
    else:
        total = [0, 0] if layer.padding == "valid" else [2 * zeros for zeros in layer.padding]
    (top, left), highest = (zeros // 2 for zeros in total), isinstance(layer, MaxPool2d)
    around = ((top, total[0] - top), (left, total[1] - left))
    padded = np.pad(x, ((0, 0), (0, 0), *around), constant_values=-np.inf if highest else 0)
    y, dpadded = np.empty_like(dy), np.zeros_like(padded)
    for n, c, i, j in np.ndindex(y.shape):
        rows = np.s_[i * stride[0] : i * stride[0] + size[0]]
        window = np.s_[n, c, rows, j * stride[1] : j * stride[1] + size[1]]
        share = np.full(size, 1 / (size[0] * size[1]))
        if highest:
            share = np.zeros(size)
            share.flat[np.argmax(padded[window])] = 1
        y[n, c, i, j] = padded[window].max() if highest else (padded[window] * share).sum()
        dpadded[window] += dy[n, c, i, j] * share
    return y, dpadded[:, :, top : top + x.shape[2], left : left + x.shape[3]]


SMALL = st.integers(1, 3)


@POOLS
@given(
    sizes=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    pool_size=st.tuples(SMALL, SMALL),
    stride=st.tuples(SMALL, SMALL) | st.none(),
    padding=st.sampled_from(["same", "valid", (0, 1), (1, 0), (1, 1)]),
    order=st.sampled_from(["batch_last", "batch_first"]),
)
@example((3, 6), (3, 3), None, (1, 1), "batch_last")  # no tiles, though 6 = 2 windows * 3
@example((4, 6), (2, 3), None, (0, 0), "batch_last")  # tiles
@example((2, 8), (4, 5), (1, 2), (2, 2), "batch_first")
def test_every_window_in_both_directions(pool, sizes, pool_size, stride, padding, order):
    if padding != "same":
        each = zip(sizes, pool_size, (0, 0) if padding == "valid" else padding, strict=True)
        assume(all(2 * zeros <= k <= size + 2 * zeros for size, k, zeros in each))
    layer = pool(pool_size=pool_size, stride=stride, padding=padding)
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 0, size=(2, 2, *sizes)).astype(float)  # negative, many ties
    dy = rng.normal(size=(2, *layer.output_shape(x.shape[1:])))
    for found, expected in zip(run(layer, x, dy, order), by_loop(layer, x, dy), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_of_equal_maxima_the_first_takes_the_gradient():
    y, dx = run(MaxPool2d(pool_size=2), np.array([[[[0.0, 5.0, 1, 1], [5.0, 5.0, 1, 1]]]]))
    assert y.tolist() == [[[[5, 1]]]]
    assert dx.tolist() == [[[[0, 1, 1, 0], [0, 0, 0, 0]]]]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("padding", ["same", 1])
def test_padding_is_never_the_maximum(padding, training):
    bench = LayerRun(MaxPool2d(pool_size=3, stride=2, padding=padding), (2, 6, 6), 3)
    x = -1e300 * RNG.uniform(0.5, 1, size=(3, 2, 6, 6))
    bench.place(x, np.zeros((3, *bench.output)), training=training)
    assert np.isin(bench.forward(), x).all()


def test_positions_of_a_large_window_fit_their_buffer():
    x = np.zeros((1, 1, 17, 17))
    x[..., 16, 16] = 1  # position 288, beyond a byte
    np.testing.assert_array_equal(run(MaxPool2d(pool_size=17), x)[1], x)


def test_padding_counts_in_the_mean():
    y, _ = run(AveragePool2d(pool_size=2, padding=1), np.ones((1, 1, 2, 2)))
    assert y.tolist() == [[[[0.25, 0.25], [0.25, 0.25]]]]


@POOLS
@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 1)])
def test_nan_comes_out_of_its_window_and_of_no_other(pool, place):
    x = RNG.normal(size=(2, 1, 4, 4))
    x[(0, 0, *place)] = np.nan
    assert np.argwhere(np.isnan(run(pool(pool_size=2), x)[0])).tolist() == [[0, 0, 0, 0]]


def spec(*layers):
    sections = {"loss": "mean_squared_error", "optimizer": "sgd", "training": {"epochs": 1}}
    return declnet.parse_spec({"model": {"dtype": "float64", "layers": [*layers]}, **sections})


@POOLS
def test_nan_reaches_the_loss(pool):
    point = {"type": "conv2d", "filters": 1, "kernel_size": 1, "inputs": ["input"]}
    layers = [point | {"name": each, "weight_initializer": each} for each in ("ones", "zeros")]
    layers += [{"type": "multiply", "inputs": ["ones", "zeros"]}]
    layers += [{"type": pool.type, "pool_size": 2}, "flatten", {"type": "dense", "units": 1}]
    x = np.zeros((3, 2, 4, 4))
    x[1, :, 0, 1] = 1e308  # twice that is infinite, and infinity * 0 is NaN
    with pytest.raises(DivergenceError, match="the loss is nan"):
        declnet.run(spec(*layers), (x, np.zeros((3, 1))))


@POOLS
@pytest.mark.parametrize(
    ("shape", "fields", "message"),
    [
        ((1, 4, 2), {}, "window has width 3, the images (1, 4, 2) have 2;"),
        ((1, 4, 4), {"padding": [1, 2]}, "at most half of pool_size [3, 3], not [1, 2]"),
        ((1, 4, 4), {"pool_size": [2, 3, 4]}, "an integer of at least 1, or two"),
        ((1, 4, 4), {"stride": [1, False]}, "an integer of at least 1, or two"),
    ],
)
def test_what_does_not_fit_is_refused(pool, shape, fields, message):
    with pytest.raises(SpecError, match=re.escape(message)):
        declnet.build_model(spec({"type": pool.type, "pool_size": 3, **fields}).model, shape)


X = RNG.normal(3, 1, size=(5, 2, 4, 3))


def test_a_global_pool_gives_each_channel_its_mean_and_each_place_an_equal_share():
    dy = np.arange(10.0).reshape(5, 2)
    y, dx = run(GlobalAveragePool2d(), X, dy)
    expected = [[sum(channel.ravel().tolist()) / 12 for channel in sample] for sample in X]
    np.testing.assert_allclose(y, expected, rtol=1e-14)
    np.testing.assert_allclose(dx, np.repeat(dy / 12, 12, axis=1).reshape(X.shape), rtol=1e-14)


def test_a_global_pool_does_not_hide_nan():
    x = X.copy()
    x[1, 0, 2, 2] = np.nan
    assert np.argwhere(np.isnan(run(GlobalAveragePool2d(), x)[0])).tolist() == [[1, 0]]


@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (3, 4, 5, 2)])
def test_a_global_pool_takes_images_only(shape):
    with pytest.raises(SpecError, match=r"takes images \(channels, height, width\), not \("):
        declnet.build_model(spec("global_average_pool2d").model, shape)


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
def test_global_maxima_share_the_gradient(order):
    x = np.zeros((2, 2, 2, 3))
    x[0, 0] = [[1, 5, 2], [0, 5, 5]]
    x[0, 1, 1, 2] = 7
    x[1, 0] = -1
    x[1, 1, 0, 0] = np.nan
    y, dx = run(GlobalMaxPool2d(), x, np.array([[3.0, 4.0], [6.0, 1.0]]), order)
    np.testing.assert_array_equal(y, [[5, 7], [-1, np.nan]])
    assert dx[0].tolist() == [[[0, 1, 0], [0, 1, 1]], [[0, 0, 0], [0, 0, 4]]]
    assert dx[1, 0].tolist() == [[1, 1, 1], [1, 1, 1]]
    with pytest.raises(ValueError, match="global_max_pool2d takes images"):
        GlobalMaxPool2d().output_shape((4,))
