"""Runs single components on plain arrays, without a graph."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def state_of() -> Callable[..., SimpleNamespace]:
    """A layer's state for n samples: given parameters, gradients of NaN, buffers as declared."""

    def make(layer: Any, input_shape: Any, n: int, **parameters: np.ndarray) -> SimpleNamespace:
        grad = {name: np.full_like(array, np.nan) for name, array in parameters.items()}
        buffers = {
            name: np.full(
                (n, *buffer.shape) if buffer.per_sample else buffer.shape,
                np.nan if buffer.fill is None and buffer.dtype is None else (buffer.fill or 0),
                buffer.dtype or float,
            )
            for name, buffer in layer.buffers(input_shape).items()
        }
        rng = np.random.default_rng(0)
        return SimpleNamespace(
            **parameters, **buffers, grad=SimpleNamespace(**grad), training=True, rng=rng
        )

    return make


@pytest.fixture
def take_steps() -> Callable[..., np.ndarray]:
    """Lets an optimizer follow given gradients; returns the parameters after each step."""

    def take(optimizer: Any, start: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        w = start.copy()
        scratch = (np.full_like(w, np.nan), np.full_like(w, np.nan))
        arrays = {name: np.zeros_like(w) for name in optimizer.state_names()}
        state = SimpleNamespace(scratch=scratch, **arrays)
        path = []
        for step, dw in enumerate(gradients, start=1):
            optimizer.update(w, dw.copy(), state, optimizer.rate(step), step)
            path.append(w.copy())
        return np.array(path)

    return take


@pytest.fixture
def descent() -> tuple[np.ndarray, np.ndarray]:
    """Five parameters, and their gradients of 20 steps, the last one always 0."""
    rng = np.random.default_rng(3)
    gradients = rng.normal(size=(20, 5))
    gradients[:, -1] = 0
    return rng.normal(size=5), gradients
