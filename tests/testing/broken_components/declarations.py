"""Components that are wrong as declarations."""

from collections.abc import Callable
from typing import Any

from pydantic import ConfigDict, Field, field_serializer

from declnet import Regularizer


class Offset(Regularizer):
    """penalty = 0; the right component that the others here spoil."""

    type = "offset"

    def penalty(self, w):
        return 0.0

    def add_gradient(self, w, dw):
        pass


class NoDocstring(Offset):
    type = "no_docstring"


class TakesAnyKey(Offset):
    """penalty = 0."""

    type = "takes_any_key"
    model_config = ConfigDict(extra="ignore")


class CanBeChanged(Offset):
    """penalty = 0."""

    type = "can_be_changed"
    model_config = ConfigDict(frozen=False)

    strength: float = Field(default=0.0, description="nothing")


class FunctionField(Offset):
    """penalty = 0."""

    type = "function_field"

    measure: Callable[[float], float] = Field(default=abs, description="no TOML can write it")


class LosesItsField(Offset):
    """penalty = 0."""

    type = "loses_its_field"
    examples = ({"strength": 0.123456},)

    strength: float = Field(default=0.0, description="nothing")

    @field_serializer("strength")
    def rounded(self, value: float) -> float:
        return round(value, 2)


class AnyObject(Offset):
    """penalty = 0."""

    type = "any_object"

    what: Any = Field(default_factory=object, description="an object")


class NoneIsNoDefault(Offset):
    """penalty = 0."""

    type = "none_is_no_default"
    examples = ({"strength": None},)

    strength: float | None = Field(default=0.5, description="a number, or none")


class WrongExample(Offset):
    """penalty = 0."""

    type = "wrong_example"
    examples = ({}, {"strenght": 1.0})


WRONG = {
    NoDocstring: "has_a_docstring",
    TakesAnyKey: "refuses_unknown_keys",
    CanBeChanged: "is_frozen",
    FunctionField: "has_a_json_schema",
    LosesItsField: "survives_documents",
    AnyObject: "survives_documents",
    NoneIsNoDefault: "survives_documents",
    WrongExample: "example_is_valid",
}
