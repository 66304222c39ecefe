"""Components that are wrong as declarations, or whose own check is faulty."""

from collections.abc import Callable
from typing import Any

from pydantic import ConfigDict, Field, field_serializer

from declnet import Diagnostic

from ..right.others import Offset
from .expected import caught_by


@caught_by("has_a_docstring")
class NoDocstring(Offset):
    type = "no_docstring"


@caught_by("refuses_unknown_keys")
class TakesAnyKey(Offset):
    """penalty = 0."""

    model_config = ConfigDict(extra="ignore")


@caught_by("is_frozen")
class CanBeChanged(Offset):
    """penalty = 0."""

    model_config = ConfigDict(frozen=False)

    strength: float = Field(default=0.0, description="nothing")


@caught_by("has_a_json_schema")
class FunctionField(Offset):
    """penalty = 0."""

    measure: Callable[[float], float] = Field(default=abs, description="no TOML can write it")


@caught_by("survives_documents")
class LosesItsField(Offset):
    """penalty = 0."""

    examples = ({"strength": 0.123456},)

    strength: float = Field(default=0.0, description="nothing")

    @field_serializer("strength")
    def rounded(self, value: float) -> float:
        return round(value, 2)


@caught_by("survives_documents")
class AnyObject(Offset):
    """penalty = 0."""

    what: Any = Field(default_factory=object, description="an object")


@caught_by("survives_documents")
class NoneIsNoDefault(Offset):
    """penalty = 0."""

    examples = ({"strength": None},)

    strength: float | None = Field(default=0.5, description="a number, or none")


@caught_by("example_is_valid")
class WrongExample(Offset):
    """penalty = 0."""

    examples = ({}, {"strenght": 1.0})


@caught_by("checks_an_unknown_run")
class NeedsALayer(Offset):
    """penalty = 0."""

    def check(self, context):
        if context.last.output_shape == (1,):
            yield Diagnostic("a single unit")


@caught_by("checks_an_unknown_run")
class ForgetsToReturn(Offset):
    """penalty = 0."""

    def check(self, context):
        [Diagnostic("found and lost")]


@caught_by("checks_an_unknown_run")
class AnswersWithWords(Offset):
    """penalty = 0."""

    def check(self, context):
        return "all is well"


@caught_by("checks_an_unknown_run")
class OddCode(Offset):
    """penalty = 0."""

    def check(self, context):
        yield Diagnostic("as always", code="warning")


@caught_by("checks_an_unknown_run")
class SaysNothing(Offset):
    """penalty = 0."""

    def check(self, context):
        yield Diagnostic(" ")


@caught_by("checks_an_unknown_run")
class NamesNoField(Offset):
    """penalty = 0."""

    def check(self, context):
        yield Diagnostic("too strong", path=("strenght",))
