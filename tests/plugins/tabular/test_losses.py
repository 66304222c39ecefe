"""The mean of the members' losses, and the mean of their predictions."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.losses import CategoricalCrossentropy, MeanSquaredError
from declnet_plugins.tabular import MembersCrossentropy, MembersSquaredError

N, K, C = 6, 4, 3


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def run(loss, y_pred, y):
    y_true = loss.prepare(y, y_pred.shape[1:], y_pred.dtype)
    losses, dy = np.empty(len(y)), np.empty_like(y_pred)
    loss.forward(y_pred, y_true, losses)
    loss.backward(y_pred, y_true, dy)
    return losses, dy


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_classes_are_the_mean_of_each_members_crossentropy(rng, smoothing):
    z, y = 3 * rng.normal(size=(N, K, C)), rng.integers(0, C, N)
    losses, _ = run(MembersCrossentropy(label_smoothing=smoothing), z, y)
    alone = CategoricalCrossentropy(label_smoothing=smoothing)
    each = [run(alone, softmax(z[:, k]), y)[0] for k in range(K)]
    np.testing.assert_allclose(losses, np.mean(each, axis=0), rtol=1e-12)
    predictions = MembersCrossentropy().predictions(z)
    np.testing.assert_allclose(predictions, softmax(z).mean(axis=1), rtol=1e-12)


def test_large_logits_do_not_overflow(rng):
    z = np.array([[[1e4, 0.0, -1e4], [0.0, 0.0, 0.0]]])
    losses, dy = run(MembersCrossentropy(), z, np.array([2]))
    np.testing.assert_allclose(losses, (2e4 + np.log(3)) / 2)
    np.testing.assert_allclose(dy[0], [[0.5, 0, -0.5], [1 / 6, 1 / 6, -1 / 3]])


def test_numbers_are_the_mean_of_each_members_squares(rng):
    z, y = rng.normal(size=(N, K, 2)), rng.normal(size=(N, 2))
    losses, dy = run(MembersSquaredError(), z, y)
    each = [run(MeanSquaredError(), z[:, k], y) for k in range(K)]
    np.testing.assert_allclose(losses, np.mean([own for own, _ in each], axis=0))
    np.testing.assert_allclose(dy, np.stack([own for _, own in each], axis=1) / K)
    np.testing.assert_allclose(MembersSquaredError().predictions(z), z.mean(axis=1))


@pytest.mark.parametrize("loss", [MembersCrossentropy(), MembersSquaredError()])
def test_an_output_without_members_is_refused(loss):
    with pytest.raises(ValueError, match=r"needs a last layer of shape \(members"):
        loss.prepare(np.zeros(3, int), (2,), np.dtype(float))
