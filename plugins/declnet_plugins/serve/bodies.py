"""Strict reading of a request's body: JSON as a table or arrays, CSV by declnet's own reader."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import from_json

from declnet import Array, ColumnType, DataError
from declnet_plugins.serve.problems import ProblemError


def parse_json(body: bytes) -> Any:
    """Return a JSON value, parsed as RFC 8259 says, without Python's additions.

    Raises:
        ProblemError: it is not UTF-8 or not JSON, a key occurs twice in an object, or it has NaN or
            Infinity, a text that is not Unicode, or too deeply nested values.
    """
    if (document := _plain(body)) is not None:
        return document
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(
            400, f"the body is not UTF-8: byte {error.start + 1} is invalid"
        ) from None
    if text.startswith("\ufeff"):
        raise ProblemError(400, "the body begins with a byte order mark", "send UTF-8 without one")
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ProblemError(400, f"the body is not JSON: {error.msg} ({where})") from None
    except RecursionError:
        raise ProblemError(400, "the body is nested too deeply") from None
    except ValueError as error:  # thousands of digits
        raise ProblemError(400, f"the body is not JSON: {error}") from None
    if "\\u" in text:
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            message = (
                "the body has an unpaired surrogate, such as \\ud800, which is not a character"
            )
            raise ProblemError(400, message) from None
        except RecursionError:
            raise ProblemError(400, "the body is nested too deeply") from None
    return document


def _plain(body: bytes) -> Any:
    """Return a list or an object whose parse by pydantic's faster parser is beyond doubt, or None.

    That parser refuses whatever is not JSON, but keeps the last of equal keys. A body has as many
    colons as keys and, in texts, more.
    """
    try:
        document = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return None
    colons = body.count(b":")
    if not colons:
        return document if type(document) is list else None
    objects = document if type(document) is list else [document]
    keys = sum(len(value) for value in objects if type(value) is dict)
    return document if keys == colons else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = first_repeated(name for name, _ in pairs)
        raise ProblemError(400, f"duplicate key {shown(twice)} in an object")
    return members


def _constant(name: str) -> Any:
    raise ProblemError(400, f"{name} is not JSON", "null is a missing value")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


class Shape:
    """The form of a request body for a model.

    Attributes:
        types: the columns, with their types; None for a model of arrays.
        others: further columns that windows need: of the series and of the time.
        inputs: the names of the arrays of a model with several inputs; empty for others.
    """

    def __init__(
        self,
        types: Mapping[str, ColumnType] | None,
        others: Mapping[str, ColumnType | None],
        inputs: tuple[str, ...],
    ) -> None:
        self.types, self.others, self.inputs = types, others, inputs

    def read(self, value: Any, most_rows: int) -> tuple[Array | Mapping[str, Any], int]:
        """Return the samples in a JSON value, and their number.

        A table is the values of each column, whose meaning the predictor decides.

        Raises:
            ProblemError: the value has another form, or more than `most_rows` rows.
        """
        if self.types is not None:
            return self._table(value, self.types, most_rows)
        if not self.inputs:
            if not isinstance(value, list | np.ndarray):
                raise ProblemError(422, "the model takes an array", "send samples as nested lists")
            samples = _array(value, "the array", most_rows)
            return samples, len(samples)
        if not isinstance(value, dict):
            names = ", ".join(self.inputs)
            raise ProblemError(422, f"the model takes an array for each of its inputs: {names}")
        if set(value) != set(self.inputs):
            expected, received = ", ".join(self.inputs), ", ".join(map(shown, value)) or "none"
            raise ProblemError(
                422, f"the model has the inputs {expected}, but the body has {received}"
            )
        arrays = {name: _array(value[name], f'"{name}"', most_rows) for name in self.inputs}
        return arrays, len(next(iter(arrays.values())))

    def _table(
        self, value: Any, types: Mapping[str, ColumnType], most_rows: int
    ) -> tuple[dict[str, list[Any]], int]:
        names = (*types, *self.others)
        if isinstance(value, list):
            rows = len(value)
            _require_rows(rows, most_rows)
            for number, row in enumerate(value, start=1):
                if type(row) is not dict:
                    kind = kind_of(row)
                    raise ProblemError(422, f"row {number} is {kind}, not an object", row=number)
            columns = {name: _of_rows(value, name) for name in names}
        elif isinstance(value, dict):
            columns = _of_columns(value, names)
            rows = len(next(iter(columns.values())))
            _require_rows(rows, most_rows)
        else:
            raise ProblemError(
                422, f"the body is {kind_of(value)}", "send a list of rows, each an object"
            )
        return columns, rows


def _require_rows(rows: int, most_rows: int) -> None:
    if rows == 0:
        raise ProblemError(422, "the body has no rows", "send at least one")
    if rows > most_rows:
        raise ProblemError(
            413, f"the body has {rows} rows, more than {most_rows}", "send them in several requests"
        )


def _of_rows(rows: Sequence[dict[str, Any]], name: str) -> list[Any]:
    try:
        return [row[name] for row in rows]
    except KeyError:
        number = 1 + next(at for at, row in enumerate(rows) if name not in row)
        raise ProblemError(
            422,
            f'row {number} has no column "{name}"',
            "null is a missing value",
            code="E034",
            row=number,
            column=name,
        ) from None


def _of_columns(value: dict[str, Any], names: Collection[str]) -> dict[str, list[Any]]:
    for name in names:
        if name not in value:
            raise ProblemError(422, f'there is no column "{name}"', code="E034", column=name)
        if type(value[name]) is not list:
            kind = kind_of(value[name])
            raise ProblemError(
                422, f'column "{name}" is {kind}, not a list', "send a list of rows", column=name
            )
    columns = {name: value[name] for name in names}
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f'"{name}" {len(column)}' for name, column in columns.items())
        raise ProblemError(422, f"the columns have different numbers of values: {lengths}")
    return columns


def _array(value: Any, name: str, most_rows: int) -> Array:
    if isinstance(value, np.ndarray):
        _require_rows(len(value), most_rows)
        return value
    if not isinstance(value, list):
        raise ProblemError(422, f"{name} is {kind_of(value)}, not a list of samples")
    _require_rows(len(value), most_rows)
    strange = _not_a_number(value)
    if strange is not None:
        sample, what = strange
        raise ProblemError(422, f"sample {sample} of {name} has {what}, not a number", row=sample)
    try:
        array: Array = np.array(value)
    except ValueError:
        raise ProblemError(422, f"{name} is ragged: its samples differ in shape") from None
    if array.dtype.kind not in "fi":
        raise ProblemError(422, f"{name} has an integer of more than 63 bits")
    return array


def _not_a_number(value: list[Any]) -> tuple[int, str] | None:
    """Return the sample, from 1, and what it has that is not a number, if there is any."""
    numbers = {int, float}
    for at, sample in enumerate(value, start=1):
        left = [sample]
        while left:
            part = left.pop()
            if type(part) is list:
                if not set(map(type, part)) <= numbers:
                    left.extend(part)
            elif type(part) not in numbers:
                return at, kind_of(part)
    return None


def first_repeated(names: Iterable[str]) -> str | None:
    """Return the first name that has occurred before; None if all differ."""
    before: set[str] = set()
    for name in names:
        if name in before:
            return name
        before.add(name)
    return None


def kind_of(value: Any) -> str:
    """Return what a JSON value is: `a list`, `text`, …."""
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean"}
    return names.get(type(value), "a number")


def shown(value: Any) -> str:
    """Return a JSON value for a message, cut to 80 characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


@contextmanager
def csv_file(body: bytes) -> Iterator[Path]:
    """Write CSV to a temporary file, since data sources read files; name it "the body" in errors.

    Raises:
        DataError: as raised while the file is in use, without its path, and without advice on
            settings for a file of that path, which a client cannot give.
    """
    with tempfile.TemporaryDirectory(prefix="declnet-serve-") as folder:
        path = Path(folder, "body.csv")
        path.write_bytes(body)
        try:
            yield path
        except DataError as error:
            message = error.message.replace(f"{path}: is ", "the body is ")
            hint = None if error.hint is None or str(path) in error.hint else error.hint
            message = message.replace(str(path), "the body")
            raise error.replaced(message=message, hint=hint) from None
