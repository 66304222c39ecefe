"""Fields of windows: their sizes, and padding."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema


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
        raise ValueError("must be a whole number of at least 1, or two: [height, width]")
    return pair


def _padding(value: Any) -> str | tuple[int, int]:
    if value in ("same", "valid"):
        return str(value)
    pair = _pair(value, 0)
    if pair is None:
        raise ValueError(
            'must be "same", "valid", a whole number of at least 0, or two: [height, width]'
        )
    return pair


def _form(least: int) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": least}
    return [number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]


Sizes = Annotated[tuple[int, int], BeforeValidator(_sizes), WithJsonSchema({"anyOf": _form(1)})]
"""A field for height and width: one whole number for both, or two; from 1."""

Padding = Annotated[
    Literal["same", "valid"] | tuple[int, int],
    BeforeValidator(_padding),
    WithJsonSchema({"anyOf": [{"enum": ["same", "valid"]}, *_form(0)]}),
]
"""A field for padding: a word, one whole number for all four sides, or [height, width]."""


def require_small_padding(kernel: tuple[int, int], padding: str | tuple[int, int]) -> None:
    """Raises ValueError if a window could lie in padding: it is more than half of the window."""
    if not isinstance(padding, str) and any(
        2 * width > size for width, size in zip(padding, kernel, strict=True)
    ):
        raise ValueError(
            f"padding is at most half of pool_size {list(kernel)}, not {list(padding)}"
        )
