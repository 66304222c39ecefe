"""Initializers against `torch.nn.init`: distributions are compared, as draws differ."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from declnet_plugins.standard.initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Normal,
    Orthogonal,
    TruncatedNormal,
    Uniform,
)

torch = pytest.importorskip("torch")
init = torch.nn.init

FAN_IN, FAN_OUT = 250, 160


def ours(initializer, shape=(FAN_IN, FAN_OUT), seed=0):
    w = np.full(shape, np.nan)
    initializer.fill(w, np.random.default_rng(seed), FAN_IN, FAN_OUT)
    return w


def theirs(fill, shape=(FAN_OUT, FAN_IN), seed=0, **arguments):
    """Draw torch's weights of a linear layer, of shape (outputs, inputs)."""
    w = torch.empty(shape, dtype=torch.float64)
    fill(w, generator=torch.Generator().manual_seed(seed), **arguments)
    return w.numpy()


def distance(a, b):
    """Return the Kolmogorov-Smirnov distance of two samples."""
    a, b = np.sort(a, axis=None), np.sort(b, axis=None)
    values = np.concatenate([a, b])
    shares = [np.searchsorted(x, values, side="right") / x.size for x in (a, b)]
    return np.abs(shares[0] - shares[1]).max()


def limit(a, b):
    """Return the distance that samples of one distribution exceed once in a thousand cases."""
    return 1.95 * sqrt(1 / a.size + 1 / b.size)


CASES = [
    (Normal(mean=0.5, std=0.2), init.normal_, {"mean": 0.5, "std": 0.2}),
    (Uniform(low=-0.2, high=0.6), init.uniform_, {"a": -0.2, "b": 0.6}),
    (GlorotNormal(), init.xavier_normal_, {}),
    (GlorotUniform(), init.xavier_uniform_, {}),
    (HeNormal(), init.kaiming_normal_, {"nonlinearity": "relu"}),
    (HeUniform(), init.kaiming_uniform_, {"nonlinearity": "relu"}),
    (LecunNormal(), init.kaiming_normal_, {"nonlinearity": "linear"}),
    (LecunUniform(), init.kaiming_uniform_, {"nonlinearity": "linear"}),
    # PyTorch cuts at absolute limits
    (TruncatedNormal(std=0.3), init.trunc_normal_, {"std": 0.3, "a": -0.6, "b": 0.6}),
    (
        TruncatedNormal(mean=1.0, std=0.01),
        init.trunc_normal_,
        {"mean": 1.0, "std": 0.01, "a": 0.98, "b": 1.02},
    ),
    (Orthogonal(), init.orthogonal_, {}),
    (Orthogonal(gain=1.5), init.orthogonal_, {"gain": 1.5}),
]


@pytest.mark.parametrize(
    ("initializer", "fill", "arguments"),
    CASES,
    ids=lambda value: getattr(value, "__name__", None) or repr(value),
)
def test_draws_have_the_distribution_of_torchs(initializer, fill, arguments):
    w, peer = ours(initializer), theirs(fill, **arguments)
    std = peer.std()
    assert w.mean() == pytest.approx(peer.mean(), abs=5 * std * sqrt(2 / w.size))
    assert w.std() == pytest.approx(std, rel=0.02)
    assert distance(w, peer) < limit(w, peer)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (8, 3, 2, 2), (20, 2, 3, 3)])
def test_orthogonal_matrices_are_flattened_like_torchs(shape):
    for w in (ours(Orthogonal(gain=2.0), shape), theirs(init.orthogonal_, shape, gain=2.0)):
        flat = w.reshape(shape[0], -1)
        product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
        np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)
