"""Sequences of unequal length: samples (time, features), padded at the end, with their lengths."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

import numpy as np

from declnet import (
    Array,
    DataInfo,
    Diagnostic,
    InputInfo,
    IntegerLimit,
    Layer,
    LayerContext,
    RunContext,
    Shape,
)


class SequenceLayer(Layer):
    """A base for layers that read sequences and, as a second input, their lengths.

    x[0]: sequences (n, time, features); x[1], if there is one: lengths (n,), integers from 0 to
    time. Steps from a sequence's length on are padding.
    """

    n_inputs = None
    input_dtype: ClassVar[tuple[Literal["float", "integer"], ...]] = ("float", "integer")
    memory_order = "batch_first"
    sequences: ClassVar[int] = 1
    """Number of inputs, from the first on, that are sequences."""
    example_shapes: ClassVar[tuple[Any, ...]] = (((4, 3),), ((4, 3), ()))

    def with_input_info(self, inputs: tuple[InputInfo, ...]) -> Self:
        """Return this layer; raise ValueError if it would read integers as a sequence."""
        for info in inputs[: self.sequences]:
            if info.dtype == "integer" and len(info.shape) == 1:
                raise ValueError(
                    f"{self.type} takes sequences (time, features), but its input holds integers "
                    f"{info.shape}; put an embedding before it"
                )
        return self

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Report sequences whose padding it reads, although a layer before it knows the lengths."""
        here = context.here
        if here is None or len(here.inputs) != self.sequences:
            return
        unread = next(_unread_lengths(here, context.data.get("train")), None)
        if unread is not None:
            which, read, lengths = unread
            message = f'"{here.name}" takes padding as steps, since it does not read the {which}'
            hint = f'add them to its inputs: inputs = ["{read}", "input.{lengths}"]'
            yield Diagnostic(message, hint, code="W060")

    def integer_limits(self, input_shape: tuple[Shape, ...]) -> tuple[IntegerLimit | None, ...]:
        """Return the number of steps for lengths, in the order of sequences read from the end."""
        times = [shape[0] for shape in input_shape[: self.sequences]]
        limits = [IntegerLimit(t, f"the sequences have {t} steps") for t in reversed(times)]
        return (*[None] * self.sequences, *limits)[: len(input_shape)]

    def sequence_shape(self, input_shape: tuple[Shape, ...]) -> tuple[int, int]:
        """Return (time, features); raise ValueError unless the inputs are as described above."""
        require_sequence(self.type, input_shape[0])
        if len(input_shape) > 2:
            raise ValueError(
                f"{self.type} takes a sequence and its lengths, not {len(input_shape)} inputs"
            )
        for shape in input_shape[1:]:
            require_lengths(self.type, shape)
        time, features = input_shape[0]
        return time, features


def _unread_lengths(here: LayerContext, train: DataInfo | None) -> Iterator[tuple[str, str, str]]:
    """Yield lengths that a layer should read: a phrase, the sequences' name and the lengths'."""
    for input_ in here.inputs:
        before = _that_reads_lengths(input_)
        if input_ is not None and before is not None:
            yield f'lengths that "{before.name}" reads', input_.name, "lengths"
    for name, time in _lengths_in(train).items():
        for input_, shape in zip(here.inputs, here.input_shapes, strict=True):
            if shape[0] == time and _is_read_first(input_):
                yield "lengths of the sequences", "input" if input_ is None else input_.name, name


def _that_reads_lengths(layer: LayerContext | None) -> LayerContext | None:
    """Return the layer, or the first before it, that reads lengths and gives sequences, if any."""
    while layer is not None and len(layer.output_shape) == 2:
        component = layer.layer
        if isinstance(component, SequenceLayer) and len(layer.inputs) > component.sequences:
            return layer
        layer = layer.inputs[0]
    return None


def _lengths_in(data: DataInfo | None) -> dict[str, int]:
    """Return the inputs that hold lengths, each with the number of steps of its sequences."""
    inputs = {} if data is None else data.inputs
    return {
        name: inputs[sequences].shape[0]
        for name, info in inputs.items()
        if info.optional and (sequences := name.removesuffix("lengths").removesuffix("_")) in inputs
    }


def _is_read_first(layer: LayerContext | None) -> bool:
    """Return whether a layer passes sequences on from the data, such as an embedding."""
    while layer is not None and len(layer.output_shape) == 2:
        if isinstance(layer.layer, SequenceLayer):
            return False
        layer = layer.inputs[0]
    return layer is None


def require_sequence(what: str, shape: Shape) -> None:
    """Raise ValueError unless samples of a shape are sequences (time, features)."""
    if len(shape) == 1:
        raise ValueError(
            f"{what} takes sequences (time, features), not {shape}, which has no time axis; put a "
            "reshape before it"
        )
    if len(shape) != 2:
        raise ValueError(f"{what} takes sequences (time, features), not {shape}")


def require_lengths(what: str, shape: Shape) -> None:
    """Raise ValueError unless there is one number for each sample: (), or (1,) from a table."""
    if shape not in ((), (1,)):
        raise ValueError(
            f"{what} takes one length for each sequence as its second input, not {shape}"
        )


def fill_padding(lengths: Array, padding: Array) -> Array:
    """Mark the padding of sequences.

    Args:
        lengths: (n,) or (n, 1), integers within `integer_limits`.
        padding: (n, time), filled with whether a step is padding.

    Returns:
        The padding.
    """
    np.less_equal(lengths.reshape(-1, 1), steps(padding.shape[1]), out=padding)
    return padding


@lru_cache(maxsize=64)
def steps(time: int) -> Any:
    """Return the numbers of the steps, 0 to time - 1, to read only."""
    numbers = np.arange(time)
    numbers.flags.writeable = False
    return numbers


def rows_of(sequences: Array) -> Array:
    """Return all steps of all sequences, of either order, as the rows of one matrix."""
    return sequences.reshape(-1, sequences.shape[2])


def multiply_rows(sequences: Array, weights: Array, out: Array) -> None:
    """out[i, t] = sequences[i, t] @ weights, as one product if memory allows it."""
    if out.flags.c_contiguous and sequences.flags.c_contiguous:
        np.matmul(rows_of(sequences), weights, out=rows_of(out))
    else:
        np.matmul(sequences, weights, out=out)


def multiply_transposed(x: Array, rows: Array, out: Array) -> None:
    """out = the sum of outer products of x's steps, (n, time, features), and as many rows."""
    np.matmul(rows_of(x).T, rows, out=out)
