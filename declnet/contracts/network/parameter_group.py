"""Parameter groups: parameters that an optimizer updates with other fields, or another rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import InitErrorDetails, core_schema

from declnet.contracts.component import Component
from declnet.contracts.strict_model import (
    StrictModel,
    detailed_errors,
    located_error,
    resolve_paths,
)

GROUPS, PARAMETERS, FACTOR = "groups", "parameters", "learning_rate_factor"
RATE = "learning_rate"


class _Selection(StrictModel):
    """The keys of a group that are not fields of an optimizer."""

    parameters: tuple[str, ...] = Field(
        min_length=1,
        description='patterns of names, e.g. ["*.biases"]; * is any text, ? any character',
    )
    learning_rate_factor: float | None = Field(
        default=None, gt=0, description="multiplies the optimizer's learning rate"
    )


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that are updated differently: an item of `optimizer.groups`.

    Attributes:
        parameters: patterns of the parameters' names; the last group that matches one has it.
        optimizer: updates these parameters; a group with a `type` starts from that type's defaults,
            any other from the fields of the optimizer that has the group.
        fields_set: the fields of `optimizer` that the group sets, or `type`.
        learning_rate_factor: multiplies the rate of the optimizer with the group, if given.
    """

    parameters: tuple[str, ...]
    optimizer: Any
    fields_set: frozenset[str]
    learning_rate_factor: float | None = None

    @property
    def has_own_rate(self) -> bool:
        """Whether its learning rate does not follow from the optimizer with the group."""
        return self.learning_rate_factor is None and bool(self.fields_set & {"type", RATE, "decay"})

    def _dumped(self, info: core_schema.SerializationInfo) -> dict[str, Any]:
        """Return the group as a table."""
        table: dict[str, Any] = {"parameters": list(self.parameters)}
        if self.learning_rate_factor is not None:
            table[FACTOR] = self.learning_rate_factor
        fields = self.optimizer.model_dump(mode=info.mode, exclude_none=info.exclude_none)
        return table | {name: value for name, value in fields.items() if name in self.fields_set}

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls._dumped, info_arg=True
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        fields: dict[str, Any] = _Selection.model_json_schema()["properties"]
        factor = fields[FACTOR]["anyOf"][0]
        return {
            "type": "object",
            "required": ["parameters"],
            "properties": {
                "parameters": fields["parameters"],
                FACTOR: {**factor, "description": fields[FACTOR]["description"]},
                "type": {"type": "string", "description": "another optimizer's type"},
            },  # and the keys of the optimizer, which would be in the schema twice for each type
        }


def validated_with_groups(
    cls: type[Component],
    values: Any,
    handler: Callable[[Any], Any],
    context: Mapping[str, Any] | None,
) -> Any:
    """Validate an optimizer's table together with its groups.

    Args:
        cls: the optimizer's class.
        values: its table; the groups in it are tables or `ParameterGroup` instances.
        handler: validates a table whose groups are instances.

    Raises:
        ValidationError: with all errors, each in a group at `groups` and its position.
    """
    items = values.get(GROUPS) if isinstance(values, Mapping) else None
    if not isinstance(items, list | tuple) or not items:
        return handler(values)
    table = {name: value for name, value in values.items() if name != GROUPS}
    errors: list[InitErrorDetails] = []
    try:
        cls.model_validate(table, context=dict(context or {}))
    except ValidationError as error:
        errors += detailed_errors(error)
    inherited = {_identity(error) for error in errors}
    groups = []
    for position, item in enumerate(items):
        try:
            groups.append(_group(cls, table, item, context or {}))
        except ValidationError as error:
            errors += _errors_at(position, error, inherited)
    if errors:
        raise ValidationError.from_exception_data(cls.__name__, errors)
    return handler({**table, GROUPS: tuple(groups)})


def _group(
    cls: type[Component], table: Mapping[str, Any], item: Any, context: Mapping[str, Any]
) -> ParameterGroup:
    if isinstance(item, ParameterGroup):
        return item
    if not isinstance(item, Mapping):
        raise located_error("component", "must be a table", (), item, code="E012")
    optimizer_fields = {
        name: value for name, value in item.items() if name not in _Selection.model_fields
    }
    chosen = {name: value for name, value in item.items() if name in _Selection.model_fields}
    errors: list[InitErrorDetails] = []
    try:
        selection = _Selection.model_validate(chosen)
    except ValidationError as error:
        errors += detailed_errors(error)
    if {RATE, FACTOR} <= item.keys():
        message = f"{RATE} and {FACTOR} cannot be combined; remove one of them"
        error_ = located_error("contradiction", message, (FACTOR,), item[FACTOR], code="E017")
        errors += detailed_errors(error_)
    try:
        other = cls
        if "type" in optimizer_fields:
            other = cls.contract()._class_of(optimizer_fields, ("type",), context)
        errors += _unknown_keys_of_group(other, item)
        allowed = other.model_fields.keys() - {GROUPS}
        fields = {} if "type" in optimizer_fields else dict(table)
        fields |= {name: value for name, value in optimizer_fields.items() if name in allowed}
        fields = resolve_paths(other, fields, context.get("folder"))
        optimizer = other.model_validate(fields, context=dict(context))
    except ValidationError as error:
        errors += detailed_errors(error)
    if errors:
        raise ValidationError.from_exception_data("group", errors)
    return ParameterGroup(
        selection.parameters, optimizer, frozenset(optimizer_fields), selection.learning_rate_factor
    )


def _errors_at(
    position: int, error: ValidationError, inherited: Iterable[Any]
) -> Iterable[InitErrorDetails]:
    """Yield a group's errors at its position, without those that come from the optimizer."""
    for detailed_error in detailed_errors(error):
        if _identity(detailed_error) not in inherited:
            yield {**detailed_error, "loc": (GROUPS, position, *detailed_error.get("loc", ()))}


def _unknown_keys_of_group(cls: type[Component], item: Mapping[str, Any]) -> list[InitErrorDetails]:
    """Return an error for each key that neither a group nor the optimizer's class has."""
    known = (_Selection.model_fields.keys() | cls.model_fields.keys() | {"type"}) - {GROUPS}
    errors: list[InitErrorDetails] = []
    for name in [key for key in item if key not in known]:
        about = cls.about_unknown(name, known, f"keys of a group of {cls.type}")
        if name == GROUPS:
            about = {"hint": "groups cannot be nested; list it after this one"}
        error = located_error("unknown_key", "unknown key", (name,), item[name], **about)
        errors += detailed_errors(error)
    return errors


def _identity(error: InitErrorDetails) -> tuple[Any, ...]:
    kind = error["type"]
    return error.get("loc"), kind if isinstance(kind, str) else str(kind), repr(error["input"])
