"""Functions of exported files that no component has: columns in, predictions out."""

from __future__ import annotations

import base64
import csv
import sys
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np

from declnet import Array, ColumnError, read_formatted, text_of


def column(
    rows: Any,
    name: str,
    kind: str,
    shape: tuple[int, ...],
    missing: tuple[str, ...],
    decimal: str,
    refused: list[Array],
) -> Array:
    """Return a column of the rows as an array (n, *shape); None and NaN are missing values.

    Spaces and tabs around text are removed, then the texts in `missing` are missing values, too.
    Rows with a cell that cannot be read are added to `refused`, and their cells are missing.
    """
    try:
        values_of_rows = rows[name]
    except (KeyError, IndexError, TypeError):
        raise ValueError(f"there is no column {name!r}") from None
    x = np.asarray(values_of_rows)
    if kind == "text" or x.dtype.kind not in "fiub":
        x = np.array(values_of_rows, object)
        cells = [cell(value, missing) for value in x.flat]
        if kind == "text":
            x = np.array([text_of(value, decimal) for value in cells], object).reshape(x.shape)
        else:
            numbers = [number(value, decimal) for value in cells]
            wrong = np.array([value is None for value in numbers], bool)
            refused.append(wrong.reshape(x.shape))
            x = np.array(numbers, float).reshape(x.shape)
    if kind == "number":
        x = x.astype(float)
    if kind == "boolean":
        refused.append((x != 0) & (x != 1) & (x == x))
    if x.shape[1:] != shape:
        raise ValueError(f"column {name!r} has samples of shape {x.shape[1:]}, not {shape}")
    return x


def cell(value: Any, missing: tuple[str, ...]) -> Any:
    """Return a value, text without the spaces around it; None if it is missing."""
    if isinstance(value, str):
        value = value.strip(" \t")
        return None if value in missing else value
    return None if value is None or value != value else value


def number(value: Any, decimal: str) -> float | None:
    """Return a value that may be text as a number; None if it is not a number.

    True and false are 1 and 0, and None is NaN. A number may have grouped thousands and a currency
    or percent sign.
    """
    if value is None:
        return np.nan
    if not isinstance(value, str):
        return float(value)
    named = {"true": 1.0, "false": 0.0}
    lower = value.lower()
    if lower in named:
        return named[lower]
    parsed = read_formatted([value], decimal)
    return None if parsed is None else float(parsed[0][0])


def flattened(x: Array) -> Array:
    """Return the rows of all windows in sequence, (n, window)."""
    return x.reshape(-1)


def joined(
    columns: list[Array],
    *,
    shape: tuple[int, ...],
    dtype: str,
    limit: int | None,
    refused: list[Array],
) -> Array:
    """Return columns side by side, as samples of a shape in the type that the layers take.

    A number that is missing, infinite or too large, or an integer beyond the limit, is added to
    `refused`, and is 0.
    """
    rows = [np.asarray(column, float if dtype != "int64" else None) for column in columns]
    x = np.concatenate([row.reshape(len(row), prod(row.shape[1:])) for row in rows], axis=1)
    largest = float(np.finfo(dtype).max) if dtype != "int64" else limit
    usable = np.isfinite(x)
    if largest is not None:
        usable &= np.abs(x) <= largest
    x = np.where(usable, x, 0)
    if limit is not None:
        usable &= (x >= 0) & (x == np.floor(x))
        x = np.where(usable, x, 0)
    x = x.reshape(-1, *shape)
    refused.append(~usable.reshape(x.shape))
    return x.astype(dtype)


class Configured:
    """A component with its fields."""

    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)


def computed(
    component: Any,
    method: str,
    inputs: list[Array],
    results: list[tuple[tuple[int, ...], str]],
    refused: list[Array],
    *state: Any,
) -> list[Array]:
    """Return the arrays that a method of a component makes of its inputs.

    Rows that it refuses are added to `refused`; there, results of these shapes and types are 0.
    """

    def called(*inputs: Array) -> list[Array]:
        result = getattr(component, method)(*inputs, *state)
        if hasattr(result, "lengths"):
            parts = result.values, result.lengths, result.weights
            return [part for part in parts if part is not None]
        return list(result) if isinstance(result, tuple) else [result]

    try:
        return called(*inputs)
    except (ColumnError, IndexError, ValueError):
        count = len(inputs[0])
    arrays = [np.zeros((count, *shape), dtype) for shape, dtype in results]
    wrong = np.zeros(count, bool)
    for row in range(count):
        try:
            parts = called(*(x[row : row + 1] for x in inputs))
        except (ColumnError, IndexError, ValueError):
            wrong[row] = True
        else:
            for array, part in zip(arrays, parts):
                array[row] = part[0]
    refused.append(wrong)
    return arrays


