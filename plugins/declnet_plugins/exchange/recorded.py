"""The program of a component that has no translation, recorded from its NumPy code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase
from types import SimpleNamespace
from typing import Any

import numpy as np

from declnet import (
    Array,
    Calibrator,
    ColumnError,
    Component,
    Dtype,
    Layer,
    LayerState,
    Loss,
    Shape,
    Transform,
    error_message,
)
from declnet_plugins.exchange.translation import TranslationSite, Untranslatable
from declnet_plugins.recording import (
    NotRecordedError,
    Operation,
    RecordedGenerator,
    SampleProgram,
    SampleRecording,
    interpreted,
    place_of,
)

COUNTS = 5, 7
"""Sizes of the batches that are recorded: what differs depends on more than one sample."""

PROBES = (0.0, 1.0, -1.0, 1e9, -1e9, 0.5, 1e-9, np.inf, -np.inf, np.nan)
"""Numbers of rows that tell whether a transform refuses what its program does."""

WHOLE = 5
"""How many of them are integers, and come first."""

MOST_OPERATIONS = 64
"""Operations of a program; a format that can have the source of a longer one does."""

LARGEST_TABLE = 256
"""Positions that an operation reads in no regular order; the same."""

TYPES: dict[str, type] = {"number": np.float64, "integer": np.int64, "boolean": np.bool_}
"""The type of what a component reads, but for the floats of a layer."""


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
            if first.refused and not _refuses_alike(first, component, site):
                _recorded(component, site, COUNTS[0], refuses=False)
    except NotRecordedError as error:
        raise Untranslatable(f"{error}{_place(error)}") from None
    except Exception as error:
        fault = f"{type(error).__name__}: {error_message(error)}"
        raise Untranslatable(f"raises {fault}{_place(error)}") from error
    difference = first.difference(second)
    if difference is not None:
        what = f" ({difference})" if difference else ""
        raise Untranslatable(f"computes something else for a batch of another size{what}")
    return first


def write_recorded(function: Callable[..., Any], site: TranslationSite) -> tuple[Any, ...]:
    """Write what a function of NumPy computes in float64, and return the handles of its results.

    A translation writes so what follows a step that cannot be recorded, such as reading text.

    Args:
        function: takes an array (n, *shape) for each input of the site, and its state.
        site: its place, whose method is `apply`.

    Raises:
        Untranslatable: it cannot be recorded, or the format cannot express it.
    """
    site = replace(site, dtype=np.dtype(float))
    program = recorded_program(SimpleNamespace(apply=function), site)
    handles: tuple[Any, ...] = site.writer.program(site, program)
    return handles


def _refuses_alike(program: SampleProgram, transform: Transform, site: TranslationSite) -> bool:
    """Return whether a transform refuses the rows that its program refuses, as some numbers show.

    Each condition of the program must refuse one of them.
    """
    (shape,), (kind,) = site.input_shapes, site.input_types
    fired = np.zeros(len(program.refused), bool)
    for number in PROBES if kind == "number" else PROBES[:WHOLE]:
        x = np.full((1, *shape), number).astype(_type(transform, kind, site))
        (result,), masks = interpreted(program, [x])
        refused = [bool(mask.any()) for mask in masks]
        fired |= refused
        try:
            expected: Any = transform.apply(x, site.state)
        except ColumnError:
            if not any(refused):
                return False
        else:
            if any(refused) or not np.allclose(result, expected, equal_nan=True):
                return False
    return bool(fired.all())


def _place(error: BaseException) -> str:
    return place_of(error, Path(__file__).parent)


def _recorded(
    component: Component, site: TranslationSite, count: int, *, refuses: bool = True
) -> SampleProgram:
    """Return the program that a batch of some samples shows; a transform may refuse rows."""
    refuses &= isinstance(component, Transform) and site.method == "apply"
    recording, order = SampleRecording(count, refuses=refuses), "batch_first"
    if isinstance(component, Layer):
        order = component.input_order or component.memory_order
    inputs = [
        recording.input(_batch(count, shape, _type(component, kind, site), order))
        for shape, kind in zip(site.input_shapes, site.input_types, strict=True)
    ]
    if isinstance(component, Layer):
        y = _batch(count, site.output_shape, site.dtype, component.memory_order)
        state = _state(component, site, count, recording)
        arguments: Any = inputs[0] if component.n_inputs == 1 else tuple(inputs)
        component.forward(arguments, recording.array(y), state)
        return recording.program([y])
    states = () if isinstance(component, Loss) else (site.state,)
    returned = getattr(component, site.method)(*inputs, *states)
    return recording.program(returned if isinstance(returned, tuple) else (returned,))


def _type(component: Component, kind: str, site: TranslationSite) -> Dtype:
    if isinstance(component, Transform) and kind == "integer":
        kind = "number"  # a column that has gaps holds floats
    prepares = isinstance(component, Transform | Calibrator)
    return np.dtype(site.dtype if kind == "number" and not prepares else TYPES[kind])


def _batch(count: int, shape: Shape, dtype: Dtype, order: str) -> Array:
    """Return an array (count, *shape), in a memory order, whose samples and batches differ."""
    x = np.moveaxis(np.empty((*shape, count), dtype), -1, 0)
    x = np.empty((count, *shape), dtype) if order == "batch_first" else x
    rng = np.random.default_rng(count)
    draw = rng.normal(0, 10.0 ** (count - COUNTS[0]), x.shape)
    x[...] = draw if dtype.kind == "f" else draw > 0
    return x


def _state(
    layer: Layer, site: TranslationSite, count: int, recording: SampleRecording
) -> LayerState:
    """Return the state of a layer in an evaluation."""
    state = LayerState(np.random.default_rng(0), training=False)
    state.rng = RecordedGenerator(recording, state.rng, 0)  # type: ignore[assignment]
    for name, array in site.parameters.items():
        setattr(state, name, recording.array(np.array(array, site.dtype)))
    for name, memory in layer.workspace(site.layer_shapes(layer)).items():
        dtype, shape = np.dtype(memory.dtype or site.dtype), tuple(memory.shape)
        order = layer.memory_order
        array = _batch(count, shape, dtype, order) if memory.per_sample else np.empty(shape, dtype)
        array.fill(0 if memory.fill is None else memory.fill)
        setattr(state, name, recording.array(array))
    return state


def batched_equation(operation: Operation) -> str:
    """Return the equation of a contraction with the batch; empty for rows times a matrix."""
    inputs, result = operation.equation.split("->")
    names, (first, *others) = inputs.split(","), operation.operands
    if len(names) == 2 and first.value is not None and others[0].constant is not None:
        (a, b) = names
        if len(b) == 2 and a[-1:] == b[0] and result == a[:-1] + b[1]:
            return ""
    batch = next(letter for letter in ascii_lowercase if letter not in operation.equation)
    labels = (
        name if operand.constant is not None else batch + name
        for name, operand in zip(names, operation.operands, strict=True)
    )
    return f"{','.join(labels)}->{batch}{result}"


def has_its_shape(operation: Operation) -> bool:
    """Return whether an elementwise operation of its operands gives its shape, with the batch."""
    shapes = [operand.shape for operand in operation.operands]
    varies = any(operand.value is not None for operand in operation.operands)
    return varies and np.broadcast_shapes(*shapes) == operation.shape


def is_long(program: SampleProgram) -> bool:
    """Return whether a program is written with many lines, or large tables of positions."""
    operands = [operand for operation in program.operations for operand in operation.operands]
    operands += program.results
    return len(program.operations) > MOST_OPERATIONS or any(
        operand.value is not None
        and operand.places is not None
        and operand.places.size > LARGEST_TABLE
        and operand.as_slices(shape := program.shape_of(operand.value)) is None
        and operand.as_permutation(shape) is None
        for operand in operands
    )
