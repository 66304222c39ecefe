"""Fields that take a number or a component."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

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
        maximum: the number must be at most this.
        by_step: whether the field is one of `Component.scheduled_fields`.
    """

    contract: type[Component]
    above: float = -math.inf
    minimum: float = -math.inf
    below: float = math.inf
    maximum: float = MAXIMUM
    by_step: ClassVar[bool] = False

    def contains(self, value: float) -> bool:
        """Return whether a number is in the range."""
        return self.above < value < self.below and self.minimum <= value <= self.maximum

    def validate(self, value: Any, info: ValidationInfo) -> Any:
        """Return a float in range, or a component."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not self.contains(value):
                message = f"must be {self.in_words()}, not {_shortened(value)}"
                raise PydanticCustomError("number", message)
            return float(value)
        if isinstance(value, str) and reads_as_number(value):
            message = f'must be a number, not "{value}"'
            raise custom_error("number_or", message, hint="remove the quotation marks")
        if isinstance(value, str | dict | self.contract):
            return self.contract.from_declaration(value, info.context)
        kind = self.contract.kind.replace("_", " ")
        raise PydanticCustomError(
            "number_or",
            f"must be a number, or a {kind}: its type's name or a table with a type",
        )

    def in_words(self) -> str:
        """Return the range, e.g. `at least 0 and less than 1`."""
        bounds = []
        if self.above > -math.inf:
            bounds.append(f"greater than {self.above:g}")
        if self.minimum > -math.inf:
            bounds.append(f"at least {self.minimum:g}")
        if self.below < math.inf:
            bounds.append(f"less than {self.below:g}")
        if self.maximum < MAXIMUM:
            bounds.append(f"at most {self.maximum:g}")
        elif self.below == math.inf:
            bounds.append("finite")
        return " and ".join(bounds)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        bounds = {
            "exclusiveMinimum": self.above,
            "minimum": self.minimum,
            "exclusiveMaximum": self.below,
            "maximum": self.maximum,
        }
        finite = {key: bound for key, bound in bounds.items() if abs(bound) < MAXIMUM}
        return any_of_kind(self.contract.kind, finite)


def reads_as_number(text: str) -> bool:
    """Return whether Python reads a text as a number."""
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
