"""Losses and kernels that fuse a layer with a loss, against PyTorch in float64, to 1e-9."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from declnet_plugins.standard.layers.activations import Sigmoid, Softmax
from declnet_plugins.standard.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocal,
    Focal,
    Hinge,
    KLDivergence,
)
from declnet_plugins.standard.losses.distribution import GaussianNLL, Quantile
from declnet_plugins.standard.losses.kernels import (
    SigmoidBinaryCrossentropy,
    SoftmaxCategoricalCrossentropy,
)
from declnet_plugins.standard.losses.ordinal import Ordinal
from declnet_plugins.standard.losses.regression import (
    Cosine,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
)

from ..plain_arrays import run_kernel, run_loss

torch = pytest.importorskip("torch")
F = torch.nn.functional

N = 12
SHAPES = ((1,), (3,), (2, 4))
ORDERS = ("batch_last", "batch_first")
SMOOTHING = (0.0, 0.1, 0.7)


def name(value):
    if hasattr(value, "type"):
        return "-".join([value.type, *map(str, value.model_dump(exclude={"type"}).values())])
    return getattr(value, "__name__", None)


def mean_of_outputs(function, **arguments):
    """Return the function averaged over all outputs of a sample."""

    def peer(y_pred, y):
        elements = function(y_pred, y.to(y_pred.dtype), reduction="none", **arguments)
        return elements.reshape(len(elements), -1).mean(dim=1)

    return peer


def log_cosh(y_pred, y, reduction):
    return torch.logaddexp(y_pred - y, y - y_pred) - log(2)


def hinge(y_pred, y, reduction):
    return torch.relu(1 - (2 * y - 1) * y_pred)


def bce_of_smoothed(share):
    def bce(y_pred, y, reduction):
        return F.binary_cross_entropy(y_pred, (1 - share) * y + share / 2, reduction=reduction)

    return bce


def focal_of_cross_entropy(gamma, alpha):
    """Compute the definition: (1 - q)**gamma times torch's cross-entropy, -log(q)."""

    def focal(y_pred, y, reduction):
        entropies = F.binary_cross_entropy(y_pred, y, reduction=reduction)
        weights = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
        return weights * (1 - torch.exp(-entropies)) ** gamma * entropies

    return focal


def kl_divergence(y_pred, y):
    return F.kl_div(y_pred.log(), y, reduction="none").reshape(len(y), -1).sum(dim=1)


def crossentropy(share):
    def peer(y_pred, y):
        picked = F.nll_loss(y_pred.log(), y, reduction="none")
        return (1 - share) * picked - share * y_pred.log().mean(dim=1)

    return peer


def categorical_focal(gamma):
    def peer(y_pred, y):
        entropies = F.nll_loss(y_pred.log(), y, reduction="none")
        return (1 - torch.exp(-entropies)) ** gamma * entropies

    return peer


def cosine(y_pred, y):
    distances = 1 - F.cosine_similarity(y_pred, y, dim=-1)
    return distances.reshape(len(y), -1).mean(dim=1)


def ordinal(y_pred, y):
    """Compute the definition; torch, which has no such loss, differentiates it."""
    cuts = torch.cat([y_pred[:, :1], -F.softplus(y_pred[:, 1:])], dim=1).cumsum(dim=1)
    above = F.pad(F.pad(torch.sigmoid(cuts), (1, 0), value=1), (0, 1))
    return F.nll_loss((above[:, :-1] - above[:, 1:]).log(), y, reduction="none")


def values(rng, shape):
    y_pred, y = rng.normal(size=(2, N, *shape))
    y_pred *= 10.0 ** rng.integers(-3, 5, (N, *[1] * len(shape)))
    y[0] = y_pred[0]
    return y_pred, y


def chances(rng, shape):
    return rng.uniform(1e-6, 1 - 1e-6, (N, *shape)), rng.integers(0, 2, (N, *shape))


def distributions(rng, shape):
    y_pred, y = rng.dirichlet(np.ones(shape[-1]), (2, N, *shape[:-1]))
    y[0] = np.eye(shape[-1])[0]
    return y_pred, y


def classes(rng, shape):
    return rng.dirichlet(np.ones(*shape), N), rng.integers(0, *shape, N)


def counts(rng, shape):
    return rng.normal(scale=2, size=(N, *shape)), rng.poisson(3, size=(N, *shape))


def means_of_counts(rng, shape):
    y_pred, y = counts(rng, shape)
    return np.exp(y_pred), y


def directions(rng, shape):
    return rng.normal(size=(2, N, *shape))


def pinball(y_pred, y):
    """Compute the mean of scikit-learn's `mean_pinball_loss` over the loss's quantiles."""
    quantiles = torch.tensor(Quantile().quantiles)
    return torch.maximum(quantiles * (y - y_pred), (quantiles - 1) * (y - y_pred)).mean(dim=1)


