"""A server of `declnet serve` as something that predicts rows."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import numpy as np

from declnet import (
    Array,
    ColumnType,
    DataError,
    PredictedRows,
    PredictionSource,
    Registry,
    RowPredictor,
    Table,
    error_message,
)

TIMEOUT = 60.0
"""Seconds that an answer may take."""

VARIABLE = "DECLNET_TOKEN"
"""The environment variable with a token of the server, which no argument should be."""

UNAUTHORIZED, TOO_LARGE = 401, 413


class Server(PredictionSource):
    """A server of `declnet serve`: `http://HOST:PORT`, or with `/models/NAME` one of its models.

    Requests have the token that the environment variable `DECLNET_TOKEN` holds, if any.
    """

    type = "server"
    schemes = ("http", "https")

    def open(self, name: str, registry: Registry) -> RowPredictor:
        """Ask a server what its model takes.

        Raises:
            DataError: it cannot be reached, needs a token, has not exactly one model of that name,
                or predicts rows from others.
        """
        parts = urlsplit(name)
        base = f"{parts.scheme}://{parts.netloc}"
        models = _answer(f"{base}/models").get("models", [])
        model_name = parts.path.strip("/").removeprefix("models/").removesuffix("/predict")
        chosen = [model for model in models if model_name in ("", model["name"])]
        if len(chosen) != 1:
            names = ", ".join(model["name"] for model in models) or "none"
            raise DataError(f"{name}: name one of its models, as {base}/models/NAME: {names}")
        (model,) = chosen
        client = _Client(f"{base}{model['predict']}", _labels(model))
        if "columns" not in model:
            return RowPredictor(client.predict)
        text: ColumnType = "text"  # the server reads cells as a file's
        return RowPredictor(client.predict, {column["name"]: text for column in model["columns"]})


def _labels(model: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how the names of columns that hold classes begin."""
    return tuple(
        loss if loss == "prediction" else f"{loss}_prediction"
        for loss, about in model["losses"].items()
        if about["sort"] != "values"
    )


class _Client:
    """Asks a model of a server for predictions.

    Args:
        url: the address of its predictions.
        labels: how the names of columns that hold classes begin.
    """

    def __init__(self, url: str, labels: tuple[str, ...]) -> None:
        self._url, self._labels = f"{url}?on_error=empty", labels

    def predict(self, rows: Table) -> PredictedRows:
        """Return the predictions for rows."""
        predicted = self._predicted(rows)
        names = [name for name in predicted[0] if name != "error"]
        columns = {name: _column([row[name] for row in predicted]) for name in names}
        labels = {name for name in names if self._labels and name.startswith(self._labels)}
        labels |= {name for name, column in columns.items() if column.dtype.kind == "O"}
        errors = {at: row["error"] for at, row in enumerate(predicted) if row.get("error")}
        return PredictedRows(columns, frozenset(labels), errors)

    def _predicted(self, rows: Table) -> list[dict[str, Any]]:
        columns = {name: np.asarray(column).tolist() for name, column in rows.columns.items()}
        body: Any = (
            columns["x"] if set(columns) == {"x"} and rows.columns["x"].ndim > 1 else columns
        )
        try:
            predictions: list[dict[str, Any]] = _answer(self._url, body)["predictions"]
        except HTTPError as error:
            half = len(rows) // 2
            if error.code != TOO_LARGE or not half:
                raise _refused(self._url, error) from None
            error.close()
            positions = np.arange(len(rows))
            parts = rows.take(positions[:half]), rows.take(positions[half:])
            return [row for part in parts for row in self._predicted(part)]
        return predictions


def _answer(url: str, body: Any = None) -> Any:
    """Return the JSON that a server answers; a refusal of a body is an HTTPError."""
    content = None if body is None else json.dumps(body, allow_nan=False).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = Request(url, content, headers)  # noqa: S310  # the scheme is http or https
    if token := os.environ.get(VARIABLE, "").strip():
        if not token.isascii() or not token.isprintable():
            raise DataError(f"the environment variable {VARIABLE} holds no token")
        request.add_unredirected_header("Authorization", f"Bearer {token}")  # for this host alone
    try:
        with urlopen(request, timeout=TIMEOUT) as reply:  # noqa: S310
            return json.load(reply)
    except HTTPError as error:
        if body is not None:
            raise
        raise _refused(url, error) from None
    except URLError as error:
        raise DataError(f"{url}: cannot be reached: {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise DataError(f"{url}: no valid answer: {error_message(error)}") from None


def _refused(url: str, error: HTTPError) -> DataError:
    """Return the error of a request that a server refuses, with what it says."""
    hint = f"set the environment variable {VARIABLE} to a token of the server"
    message = f"{url}: {_detail(error)}"
    return DataError(message, hint=hint if error.code == UNAUTHORIZED else None)


def _detail(error: HTTPError) -> str:
    """Return what a server says about a request that it refuses."""
    with error:
        try:
            detail = json.load(error)["detail"]
        except (OSError, ValueError, LookupError, TypeError):
            detail = error.reason
    return f"the server answers {error.code}: {detail}"


def _column(values: list[Any]) -> Array:
    """Return values of JSON as a column; numbers are floats, NaN if missing."""
    if all(value is None or type(value) is float for value in values):
        return np.array([np.nan if value is None else value for value in values], float)
    column: Array = np.empty(len(values), object)
    column[:] = values
    return column
