"""Compiled convolutions match the component at all vector widths and in any parts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from declnet import KernelSite
from declnet_plugins.jit.engine import NativeEngine
from declnet_plugins.kernels.conv2d import Conv2dKernel, Conv2dReLUKernel
from declnet_plugins.kernels.convolution_tiles import Tile, tile_for
from declnet_plugins.standard.layers.activations import ReLU
from declnet_plugins.standard.layers.conv2d import Conv2d
from declnet_plugins.standard.layers.window import batch_last

pytestmark = pytest.mark.usefixtures("numba")

GUARD = 1234.5
"""The value around each array, which must not change."""

LAYERS = {
    "padded": ((3, 7, 9), {"filters": 13, "kernel_size": 3, "padding": 1}),
    "valid": ((9, 5, 6), {"filters": 2, "kernel_size": [3, 2]}),
    "strided": ((2, 8, 7), {"filters": 5, "kernel_size": 3, "stride": [3, 2], "padding": [0, 1]}),
    "same": ((2, 7, 6), {"filters": 3, "kernel_size": 2, "stride": 2, "padding": "same"}),
    "dilated and strided": (
        (1, 9, 11),
        {"filters": 3, "kernel_size": 3, "dilation": [2, 3], "stride": [2, 2], "padding": 2},
    ),
    "mostly padding": ((2, 1, 1), {"filters": 3, "kernel_size": 5, "padding": 3}),
    "groups": ((4, 5, 6), {"filters": 6, "kernel_size": 2, "groups": 2, "use_bias": False}),
    "depthwise": ((5, 6, 4), {"filters": 5, "kernel_size": 3, "groups": 5, "padding": "same"}),
}

TILES = {
    "AVX-512": tile_for({"avx512f": True, "avx2": True, "fma": True}),
    "AVX2": tile_for({"avx2": True, "fma": True}),
    "plain": tile_for({}),
}


def images(rng, shape, n, dtype):
    """Return random images (n, *shape) with the batch axis last, with guards around them."""
    size = n * int(np.prod(shape))
    block = np.full(size + 64, GUARD, dtype)
    block[32:-32] = rng.normal(size=size)
    return np.moveaxis(block[32:-32].reshape(*shape, n), -1, 0)


def guarded(array):
    """Return whether the guards around images are unchanged."""
    block = batch_last(array).base
    while block.base is not None:
        block = block.base
    return (block[:32] == GUARD).all() and (block[-32:] == GUARD).all()


def site_of(layer, shape, n, dtype, *, rectified):
    """Return a site with random images, slopes and parameters."""
    rng = np.random.default_rng(4)
    output = layer.output_shape(shape)
    parameters = {
        name: rng.normal(size=parameter.shape).astype(dtype)
        for name, parameter in layer.parameters(shape).items()
    }
    grad = SimpleNamespace(**{k: np.full_like(w, np.nan) for k, w in parameters.items()})
    workspace = {
        name: np.moveaxis(np.empty((*buffer.shape, n), dtype), -1, 0)
        if buffer.per_sample
        else np.empty(buffer.shape, dtype)
        for name, buffer in layer.workspace(shape).items()
    }
    state = SimpleNamespace(**parameters, **workspace, grad=grad, training=True, frozen=False)
    x, dx = (images(rng, shape, n, dtype) for _ in range(2))
    y, dy = (images(rng, output, n, dtype) for _ in range(2))
    components = (layer, ReLU()) if rectified else (layer,)
    return KernelSite(components, x=x, y=y, dy=dy, dx=dx, states=(state,))


def filled_by_kernel(site, tile, parts):
    """Return the arrays that the kernel fills, in parts that run in reverse order."""
    kernel = Conv2dReLUKernel if len(site.components) > 1 else Conv2dKernel
    bound = type("Kernel", (kernel,), {"tile": tile})().bind(site)
    calls = NativeEngine().compile((*bound.forward, *bound.backward)).native
    assert calls is not None
    assert all(call.divisible for call in calls)
    for call in calls:
        for part in reversed(range(parts)):
            call.block[:2] = part, parts
            call()
    state = site.states[0]
    assert all(map(guarded, (site.x, site.y, site.dy, site.dx)))
    return [array.copy() for array in (site.y, site.dx, *vars(state.grad).values())]


def filled_by_components(site):
    """Return the arrays that the components fill."""
    layer, state = site.components[0], site.states[0]
    y, dy, dx = (array.copy(order="K") for array in (site.y, site.dy, site.dx))
    layer.forward(site.x, y, state)
    if len(site.components) > 1:
        np.maximum(y, 0, out=y)
        dy *= y > 0
    layer.backward(None, None, dy, dx, state)
    return [y, dx, *(array.copy() for array in vars(state.grad).values())]


def require_alike(actual, right, dtype):
    for some, other in zip(actual, right, strict=True):
        tolerance = {"float32": 3e-6, "float64": 1e-13}[dtype] * max(1, np.abs(other).max())
        np.testing.assert_allclose(some, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("n", [1, 13, 40])
@pytest.mark.parametrize("case", LAYERS)
def test_the_component_is_computed_in_any_number_of_parts(case, n):
    shape, fields = LAYERS[case]
    site = site_of(Conv2d(**fields), shape, n, "float32", rectified=n == 13)
    whole, in_parts = (filled_by_kernel(site, None, parts) for parts in (1, 3))
    assert [array.tobytes() for array in whole] == [array.tobytes() for array in in_parts]
    require_alike(whole, filled_by_components(site), "float32")


@pytest.mark.parametrize(("tile", "dtype"), [("AVX2", "float32"), ("plain", "float64")])
def test_every_width_of_vectors_gives_the_same(tile, dtype):
    for case in ("padded", "strided", "groups"):
        shape, fields = LAYERS[case]
        site = site_of(Conv2d(**fields), shape, 40, dtype, rectified=False)
        require_alike(filled_by_kernel(site, TILES[tile], 2), filled_by_components(site), dtype)


def test_batch_first_images_are_read_and_nan_stays_in_place():
    shape, fields = LAYERS["padded"]
    site = site_of(Conv2d(**fields), shape, 20, "float32", rectified=True)
    site.x[3, 1, 4, 4] = np.nan
    first = KernelSite(**{**vars(site), "x": np.ascontiguousarray(site.x)})
    actual = filled_by_kernel(site, None, 1)
    y = actual[0].copy()
    site.y[...] = 0
    again = Conv2dReLUKernel().bind(first)
    for call in again.forward:
        call()
    assert site.y.tobytes() == y.tobytes()
    seen = np.zeros((7, 9), bool)
    seen[3:6, 3:6] = True
    assert (np.isnan(y[3]) == seen).all()
    assert not np.isnan(np.delete(y, 3, axis=0)).any()


def test_a_tile_fits_the_registers():
    for tile, registers in ((TILES["AVX-512"], 32), (TILES["AVX2"], 16), (TILES["plain"], 16)):
        assert isinstance(tile, Tile)
        assert 2 * tile.rows + 2 + 1 <= registers
        assert tile.filters * (tile.places + 1) + 1 <= registers
