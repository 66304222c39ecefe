"""The OpenAPI 3.1 document, generated from the columns of the served models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declnet import __version__
from declnet_plugins.serve.contract import KINDS
from declnet_plugins.serve.models import Column, LoadedModel, ServedModel
from declnet_plugins.serve.options import Options

_PROBLEMS = {
    "400": "The body is malformed.",
    "408": "The body did not arrive in time.",
    "413": "The body has too many bytes or rows.",
    "415": "The body is neither JSON nor CSV in UTF-8.",
    "422": "A row cannot be predicted; `row` and `column` say where. See `on_error`.",
    "503": "The server is busy; try again after `Retry-After` seconds.",
}


def openapi(models: Mapping[str, ServedModel], options: Options) -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": _problem_schema()}
    for name, served in models.items():
        operation = _operation(name, served.model, schemas, options)
        paths[f"/models/{name}/predict"] = {"post": operation}
        if len(models) == 1:
            paths["/predict"] = {"post": {**operation, "operationId": "predict"}}
    for path, summary in (
        ("/models", "The models with their columns"),
        ("/health", "Whether the server answers, and which models it has loaded"),
        ("/health/live", "Whether the process is alive"),
        ("/health/ready", "Whether requests are accepted"),
    ):
        content = {"application/json": {"schema": {"type": "object"}}}
        answers: dict[str, Any] = {"200": {"description": summary, "content": content}}
        paths[path] = {"get": {"summary": summary, "responses": answers}}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": f"declnet: {', '.join(models)}", "version": __version__},
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if options.token_file is not None:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        for path in ("/health", "/health/live", "/health/ready"):
            paths[path]["get"]["security"] = []
    return document


def _operation(
    name: str, model: LoadedModel, schemas: dict[str, Any], options: Options
) -> dict[str, Any]:
    body = _input_schema(name, model, schemas, options)
    schemas[f"{name}.prediction"] = _output_schema(model)
    example = {} if model.example is None else {"example": model.example}
    content: dict[str, Any] = {"application/json": {"schema": body, **example}}
    if not model.inputs:
        content["text/csv"] = {"schema": {"type": "string"}}
    predictions = {
        "type": "object",
        "required": ["predictions"],
        "properties": {"predictions": {"type": "array", "items": _reference(f"{name}.prediction")}},
    }
    answers: dict[str, Any] = {
        "200": {
            "description": "A prediction for each row, in the same order.",
            "content": {
                "application/json": {"schema": predictions},
                "text/csv": {"schema": {"type": "string"}},
            },
        }
    }
    for status, description in _PROBLEMS.items():
        problem = {"application/problem+json": {"schema": _reference("Problem")}}
        answers[status] = {"description": description, "content": problem}
    operation: dict[str, Any] = {
        "operationId": f"predict_{name}",
        "summary": f"Predict with the model {name}",
        "requestBody": {"required": True, "content": content},
        "responses": answers,
    }
    parameters = []
    if len(model.predictor.members) > 1:
        description = "Add the standard deviation over the models."
        parameters.append(_parameter("spread", description, type="boolean", default=False))
    if model.predictor.windows is None:
        description = (
            "Whether a row that cannot be predicted is a problem of the request, or has null in "
            "its predictions and the reason in `error`, which is null for all other rows."
        )
        choices = {"enum": ["fail", "empty"], "default": "fail"}
        parameters.append(_parameter("on_error", description, type="string", **choices))
    return {**operation, "parameters": parameters}


def _parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _input_schema(
    name: str, model: LoadedModel, schemas: dict[str, Any], options: Options
) -> dict[str, Any]:
    columns = model.columns
    if columns is None:
        arrays = {
            input_: _array_schema(shape, options) for input_, shape in model.sample_shape.items()
        }
        if not model.inputs:
            return next(iter(arrays.values()))
        return {"type": "object", "required": list(arrays), "properties": arrays}
    required = [column.name for column in columns]
    single = {column.name: column_schema(column) for column in columns}
    schemas[f"{name}.row"] = {"type": "object", "required": required, "properties": single}
    several = {
        column: {"type": "array", "items": schema, "minItems": 1, "maxItems": options.max_rows}
        for column, schema in single.items()
    }
    schemas[f"{name}.columns"] = {"type": "object", "required": required, "properties": several}
    rows = {
        "type": "array",
        "minItems": 1,
        "maxItems": options.max_rows,
        "items": _reference(f"{name}.row"),
    }
    return {"oneOf": [rows, _reference(f"{name}.columns")]}


def column_schema(column: Column) -> dict[str, Any]:
    """Return the JSON schema of a column's values; null is a missing value."""
    kind = KINDS[column.type] if column.type is not None else "string"
    if column.known is None:
        example = {"number": 0.5, "integer": 1, "boolean": True}.get(column.type or "text")
        schema: dict[str, Any] = {"type": [kind, "null"]}
        return schema | ({} if example is None else {"examples": [example]})
    known = {"enum": [*column.known, None]}
    if column.closed:
        return known
    return {"anyOf": [known, {"type": kind}], "description": "Other values are accepted, too."}


def _array_schema(shape: tuple[int, ...], options: Options) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "number"}
    for size in reversed(shape):
        schema = {"type": "array", "items": schema, "minItems": size, "maxItems": size}
    return {"type": "array", "items": schema, "minItems": 1, "maxItems": options.max_rows}


def _output_schema(model: LoadedModel) -> dict[str, Any]:
    if not model.outputs:
        return {"type": "object"}
    empty = model.predictor.windows is None  # with `on_error`
    properties = {
        name: {"type": [kind, "null"] if empty else kind} for name, kind in model.outputs.items()
    }
    required = list(properties)
    if empty:
        properties["error"] = {"type": ["string", "null"]}
    return {"type": "object", "required": required, "properties": properties}


def _problem_schema() -> dict[str, Any]:
    text, whole = {"type": "string"}, {"type": "integer"}
    properties = {
        "type": text,
        "title": text,
        "status": whole,
        "detail": text,
        "help": text,
        "code": {"type": "string", "description": "as in `declnet explain`"},
        "row": {"type": "integer", "description": "from 1"},
        "column": text,
        "request": {"type": "string", "description": "as in the log"},
    }
    required = ["type", "title", "status", "detail", "request"]
    return {"type": "object", "required": required, "properties": properties}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
