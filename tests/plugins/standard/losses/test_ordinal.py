"""The ordinal loss: agreement with its probabilities, also where they round to 0."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.losses.ordinal import Ordinal

from ....plain_arrays import run_loss


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_the_loss_is_the_negative_logarithm_of_the_probability(classes):
    rng = np.random.default_rng(classes)
    y_pred, y = 3 * rng.normal(size=(40, classes - 1)), rng.integers(0, classes, 40)
    probabilities = Ordinal().predictions(y_pred)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert (probabilities > 0).all()
    losses, _ = run_loss(Ordinal(), y_pred, y)
    np.testing.assert_allclose(losses, -np.log(probabilities[range(40), y]), rtol=1e-9)


def test_far_classes_have_finite_losses_where_probabilities_round_to_0():
    y_pred = np.array([[400.0, -50.0], [-400.0, -50.0]])
    losses, gradient = run_loss(Ordinal(), y_pred, np.array([0, 2]))
    np.testing.assert_allclose(losses, [400, 400])
    np.testing.assert_allclose(gradient[:, 0], [1, -1])
