"""The base of everything that a spec declares: frozen, no unknown keys, strict scalars."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import (
    ErrorDetails,
    InitErrorDetails,
    PydanticCustomError,
    core_schema,
)

from declnet.components.located_string import LocatedString
from declnet.registry.spelling import suggestion

_SCALARS = frozenset({"int", "float", "bool", "str"})
_BUILT_IN = frozenset(get_args(core_schema.ErrorType))
_OPAQUE = frozenset({"default", "metadata", "serialization", "expected", "config", "cls"})


class StrictModel(BaseModel):
    """A frozen model whose scalars are strict: no `"0.5"` or `true` for a number, no NaN.

    Only scalars are strict. A TOML array serves for a tuple and a string for a path, as they must.
    Defaults are validated too, so that a component's name may be one: `Initializer | str = "ones"`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        defer_build=True,
        protected_namespaces=(),
    )

    @model_validator(mode="wrap")
    @classmethod
    def _suggest_for_unknown_keys(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            details = [cls._with_suggestion(detail) for detail in error.errors()]
            raise ValidationError.from_exception_data(error.title, details) from None

    @classmethod
    def _with_suggestion(cls, detail: ErrorDetails) -> InitErrorDetails:
        location, kind = detail["loc"], detail["type"]
        context = detail.get("ctx", {})
        error: str | PydanticCustomError = kind
        if kind == "extra_forbidden" and len(location) == 1:
            label = f"keys of {cls.type}" if hasattr(cls, "type") else "keys here"
            hint = suggestion(str(location[0]), cls.model_fields, label)
            error = PydanticCustomError("unknown_key", "unknown key", {"hint": hint})
        elif kind == "missing" and len(location) == 1 and location[0] in cls.model_fields:
            meaning = cls.model_fields[str(location[0])].description
            known = {"hint": f"{location[0]}: {meaning}"} if meaning else {}
            error = PydanticCustomError("missing_key", "is missing", known)
        elif kind not in _BUILT_IN:
            message = detail["msg"].replace("{", "{{").replace("}", "}}")
            error = PydanticCustomError(kind, message, context)
        return InitErrorDetails(type=error, loc=location, input=detail["input"], ctx=context)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        schema = handler(source)
        _make_scalars_strict(schema)
        return schema


def _make_scalars_strict(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") in _SCALARS:
            schema.setdefault("strict", True)
        for key, value in schema.items():
            if key not in _OPAQUE:
                _make_scalars_strict(value)
    elif isinstance(schema, list | tuple):
        for item in schema:
            _make_scalars_strict(item)


def resolve_paths(
    model: type[BaseModel], values: Mapping[str, Any], folder: Path | None
) -> dict[str, Any]:
    """Makes the relative paths of a table absolute, for the fields that are typed `Path`.

    Args:
        model: the class that will validate the table.
        values: the table, as written.
        folder: what relative paths are relative to (the spec file's folder), or None to leave them.
    """
    resolved = dict(values)
    if folder is None:
        return resolved
    for name, field in model.model_fields.items():
        value = resolved.get(name)
        if isinstance(value, str | Path) and field.annotation in (Path, Path | None):
            own = value.folder if isinstance(value, LocatedString) else folder
            resolved[name] = own / value
    return resolved
