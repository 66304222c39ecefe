"""The interface of a program, which its header describes in JSON."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

from pydantic import TypeAdapter

from declnet_plugins.exchange import ExportedColumn, ExportedOutput, ExportError
from declnet_plugins.export.c99.text import read_string
from declnet_plugins.export.c99.writer import Number

INTERFACE = "INTERFACE"
"""The macro of the header, after the prefix, that has it."""


@dataclass(frozen=True)
class Field:
    """A raw column as the program takes it.

    Attributes:
        column: the column.
        name: the name of the field of the row, or of the argument for a single array.
        ctype: the type of its items.
        is_array: whether it is an array by pointer, in place of a number or text of a row.
    """

    column: ExportedColumn
    name: str
    ctype: str
    is_array: bool

    @property
    def size(self) -> int:
        """How many items a sample has."""
        return prod(self.column.shape) * (self.column.window or 1)


@dataclass(frozen=True)
class Output:
    """The predictions of one loss as the program gives them.

    Attributes:
        output: what is predicted.
        name: the prefix of its classes and the field of the output; empty for the only one.
    """

    output: ExportedOutput
    name: str

    @property
    def size(self) -> int:
        """How many numbers are predicted."""
        return prod(self.output.shape)

    @property
    def numbers(self) -> str:
        """The name of the field with probabilities, scores or values."""
        if self.output.task == "values":
            return "values"
        return "scores" if self.output.scores else "probabilities"

    @property
    def count(self) -> int:
        """How many items that field has: of two classes, both have a probability."""
        return 2 if self.output.task == "binary" and not self.output.scores else self.size


@dataclass(frozen=True)
class Interface:
    """The inputs and outputs of a program, and its model.

    Attributes:
        model: what identifies the model.
        prefix: what all names begin with.
        number: the type of raw numbers.
        takes_array: whether the only column is passed as an array, in place of a row.
        fields: the raw columns.
        outputs: the predictions.
    """

    model: dict[str, str]
    prefix: str
    number: Number
    takes_array: bool
    fields: tuple[Field, ...]
    outputs: tuple[Output, ...]

    def as_json(self) -> str:
        """Return what the header has."""
        return TypeAdapter(Interface).dump_json(self, exclude_defaults=True).decode()


def read_interface(header: Path) -> Interface:
    """Return the interface of a program, given its header.

    Raises:
        ExportError: the header does not describe it.
        ValueError: its description is not valid.
    """
    for line in header.read_text("utf-8").splitlines():
        words = line.split(" ", 2)
        if words[0] == "#define" and words[1].endswith(f"_{INTERFACE}"):
            return TypeAdapter(Interface).validate_json(read_string(words[2]))
    raise ExportError([(f"{header}: has no description of the interface", None)])
