"""A program of C99 as a function in Python, to compare it with declnet."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Mapping
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np

from declnet import Array
from declnet_plugins.exchange import ExportedPredictions, ExportError
from declnet_plugins.export.c99.files import ERRORS
from declnet_plugins.export.c99.interface import Field, Interface, Output, read_interface
from declnet_plugins.export.c99.writer import TEXT

TYPES: dict[str, Any] = {"float": np.float32, "double": float, "int32_t": np.int32, TEXT: np.uintp}


def compiler() -> str | None:
    """Return a C compiler: the one that CC names, or cc, gcc or clang; None if there is none."""
    names = (os.environ.get("CC"), "cc", "gcc", "clang")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def loaded_library(source: Path, *options: str) -> ctypes.CDLL:
    """Compile a C file to a shared library, which is loaded and deleted.

    Args:
        source: the file.
        options: of the compiler, in addition to those that are needed.

    Raises:
        ExportError: the compiler refuses it; with its message.
    """
    with TemporaryDirectory(prefix="declnet-") as folder:
        library = str(Path(folder, "program.so"))
        command = [compiler() or "cc", "-std=c99", "-O1", "-fPIC", "-shared", *options]
        done = subprocess.run(  # noqa: S603  # the compiler, and a file of our own
            [*command, str(source), "-o", library, "-lm"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # a message in whatever encoding the compiler has
            check=False,
        )
        if done.returncode:
            said = " ".join(done.stderr[:2000].split())
            raise ExportError([(f"the C compiler refuses the file: {said}", None)])
        return ctypes.CDLL(library)


class CompiledProgram:
    """A compiled C99 program that predicts raw columns, row by row.

    Args:
        header: its header, which describes the interface.
        library: what its source was compiled to.

    Attributes:
        errors: of the last call, the error of each row and the column of it, or -1; "OK" without.
    """

    def __init__(self, header: Path, library: ctypes.CDLL) -> None:
        self._interface = read_interface(header)
        array = "_array" if self._interface.takes_array else ""
        self.errors: list[tuple[str, int]] = []
        self._predict = getattr(library, f"{self._interface.prefix}_predict{array}")
        self._predict.argtypes = (ctypes.c_void_p, ctypes.c_void_p)

    @classmethod
    def of(cls, path: Path) -> Self:
        """Compile a program to a library that needs no file once it is loaded.

        Args:
            path: its source; the header is beside it.

        Raises:
            ExportError: the compiler refuses it.
        """
        return cls(path.with_suffix(".h"), loaded_library(path))

    def __call__(self, columns: Mapping[str, Array]) -> dict[str, ExportedPredictions]:
        """Return the predictions of each output; a row that the program refuses is not valid."""
        fields = self._interface.fields
        cells = [_cells(field, columns[field.column.name]) for field in fields]
        rows = cells[0]
        if not self._interface.takes_array:
            kinds = (np.uintp if field.is_array else TYPES[field.ctype] for field in fields)
            sizes = ((field.size,) if field.column.window else () for field in fields)
            named = [(field.name, *kind) for field, *kind in zip(fields, kinds, sizes, strict=True)]
            rows = np.zeros(len(cells[0]), np.dtype(named, align=True))
            for field, array in zip(fields, cells, strict=True):
                rows[field.name] = _addresses(array) if field.is_array else array
        outputs = np.zeros(len(rows), _output_type(self._interface))
        pairs = zip(_addresses(rows).tolist(), _addresses(outputs).tolist(), strict=True)
        errors = [ERRORS[self._predict(*pair)][0] for pair in pairs]
        self.errors = [*zip(errors, outputs["column"].tolist(), strict=True)]
        return {
            output.output.name: _predictions(
                output, outputs[output.name] if output.name else outputs, outputs["valid"] != 0
            )
            for output in self._interface.outputs
        }


def _addresses(rows: Array) -> Array:
    """Return where each row of an array is."""
    return rows.ctypes.data + rows.strides[0] * np.arange(len(rows), dtype=np.uintp)


def _cells(field: Field, column: Array) -> Array:
    """Return the cells of a column in the type of a field, of texts their addresses."""
    if field.ctype == TEXT:
        column = np.asarray(column, object)
        texts = [None if cell is None else str(cell).encode() for cell in column.flat]
        pointers: Any = (ctypes.c_char_p * max(len(texts), 1))(*texts)  # the result refers to it
        addresses: Array = np.frombuffer(pointers, np.uintp, len(texts))
        return addresses.reshape(column.shape)
    return np.ascontiguousarray(column, TYPES[field.ctype])


def _output_type(interface: Interface) -> Any:
    """Return the type of the struct that the program fills."""
    fields: list[Any] = []
    for output in interface.outputs:
        members = _members(output, TYPES[interface.number])
        fields += [(output.name, np.dtype(members, align=True))] if output.name else members
    return np.dtype([*fields, ("valid", np.intc), ("column", np.intc)], align=True)


def _members(predicted: Output, number: Any) -> list[Any]:
    output = predicted.output
    kind = number if output.task == "values" else np.float32
    members: list[Any] = [(predicted.numbers, kind, (predicted.count,))]
    if output.task in ("classes", "binary"):
        members.insert(0, ("label", np.intc))
    if output.task == "flags":
        members.insert(0, ("flags", np.intc, (predicted.size,)))
    if output.intervals:
        members += [(side, number, (prod(output.interval_shape),)) for side in ("lower", "upper")]
    if output.sets:
        members.append(("in_set", np.intc, (len(output.classes or ()),)))
    return members


def _predictions(predicted: Output, filled: Array, valid: Array) -> ExportedPredictions:
    """Return the predictions in structs of one output, (n,)."""
    output, numbers = predicted.output, filled[predicted.numbers]
    outputs = numbers[:, predicted.count - predicted.size :].reshape(-1, *output.shape)
    prediction: Array = outputs
    if output.task == "flags":
        prediction = filled["flags"]
    elif output.task != "values":
        classes = output.classes or ()
        kind = object if isinstance(classes[0], str) else None
        prediction = np.array(classes, kind)[filled["label"]]
    elif output.shape and predicted.size == 1:
        prediction = outputs.reshape(-1)
    lower, upper = (
        filled[side].reshape(-1, *output.interval_shape) if output.intervals else None
        for side in ("lower", "upper")
    )
    sets = filled["in_set"] != 0 if output.sets else None
    return ExportedPredictions(prediction, outputs, lower, upper, sets, valid)
