"""The program of a component that has no translation, recorded from its NumPy code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from declnet import Array, Component, Dtype, Layer, LayerState, Shape, Transform, error_message
from declnet_plugins.exchange.translation import TranslationSite, Untranslatable
from declnet_plugins.recording import (
    NotRecordedError,
    RecordedGenerator,
    Recording,
    SampleBuilder,
    SampleProgram,
    translate,
)

COUNTS = 3, 5
"""Sizes of the batches that are recorded: what differs depends on more than one sample."""

STEPS = 64
"""The longest loop over time that is written step by step."""

MOST_OPERATIONS = 40 * STEPS

TYPES: dict[str, type] = {"number": np.float64, "integer": np.int64, "boolean": np.bool_}
"""The type of a raw column, and of what a layer reads, but for its floats."""


def recorded_program(component: Any, site: TranslationSite) -> SampleProgram:
    """Return what a method of a component computes for a sample.

    Args:
        component: a layer, loss, transform or calibrator.
        site: its place, of which `inputs` and `writer` do not matter.

    Raises:
        Untranslatable: it computes with several samples, or in a way that cannot be recorded.
    """
    if "text" in (*site.input_types, site.output_type):
        raise Untranslatable("reads or returns text")
    try:
        with np.errstate(all="ignore"):
            first, second = (_recorded(component, site, count) for count in COUNTS)
    except NotRecordedError as error:
        raise Untranslatable(str(error)) from None
    except Exception as error:
        fault = f"{type(error).__name__}: {error_message(error)}"
        raise Untranslatable(f"raises {fault}") from error
    if not first.is_like(second):
        raise Untranslatable("computes something else if a batch has more samples")
    if len(first.operations) > MOST_OPERATIONS:
        raise Untranslatable(
            f"makes {len(first.operations)} operations for a sample, as a loop over more than "
            f"{STEPS} steps does"
        )
    return first


def _recorded(component: Component, site: TranslationSite, count: int) -> SampleProgram:
    """Return the program that a batch of some samples shows."""
    recording, builder = Recording(), SampleBuilder(count)
    order = "batch_first"
    if isinstance(component, Layer):
        order = component.input_order or component.memory_order
    inputs = [
        _batch(count, shape, _type(component, kind, site), order)
        for shape, kind in zip(site.input_shapes, site.input_types, strict=True)
    ]
    for x in inputs:
        builder.add_input(x)
    recorded = [recording.array(x) for x in inputs]
    if isinstance(component, Layer):
        y = _batch(count, site.output_shape, site.dtype, component.memory_order)
        builder.keep(y)
        state = _state(component, site, count, lambda array: _followed(array, recording, builder))
        state.rng = RecordedGenerator(recording, state.rng, 0)  # type: ignore[assignment]
        arguments: Any = recorded[0] if component.n_inputs == 1 else tuple(recorded)
        component.forward(arguments, recording.array(y), state)
        return _translated(recording, builder, [y])
    method: Callable[..., Any] = getattr(component, site.method)
    states = () if site.method == "predictions" else (site.state,)
    returned = method(*recorded, *states)
    results = returned if isinstance(returned, tuple) else (returned,)
    plain = [recording.plain(result) for result in results]
    if not all(isinstance(array, np.ndarray) for array in plain):
        raise NotRecordedError("returns something else than arrays")
    return _translated(recording, builder, plain)


def _translated(
    recording: Recording, builder: SampleBuilder, results: Sequence[Array]
) -> SampleProgram:
    for call in recording.calls:
        translate(builder, call)
    return builder.program(results)


def _type(component: Component, kind: str, site: TranslationSite) -> Dtype:
    prepares = isinstance(component, Transform)
    return np.dtype(site.dtype if kind == "number" and not prepares else TYPES[kind])


def _batch(count: int, shape: Shape, dtype: Dtype, order: str) -> Array:
    """Return an array (count, *shape) of any numbers, in a memory order."""
    x = np.moveaxis(np.empty((*shape, count), dtype), -1, 0)
    x = np.empty((count, *shape), dtype) if order == "batch_first" else x
    x[...] = np.random.default_rng(0).normal(size=x.shape) if dtype.kind == "f" else 0
    return x


def _followed(array: Array, recording: Recording, builder: SampleBuilder) -> Array:
    builder.keep(array)
    return recording.array(array)


def _state(
    layer: Layer, site: TranslationSite, count: int, follow: Callable[[Array], Array]
) -> LayerState:
    """Return the state of a layer in an evaluation."""
    state = LayerState(np.random.default_rng(0), training=False)
    for name, array in site.parameters.items():
        setattr(state, name, follow(np.array(array, site.dtype)))
    shapes: Any = site.input_shapes if layer.n_inputs != 1 else site.input_shapes[0]
    for name, memory in layer.workspace(shapes).items():
        dtype, shape = np.dtype(memory.dtype or site.dtype), tuple(memory.shape)
        if memory.per_sample:
            array = _batch(count, shape, dtype, layer.memory_order)
        else:
            array = np.empty(shape, dtype)
        array.fill(0 if memory.fill is None else memory.fill)
        setattr(state, name, follow(array))
    return state
