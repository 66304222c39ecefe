"""Convolution, pooling and normalization against torch, in float64."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.layers.conv2d import Conv2d
from declnet_plugins.standard.layers.conv2d_transpose import Conv2dTranspose
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.layers.normalization import BatchNorm
from declnet_plugins.standard.layers.pooling import (
    AveragePool2d,
    GlobalAveragePool2d,
    GlobalMaxPool2d,
    MaxPool2d,
)
from declnet_plugins.standard.layers.sample_normalization import GroupNorm, LayerNorm, RMSNorm

from ..plain_arrays import run_layer

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(11)


def by_torch(function, x, dy, **parameters):
    """Return y, dx and the gradients of the parameters, computed by torch."""
    leaf = torch.tensor(x, requires_grad=True)
    named = {name: torch.tensor(w, requires_grad=True) for name, w in parameters.items()}
    y = function(leaf, **named)
    y.backward(torch.tensor(dy))
    results = {"y": y.detach().numpy(), "dx": leaf.grad.numpy()}
    return results | {f"grad.{name}": w.grad.numpy() for name, w in named.items()}


def require_same(ours, expected):
    assert set(expected) <= set(ours)
    for name, array in expected.items():
        np.testing.assert_allclose(ours[name], array, rtol=1e-9, atol=1e-9, err_msg=name)


F = torch.nn.functional
IMAGES = (4, 9, 8)


def with_fields(kind, peer, *cases):
    """Return cases of a convolution; torch's function takes the fields that no weight implies."""
    for fields in cases:
        arguments = {k: v for k, v in fields.items() if k not in ("use_bias", "kernel_size")}
        layer = kind(**{"filters": 8, "kernel_size": 3, **fields})
        if arguments.get("padding") == "same":
            arguments["padding"] = 1

        def convolved(x, weights, biases=None, arguments=arguments):
            return peer(x, weights, biases, **arguments)

        yield layer, convolved, IMAGES


def pools(*cases):
    for fields in cases:
        names = {"kernel_size" if k == "pool_size" else k: v for k, v in fields.items()}
        for kind, peer in ((MaxPool2d, F.max_pool2d), (AveragePool2d, F.avg_pool2d)):
            yield kind(**fields), lambda x, peer=peer, names=names: peer(x, **names), IMAGES


def batch_norm(x, scale, offset):
    return F.batch_norm(x, None, None, scale, offset, training=True)


CASES = [
    *with_fields(
        Conv2d,
        F.conv2d,
        {},
        {"padding": "same"},
        {"padding": (2, 1), "stride": 2},
        {"padding": 1, "stride": (2, 3)},
        {"padding": 2, "dilation": 2},
        {"groups": 2, "padding": 1},
        {"groups": 4, "stride": 2, "padding": 1},
        {"kernel_size": (1, 3), "dilation": (1, 2)},
        {"kernel_size": 1},
        {"use_bias": False},
    ),
    *with_fields(
        Conv2dTranspose,
        F.conv_transpose2d,
        {},
        {"stride": 2},
        {"stride": (2, 3), "padding": (2, 1), "output_padding": (1, 2)},
        {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
        {"dilation": (2, 1), "groups": 4},
        {"use_bias": False, "kernel_size": (2, 3)},
    ),
    *pools(
        {"pool_size": 2},
        {"pool_size": 3, "stride": 2, "padding": 1},
        {"pool_size": (2, 3), "stride": 1},
    ),
    (GlobalAveragePool2d(), lambda x: x.mean(dim=(2, 3)), IMAGES),
    (GlobalMaxPool2d(), lambda x: x.amax(dim=(2, 3)), IMAGES),
    (BatchNorm(), batch_norm, (7,)),
    (BatchNorm(), batch_norm, IMAGES),
    (LayerNorm(), lambda x, scale, offset: F.layer_norm(x, (7,), scale, offset), (7,)),
    (LayerNorm(), lambda x, scale, offset: F.layer_norm(x, IMAGES, scale, offset), IMAGES),
    *(
        (
            GroupNorm(groups=groups),
            lambda x, scale, offset, groups=groups: F.group_norm(x, groups, scale, offset),
            shape,
        )
        for shape in ((8,), (4, 5), IMAGES)
        for groups in (1, 2, 4)
    ),
    *(
        (
            RMSNorm(axes=axes),
            lambda x, scale, axes=axes: F.rms_norm(x, x.shape[-axes:], scale, 1e-6),
            shape,
        )
        for shape, axes in (((7,), 1), ((3, 5), 1), ((3, 5), 2), (IMAGES, 2))
    ),
    (Dense(units=4), lambda x, weights, biases: F.linear(x, weights.T, biases), (5, 3)),
]


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize(("layer", "peer", "shape"), CASES, ids=lambda e: getattr(e, "type", None))
def test_outputs_and_gradients(layer, peer, shape, order):
    x = RNG.normal(2, 3, size=(5, *shape))
    if layer.type == "global_max_pool2d":
        x[0, 0, :2] = 19  # several maxima
    parameters = {
        name: RNG.normal(size=parameter.shape)
        for name, parameter in layer.parameters(shape).items()
        if parameter.trainable
    }
    dy = RNG.normal(size=(5, *layer.output_shape(shape)))
    ours = run_layer(layer, x, dy, order, **parameters)
    require_same(ours, by_torch(peer, x, dy, **parameters))
