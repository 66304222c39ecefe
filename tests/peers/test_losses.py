"""Losses, and their kernels with a layer, against PyTorch: float64, to 1e-9."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from declnet_plugins.standard.layers import Sigmoid, Softmax
from declnet_plugins.standard.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocal,
    Cosine,
    Focal,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    Ordinal,
    Poisson,
    SigmoidBinaryCrossentropy,
    SoftmaxCategoricalCrossentropy,
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


def mean_of_outputs(elements):
    return elements.reshape(len(elements), -1).mean(dim=1)


def log_cosh(y_pred, y, reduction):
    return torch.logaddexp(y_pred - y, y - y_pred) - log(2)


def huber(delta):
    return lambda y_pred, y, reduction: F.huber_loss(y_pred, y, reduction=reduction, delta=delta)


def hinge(y_pred, y, reduction):
    return torch.relu(1 - (2 * y - 1) * y_pred)


def bce_of_smoothed(share):
    return lambda y_pred, y, reduction: F.binary_cross_entropy(
        y_pred, (1 - share) * y + share / 2, reduction=reduction
    )


def focal_of_cross_entropy(gamma, alpha):
    """The definition: (1 - q)**gamma times torch's cross-entropy, -log(q)."""

    def focal(y_pred, y, reduction):
        entropies = F.binary_cross_entropy(y_pred, y, reduction=reduction)
        weights = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
        return weights * (1 - torch.exp(-entropies)) ** gamma * entropies

    return focal


VALUES = (
    (MeanSquaredError(), F.mse_loss),
    (MeanAbsoluteError(), F.l1_loss),
    (Huber(), huber(1.0)),
    (Huber(delta=0.3), huber(0.3)),
    (Huber(delta=5.0), huber(5.0)),
    (LogCosh(), log_cosh),
)
BINARY = (
    (Hinge(), hinge),
    *((BinaryCrossentropy(label_smoothing=share), bce_of_smoothed(share)) for share in SMOOTHING),
    *(
        (Focal(gamma=gamma, alpha=alpha), focal_of_cross_entropy(gamma, alpha))
        for gamma, alpha in ((2.0, None), (2.0, 0.25), (0.5, None), (0.0, 0.75))
    ),
)


def require_same(found, y_pred, losses):
    """Compare losses and their gradient with torch's."""
    losses.sum().backward()
    np.testing.assert_allclose(found[0], losses.detach().numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found[1], y_pred.grad.numpy(), rtol=1e-9, atol=1e-9)


def leaf(array):
    return torch.tensor(array, requires_grad=True)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("loss", "peer"), VALUES, ids=name)
def test_losses_of_values(loss, peer, shape, order):
    rng = np.random.default_rng(1)
    for scale in (1e-3, 2.0, 1e4):
        y_pred, y = rng.normal(scale=scale, size=(N, *shape)), rng.normal(size=(N, *shape))
        y[0] = y_pred[0]
        leaves = leaf(y_pred)
        losses = mean_of_outputs(peer(leaves, torch.tensor(y), reduction="none"))
        require_same(run_loss(loss, y_pred, y, order), leaves, losses)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("loss", "peer"), BINARY, ids=name)
def test_losses_of_binary_targets(loss, peer, shape, order):
    rng = np.random.default_rng(2)
    y_pred, y = rng.uniform(1e-6, 1 - 1e-6, (N, *shape)), rng.integers(0, 2, (N, *shape))
    leaves = leaf(y_pred)
    losses = mean_of_outputs(peer(leaves, torch.tensor(y, dtype=float), reduction="none"))
    require_same(run_loss(loss, y_pred, y, order), leaves, losses)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(3,), (2, 4)], ids=str)
def test_kl_divergence(shape, order):
    rng = np.random.default_rng(3)
    y_pred, y = rng.dirichlet(np.ones(shape[-1]), (2, N, *shape[:-1]))
    y[0] = np.eye(shape[-1])[0]
    leaves = leaf(y_pred)
    elements = F.kl_div(leaves.log(), torch.tensor(y), reduction="none")
    losses = elements.reshape(N, -1).sum(dim=1)
    require_same(run_loss(KLDivergence(), y_pred, y, order), leaves, losses)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("share", SMOOTHING)
