"""Pools, window by window: ties, padding, and NaN; and global_average_pool2d."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from declnet_plugins.standard.layers.pooling import AveragePool2d, GlobalMaxPool2d, MaxPool2d

from ....plain_arrays import LayerRun

POOLS = pytest.mark.parametrize("pool", [MaxPool2d, AveragePool2d])
RNG = np.random.default_rng(8)


def run(layer, x, dy=None, order="batch_last"):
    filled = LayerRun(layer, x.shape[1:], len(x), order=order).run(x, dy)
    return filled["y"], filled["dx"]


def by_loop(layer, x, dy):
    """y and dx, one window at a time; argmax gives the first of equal numbers."""
    size, stride = layer.pool_size, layer.stride or layer.pool_size
    if layer.padding == "same":  # as in TensorFlow's documentation
        sizes = zip(x.shape[2:], size, stride, strict=True)
        total = [max(k - (length % s or s), 0) for length, k, s in sizes]
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
@example((4, 6), (1, 2), (2, 2), (0, 0), "batch_last")  # no tiles: rows are skipped
@example((2, 8), (4, 5), (1, 2), (2, 2), "batch_first")
def test_every_window_in_both_directions(pool, sizes, pool_size, stride, padding, order):
    if padding != "same":
        axes = zip(sizes, pool_size, (0, 0) if padding == "valid" else padding, strict=True)
        assume(all(2 * zeros <= k <= size + 2 * zeros for size, k, zeros in axes))
    layer = pool(pool_size=pool_size, stride=stride, padding=padding)
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 0, size=(2, 2, *sizes)).astype(float)  # negative, many ties
    dy = rng.normal(size=(2, *layer.output_shape(x.shape[1:])))
    for result, expected in zip(run(layer, x, dy, order), by_loop(layer, x, dy), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-14)


def test_positions_of_a_large_window_fit_their_buffer():
    x = np.zeros((1, 1, 17, 17))
    x[..., 16, 16] = 1  # position 288, beyond a byte
    np.testing.assert_array_equal(run(MaxPool2d(pool_size=17), x)[1], x)


@POOLS
@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 1)])
def test_nan_affects_its_window_and_no_other(pool, place):
    x = RNG.normal(size=(2, 1, 4, 4))
    x[(0, 0, *place)] = np.nan
    assert np.argwhere(np.isnan(run(pool(pool_size=2), x)[0])).tolist() == [[0, 0, 0, 0]]


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
