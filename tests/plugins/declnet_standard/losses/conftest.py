"""Runs losses, and kernels that join them with a layer, on plain arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from declnet import Loss

from .... import plain_arrays

Losses = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def run_loss() -> Callable[..., Losses]:
    """Losses and gradient of predictions, for y as a user gives it."""

    def run(loss: Loss, y_pred: Any, y: Any, dtype: str = "float64") -> Losses:
        return plain_arrays.run_loss(loss, np.array(y_pred, dtype), y)

    return run


@pytest.fixture
def run_joined() -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """y, losses and dx of a last layer's input by a kernel, for y as a user gives it."""

    def run(
        kernel: Any, layer: Any, loss: Loss, x: Any, y: Any, dtype: str = "float64"
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return plain_arrays.run_kernel(kernel, layer, loss, np.array(x, dtype), y)

    return run