def test_categorical_crossentropy(share, order):
    rng = np.random.default_rng(4)
    y_pred, labels = rng.dirichlet(np.ones(5), N), rng.integers(0, 5, N)
    leaves = leaf(y_pred)
    log_probabilities = leaves.log()
    picked = F.nll_loss(log_probabilities, torch.tensor(labels), reduction="none")
    losses = (1 - share) * picked - share * log_probabilities.mean(dim=1)
    found = run_loss(CategoricalCrossentropy(label_smoothing=share), y_pred, labels, order)
    require_same(found, leaves, losses)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("share", SMOOTHING)
@pytest.mark.parametrize("classes", [2, 5, 200])
def test_softmax_with_categorical_crossentropy(classes, share, order):
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(size=(N, classes)), rng.integers(0, classes, N)
    loss = CategoricalCrossentropy(label_smoothing=share)
    leaves = leaf(logits)
    losses = F.cross_entropy(leaves, torch.tensor(labels), reduction="none", label_smoothing=share)
    kernel = SoftmaxCategoricalCrossentropy()
    found = run_kernel(kernel, Softmax(), loss, logits, labels, order)[1:]
    require_same(found, leaves, losses)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("share", SMOOTHING)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sigmoid_with_binary_crossentropy(shape, share, order):
    rng = np.random.default_rng(6)
    logits, y = rng.normal(scale=4, size=(N, *shape)), rng.integers(0, 2, (N, *shape))
    logits = np.clip(logits, -15, 15)  # the loss clips beyond
    loss = BinaryCrossentropy(label_smoothing=share)
    leaves = leaf(logits)
    targets = torch.tensor((1 - share) * y + share / 2)
    losses = mean_of_outputs(F.binary_cross_entropy_with_logits(leaves, targets, reduction="none"))
    found = run_kernel(SigmoidBinaryCrossentropy(), Sigmoid(), loss, logits, y, order)[1:]
    require_same(found, leaves, losses)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_categorical_focal(gamma, order):
    rng = np.random.default_rng(7)
    y_pred, labels = rng.dirichlet(np.ones(5), N), rng.integers(0, 5, N)
    leaves = leaf(y_pred)
    entropies = F.nll_loss(leaves.log(), torch.tensor(labels), reduction="none")
    losses = (1 - torch.exp(-entropies)) ** gamma * entropies
    require_same(run_loss(CategoricalFocal(gamma=gamma), y_pred, labels, order), leaves, losses)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("log_input", [True, False])
def test_poisson(log_input, shape, order):
    rng = np.random.default_rng(8)
    y_pred, y = rng.normal(scale=2, size=(N, *shape)), rng.poisson(3, size=(N, *shape))
    y_pred = y_pred if log_input else np.exp(y_pred)
    leaves = leaf(y_pred)
    elements = F.poisson_nll_loss(
        leaves, torch.tensor(y), log_input=log_input, eps=1e-7, reduction="none"
    )
    found = run_loss(Poisson(log_input=log_input), y_pred, y, order)
    require_same(found, leaves, mean_of_outputs(elements))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(2,), (5,), (2, 4)], ids=str)
def test_cosine(shape, order):
    rng = np.random.default_rng(9)
    y_pred, y = rng.normal(size=(2, N, *shape))
    leaves = leaf(y_pred)
    losses = mean_of_outputs(1 - F.cosine_similarity(leaves, torch.tensor(y), dim=-1))
    require_same(run_loss(Cosine(), y_pred, y, order), leaves, losses)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_ordinal(classes, order):
    """The definition, differentiated by torch; it has no such loss."""
    rng = np.random.default_rng(10)
    y_pred, labels = 2 * rng.normal(size=(N, classes - 1)), rng.integers(0, classes, N)
    leaves = leaf(y_pred)
    cuts = torch.cat([leaves[:, :1], -F.softplus(leaves[:, 1:])], dim=1).cumsum(dim=1)
    above = F.pad(F.pad(torch.sigmoid(cuts), (1, 0), value=1), (0, 1))
    losses = F.nll_loss(
        (above[:, :-1] - above[:, 1:]).log(), torch.tensor(labels), reduction="none"
    )
    require_same(run_loss(Ordinal(), y_pred, labels, order), leaves, losses)
