from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from declnet import RunContext
from declnet_plugins.standard.losses.regression import Cosine, LogCosh, Poisson

from ....plain_arrays import run_loss


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


@pytest.mark.parametrize(
    ("loss", "y_pred", "y", "losses", "slopes"),
    [
        (Poisson(), [[-40.0], [71.0]], [2, 1], [80, 2 * exp(70)], [[-2], [exp(70)]]),
        (
            Poisson(log_input=False),
            [[2.0, 0.0]],
            [[3, 0]],
            [(2 - 3 * log(2 + 1e-7)) / 2],
            [[(1 - 3 / (2 + 1e-7)) / 2, 0.5]],
        ),
        (
            Cosine(),
            [[3.0, 4.0], [3.0, 4.0], [-30.0, -40.0]],
            [[6, 8], [4, -3], [3, 4]],
            [0, 1, 2],
            [[0, 0], [-0.16, 0.12], [0, 0]],
        ),
        (Cosine(), [[0.0, 0.0]], [[0, 5]], [1], [[0, -1e8]]),
        (
            Cosine(),  # the mean over both vectors of a sample
            [[[1.0, 0.0], [0.0, 2.0]]],
            [[[0, 1], [0, 7]]],
            [0.5],
            [[[0, -0.5], [0, 0]]],
        ),
    ],
    ids=lambda loss: getattr(loss, "type", None),
)
def test_counts_and_directions(loss, y_pred, y, losses, slopes):
    result = run_loss(loss, y_pred, y)
    np.testing.assert_allclose(result[0], losses, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(result[1], slopes, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("loss", "y", "shape", "message"),
    [
        (Poisson(), [1, -2], (1,), "poisson needs counts of at least 0, but y has -2"),
        (Cosine(), [[1, 0], [0, 0]], (2,), "y has a sample of zeros alone"),
        (Cosine(), [[1], [2]], (1,), r"cosine needs two or more outputs, not \(1,\)"),
    ],
)
def test_targets_that_do_not_fit_are_refused(loss, y, shape, message):
    with pytest.raises(ValueError, match=message):
        loss.prepare(np.array(y), shape, np.dtype(float))


@pytest.mark.parametrize(
    ("log_input", "activation", "words"),
    [
        (True, "linear", None),
        (True, "softplus", "takes logarithms, but the model's output is never below 0"),
        (True, "elu", None),
        (False, "softplus", None),
        (False, "linear", "takes mean counts, but the model's output may be below 0"),
    ],
)
def test_poisson_reports_unsuitable_outputs(log_input, activation, words, outline_of):
    context = outline_of({"type": "dense", "units": 1}, activation)
    problems = list(Poisson(log_input=log_input).check(context))
    assert [words in problem.message for problem in problems] == ([True] if words else [])
    assert list(Poisson(log_input=log_input).check(RunContext())) == []
