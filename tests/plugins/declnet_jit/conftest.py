"""Numba, and a spec with kernels for all of its parts."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

SPIRAL: dict[str, Any] = {
    "declnet": 1,
    "data": {"train": {"type": "nnfs_spiral", "samples": 100, "classes": 3}},
    "model": {
        "layers": [
            {
                "type": "dense",
                "units": 64,
                "weight_regularizer": {"type": "l2", "strength": 5e-4},
                "bias_regularizer": {"type": "l2", "strength": 5e-4},
            },
            "relu",
            {"type": "dense", "units": 3},
            "softmax",
        ]
    },
    "loss": "categorical_crossentropy",
    "optimizer": {"type": "adam", "learning_rate": 0.02, "decay": 5e-7},
    "training": {"epochs": 200, "log_every": 50, "metrics": ["accuracy"]},
}


@pytest.fixture
def numba():
    """Numba; a test that needs it is skipped where it is missing."""
    return pytest.importorskip("numba", reason="the extra jit is not installed")


@pytest.fixture
def spiral() -> dict[str, Any]:
    """The spiral of the book, 100 samples a class, for 200 epochs."""
    return copy.deepcopy(SPIRAL)


@pytest.fixture
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Four clouds of 20 features, 150 samples."""
    rng = np.random.default_rng(3)
    y = np.arange(150) % 4
    return rng.normal(size=(150, 20)) + y[:, None], y
