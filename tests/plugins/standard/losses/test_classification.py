from __future__ import annotations

from math import log

import numpy as np
import pytest

from declnet_plugins.standard.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Focal,
    Hinge,
    KLDivergence,
)

from ....plain_arrays import run_loss

FLOAT = np.dtype(float)
SLOPE = 1 / (1 - 1e-7)
LARGE, SMALL = -log(1e-7), -log(1 - 1e-7)


@pytest.mark.parametrize(
    ("loss", "y_pred", "y", "losses", "slopes"),
    [
        (
            BinaryCrossentropy(),  # clipped
            [[0.0], [0.0], [1.0], [1.0]],
            [0, 1, 0, 1],
            [SMALL, LARGE, LARGE, SMALL],
            [[SLOPE], [-1e7], [1e7], [-SLOPE]],
        ),
        (CategoricalCrossentropy(), [[0.0, 1.0]], [0], [LARGE], [[-1e7, 0]]),
        (
            CategoricalCrossentropy(label_smoothing=0.2),  # clipped
            [[0.0, 1.0]],
            [1],
            [0.1 * LARGE + 0.9 * SMALL],
            [[-0.1e7, -0.9 * SLOPE]],
        ),
        (
            KLDivergence(),
            [[0.25, 0.75], [0.2, 0.8], [1.0, 0.0], [0.0, 1.0]],
            [[0.5, 0.5], [0.2, 0.8], [1.0, 0.0], [1.0, 0.0]],  # equal: 0; the last one: clipped
            [0.5 * log(2) + 0.5 * log(2 / 3), 0, 0, LARGE],
            [[-2, -2 / 3], [-1, -1], [-1, 0], [-1e7, 0]],
        ),
        (Focal(), [[0.0]], [1], [(1 - 1e-7) ** 2 * LARGE], [[-2 * LARGE - 1e7 + 2]]),  # clipped
        (
            Hinge(),
            [[0.25], [2.0], [0.25], [-3.0], [1.0], [-1.0]],  # 0 at the kink
            [1, 1, 0, 0, 1, 0],
            [0.75, 0, 1.25, 0, 0, 0],
            [[-1], [0], [1], [0], [0], [0]],
        ),
    ],
    ids=lambda loss: getattr(loss, "type", None),
)
def test_losses_and_gradients(loss, y_pred, y, losses, slopes):
    result = run_loss(loss, y_pred, y)
    rtol = 1e-8 if SMALL in losses or loss == Focal() else 1e-12  # 1 - p loses digits
    np.testing.assert_allclose(result[0], losses, rtol=rtol)
    np.testing.assert_allclose(result[1], slopes, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_0_log_0_is_0(dtype):
    y_pred = np.array([[0.2, 0.8, 0.0]], dtype)
    losses, dy_pred = run_loss(KLDivergence(), y_pred, [[0, 1, 0]])
    np.testing.assert_allclose(losses, [-log(0.8)], rtol=1e-6)
    np.testing.assert_allclose(dy_pred, [[0, -1 / 0.8, 0]], rtol=1e-6)


def test_small_losses_keep_their_digits_in_float32():
    losses, _ = run_loss(BinaryCrossentropy(), np.float32([[1e-6], [2e-5]]), [0, 0])
    np.testing.assert_allclose(losses, [1e-6, 2e-5], rtol=0.05)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (KLDivergence(), [[1.5, -0.5, 0]], r"kl_divergence needs probabilities, but y has -0\.5"),
        (Hinge(), [[-1, 1, 1]], "binary targets are 0 and 1, but y has -1"),
        (
            BinaryCrossentropy(label_smoothing=0.2),
            [[0.5, 0, 1]],
            r"binary targets are 0 and 1, but y has 0\.5",
        ),
    ],
)
def test_targets_that_do_not_fit_are_refused(loss, y, message):
    with pytest.raises(ValueError, match=message):
        loss.prepare(np.array(y), (3,), FLOAT)