def gaussian(y_pred, y):
    mean, variance = y_pred[:, :2], torch.exp(y_pred[:, 2:])
    return torch.nn.GaussianNLLLoss(full=True, reduction="none")(mean, y, variance).sum(dim=1)


def targets_of(count):
    return lambda rng, shape: (rng.normal(size=(N, *shape)), rng.normal(size=(N, count)))


def cuts(rng, shape):
    return 2 * rng.normal(size=(N, *shape)), rng.integers(0, shape[0] + 1, N)


CASES = (
    (MeanSquaredError(), mean_of_outputs(F.mse_loss), values, SHAPES),
    (MeanAbsoluteError(), mean_of_outputs(F.l1_loss), values, SHAPES),
    *(
        (Huber(delta=delta), mean_of_outputs(F.huber_loss, delta=delta), values, SHAPES)
        for delta in (1.0, 0.3, 5.0)
    ),
    (LogCosh(), mean_of_outputs(log_cosh), values, SHAPES),
    (Hinge(), mean_of_outputs(hinge), chances, SHAPES),
    *(
        (
            BinaryCrossentropy(label_smoothing=share),
            mean_of_outputs(bce_of_smoothed(share)),
            chances,
            SHAPES,
        )
        for share in SMOOTHING
    ),
    *(
        (
            Focal(gamma=gamma, alpha=alpha),
            mean_of_outputs(focal_of_cross_entropy(gamma, alpha)),
            chances,
            SHAPES,
        )
        for gamma, alpha in ((2.0, None), (2.0, 0.25), (0.5, None), (0.0, 0.75))
    ),
    (KLDivergence(), kl_divergence, distributions, [(3,), (2, 4)]),
    *(
        (CategoricalCrossentropy(label_smoothing=share), crossentropy(share), classes, [(5,)])
        for share in SMOOTHING
    ),
    *(
        (CategoricalFocal(gamma=gamma), categorical_focal(gamma), classes, [(5,)])
        for gamma in (0.0, 0.5, 2.0)
    ),
    (Poisson(), mean_of_outputs(F.poisson_nll_loss), counts, SHAPES),
    (
        Poisson(log_input=False),
        mean_of_outputs(F.poisson_nll_loss, log_input=False, eps=1e-7),
        means_of_counts,
        SHAPES,
    ),
    (Cosine(), cosine, directions, [(2,), (5,), (2, 4)]),
    (Ordinal(), ordinal, cuts, [(1,), (2,), (6,)]),
    (Quantile(), pinball, targets_of(1), [(3,)]),
    (GaussianNLL(), gaussian, targets_of(2), [(4,)]),
)


def require_same(ours, leaves, losses):
    """Assert that losses and their gradient equal torch's."""
    losses.sum().backward()
    np.testing.assert_allclose(ours[0], losses.detach().numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours[1], leaves.grad.numpy(), rtol=1e-9, atol=1e-9)


def leaf(array):
    return torch.tensor(array, requires_grad=True)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("loss", "peer", "draw", "shapes"), CASES, ids=name)
def test_losses_and_gradients(loss, peer, draw, shapes, order):
    for shape in shapes:
        y_pred, y = draw(np.random.default_rng(1), shape)
        leaves = leaf(y_pred)
        losses = peer(leaves, torch.tensor(y))
        require_same(run_loss(loss, y_pred, y, order), leaves, losses)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("share", SMOOTHING)
def test_losses_joined_with_their_layer(share, order):
    rng = np.random.default_rng(5)
    loss = CategoricalCrossentropy(label_smoothing=share)
    for classes in (2, 5, 200):
        logits, labels = rng.normal(size=(N, classes)), rng.integers(0, classes, N)
        leaves, targets = leaf(logits), torch.tensor(labels)
        losses = F.cross_entropy(leaves, targets, reduction="none", label_smoothing=share)
        kernel = SoftmaxCategoricalCrossentropy()
        ours = run_kernel(kernel, Softmax(), loss, logits, labels, order)[1:]
        require_same(ours, leaves, losses)
    loss = BinaryCrossentropy(label_smoothing=share)
    for shape in SHAPES:
        logits, y = rng.normal(scale=4, size=(N, *shape)), rng.integers(0, 2, (N, *shape))
        logits = np.clip(logits, -15, 15)  # the loss clips beyond
        leaves = leaf(logits)
        peer = mean_of_outputs(F.binary_cross_entropy_with_logits)
        losses = peer(leaves, torch.tensor((1 - share) * y + share / 2))
        ours = run_kernel(SigmoidBinaryCrossentropy(), Sigmoid(), loss, logits, y, order)[1:]
        require_same(ours, leaves, losses)
