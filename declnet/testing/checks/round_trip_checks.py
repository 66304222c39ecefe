"""What every component promises as a document: it comes back as it was."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import tomli_w
from pydantic import ValidationError

from declnet.testing.check import check
from declnet.testing.failures import CheckFailed, calling
from declnet.testing.subjects import Subject


@check
def survives_toml(subject: Subject) -> None:
    """Comes back from TOML as it was."""
    with calling("model_dump and writing TOML"):
        table = subject.instance.model_dump(mode="json", exclude_none=True)
        text = tomli_w.dumps(table)
    _require_same(subject, tomllib.loads(text), f"TOML ({text.strip()!r})")


@check
def survives_json(subject: Subject) -> None:
    """Comes back from JSON as it was."""
    with calling("model_dump and writing JSON"):
        text = json.dumps(subject.instance.model_dump(mode="json"), allow_nan=False)
    _require_same(subject, json.loads(text), f"JSON ({text})")


@check
def survives_pydantic(subject: Subject) -> None:
    """Comes back from what pydantic dumps as it was."""
    instance, context = subject.instance, {"registry": subject.registry}
    with calling("model_dump"):
        dumped = instance.model_dump()
    _require_same(subject, dumped, "model_dump()")
    with calling("model_validate of model_dump()"):
        again = type(instance).model_validate(dumped, context=context)
    _require_equal(instance, again, "model_validate(model_dump())")
    with calling("model_validate_json of model_dump_json()"):
        text = instance.model_dump_json()
        again = type(instance).model_validate_json(text, context=context)
    _require_equal(instance, again, "model_validate_json(model_dump_json())")


def declared(subject: Subject, table: Any) -> Any:
    """Builds a component as a spec does: by its contract, from a table with a type."""
    bases = type(subject.instance).__mro__
    contract: Any = next(base for base in bases if "kind" in vars(base))
    return contract.from_declaration(table, {"registry": subject.registry})


def _require_same(subject: Subject, table: Any, source: str) -> None:
    try:
        again = declared(subject, table)
    except ValidationError as error:
        raise CheckFailed(
            f"it cannot be built again from {source}: {error}; fields must be types that TOML and "
            "JSON can write: numbers, strings, booleans, lists, tables, paths, components"
        ) from error
    _require_equal(subject.instance, again, source)


def _require_equal(instance: Any, again: Any, source: str) -> None:
    if again != instance:
        raise CheckFailed(
            f"it comes back from {source} as {again!r} instead of {instance!r}; a value of None "
            "that is not the default is lost in TOML, and a serializer may lose more"
        )


CHECKS = (survives_toml, survives_json, survives_pydantic)
