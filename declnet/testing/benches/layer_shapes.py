"""Input shapes that a layer accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from declnet.components.layer import Layer
from declnet.testing.benches.layer_arrays import LayerData
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.layer_values import data_for, drawn, plain_setting, values_for
from declnet.testing.failures import CheckFailed, CheckSkipped
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject

USUAL_SHAPES = ((5,), (3, 4), (2, 6, 5))
"""Features, sequences and images; a layer is tried with those that it accepts."""


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
        layer.workspace(shape)
    except ValueError as error:
        return error
    except Exception:  # the checks run into it again, and tell
        return None
    return None


def unworkable(subject: Subject, shape: Any) -> str | None:
    """The ValueError of a pass with an accepted input shape, or None if the pass works."""
    bench = LayerBench(subject, shape, plain_setting())
    try:
        bench.run(drawn(bench, values_for(subject.instance)[0], 0))
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


def usual_benches(subject: Subject) -> list[tuple[LayerBench, LayerData]]:
    """A bench and data for each input shape, in the usual setting."""
    benches = [LayerBench(subject, shape, USUAL) for shape in working_shapes(subject)]
    return [(bench, data_for(subject, bench).first(USUAL.samples)) for bench in benches]
