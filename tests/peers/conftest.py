"""Helpers to run declnet's components on plain arrays, for comparison with other libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .. import plain_arrays


@pytest.fixture
def run_layer() -> Callable[..., dict[str, np.ndarray]]:
    """Run a layer forward and backward; return `y`, `dx` and `grad.<parameter>` by name."""

    def run(
        layer: Any, x: np.ndarray, dy: np.ndarray, order: Any = "batch_last", **parameters: Any
    ) -> dict[str, np.ndarray]:
        alone = plain_arrays.LayerRun(layer, x.shape[1:], len(x), dtype=dy.dtype.name, order=order)
        alone.initial |= parameters
        return alone.run(x, dy)

    return run


@pytest.fixture
def run_loss() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Run a loss forward and backward, for y as given by the user; return losses and `dy_pred`."""
    return plain_arrays.run_loss


@pytest.fixture
def run_joined() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Run a kernel of a layer and a loss, for y as given by the user; return losses and `dx`."""

    def run(
        kernel: Any, layer: Any, loss: Any, x: np.ndarray, y: np.ndarray, order: Any = "batch_last"
    ) -> tuple[np.ndarray, np.ndarray]:
        _, losses, dx = plain_arrays.run_kernel(kernel, layer, loss, x, y, order)
        return losses, dx

    return run