def forward(
    layer: Any,
    inputs: list[Array],
    output: tuple[tuple[int, ...], str],
    orders: tuple[str, str],
    parameters: dict[str, Array],
    memory: dict[str, tuple[tuple[int, ...], str, float, bool]],
    refused: list[Array],
) -> Array:
    """Return what a layer computes, with parameters and memory like in a model."""

    def computed_by(*inputs: Array) -> Array:
        count, state = len(inputs[0]), SimpleNamespace(training=False, **parameters)
        for name, (shape, dtype, fill, per_sample) in memory.items():
            array = empty(count, shape, dtype, orders[1]) if per_sample else np.empty(shape, dtype)
            array.fill(fill)
            setattr(state, name, array)
        ordered = []
        for x in inputs:
            ordered.append(empty(count, x.shape[1:], x.dtype.name, orders[0]))
            ordered[-1][...] = x
        y = empty(count, *output, orders[1])
        layer.forward(ordered[0] if layer.n_inputs == 1 else tuple(ordered), y, state)
        return y

    part = SimpleNamespace(forward=computed_by)
    return computed(part, "forward", inputs, [output], refused)[0]


def empty(count: int, shape: tuple[int, ...], dtype: str, order: str) -> Array:
    """Return an array (count, *shape) in an order of memory."""
    if order == "batch_first":
        return np.empty((count, *shape), dtype)
    return np.moveaxis(np.empty((*shape, count), dtype), -1, 0)


def unpredicted(outputs: Array) -> Array:
    """Return where predictions are NaN or infinite."""
    return ~np.isfinite(outputs)


def validated(results: list[dict[str, Array]], refused: list[Array]) -> None:
    """Add which rows are valid to each result; in all other rows, its arrays become NaN or None."""
    count = len(results[0]["prediction"])
    valid = np.ones(count, bool)
    for rows in refused if count else ():
        valid &= ~rows.reshape(count, -1).any(axis=1)
    for result in results:
        for key, array in result.items():
            if not valid.all():
                is_float = array.dtype.kind == "f"
                result[key] = array.copy() if is_float else array.astype(object)
                result[key][~valid] = np.nan if is_float else None
        result["valid"] = valid


def classes(outputs: Array, names: list[Any]) -> dict[str, Array]:
    """Return the most likely class of each row, and the probabilities (n, classes)."""
    kind = object if isinstance(names[0], str) else None
    return {"prediction": np.array(names, kind)[outputs.argmax(axis=1)], "probabilities": outputs}


def binary(outputs: Array, names: list[Any], threshold: float) -> dict[str, Array]:
    """Return the class of each row, the second above the threshold, and both probabilities."""
    p = outputs.reshape(len(outputs), 1)
    kind = object if isinstance(names[0], str) else None
    prediction = np.array(names, kind)[(p[:, 0] > threshold).astype(int)]
    return {"prediction": prediction, "probabilities": np.concatenate([1 - p, p], axis=1)}


def flags(outputs: Array, threshold: Any) -> dict[str, Array]:
    """Return yes (1) or no (0) for each output, and the probabilities of yes."""
    p = outputs.reshape(len(outputs), prod(outputs.shape[1:]))
    return {"prediction": (p > threshold).astype(int), "probabilities": p}


def values(outputs: Array) -> dict[str, Array]:
    """Return the numbers that are predicted, (n,) if there is one for each row."""
    single = outputs.ndim > 1 and prod(outputs.shape[1:]) == 1
    return {"prediction": outputs.reshape(-1) if single else outputs}


def unpacked(dtype: str, shape: tuple[int, ...], text: str) -> Array:
    """Return an array from the base85 text of its bytes."""
    content = base64.b85decode(text.replace("\n", ""))
    return np.frombuffer(content, "<" + dtype).reshape(shape)


def read_csv(path: str, columns: dict[str, str]) -> dict[str, list[str]]:
    """Return the cells of the columns of a CSV file with a header."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    for name in columns:
        if lines and name not in lines[0]:
            raise SystemExit(f"{path}: there is no column {name!r}")
    return {name: [line[name] for line in lines] for name in columns}


def print_csv(predicted: dict[str, Any], names: dict[str, list[str]]) -> None:
    """Print predictions as CSV, several outputs side by side."""
    printed: dict[str, Array] = {}
    for output, class_names in names.items():
        result = predicted[output] if output else predicted
        for key, array in result.items():
            rows = array.reshape(len(array), prod(array.shape[1:]))
            numbered = [str(number + 1) for number in range(rows.shape[1])]
            for number, label in enumerate(
                class_names if len(class_names) == rows.shape[1] else numbered
            ):
                ending = "" if rows.shape[1] == 1 else f"_{label}"
                title = f"{output}_{key}" if output else key
                title = title.replace("probabilities", "probability")
                printed[title + ending] = rows[:, number]
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(printed)
    columns = [
        ["" if cell is None or cell != cell else cell for cell in cells.tolist()]
        for cells in printed.values()
    ]
    table.writerows(zip(*columns))
