"""What a layer promises about gradients: they are those of its forward."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.testing.benches.layer_arrays import LayerData
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.layer_shapes import working_shapes
from declnet.testing.benches.layer_values import data_for
from declnet.testing.check import check
from declnet.testing.failures import CheckSkipped
from declnet.testing.numeric_gradient import Draw, Function, require_gradient
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject

SAMPLES = 3


@check
def gradient_of_inputs(subject: Subject) -> None:
    """Fills `dx` with the gradient of forward by `x`, as central differences give it."""
    if subject.instance.input_dtype == "integer":
        raise CheckSkipped("its inputs are integers, which have no gradient")
    for shape in working_shapes(subject):
        count = 1 if subject.instance.n_inputs == 1 else len(shape)
        for position in range(count):
            name = "dx" if subject.instance.n_inputs == 1 else f"dx[{position}]"
            draw = _by_input(subject, shape, position, name)
            require_gradient(draw, f"{name} for input shape {shape}")


@check
def gradient_of_parameters(subject: Subject) -> None:
    """Fills `state.grad` with the gradients of forward by each trainable parameter."""
    checked = 0
    for shape in working_shapes(subject):
        for name in LayerBench(subject, shape, USUAL).trainable:
            draw = _by_parameter(subject, shape, name)
            require_gradient(draw, f"grad.{name} for input shape {shape}")
            checked += 1
    if not checked:
        raise CheckSkipped("it has no trainable parameters")


CHECKS = (gradient_of_inputs, gradient_of_parameters)


def _by_input(subject: Subject, shape: Any, position: int, name: str) -> Draw:
    def draw(seed: int) -> tuple[Function, Array, Array]:
        bench, data = _bench(subject, shape, seed)
        gradient = bench.run(data)[name]

        def weighted_sum(values: Array) -> float:
            x = (*data.x[:position], values, *data.x[position + 1 :])
            return _weighted_sum(bench, LayerData(x, data.dy))

        return weighted_sum, data.x[position], gradient

    return draw


def _by_parameter(subject: Subject, shape: Any, name: str) -> Draw:
    def draw(seed: int) -> tuple[Function, Array, Array]:
        bench, data = _bench(subject, shape, seed)
        gradient, point = bench.run(data)[f"grad.{name}"], bench.initial[name].copy()

        def weighted_sum(values: Array) -> float:
            bench.initial[name] = values
            total = _weighted_sum(bench, data)
            bench.initial[name] = point
            return total

        return weighted_sum, point, gradient

    return draw


def _bench(subject: Subject, shape: Any, seed: int) -> tuple[LayerBench, LayerData]:
    setting = USUAL.but(samples=SAMPLES, capacity=SAMPLES, seed=seed)
    bench = LayerBench(subject, shape, setting)
    return bench, data_for(subject, bench, seed).first(SAMPLES)


def _weighted_sum(bench: LayerBench, data: LayerData) -> float:
    """sum(dy * y), whose gradients backward gives; every call draws the same random numbers."""
    bench.place(data)
    return float(np.sum(bench.forward() * data.dy))
