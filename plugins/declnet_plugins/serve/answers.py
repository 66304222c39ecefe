"""Requests for predictions, answered by a model; runs in a thread."""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from declnet import (
    Array,
    Predictions,
    UnusualCells,
    prediction_columns,
    write_predictions,
)
from declnet_plugins.serve.bodies import csv_file, parse_json
from declnet_plugins.serve.problems import ProblemError
from declnet_plugins.serve.requests import Query

if TYPE_CHECKING:
    from declnet_plugins.serve.models import LoadedModel


class Call(NamedTuple):
    """What a body of JSON asks for.

    Attributes:
        value: the samples, in a form that `Shape.read` takes.
        query: what is requested in addition to predictions.
        identifier: of the request, which the response repeats.
        outputs: the names of the columns to return; None: all.
    """

    value: Any
    query: Query
    identifier: str | None = None
    outputs: tuple[str, ...] | None = None


class Protocol:
    """What bodies of JSON mean, in requests and responses; this one is declnet's own."""

    def call(self, document: Any, model: LoadedModel, query: Query) -> Call:
        """Return what a request asks for; raise ProblemError if it is malformed.

        Args:
            document: its JSON.
            model: the model that it asks.
            query: what its URL asks for.
        """
        return Call(document, query)

    def document(
        self, columns: Mapping[str, Array], call: Call, model: LoadedModel
    ) -> dict[str, Any]:
        """Return a response, which may have arrays and NumPy's numbers.

        Args:
            columns: those of the predictions.
            call: what the request asks for.
            model: the model that predicted.
        """
        rows = zip(*columns.values(), strict=True)
        return {"predictions": [dict(zip(columns, row, strict=True)) for row in rows]}


_JSON_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


class PredictionRequest(NamedTuple):
    """A request for predictions.

    Attributes:
        body: its content.
        form: what that is, `json` or `csv`.
        accepted: what to answer, `json` or `csv`.
        query: what the URL asks for.
        most_rows: of a body; more are a problem.
        protocol: what the JSON means.
    """

    body: bytes
    form: str
    accepted: str
    query: Query
    most_rows: int
    protocol: Protocol


class Answer(NamedTuple):
    """The response to a request for predictions.

    Attributes:
        body: its content.
        rows: the number of predictions.
        unusual: the columns with cells that are unlike the training data.
    """

    body: bytes
    rows: int
    unusual: Mapping[str, UnusualCells] = MappingProxyType({})


def answer(model: LoadedModel, request: PredictionRequest) -> Answer:
    """Return the predictions for a request.

    Raises:
        ProblemError: the body is malformed.
        DataError: a row cannot be predicted, unless the query says to leave it empty.
        ComponentError: a component raised an exception.
    """
    if request.form == "csv":
        call, parts = Call(None, request.query), _of_csv(model, request)
    else:
        call = request.protocol.call(parse_json(request.body), model, request.query)
        samples, _ = model.shape.read(call.value, request.most_rows)
        on_error, spread = call.query.on_error, call.query.spread
        parts = [model.predictor.predict(samples, on_error, spread=spread)]
    unusual: dict[str, UnusualCells] = {}
    for part in parts:
        UnusualCells.accumulate(unusual, _first(part).unusual.items())
    if request.accepted == "csv":
        file = io.BytesIO()
        rows = write_predictions(parts, file, "csv")
        return Answer(file.getvalue(), rows, unusual)
    columns = _joined([prediction_columns(part) for part in parts])
    rows = len(next(iter(columns.values())))
    document = request.protocol.document(columns, call, model)
    return Answer(orjson.dumps(document, option=_JSON_OPTIONS), rows, unusual)


def _of_csv(model: LoadedModel, request: PredictionRequest) -> list[Any]:
    if model.predictor.features is None and model.inputs:
        raise ProblemError(415, "the model takes arrays by name, which CSV cannot hold")
    parts, count, query = [], 0, request.query
    with csv_file(request.body) as path:
        for part in model.predictor.predict_parts(
            path, spread=query.spread, on_error=query.on_error
        ):
            count += len(_first(part))
            if count > request.most_rows:
                raise ProblemError(413, f"the body has more than {request.most_rows} rows")
            parts.append(part)
    return parts


def _first(part: Any) -> Predictions:
    """Return the predictions of the first loss."""
    return part if isinstance(part, Predictions) else next(iter(part.values()))


def _joined(parts: list[dict[str, Array]]) -> dict[str, Array]:
    import numpy as np

    first, *others = parts
    if not others:
        return first
    return {name: np.concatenate([part[name] for part in parts]) for name in first}
