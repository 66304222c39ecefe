"""Activations against PyTorch: outputs and gradients, in float64, to 1e-9."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.layers.activations import (
    ELU,
    SELU,
    HardSigmoid,
    LeakyReLU,
    Linear,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from declnet_plugins.standard.layers.gating import GLU, Maxout
from declnet_plugins.standard.layers.gelu import GELU
from declnet_plugins.standard.layers.prelu import PReLU

from ..plain_arrays import run_layer

torch = pytest.importorskip("torch")
nn = torch.nn

SHAPES = ((7,), (3, 4), (2, 6, 5))

EXTREME = [
    *(-1e4, -800.0, -745.0, -709.0, -104.0, -88.0, -40.0, -20.0, -8.0, -3.0, -1e-5, -1e-300, -0.0),
    *(1e4, 800.0, 745.0, 709.0, 104.0, 88.0, 40.0, 20.0, 8.0, 3.0, 1e-5, 1e-300, 0.0),
]
"""Values where exponentials overflow or vanish, and kinks."""


def hard_sigmoid(x):
    """Compute torch's documented formula; its Hardsigmoid rounds the gradient, 1/6, to float32."""
    return nn.functional.relu6(x + 3) / 6


PAIRS = (
    (ReLU(), nn.ReLU()),
    (Linear(), nn.Identity()),
    (Sigmoid(), nn.Sigmoid()),
    (Tanh(), nn.Tanh()),
    (LeakyReLU(), nn.LeakyReLU()),
    (LeakyReLU(negative_slope=0.3), nn.LeakyReLU(0.3)),
    (LeakyReLU(negative_slope=0.0), nn.LeakyReLU(0.0)),
    (LeakyReLU(negative_slope=1.0), nn.LeakyReLU(1.0)),
    (ELU(), nn.ELU()),
    (ELU(alpha=0.3), nn.ELU(alpha=0.3)),
    (ELU(alpha=2.0), nn.ELU(alpha=2.0)),
    (SELU(), nn.SELU()),
    (GELU(), nn.GELU()),
    (GELU(approximation="tanh"), nn.GELU(approximate="tanh")),
    (SiLU(), nn.SiLU()),
    (Mish(), nn.Mish()),
    # torch cuts the curve at its threshold, 20, by 2e-9; the curve itself is what we compare
    (Softplus(), nn.Softplus(threshold=40)),
    (Softplus(beta=0.5), nn.Softplus(beta=0.5, threshold=40)),
    (Softplus(beta=3.0), nn.Softplus(beta=3.0, threshold=40)),
    (HardSigmoid(), hard_sigmoid),
)


def label(value):
    return "x".join(map(str, value)) if isinstance(value, tuple) else value.__class__.__name__


def agrees(layer, module, x, dy, order="batch_last", tolerance=1e-9, **parameters):
    ours = run_layer(layer, x, dy, order, **parameters)
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, *parameters.values())]
    y = module(*leaves)
    y.backward(torch.tensor(dy))
    np.testing.assert_allclose(ours["y"], y.detach().numpy(), rtol=1e-9, atol=1e-9)
    for name, leaf in zip(("dx", *(f"grad.{name}" for name in parameters)), leaves, strict=True):
        expected = leaf.grad.numpy()
        np.testing.assert_allclose(ours[name], expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("layer", "module"), PAIRS, ids=label)
def test_outputs_and_gradients(layer, module):
    """Inputs are random, on a fine grid, and where exponentials overflow or vanish."""
    rng = np.random.default_rng(1)
    for shape in SHAPES:
        x, dy = rng.normal(scale=3, size=(9, *shape)), rng.normal(size=(9, *shape))
        for order in ("batch_last", "batch_first"):
            agrees(layer, module, x, dy, order)
    x = np.linspace(-12, 12, 4801)[:, None]
    agrees(layer, module, x, np.ones_like(x))
    x = np.array(EXTREME).reshape(2, -1)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        agrees(layer, module, x, np.full_like(x, 1.5))


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("shape", [*SHAPES, (1,), (1, 3)], ids=label)
def test_prelu(shape, shared, order):
    rng = np.random.default_rng(3)
    x, dy = rng.normal(size=(9, *shape)), rng.normal(size=(9, *shape))
    x[0] = 0
    slopes = rng.normal(size=1 if shared else shape[0])
    agrees(PReLU(shared=shared), nn.functional.prelu, x, dy, order, slopes=slopes)


def gated(function):
    """Return the first half of the channels times the function of the second."""

    def module(x):
        a, b = torch.chunk(x, 2, 1 if x.ndim == 4 else -1)
        return a * function(b)

    return module


GATES = {
    "sigmoid": torch.sigmoid,
    "silu": nn.functional.silu,
    "gelu": nn.functional.gelu,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "linear": lambda b: b,
}
OF_CHANNELS = [
    (Softmax(), nn.Softmax(dim=-1), [(5,), (3, 5)]),
    *(
        (GLU(activation=name), gated(function), [(8,), (3, 6), (4, 3, 5)])
        for name, function in GATES.items()
    ),
    (GLU(), nn.GLU(-1), [(8,), (3, 6)]),
    (Maxout(pieces=3), lambda x: x.unflatten(-1, (-1, 3)).amax(-1), [(12,), (3, 6)]),
]


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize(("layer", "module", "shapes"), OF_CHANNELS, ids=label)
def test_activations_over_channels(layer, module, shapes, order):
    rng = np.random.default_rng(4)
    for shape in shapes:
        x = rng.normal(scale=20 if layer.type == "softmax" else 2, size=(9, *shape))
        agrees(layer, module, x, rng.normal(size=module(torch.tensor(x)).shape), order)
