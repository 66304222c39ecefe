"""Runs declnet's components on plain arrays, to compare them with those of other libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from declnet.testing.benches.layer_arrays import LayerData
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.settings import Setting
from declnet.testing.subjects import Subject


@pytest.fixture
def run_layer() -> Callable[..., dict[str, np.ndarray]]:
    """Runs a layer forward and backward; gives `y`, `dx` and `grad.<parameter>` by name."""

    def run(
        layer: Any, x: np.ndarray, dy: np.ndarray, order: Any = "feature_major", **parameters: Any
    ) -> dict[str, np.ndarray]:
        setting = Setting(len(x), len(x), dtype=dy.dtype.name, input_order=order, order=order)
        bench = LayerBench(Subject(layer), x.shape[1:], setting)
        bench.initial |= parameters
        return bench.run(LayerData((x,), dy))

    return run
