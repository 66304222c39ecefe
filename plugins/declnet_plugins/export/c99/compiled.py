"""A program of C99 as a function in Python, to compare it with declnet."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np

from declnet import Array
from declnet_plugins.exchange import ExportedPredictions, ExportError
from declnet_plugins.export.c99.files import ERRORS, INTERFACE
from declnet_plugins.export.c99.text import read_string
from declnet_plugins.export.c99.writer import TEXT

TYPES: dict[str, Any] = {
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "int32_t": ctypes.c_int32,
    TEXT: ctypes.c_char_p,
}


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
        array = "_array" if self._interface["array"] else ""
        self.errors: list[tuple[str, int]] = []
        self._predict = getattr(library, f"{self._interface['prefix']}_predict{array}")

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
        known = self._interface["columns"]
        count = len(columns[known[0][0]])
        output = _output_type(self._interface)()
        rows: list[list[dict[str, Any]]] = [[] for _ in self._interface["outputs"]]
        valid = np.zeros(count, bool)
        self.errors = []
        for row in range(count):
            argument, arrays = self._given({name: columns[name][row] for name, *_ in known})
            code = self._predict(argument, ctypes.byref(output))
            self.errors.append((ERRORS[code][0], output.column))
            valid[row] = output.valid
            for number, description in enumerate(self._interface["outputs"]):
                fields = (
                    getattr(output, "o_" + description["name"]) if description["name"] else output
                )
                rows[number].append(
                    {name: _plain(getattr(fields, name)) for name, _ in fields._fields_}
                )
            del arrays
        pairs = zip(self._interface["outputs"], rows, strict=True)
        return {
            description["name"]: _predictions(description, predicted, valid)
            for description, predicted in pairs
        }

    def _given(self, row: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """Return the argument of a row, and what must be kept while it is used."""
        interface, arrays = self._interface, []
        fields, values = [], []
        for name, ctype, size, is_array in interface["columns"]:
            item = TYPES[ctype]
            if not is_array and np.ndim(row[name]) == 0:
                fields.append(item)
                values.append(_scalar(row[name], ctype))
                continue
            items = np.asarray(row[name], object).reshape(-1).tolist()
            array = (item * max(size, 1))(*(_scalar(value, ctype) for value in items))
            arrays.append(array)
            if interface["array"]:
                return array, arrays
            fields.append(ctypes.POINTER(item) if is_array else item * size)
            values.append(ctypes.cast(array, ctypes.POINTER(item)) if is_array else array)
        named = [(f"f{number}", ctype) for number, ctype in enumerate(fields)]
        struct = type("Row", (ctypes.Structure,), {"_fields_": named})
        return ctypes.byref(struct(*values)), arrays


def read_interface(header: Path) -> dict[str, Any]:
    """Return the description of model and structs in a header.

    Raises:
        ExportError: it has none.
    """
    for line in header.read_text("utf-8").splitlines():
        words = line.split(" ", 2)
        if words[0] == "#define" and words[1].endswith(f"_{INTERFACE}"):
            interface: dict[str, Any] = json.loads(read_string(words[2]))
            return interface
    raise ExportError([(f"{header}: has no description of the interface", None)])


def _scalar(value: Any, ctype: str) -> Any:
    if ctype == TEXT:
        return None if value is None else str(value).encode()
    return float("nan") if value is None else value


def _output_type(interface: Mapping[str, Any]) -> Any:
    fields: list[tuple[str, Any]] = []
    for output in interface["outputs"]:
        members = _fields(output, interface["number"])
        if output["name"]:
            struct = type("Output", (ctypes.Structure,), {"_fields_": members})
            fields.append(("o_" + output["name"], struct))
        else:
            fields += members
    fields += [("valid", ctypes.c_int), ("column", ctypes.c_int)]
    return type("Outputs", (ctypes.Structure,), {"_fields_": fields})


def _fields(output: Mapping[str, Any], number: str) -> list[tuple[str, Any]]:
    fields: list[tuple[str, Any]] = []
    if output["sort"] in ("classes", "binary"):
        fields.append(("label", ctypes.c_int))
    if output["sort"] == "flags":
        fields.append(("flags", ctypes.c_int * output["size"]))
    kind = TYPES[number if output["sort"] == "values" else "float"]
    fields.append((output["field"], kind * output["count"]))
    if output["interval"] is not None:
        size = int(np.prod(output["interval"], dtype=int))
        fields += [(side, TYPES[number] * size) for side in ("lower", "upper")]
    if output["sets"]:
        fields.append(("in_set", ctypes.c_int * len(output["classes"])))
    return fields


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else list(value)


def _predictions(
    output: Mapping[str, Any], rows: Sequence[Any], valid: Array
) -> ExportedPredictions:
    numbers = np.array([row[output["field"]] for row in rows]).reshape(-1, output["count"])
    outputs = numbers[:, output["count"] - output["size"] :].reshape(-1, *output["shape"])
    prediction: Array = outputs
    if output["sort"] == "flags":
        prediction = np.array([row["flags"] for row in rows])
    elif output["sort"] != "values":
        labels = np.array([row["label"] for row in rows], int)
        kind = object if isinstance(output["classes"][0], str) else None
        prediction = np.array(output["classes"], kind)[labels]
    elif len(output["shape"]) > 0 and prod(output["shape"]) == 1:
        prediction = outputs.reshape(-1)
    bounds: dict[str, Array] = {}
    if output["interval"] is not None:
        for side in ("lower", "upper"):
            bounds[side] = np.array([row[side] for row in rows]).reshape(-1, *output["interval"])
    sets = np.array([row["in_set"] for row in rows]).astype(bool) if output["sets"] else None
    return ExportedPredictions(prediction, outputs, **bounds, sets=sets, valid=valid)
