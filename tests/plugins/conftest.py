"""Fixtures: contexts of single components, Numba, and a spec that needs only kernels."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from declnet import DataInfo, Layer, LayerContext, Loss, RunContext

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
def outline_of() -> Callable[..., RunContext]:
    """Return a function that builds a run's context from layers declared as in a spec.

    A layer reads `inputs` or the layer before it, and is named by its type and count;
    `here` names the layer whose check is called.
    """

    def make(
        *layers: Any,
        data: DataInfo | dict[str, DataInfo] | None = None,
        loss: str | None = None,
        input_shape: tuple[int, ...] = (4,),
        here: str | None = None,
    ) -> RunContext:
        known: dict[str, LayerContext | None] = {"input": None}
        before = "input"
        for declaration in layers:
            layer = Layer.from_declaration(declaration)
            inputs = tuple(known[name] for name in layer.inputs or (before,))
            shapes = tuple(above.output_shape if above else input_shape for above in inputs)
            shape = layer.output_shape(shapes[0] if layer.n_inputs == 1 else shapes)
            count = sum(name.rpartition("_")[0] == layer.type for name in known)
            before = f"{layer.type}_{count + 1}"
            known[before] = LayerContext(before, layer, inputs, shapes, shape)
        sets = data if isinstance(data, dict) else {"train": data} if data else {}
        return RunContext(
            layers=tuple(layer for layer in known.values() if layer is not None),
            data=sets,
            loss=Loss.from_declaration(loss) if loss else None,
            here=known[here] if here else None,
        )

    return make


@pytest.fixture
def codes_of() -> Callable[..., list[str]]:
    """Return the codes found by a component's own check."""

    def find(component: Any, context: RunContext) -> list[str]:
        return [finding.code for finding in component.check(context)]

    return find


@pytest.fixture
def numba():
    """Return Numba; skip the test if it is not installed."""
    return pytest.importorskip("numba", reason="the extra jit is not installed")


@pytest.fixture
def spiral() -> dict[str, Any]:
    """The book's spiral with 100 samples per class, for 200 epochs."""
    return copy.deepcopy(SPIRAL)
