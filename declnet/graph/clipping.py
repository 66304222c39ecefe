"""Keeps gradients from growing too large."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import sqrt

import numpy as np

from declnet.components.arrays import Array

Clip = Callable[[Array], None]


def clippings(norm: float | None, value: float | None) -> tuple[Clip, ...]:
    """What is done to the flat gradient before each update, regularizers included: first by value.

    Args:
        norm: scales the whole gradient down if its Euclidean norm is larger than this. (PyTorch's
            `clip_grad_norm_` divides by norm + 1e-6; this by the norm.)
        value: cuts each number to [-value, value].
    """
    by_value = () if value is None else (partial(_by_value, value),)
    by_norm = () if norm is None else (partial(_by_norm, norm),)
    return (*by_value, *by_norm)


def _by_value(value: float, gradient: Array) -> None:
    np.clip(gradient, -value, value, out=gradient)


def _by_norm(maximum: float, gradient: Array) -> None:
    norm = sqrt(float(np.vdot(gradient, gradient)))
    if norm > maximum:
        np.multiply(gradient, maximum / norm, out=gradient)
