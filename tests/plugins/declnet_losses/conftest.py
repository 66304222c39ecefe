"""Runs losses and fusions on plain arrays, laid out as the graph does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from declnet import Loss
from declnet.testing.benches.loss_bench import LossBench, LossData
from declnet.testing.settings import Setting

Losses = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def run_loss() -> Callable[..., Losses]:
    """Losses and gradient of predictions, for y as a user gives it."""

    def run(loss: Loss, y_pred: Any, y: Any, dtype: str = "float64") -> Losses:
        given = np.array(y_pred, float)
        bench = LossBench(loss, given.shape[1:], Setting(len(given), len(given), dtype=dtype))
        return bench.run(LossData(given, np.array(y)))

    return run


@pytest.fixture
def run_fusion() -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """y, losses and dx of a last layer's input, for y as a user gives it."""

    def run(
        fusion: Any, x: Any, y: Any, dtype: str = "float64"
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        given = np.array(x, dtype)
        y_true = fusion.loss.prepare(np.array(y), given.shape[1:], given.dtype)
        y_pred, dx = np.full_like(given, np.nan), np.full_like(given, np.nan)
        losses = np.full(len(given), np.nan, dtype)
        fusion.forward(given, y_true, y_pred, losses)
        fusion.backward(given, y_pred, y_true, dx)
        return y_pred, losses, dx

    return run
