"""Input shapes and values that a layer accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.layer import Layer
from declnet.testing.benches.layer_bench import LayerBench, LayerData
from declnet.testing.failures import CheckFailed, CheckSkipped
from declnet.testing.settings import USUAL, Setting
from declnet.testing.subjects import Subject

USUAL_SHAPES = ((5,), (3, 4), (2, 6, 5))
"""Features, sequences and images; a layer is tried with those that it accepts."""

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


def candidate_shapes(layer: Layer) -> Iterator[Any]:
    """The input shapes to try: the layer's `example_shapes`, else the kit's usual ones."""
    if layer.example_shapes:
        yield from layer.example_shapes
        return
    for shape in USUAL_SHAPES:
        if layer.n_inputs == 1:
            yield shape
        elif layer.n_inputs is not None:
            yield (shape,) * layer.n_inputs
        else:
            yield from ((shape,) * count for count in (1, 2, 3))


def accepted_shapes(layer: Layer) -> tuple[Any, ...]:
    """The candidates that the layer does not refuse with a ValueError."""
    return tuple(shape for shape in candidate_shapes(layer) if refusal(layer, shape) is None)


def refusal(layer: Layer, shape: Any) -> ValueError | None:
    """The ValueError by which a layer refuses an input shape, or None if it accepts it."""
    try:
        layer.output_shape(shape)
        layer.parameters(shape)
        layer.buffers(shape)
    except ValueError as error:
        return error
    except Exception:  # the checks run into it again, and tell
        return None
    return None


def unworkable(subject: Subject, shape: Any) -> str | None:
    """The ValueError of a pass with an accepted input shape, or None if the pass works."""
    bench = LayerBench(subject, shape, _plain())
    try:
        bench.run(_drawn(bench, _values(subject.instance)[0], 0))
    except CheckFailed as failure:
        if isinstance(failure.__cause__, ValueError):
            return str(failure)
    return None


def working_shapes(subject: Subject) -> tuple[Any, ...]:
    """The input shapes to check with.

    A layer that inherits `output_shape` accepts every shape, perhaps without meaning to: of the
    kit's usual shapes, those on which it raises a ValueError are left out, unless all are.

    Raises:
        CheckSkipped: the layer accepts none of the kit's usual shapes.
    """
    shapes = subject.once("shapes", lambda: _working_shapes(subject))
    if not shapes:
        raise CheckSkipped("no input shape is known; declare example_shapes")
    return shapes


def _working_shapes(subject: Subject) -> tuple[Any, ...]:
    layer = subject.instance
    accepted = accepted_shapes(layer)
    if layer.example_shapes or type(layer).output_shape is not Layer.output_shape:
        return accepted
    return tuple(shape for shape in accepted if unworkable(subject, shape) is None) or accepted


def data_for(subject: Subject, bench: LayerBench, seed: int = 0) -> LayerData:
    """Random inputs and gradients, `SAMPLES` of them.

    Normal draws, or numbers between 0.1 and 0.9 if the layer gives no finite result for those (a
    logarithm, say); integers from 0 to 4, or 0 and 1 if the layer takes no more.
    """
    name = f"values for {bench.shapes}"
    values = subject.once(name, lambda: _fitting_values(subject, bench))
    return _drawn(bench, values, seed)


def _fitting_values(subject: Subject, bench: LayerBench) -> Values:
    shape = bench.shapes if bench.layer.n_inputs != 1 else bench.shapes[0]
    candidates = _values(bench.layer)
    for values in candidates:
        trial = LayerBench(subject, shape, _plain())
        try:
            trial.place(_drawn(trial, values, 0), training=False)
            if np.isfinite(trial.forward()).all():
                return values
        except CheckFailed:
            continue
    return candidates[0]


def _plain() -> Setting:
    return USUAL.but(
        samples=SAMPLES,
        capacity=SAMPLES,
        order="sample_major",
        input_order="sample_major",
        poison=0.0,
    )


def _values(layer: Layer) -> tuple[Values, ...]:
    return _INTEGERS if layer.input_dtype == "integer" else _FLOATS


def _drawn(bench: LayerBench, values: Values, seed: int) -> LayerData:
    rng = np.random.default_rng([seed, 3])
    x = tuple(values(rng, (SAMPLES, *shape)) for shape in bench.shapes)
    return LayerData(x, rng.normal(size=(SAMPLES, *bench.output)))


def draws_at_random(subject: Subject) -> bool:
    """Whether a training pass depends on the layer's random stream, as in dropout."""

    def find() -> bool:
        for shape in working_shapes(subject):
            found = []
            for seed in (0, 1, 2):
                bench = LayerBench(subject, shape, USUAL.but(capacity=SAMPLES, seed=seed))
                bench.place(data_for(subject, bench))
                found.append(bench.forward())
            if any(not np.array_equal(found[0], other, equal_nan=True) for other in found[1:]):
                return True
        return False

    return subject.once("draws at random", find)
