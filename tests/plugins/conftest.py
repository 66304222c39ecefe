"""Single components on plain arrays, without a graph; Numba, and a spec that needs only kernels."""

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
    """The context of a run: layers as a spec has them, each reading the one before or `inputs`.

    Each layer is named for its type and count; `here` names the one whose check is called.
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
    """Numba; a test that needs it is skipped where it is missing."""
    return pytest.importorskip("numba", reason="the extra jit is not installed")


@pytest.fixture
def spiral() -> dict[str, Any]:
    """The spiral of the book, 100 samples a class, for 200 epochs."""
    return copy.deepcopy(SPIRAL)
