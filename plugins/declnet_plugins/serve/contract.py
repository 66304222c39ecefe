"""What the clients of a served model rely on, which a reload must not change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

KINDS = {"number": "number", "integer": "number", "boolean": "boolean", "text": "string"}
"""The JSON types of the values in a column, by the column's type."""


@dataclass(frozen=True)
class Contract:
    """The form of a model's requests and predictions.

    Attributes:
        inputs: for each column its JSON type, or for each array the shape of a sample.
        outputs: for each column of a prediction its JSON type.
        classes: for each loss the names of its classes, if it has any.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    classes: Mapping[str, str]

    def differences(self, other: Contract) -> str | None:
        """Return in what another model's contract differs; None if it is the same."""
        kinds = (
            ("input", self.inputs, other.inputs),
            ("output", self.outputs, other.outputs),
            ("classes of", self.classes, other.classes),
        )
        return "; ".join(part for kind in kinds for part in _differences(*kind)) or None


def _differences(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield f'{what} "{name}" is missing'
        elif name not in before:
            yield f'{what} "{name}" is new'
        elif before[name] != after[name]:
            yield f'{what} "{name}" is {after[name]}, not {before[name]}'
