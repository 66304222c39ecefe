from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.metrics import R2


def test_compares_with_the_mean(figure_of):
    y = [1.0, 2.0, 3.0, 6.0]  # mean 3, squares 4 + 1 + 0 + 9
    assert figure_of(R2(), [[1.0], [2.0], [3.0], [6.0]], y) == 1
    assert figure_of(R2(), [[3.0]] * 4, y, 1, 3) == 0
    assert figure_of(R2(), [[1.0], [2.0], [4.0], [4.0]], y, 2, 2) == pytest.approx(1 - 5 / 14)


def test_averages_the_outputs(figure_of):
    y = [[0.0, 0.0], [2.0, 20.0]]
    assert figure_of(R2(), [[0.0, 0.0], [2.0, 10.0]], y) == pytest.approx((1 + 0.5) / 2)


@pytest.mark.parametrize("value", [0.1, 1e8 + 0.3])
@pytest.mark.parametrize("sizes", [(10,), (3, 7), (1,) * 10])
def test_constant_targets_give_1_or_0(value, sizes, figure_of):
    y = np.full(10, value)
    assert figure_of(R2(), y[:, None], y, *sizes) == 1
    assert figure_of(R2(), y[:, None] + 1e-3, y, *sizes) == 0


def test_far_from_0_nothing_cancels(figure_of):
    rng = np.random.default_rng(1)
    y = rng.normal(size=200)
    y_pred = (y + rng.normal(scale=0.1, size=200))[:, None]
    near = figure_of(R2(), y_pred, y)
    assert figure_of(R2(), y_pred + 1e8, y + 1e8, *[20] * 10) == pytest.approx(near, abs=1e-6)
