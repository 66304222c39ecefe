"""Components with invalid declarations or a faulty check."""

from collections.abc import Callable
from typing import Any

from pydantic import ConfigDict, Field, field_serializer

from declnet import Diagnostic

from ..right.others import Offset
from .broken import broken


class LosesItsField(Offset):
    """penalty = 0, with a field that is rounded in its declaration."""

    type = "loses_its_field"
    examples = ({"strength": 0.123456},)

    strength: float = Field(default=0.0, description="nothing")

    @field_serializer("strength")
    def rounded(self, value: float) -> float:
        return round(value, 2)


def field(annotation, **options):
    """Return the members of a component with one field, `value`."""
    value = Field(description="nothing", **options)
    return {"__annotations__": {"value": annotation}, "value": value}


def needing_a_layer(self, context):
    if context.last.output_shape == (1,):
        yield Diagnostic("a single unit")


CHECKS = {
    "needs_a_layer": needing_a_layer,
    "forgets_to_return": lambda self, context: None,
    "answers_with_words": lambda self, context: "all is well",
    "has_an_odd_code": lambda self, context: [Diagnostic("as always", code="warning")],
    "says_nothing": lambda self, context: [Diagnostic(" ")],
    "names_no_field": lambda self, context: [Diagnostic("too strong", path=("strenght",))],
}

BROKEN = (
    broken("has_a_docstring", Offset, "has_no_docstring", __doc__=None),
    broken("refuses_unknown_keys", Offset, "takes_any", model_config=ConfigDict(extra="ignore")),
    broken("is_frozen", Offset, "can_be_changed", model_config=ConfigDict(frozen=False),
           **field(float, default=0.0)),
    broken("has_a_json_schema", Offset, "has_a_function",
           **field(Callable[[float], float], default=abs)),
    (LosesItsField, "survives_documents"),
    broken("survives_documents", Offset, "has_any_object", **field(Any, default_factory=object)),
    broken("example_is_valid", Offset, "has_a_wrong_example", examples=({}, {"strenght": 1.0})),
    *(broken("checks_an_unknown_run", Offset, name, check=call) for name, call in CHECKS.items()),
)  # fmt: skip
