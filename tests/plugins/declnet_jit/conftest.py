"""Data to train on."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Four clouds of 20 features, 150 samples."""
    rng = np.random.default_rng(3)
    y = np.arange(150) % 4
    return rng.normal(size=(150, 20)) + y[:, None], y
