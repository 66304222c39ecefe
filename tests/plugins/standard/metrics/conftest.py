"""Metrics of data in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from declnet import Metric


@pytest.fixture
def value_of() -> Callable[..., float]:
    """Return a metric's value over batches of the given sizes, by default a single batch."""

    def value(metric: Metric, y_pred: Any, y: Any, *sizes: int) -> float:
        state, first = metric.start(), 0
        predictions, targets = np.array(y_pred), np.array(y)
        for size in sizes or (len(targets),):
            part = slice(first, first + size)
            metric.update(state, predictions[part].copy(), targets[part].copy())
            first += size
        assert first == len(targets)
        result = metric.result(state)
        assert isinstance(result, float)
        return result

    return value
