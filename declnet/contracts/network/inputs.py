"""Inputs and targets: arrays of samples by name, and what is known about each input.

Inside, inputs, targets, outputs and losses always have names, so one model with one loss and one
with several are the same. Anything left unnamed by a user or a source is `""`; only messages and
key paths read differently. Arrays are named where they come in and unwrapped where they go out, by
`wrapped` and `unwrapped`. A compiled step has looked names up: it holds arrays by position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np

from declnet.contracts.annotations import ArrayOf
from declnet.contracts.arrays import Array, MappedArray, Shape

UNNAMED = ""
"""The name of the only array of data that does not name it."""

INPUT = "input"
"""What `inputs` of layers call the model's input, or what precedes its name: `input.NAME`."""

Samples = Annotated[Array, ArrayOf("fiubU")] | MappedArray
"""Samples (n, …); text, and an array without axes, are errors of the data, not of its source."""

Inputs = Mapping[str, Samples]
"""The samples of each input of a model, by name."""

Batch = Mapping[str, Array]
"""Samples of each input in memory, by name."""


@dataclass(frozen=True)
class InputInfo:
    """The description of one of a layer's inputs before anything is allocated.

    Attributes:
        shape: the shape of one sample.
        dtype: whether it holds floats or integers; the outputs of layers are floats.
        levels: for each number of a sample, in C order, how many integers it can be, from 0 to
            `levels - 1`; None if that is unknown for any of them.
        vocabulary: how many integers each number of a sample can be, if all of them stand for the
            same things, as the words of a text do; None otherwise.
        optional: whether the layers need not read it, as the lengths of sequences.
    """

    shape: Shape
    dtype: Literal["float", "integer"] = "float"
    levels: tuple[int, ...] | None = None
    vocabulary: int | None = None
    optional: bool = False

    @classmethod
    def of(cls, x: Array | MappedArray) -> InputInfo:
        """Describe an array (n, *sample shape)."""
        return cls(x.shape[1:], "integer" if x.dtype.kind in "iub" else "float")


@dataclass(frozen=True)
class IntegerLimit:
    """The integers that a layer takes from an input: 0 to `largest`.

    Attributes:
        largest: the largest one.
        reason: why, for messages, e.g. `the sequences have 12 steps`.
    """

    largest: int
    reason: str


def as_input_infos(inputs: Any) -> dict[str, InputInfo]:
    """Return the inputs of a model by name.

    Args:
        given: the shape of a sample of its only input; or, by name, an `InputInfo` or a shape of
            floats for each input.
    """
    if isinstance(inputs, InputInfo):
        return {UNNAMED: inputs}
    return {
        name: info if isinstance(info, InputInfo) else InputInfo(tuple(info))
        for name, info in wrapped(inputs).items()
    }


NAME_HINT = "a name must not be empty or contain dots or spaces"


def is_name(text: str) -> bool:
    """Return whether a text can name an input: `input.NAME` must be one name without spaces."""
    return bool(text) and text.isprintable() and not any(c == "." or c.isspace() for c in text)


def input_value(name: str) -> str:
    """Return how layers name an input: `input`, or `input.NAME`."""
    return INPUT if name == UNNAMED else f"{INPUT}.{name}"


def lengths_of(name: str) -> str:
    """Return the name of the input that holds the lengths of an input of sequences."""
    return f"{name}_lengths" if name else "lengths"


def weights_of(name: str) -> str:
    """Return the name of the input that holds the weights of an input of sequences."""
    return f"{name}_weights" if name else "weights"


def wrapped(arrays: Any) -> Mapping[str, Any]:
    """Return what a user or a plugin passes, one array or several by name, by name."""
    if isinstance(arrays, np.ndarray) or not isinstance(arrays, Mapping):  # the first is fast
        return {UNNAMED: arrays}
    return arrays


def unwrapped(arrays: Mapping[str, Any]) -> Any:
    """Return arrays for a user or a plugin: the only one without a name, or all of them by name."""
    return arrays[UNNAMED] if arrays.keys() == {UNNAMED} else arrays


def as_arrays(x: Inputs) -> dict[str, Array]:
    """Return arrays in memory, read from their files if they are mapped."""
    return {name: np.asarray(array) for name, array in x.items()}


def sample_count(x: Inputs) -> int:
    """Return the number of samples of arrays by name."""
    for array in x.values():
        return len(array)
    return 0


def samples_of(x: Inputs, part: slice | Array) -> dict[str, Array]:
    """Return some samples of arrays by name, in memory."""
    return {name: array[part] for name, array in x.items()}
