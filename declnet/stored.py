"""JSON that declnet writes and reads again, validated by the types that it is made of."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Content = TypeVar("Content")

LARGEST = 1 << 30
"""The most bytes of JSON that are parsed."""

DIGITS = 40
"""The most digits of an integer; the states of random streams have 128 bits."""


class Stored(Generic[Content]):
    """The type of what a JSON file holds: a dataclass, or a composition of builtin types.

    Its schema is built on first use. Scalars are strict, and unknown keys are errors.
    """

    def __init__(self, content_type: Any) -> None:
        self._type = content_type

    @cached_property
    def _adapter(self) -> TypeAdapter[Content]:
        from pydantic import TypeAdapter

        return TypeAdapter(self._type)

    def parse(self, content: bytes, **context: Any) -> Content:
        """Return what a file holds.

        Args:
            content: the file's content.
            context: what its validators need, e.g. `registry`.

        Raises:
            ValueError: the content is malformed; the message names the key.
        """
        if len(content) > LARGEST:
            raise ValueError(f"larger than {LARGEST >> 20} MiB")
        try:
            value = self._adapter.validate_json(
                content, strict=True, extra="forbid", context=context
            )
        except ValueError as error:  # pydantic's
            raise ValueError(_fault(error, parse_json(content))) from None
        if context or self.write(value) != content:
            parse_json(content)  # as declnet did not write it, it may repeat keys
        return value

    def write(self, value: Content, **context: Any) -> bytes:
        """Return the content of an indented file.

        NaN and infinite numbers become null, since JSON does not have them.
        """
        return self._adapter.dump_json(value, indent=2, context=context) + b"\n"

    def plain(self, value: Content) -> Any:
        """Return a value as in a file, in dicts, lists and scalars."""
        return self._adapter.dump_python(value, mode="json")


def require_format(version: int, stored: int) -> int:
    """Return a file's format version, for a validator.

    Raises:
        ValueError: it is not the version that this declnet writes.
    """
    if stored != version:
        raise ValueError(f"has format {stored}, but this version of declnet reads {version}")
    return stored


def parse_json(content: bytes) -> Any:
    """Return the values in JSON.

    Raises:
        ValueError: it is malformed or nested too deeply, repeats a key, or has numbers that declnet
            does not write, such as NaN or integers beyond 128 bits.
    """
    try:
        return _DECODER.decode(content.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'duplicate key "{repeated}"')
    return table


def _integer(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError(f"{digits[:DIGITS]}… is too large")
    return int(digits)


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)


def _fault(error: Any, document: Any) -> str:
    """Return what is wrong with a document by pydantic's error, with the key."""
    detail = error.errors(include_url=False)[0]
    path: list[str | int] = []
    place = document
    for part in detail["loc"]:  # which may end with the branch of a union
        try:
            place = place[part]
        except (LookupError, TypeError):
            if detail["type"] != "missing":
                break
        path.append(part)
    words = {"missing": "is missing", "unexpected_keyword_argument": "is not known"}
    message = detail["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
    message = message.replace("'", '"')
    message = words.get(detail["type"], message)
    key = ".".join(map(str, path))
    return f'key "{key}": {message}' if key else message
