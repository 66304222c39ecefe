"""How much each class counts in the loss: `data.class_weights`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from declnet.components.located_error import custom_error, located_error


class _Balance:
    """Takes `"balanced"`, or a table of weights by class."""

    def validate(self, value: Any) -> str | dict[str, float]:
        """The value as it is, if it is right."""
        if value == "balanced":
            return "balanced"
        if not isinstance(value, dict) or not value:
            raise custom_error(
                "balance", 'must be "balanced" or a table of a weight for each class'
            )
        for name, weight in value.items():
            number = isinstance(weight, int | float) and not isinstance(weight, bool)
            if not number or not 0 <= weight < float("inf"):
                message = "must be a number of at least 0"
                raise located_error("number", message, (str(name),), weight)
        return {str(name): float(weight) for name, weight in value.items()}

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        weights = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}
        return {"anyOf": [{"const": "balanced"}, weights]}


ClassWeights = Annotated[Literal["balanced"] | dict[str, float], _Balance()]
