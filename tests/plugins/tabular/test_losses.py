"""The mean of the members' losses, and the mean of their predictions."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.tabular.losses import MembersCrossentropy, MembersSquaredError


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def run(loss, y_pred, y):
    y_true = loss.prepare(y, y_pred.shape[1:], y_pred.dtype)
    losses, dy = np.empty(len(y)), np.empty_like(y_pred)
    loss.forward(y_pred, y_true, losses)
    loss.backward(y_pred, y_true, dy)
    return losses, dy


def test_large_logits_do_not_overflow(rng):
    z = np.array([[[1e4, 0.0, -1e4], [0.0, 0.0, 0.0]]])
    losses, dy = run(MembersCrossentropy(), z, np.array([2]))
    np.testing.assert_allclose(losses, (2e4 + np.log(3)) / 2)
    np.testing.assert_allclose(dy[0], [[0.5, 0, -0.5], [1 / 6, 1 / 6, -1 / 3]])


@pytest.mark.parametrize("loss", [MembersCrossentropy(), MembersSquaredError()])
def test_an_output_without_members_is_refused(loss):
    with pytest.raises(ValueError, match=r"needs a last layer of shape \(members"):
        loss.prepare(np.zeros(3, int), (2,), np.dtype(float))


def test_predictions_are_the_mean_of_the_members():
    z = np.random.default_rng(7).normal(size=(6, 4, 3))
    shares = np.exp(z) / np.exp(z).sum(axis=2, keepdims=True)
    result = MembersCrossentropy().predictions(z)
    np.testing.assert_allclose(result, shares.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(MembersSquaredError().predictions(z), z.mean(axis=1))
