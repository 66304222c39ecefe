"""Validation errors that name the key at fault, from validators that see a whole table."""

from __future__ import annotations

from typing import Any

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError


def custom_error(kind: str, message: str, **context: str | None) -> PydanticCustomError:
    """An error with a message that may have braces, and e.g. a `hint`; None is left out."""
    text = message.replace("{", "{{").replace("}", "}}")
    given = {key: value for key, value in context.items() if value is not None}
    return PydanticCustomError(kind, text, given)


def located_error(
    kind: str, message: str, location: tuple[str | int, ...], value: Any, **context: str | None
) -> ValidationError:
    """The same at a key within the table that is validated."""
    details = InitErrorDetails(
        type=custom_error(kind, message, **context), loc=location, input=value
    )
    return ValidationError.from_exception_data(kind, [details])
