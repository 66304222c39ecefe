"""A small classification task, and specs of networks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import declnet


def dense(units: int = 16, **more: Any) -> dict[str, Any]:
    return {"type": "dense", "units": units, **more}


@pytest.fixture
def network(tmp_path) -> Callable[..., declnet.RunSpec]:
    """Make a spec with these hidden layers, for 60 scaled and shifted points of 3 classes."""

    def make(
        *hidden: Any,
        scale: float = 1.0,
        shift: float = 0.0,
        rate: float = 0.01,
        registry: declnet.Registry | None = None,
        **sections: Any,
    ) -> declnet.RunSpec:
        x = np.random.default_rng(0).normal(size=(60, 4)) * scale + shift
        np.savez(tmp_path / "points.npz", x=x, y=np.arange(60) % 3)
        document = {
            "data": {"train": {"type": "npz", "path": str(tmp_path / "points.npz")}},
            "model": {"layers": [*hidden, dense(3), "softmax"]},
            "loss": "categorical_crossentropy",
            "optimizer": {"type": "adam", "learning_rate": rate},
            "training": {"epochs": 300},
        }
        return declnet.parse_spec(document | sections, registry)

    return make


@pytest.fixture
def make(document, changed):
    """Make a spec of the small document with changed values."""

    def spec(registry=None, **values):
        dotted = {key.replace("__", "."): value for key, value in values.items()}
        return declnet.parse_spec(changed(document, dotted), registry)

    return spec
