"""Components as arguments of a command: a data source or another, as a spec has it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from declnet.contracts.component import Component
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.runs.executor import Executor
from declnet.errors import Diagnostic, Place, SpecError
from declnet.registry.registry import Registry
from declnet.spec.document.overrides import InlineValue
from declnet.spec.validation_errors import diagnostic_of

C = TypeVar("C", bound=Component)


def is_declaration(text: str) -> bool:
    """Return whether an argument is an inline table rather than the name of a file."""
    return text.lstrip().startswith("{")


def declared_source(
    text: str, argument: str, registry: Registry, like: DataSource | None = None
) -> DataSource:
    """Return the data source that an inline table declares.

    Args:
        text: the table, e.g. `{ type = "…", path = "new" }`; relative paths in it are relative to
            the working folder.
        argument: what messages call it, e.g. `--data`.
        registry: where its type is looked up.
        like: the source of a run's training data: it has the type if the table has none, and the
            other keys that the table leaves out if it has the same type.

    Raises:
        SpecError: the text is not an inline table, or a key is wrong; each error has its place.
    """
    whole = Place(argument, 1, 1, 1, len(text) + 1, text)
    table = _table_in(text, whole)
    if like is not None and table.setdefault("type", like.type) == like.type:
        inherited = like.model_fields_set - table.keys()
        if table.keys() & {"target", "targets"}:
            inherited = inherited - {"target", "targets"}
        table |= {name: getattr(like, name) for name in sorted(inherited)}
    try:
        return DataSource.from_declaration(table, {"registry": registry, "folder": Path.cwd()})
    except ValidationError as error:
        raise _located_errors(error, table, whole) from None


def declared_component(
    contract: type[C], text: str, argument: str, number: int, registry: Registry
) -> C:
    """Return the component that the name of a type, or an inline table, declares.

    Args:
        contract: the component's contract.
        text: the name, or the table; of an executor also `TYPE:ADDRESS`.
        argument: what messages call it, e.g. `--analyze`.
        number: its position among several, from 1; messages show it as the line.
        registry: where its type is looked up.

    Raises:
        SpecError: the text is not an inline table, or a key is wrong; each error has its place.
    """
    whole = Place(argument, number, 1, number, len(text) + 1, text)
    value: Any = _table_in(text, whole) if is_declaration(text) else text.strip()
    if contract is Executor and isinstance(value, str) and ":" in value:
        name, _, address = value.partition(":")
        value = {"type": name, "address": address}
    context = {"registry": registry, "folder": Path.cwd()}
    try:
        component: C = TypeAdapter(contract).validate_python(value, context=context)
    except ValidationError as error:
        raise _located_errors(error, value, whole) from None
    return component


def _table_in(text: str, whole: Place) -> dict[str, Any]:
    try:
        ((_, table),) = tomllib.loads(f"value = {text}").items()
    except (ValueError, RecursionError):  # also for several keys
        help_ = 'write it as in a spec: { type = "…", key = "value" }'
        problem = Diagnostic("not a valid inline table", help_, (), "E002", place=whole)
        raise SpecError([problem]) from None
    return dict(table)


def _located_errors(error: ValidationError, value: Any, whole: Place) -> SpecError:
    written, problems = InlineValue(whole.file, whole.line, whole.text), []
    for detail in error.errors():
        problem = diagnostic_of(detail, value)
        if problem.severity == "warning":  # a key of an earlier version, which only specs may have
            problem = replace(problem, code="E010")
        place = written.place_of(problem.path, problem.focus) if problem.path else None
        problems.append(replace(problem, place=place or whole))
    return SpecError(problems)
