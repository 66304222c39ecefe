"""Functions of exported files that no component has: columns in, predictions out."""

from __future__ import annotations

import base64
import csv
import sys
from math import prod
from typing import Any

import numpy as np

from declnet import Array


def column(
    rows: Any, name: str, kind: str, shape: tuple[int, ...], missing: tuple[str, ...]
) -> Array:
    """Return a column of the rows as an array (n, *shape); None and NaN are missing values.

    Spaces and tabs around text are removed, then the texts in `missing` are missing values, too.
    """
    try:
        given = rows[name]
    except (KeyError, IndexError, TypeError):
        raise ValueError(f"there is no column {name!r}") from None
    x = np.asarray(given)
    if kind == "text" or x.dtype.kind not in "fiub":
        x = np.array(given, object)
        cells = [cell(value, missing) for value in x.flat]
        meaning = text if kind == "text" else number
        x = np.array([meaning(value) for value in cells], object).reshape(x.shape)
    if kind != "text" and (x.dtype.kind == "O" or kind == "number"):
        x = x.astype(float)
    if x.shape[1:] != shape:
        raise ValueError(f"column {name!r} has samples of shape {x.shape[1:]}, not {shape}")
    return x


def cell(value: Any, missing: tuple[str, ...]) -> Any:
    """Return a value, text without the spaces around it; None if it is missing."""
    if isinstance(value, str):
        value = value.strip(" \t")
        return None if value in missing else value
    return None if value is None or value != value else value


def text(value: Any) -> str | None:
    """Return a value as a text file would have it; None for None."""
    if value is None:
        return None
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def number(value: Any) -> float:
    """Return a value that may be text as a number: 1 and 0 for true and false, NaN for None."""
    if value is None:
        return np.nan
    named = {"true": 1.0, "false": 0.0}
    lower = str(value).lower()
    return named[lower] if lower in named else float(value)


def flattened(x: Array) -> Array:
    """Return the rows of all windows in sequence, (n, window)."""
    return x.reshape(-1)


def joined(columns: list[Array], *, shape: tuple[int, ...], dtype: str) -> Array:
    """Return columns side by side, as samples of a shape."""
    rows = [np.asarray(each, float if dtype != "int64" else None) for each in columns]
    x = np.concatenate([each.reshape(len(each), prod(each.shape[1:])) for each in rows], axis=1)
    if not np.isfinite(x).all():
        raise ValueError("a value is missing or infinite")
    return x.reshape(-1, *shape).astype(dtype)


def mean(found: list[Array]) -> Array:
    """Return the mean of the predictions of several networks."""
    average: Array = np.mean(found, axis=0, dtype=float).astype(found[0].dtype)
    return average


def median(found: list[Array]) -> Array:
    """Return the median of the bounds of several networks."""
    return np.asarray(np.median(found, axis=0))


def majority(found: list[Array]) -> Array:
    """Return the classes that more than half of the sets have."""
    return np.asarray(np.mean(found, axis=0) > 0.5)


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


def read_csv(path: str, columns: dict[str, str], missing: tuple[str, ...]) -> dict[str, list[Any]]:
    """Return the columns of a CSV file with a header, as numbers, booleans and text."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    truth = {1.0: True, 0.0: False}
    found: dict[str, list[Any]] = {}
    for name, kind in columns.items():
        if lines and name not in lines[0]:
            raise SystemExit(f"{path}: there is no column {name!r}")
        cells = found[name] = [cell(line[name], missing) for line in lines]
        for at, value in enumerate(cells):
            try:
                if kind == "boolean" and value is not None:
                    cells[at] = truth[number(value)]
                elif kind != "text":
                    cells[at] = number(value)
            except (KeyError, ValueError):
                where = f"{path}: row {at + 1}, column {name!r}"
                raise SystemExit(f"{where} is {value!r}, not a {kind}") from None
        if kind == "integer" and all(value == value for value in cells):
            found[name] = [int(value) for value in cells]
    return found


def print_csv(found: dict[str, Any], names: dict[str, list[str]]) -> None:
    """Print predictions as CSV, several outputs side by side."""
    printed: dict[str, Array] = {}
    for output, own in names.items():
        result = found[output] if output else found
        for key, array in result.items():
            rows = array.reshape(len(array), prod(array.shape[1:]))
            numbered = [str(number + 1) for number in range(rows.shape[1])]
            for number, label in enumerate(own if len(own) == rows.shape[1] else numbered):
                ending = "" if rows.shape[1] == 1 else f"_{label}"
                title = f"{output}_{key}" if output else key
                title = title.replace("probabilities", "probability")
                printed[title + ending] = rows[:, number]
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(printed)
    table.writerows(zip(*(each.tolist() for each in printed.values())))
