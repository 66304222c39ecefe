"""Values that a layer accepts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from declnet.components.arrays import Array
from declnet.components.layer import Layer
from declnet.testing.benches.layer_arrays import LayerData
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.failures import CheckFailed
from declnet.testing.settings import USUAL, Setting
from declnet.testing.subjects import Subject

SAMPLES = 10
"""Samples that are drawn; a setting takes the first of them."""

Values = Callable[[np.random.Generator, tuple[int, ...]], Array]

_FLOATS: tuple[Values, ...] = (
    lambda rng, shape: rng.normal(size=shape),
    lambda rng, shape: rng.uniform(0.1, 0.9, size=shape),
)
_INTEGERS: tuple[Values, ...] = (
    lambda rng, shape: rng.integers(0, 5, size=shape),
    lambda rng, shape: rng.integers(0, 2, size=shape),
)


def data_for(subject: Subject, bench: LayerBench, seed: int = 0) -> LayerData:
    """Random inputs and gradients, `SAMPLES` of them.

    Normal draws, or numbers between 0.1 and 0.9 if the layer gives no finite result for those (a
    logarithm, say); integers from 0 to 4, or 0 and 1 if the layer takes no more.
    """
    name = f"values for {bench.shapes}"
    values = subject.once(name, lambda: _fitting_values(subject, bench))
    return drawn(bench, values, seed)


def _fitting_values(subject: Subject, bench: LayerBench) -> Values:
    shape = bench.shapes if bench.layer.n_inputs != 1 else bench.shapes[0]
    candidates = values_for(bench.layer)
    for values in candidates:
        trial = LayerBench(subject, shape, plain_setting())
        try:
            trial.place(drawn(trial, values, 0), training=False)
            if np.isfinite(trial.forward()).all():
                return values
        except CheckFailed:
            continue
    return candidates[0]


def plain_setting() -> Setting:
    """The setting that no layer should have trouble with."""
    return USUAL.but(
        samples=SAMPLES,
        capacity=SAMPLES,
        order="batch_first",
        input_order="batch_first",
        poison=0.0,
    )


def values_for(layer: Layer) -> tuple[Values, ...]:
    """What to draw for a layer, the usual first."""
    return _INTEGERS if layer.input_dtype == "integer" else _FLOATS


def drawn(bench: LayerBench, values: Values, seed: int) -> LayerData:
    """Random inputs and gradients for a bench."""
    rng = np.random.default_rng([seed, 3])
    x = tuple(values(rng, (SAMPLES, *shape)) for shape in bench.shapes)
    return LayerData(x, rng.normal(size=(SAMPLES, *bench.output)))
