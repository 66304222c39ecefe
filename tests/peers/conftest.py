"""Runs declnet's components on plain arrays, to compare them with those of other libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from declnet.testing.benches.fusion_bench import FusionBench
from declnet.testing.benches.layer_arrays import LayerData
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.loss_bench import LossBench, LossData
from declnet.testing.settings import Setting
from declnet.testing.subjects import Subject


@pytest.fixture
def run_layer() -> Callable[..., dict[str, np.ndarray]]:
    """Runs a layer forward and backward; gives `y`, `dx` and `grad.<parameter>` by name."""

    def run(
        layer: Any, x: np.ndarray, dy: np.ndarray, order: Any = "batch_last", **parameters: Any
    ) -> dict[str, np.ndarray]:
        setting = Setting(len(x), len(x), dtype=dy.dtype.name, input_order=order, order=order)
        bench = LayerBench(Subject(layer), x.shape[1:], setting)
        bench.initial |= parameters
        return bench.run(LayerData((x,), dy))

    return run


@pytest.fixture
def run_loss() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Runs a loss forward and backward, for y as a user gives it; losses and `dy_pred`."""

    def run(
        loss: Any, y_pred: np.ndarray, y: np.ndarray, order: Any = "batch_last"
    ) -> tuple[np.ndarray, np.ndarray]:
        setting = Setting(len(y), len(y), dtype=y_pred.dtype.name, input_order=order, order=order)
        return LossBench(loss, y_pred.shape[1:], setting).run(LossData(y_pred, y))

    return run


@pytest.fixture
def run_fusion() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Runs a fusion forward and backward, for y as a user gives it; losses and `dx`."""

    def run(
        fusion: Any, x: np.ndarray, y: np.ndarray, order: Any = "batch_last"
    ) -> tuple[np.ndarray, np.ndarray]:
        setting = Setting(len(x), len(x), dtype=x.dtype.name, input_order=order, order=order)
        bench = FusionBench(Subject(fusion), x.shape[1:], setting)
        bench.place(x, y)
        return bench.forward()["losses"], bench.backward()["dx"]

    return run
