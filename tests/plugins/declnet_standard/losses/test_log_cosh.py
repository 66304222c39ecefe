from __future__ import annotations

from math import cosh, log, tanh

import numpy as np

from declnet_standard.losses import LogCosh


def test_is_the_mean_over_the_outputs(run_loss):
    losses, dy_pred = run_loss(LogCosh(), [[1.0, -2.5]], [[0, 0]])
    np.testing.assert_allclose(losses, [(log(cosh(1)) + log(cosh(2.5))) / 2], rtol=1e-12)
    np.testing.assert_allclose(dy_pred, [[tanh(1) / 2, tanh(-2.5) / 2]], rtol=1e-12)


def test_large_errors_do_not_overflow(run_loss):
    with np.errstate(over="raise"):
        losses, dy_pred = run_loss(LogCosh(), [[1e4], [-1e4]], [0, 0], "float32")
    np.testing.assert_allclose(losses, [1e4 - log(2)] * 2, rtol=1e-6)
    np.testing.assert_array_equal(dy_pred, [[1], [-1]])


def test_small_errors_keep_their_digits(run_loss):
    losses, _ = run_loss(LogCosh(), [[1e-3], [1e-6]], [0, 0])
    np.testing.assert_allclose(losses, [1e-6 / 2, 1e-12 / 2], rtol=1e-6)
    losses, _ = run_loss(LogCosh(), [[1e-3]], [0], "float32")
    np.testing.assert_allclose(losses, [1e-6 / 2], rtol=1e-3)
