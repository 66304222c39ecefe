from __future__ import annotations

from math import cosh, log, tanh

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.losses import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError

from ....plain_arrays import run_loss

ERRORS = [[0.0], [0.5], [-1.0], [2.0], [-3.0], [1e4]]


@pytest.mark.parametrize(
    ("loss", "errors", "losses", "slopes"),
    [
        (MeanSquaredError(), [[1.0, 3.0], [0.0, -2.0]], [5, 2], [[1, 3], [0, -2]]),  # not halved
        (MeanSquaredError(), np.ones((1, 2, 3)), [1], np.full((1, 2, 3), 1 / 3)),
        (MeanAbsoluteError(), [[1.0, 3.0], [0.0, -2.0]], [2, 1], [[0.5, 0.5], [0, -0.5]]),
        (
            Huber(),
            ERRORS,
            [0, 0.125, 0.5, 1.5, 2.5, 9999.5],
            [[0], [0.5], [-1], [1], [-1], [1]],
        ),
        (Huber(delta=2.0), [[2.0], [5.0]], [2, 2 * (5 - 1)], [[2], [2]]),
        (Huber(), [[0.5, 3.0]], [(0.125 + 2.5) / 2], [[0.25, 0.5]]),
        (
            LogCosh(),
            [[1.0, -2.5]],
            [(log(cosh(1)) + log(cosh(2.5))) / 2],
            [[tanh(1) / 2, tanh(-2.5) / 2]],
        ),
    ],
    ids=lambda each: getattr(each, "type", None),
)
def test_losses_are_means_over_the_outputs(loss, errors, losses, slopes):
    errors = np.array(errors)
    target = np.full(errors.shape, 0.5)
    for found, expected in zip(run_loss(loss, errors + 0.5, target), (losses, slopes), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("delta", [0.0, -1.0])
def test_delta_is_positive(delta):
    with pytest.raises(ValidationError, match="delta"):
        Huber(delta=delta)


def test_large_errors_of_log_cosh_do_not_overflow():
    with np.errstate(over="raise"):
        losses, dy_pred = run_loss(LogCosh(), np.float32([[1e4], [-1e4]]), [0, 0])
    np.testing.assert_allclose(losses, [1e4 - log(2)] * 2, rtol=1e-6)
    np.testing.assert_array_equal(dy_pred, [[1], [-1]])


def test_small_errors_of_log_cosh_keep_their_digits():
    losses, _ = run_loss(LogCosh(), [[1e-3], [1e-6]], [0, 0])
    np.testing.assert_allclose(losses, [1e-6 / 2, 1e-12 / 2], rtol=1e-6)
    losses, _ = run_loss(LogCosh(), np.float32([[1e-3]]), [0])
    np.testing.assert_allclose(losses, [1e-6 / 2], rtol=1e-3)
