"""Fields that take a number or a component."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from declnet.contracts.component import Component
from declnet.contracts.strict_model import any_of_kind, custom_error

MAXIMUM = sys.float_info.max


@dataclass(frozen=True)
class NumberOr:
    """Annotation for `float | SomeContract`: `Annotated[float | Schedule, NumberOr(Schedule)]`.

    A union would report the errors of both branches; this picks the branch by the form of the
    value, so that an error in a component is reported once, at its key.

    Attributes:
        contract: the kind of component that is accepted in addition to a number.
        above: the number must be greater than this.
        minimum: the number must be at least this.
        below: the number must be less than this.
    """

    contract: type[Component]
    above: float = -math.inf
    minimum: float = -math.inf
    below: float = math.inf

    def validate(self, value: Any, info: ValidationInfo) -> Any:
        """Return a float in range, or a component."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not (self.above < value < self.below and self.minimum <= value <= MAXIMUM):
                raise PydanticCustomError("number", self._range_in_words(value))
            return float(value)
        if isinstance(value, str) and _reads_as_number(value):
            message = f'must be a number, not "{value}"'
            raise custom_error("number_or", message, hint="remove the quotation marks")
        if isinstance(value, str | dict | self.contract):
            return self.contract.from_declaration(value, info.context)
        kind = self.contract.kind.replace("_", " ")
        raise PydanticCustomError(
            "number_or",
            f"must be a number, or a {kind}: its type's name or a table with a type",
        )

    def _range_in_words(self, value: float) -> str:
        bounds = []
        if self.above > -math.inf:
            bounds.append(f"greater than {self.above:g}")
        if self.minimum > -math.inf:
            bounds.append(f"at least {self.minimum:g}")
        bounds.append(f"less than {self.below:g}" if self.below < math.inf else "finite")
        return f"must be {' and '.join(bounds)}, not {_shortened(value)}"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(_dump, info_arg=True),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        bounds = {
            "exclusiveMinimum": self.above,
            "minimum": self.minimum,
            "exclusiveMaximum": self.below,
        }
        finite = {key: bound for key, bound in bounds.items() if math.isfinite(bound)}
        return any_of_kind(self.contract.kind, finite)


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shortened(value: float) -> str:
    try:
        return f"{value:.6g}"
    except OverflowError:
        return "a number of more than 308 digits"


def _dump(value: float | Component, info: core_schema.SerializationInfo) -> Any:
    if isinstance(value, Component):
        return value.model_dump(mode=info.mode, exclude_none=info.exclude_none)
    return value
