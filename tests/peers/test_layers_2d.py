"""Convolution, pooling and normalization against torch, in float64."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet_plugins.standard.layers import (
    AveragePool2d,
    BatchNorm,
    Conv2d,
    Conv2dTranspose,
    Dense,
    GlobalAveragePool2d,
    GlobalMaxPool2d,
    GroupNorm,
    LayerNorm,
    MaxPool2d,
    RMSNorm,
)

from ..plain_arrays import run_layer

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(11)


def by_torch(function, x, dy, **parameters):
    """y, dx and the gradients of parameters."""
    given = torch.tensor(x, requires_grad=True)
    named = {name: torch.tensor(w, requires_grad=True) for name, w in parameters.items()}
    y = function(given, **named)
    y.backward(torch.tensor(dy))
    found = {"y": y.detach().numpy(), "dx": given.grad.numpy()}
    return found | {f"grad.{name}": w.grad.numpy() for name, w in named.items()}


def require_same(found, expected):
    assert set(expected) <= set(found)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        ({}, {}),
        ({"padding": "same"}, {"padding": 1}),
        ({"padding": [2, 1], "stride": 2}, {"padding": (2, 1), "stride": 2}),
        ({"padding": 1, "stride": [2, 3]}, {"padding": 1, "stride": (2, 3)}),
        ({"padding": 2, "dilation": 2}, {"padding": 2, "dilation": 2}),
        ({"groups": 2, "padding": 1}, {"groups": 2, "padding": 1}),
        ({"groups": 4, "stride": 2, "padding": 1}, {"groups": 4, "stride": 2, "padding": 1}),
        ({"kernel_size": [1, 3], "dilation": [1, 2]}, {"dilation": (1, 2)}),
        ({"kernel_size": 1}, {}),
        ({"use_bias": False}, {}),
    ],
)
def test_convolution(fields, arguments, order):
    layer = Conv2d(**{"filters": 8, "kernel_size": 3, **fields})
    x = RNG.normal(size=(5, 4, 9, 8))
    shapes = {name: each.shape for name, each in layer.parameters(x.shape[1:]).items()}
    parameters = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
    dy = RNG.normal(size=(5, *layer.output_shape(x.shape[1:])))

    def convolved(given, weights, biases=None):
        return torch.nn.functional.conv2d(given, weights, biases, **arguments)

    require_same(
        run_layer(layer, x, dy, order, **parameters), by_torch(convolved, x, dy, **parameters)
    )


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"stride": 2},
        {"stride": (2, 3), "padding": (2, 1), "output_padding": (1, 2)},
        {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
        {"dilation": (2, 1), "groups": 4},
        {"use_bias": False, "kernel_size": (2, 3)},
    ],
)
def test_transposed_convolution(fields, order):
    layer = Conv2dTranspose(**{"filters": 8, "kernel_size": 3, **fields})
    x = RNG.normal(size=(5, 4, 5, 4))
    shapes = {name: each.shape for name, each in layer.parameters(x.shape[1:]).items()}
    parameters = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
    dy = RNG.normal(size=(5, *layer.output_shape(x.shape[1:])))
    arguments = {key: fields[key] for key in fields if key not in ("use_bias", "kernel_size")}

    def transposed(given, weights, biases=None):
        return torch.nn.functional.conv_transpose2d(given, weights, biases, **arguments)

    require_same(
        run_layer(layer, x, dy, order, **parameters), by_torch(transposed, x, dy, **parameters)
    )


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        ({"pool_size": 2}, {"kernel_size": 2}),
        (
            {"pool_size": 3, "stride": 2, "padding": 1},
            {"kernel_size": 3, "stride": 2, "padding": 1},
        ),
        ({"pool_size": [2, 3], "stride": 1}, {"kernel_size": (2, 3), "stride": 1}),
    ],
)
@pytest.mark.parametrize(
    ("layer", "peer"), [(MaxPool2d, "max_pool2d"), (AveragePool2d, "avg_pool2d")]
)
def test_pooling(layer, peer, fields, arguments, order):
    pool, x = layer(**fields), RNG.normal(size=(4, 3, 8, 9))
    dy = RNG.normal(size=(4, *pool.output_shape(x.shape[1:])))
    pooled = getattr(torch.nn.functional, peer)
    expected = by_torch(lambda given: pooled(given, **arguments), x, dy)
    require_same(run_layer(pool, x, dy, order), expected)


def test_global_pooling():
    x, dy = RNG.normal(size=(4, 3, 5, 6)), RNG.normal(size=(4, 3))
    expected = by_torch(lambda given: given.mean(dim=(2, 3)), x, dy)
    require_same(run_layer(GlobalAveragePool2d(), x, dy), expected)
    x[0, 0, :2] = 9  # several maxima
    expected = by_torch(lambda given: given.amax(dim=(2, 3)), x, dy)
    require_same(run_layer(GlobalMaxPool2d(), x, dy), expected)


@pytest.mark.parametrize("shape", [(7,), (3, 5, 4)])
@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm()], ids=lambda layer: layer.type)
def test_normalization(layer, shape):
    x, dy = RNG.normal(2, 3, size=(6, *shape)), RNG.normal(size=(6, *shape))
    of_parameters = shape[:1] if layer.type == "batch_norm" else shape
    scale, offset = RNG.normal(size=of_parameters), RNG.normal(size=of_parameters)

    def normalized(given, scale, offset):
        if layer.type == "batch_norm":
            return torch.nn.functional.batch_norm(given, None, None, scale, offset, training=True)
        return torch.nn.functional.layer_norm(given, shape, scale, offset)

    found = run_layer(layer, x, dy, scale=scale, offset=offset)
    require_same(found, by_torch(normalized, x, dy, scale=scale, offset=offset))


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize("shape", [(8,), (4, 5), (4, 5, 3)])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm(groups, shape, order):
    x, dy = RNG.normal(2, 3, size=(6, *shape)), RNG.normal(size=(6, *shape))
    scale, offset = RNG.normal(size=(2, shape[0]))

    def normalized(given, scale, offset):
        return torch.nn.functional.group_norm(given, groups, scale, offset)

    found = run_layer(GroupNorm(groups=groups), x, dy, order, scale=scale, offset=offset)
    require_same(found, by_torch(normalized, x, dy, scale=scale, offset=offset))


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize(("shape", "axes"), [((7,), 1), ((3, 5), 1), ((3, 5), 2), ((2, 3, 4), 2)])
def test_rms_norm(shape, axes, order):
    x, dy = RNG.normal(2, 3, size=(6, *shape)), RNG.normal(size=(6, *shape))
    scale = RNG.normal(size=shape[-axes:])

    def normalized(given, scale):
        return torch.nn.functional.rms_norm(given, shape[-axes:], scale, 1e-6)

    found = run_layer(RMSNorm(axes=axes), x, dy, order, scale=scale)
    require_same(found, by_torch(normalized, x, dy, scale=scale))


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
def test_dense_on_sequences(order):
    x, dy = RNG.normal(size=(6, 5, 3)), RNG.normal(size=(6, 5, 4))
    weights, biases = RNG.normal(size=(3, 4)), RNG.normal(size=4)

    def mapped(given, weights, biases):
        return torch.nn.functional.linear(given, weights.T, biases)

    found = run_layer(Dense(units=4), x, dy, order, weights=weights, biases=biases)
    require_same(found, by_torch(mapped, x, dy, weights=weights, biases=biases))


def test_running_statistics_and_evaluation_are_those_of_torch():
    x = RNG.normal(1, 2, size=(12, 4))
    layers = ["batch_norm", {"type": "dense", "units": 2, "weight_initializer": "ones"}, "softmax"]
    document = {
        "model": {"dtype": "float64", "layers": layers},
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.0},
        "training": {"epochs": 5},
    }
    result = declnet.run(declnet.parse_spec(document), (x, np.arange(12) % 2))
    peer = torch.nn.BatchNorm1d(4).double()
    for _ in range(5):
        peer(torch.tensor(x))
    found = result.model.parameters()
    np.testing.assert_allclose(
        found["batch_norm_1.running_mean"], peer.running_mean.numpy(), rtol=1e-9
    )
    np.testing.assert_allclose(
        found["batch_norm_1.running_variance"], peer.running_var.numpy(), rtol=1e-9
    )
