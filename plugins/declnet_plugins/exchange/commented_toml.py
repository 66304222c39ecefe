"""TOML with comments, written so that text from outside can only be a value or a comment."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import tomli_w

from declnet import OutputError, escaped


class CommentedToml:
    """A TOML document that grows line by line.

    No method takes TOML: keys and values are quoted, comments are escaped to one line. Pairs before
    the first table belong to the document itself.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []

    def comment(self, text: str) -> None:
        """Add a line with a comment."""
        self._lines.append(_comment(text))

    def table(self, name: str) -> None:
        """Begin a table."""
        self._lines += ["", f"[{_key(name)}]"]

    def pair(self, key: str, value: Any) -> None:
        """Add a key and its value."""
        self._lines.append(f"{_key(key)} = {_value(value)}")

    def rows(self, key: str, items: Sequence[Any], comments: Sequence[str]) -> None:
        """Add a key and a list with one line per item, each with a comment unless it is empty."""
        self._lines.append(f"{_key(key)} = [")
        for item, comment in zip(items, comments, strict=True):
            self._lines.append(f"  {_value(item)}," + (f" {_comment(comment)}" if comment else ""))
        self._lines.append("]")

    def content(self, document: Mapping[str, Any]) -> bytes:
        """Return the file's content once it has been parsed again.

        Args:
            document: what the file must mean.

        Raises:
            OutputError: it means something else.
        """
        content = ("\n".join(self._lines) + "\n").encode(errors="replace")
        try:
            differs = tomllib.loads(content.decode()) != _plain(document)
        except tomllib.TOMLDecodeError as error:
            raise OutputError(f"nothing was written: the file would not be TOML: {error}") from None
        if differs:
            raise OutputError("nothing was written: the file would mean something else")
        return content


def _plain(value: Any) -> Any:
    """Return a value with dicts and lists as TOML's readers make them."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _comment(text: str) -> str:
    line = escaped(text).replace("\n", "\\u000a").replace("\t", "\\u0009")
    return f"# {line}".rstrip()


def _key(key: str) -> str:
    return _quoted({key: 0}).removesuffix(" = 0")


def _value(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, Mapping):
        items = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted({"v": value}).removeprefix("v = ")


def _quoted(table: dict[str, Any]) -> str:
    """Return a table of one scalar as TOML.

    Raises:
        OutputError: TOML has no such value.
    """
    try:
        return escaped(tomli_w.dumps(table).removesuffix("\n"))
    except TypeError as error:
        raise OutputError(f"nothing was written: {error}") from None
