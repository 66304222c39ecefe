"""Fields for window sizes and padding."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


def _pair(value: Any, least: int) -> tuple[int, int] | None:
    both = [value, value] if isinstance(value, int) else value
    if not isinstance(both, list | tuple) or len(both) != 2:
        return None
    if any(type(each) is not int or each < least for each in both):
        return None
    return both[0], both[1]


def _sizes(value: Any) -> tuple[int, int]:
    pair = _pair(value, 1)
    if pair is None:
        message = "must be a whole number of at least 1, or two: [height, width]"
        raise PydanticCustomError("window", message, {"code": _code(value, 1)})
    return pair


def _padding(value: Any) -> str | tuple[int, int]:
    if value in ("same", "valid"):
        return str(value)
    pair = _pair(value, 0)
    if pair is None:
        message = 'must be "same", "valid", a whole number of at least 0, or two: [height, width]'
        code = "E014" if isinstance(value, str) else _code(value, 0)
        raise PydanticCustomError("window", message, {"code": code})
    return pair


def _code(value: Any, least: int) -> str:
    """Return the code for the error: a number out of range, too many numbers, or other."""
    numbers = value if isinstance(value, list | tuple) else [value]
    if any(type(each) is not int for each in numbers):
        return "E012"
    return "E013" if any(each < least for each in numbers) else "E018"


def _form(least: int) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": least}
    return [number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]


Sizes = Annotated[tuple[int, int], BeforeValidator(_sizes), WithJsonSchema({"anyOf": _form(1)})]
"""A field for height and width: one integer for both, or two; at least 1."""

Padding = Annotated[
    Literal["same", "valid"] | tuple[int, int],
    BeforeValidator(_padding),
    WithJsonSchema({"anyOf": [{"enum": ["same", "valid"]}, *_form(0)]}),
]
"""A field for padding: a word, one integer for all four sides, or [height, width]."""


def require_small_padding(kernel: tuple[int, int], padding: str | tuple[int, int]) -> None:
    """Raise ValueError if padding exceeds half of the window, which could then see only padding."""
    if not isinstance(padding, str) and any(
        2 * width > size for width, size in zip(padding, kernel, strict=True)
    ):
        raise ValueError(
            f"padding is at most half of pool_size {list(kernel)}, not {list(padding)}"
        )
