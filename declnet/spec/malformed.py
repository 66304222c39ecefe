"""Texts that are no TOML or no JSON: what the parsers say, and where."""

from __future__ import annotations

import json
import re

from declnet.errors import Place, Problem
from declnet.spec.source import Source

_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")

_TOML_HINTS = {
    "Invalid value": 'a text needs quotation marks: key = "text"',
    "Expected '=' after a key": "a line is key = value, or a section in brackets: [section]",
    "Invalid statement": "a line is key = value, or a section in brackets: [section]",
    "Illegal character '\\n'": "a quotation mark is missing before the line ends",
    "Unterminated string": "a quotation mark is missing",
    "Unclosed array": "a comma or the bracket ] is missing",
    "Unclosed inline table": "a comma or the brace } is missing",
    "Expected newline or end of document": "one line holds one key; perhaps a # is missing",
}
_JSON_HINTS = {
    "Expecting property name": "JSON has no comments, and no comma after the last item; "
    'keys stand in double quotes: "key"',
    "Illegal trailing comma": "remove the comma after the last item",
    "Expecting value": 'a text needs double quotes: "text"; no comma stands after the last item',
    "Expecting ',' delimiter": "a comma is missing before this, or a bracket",
    "Expecting ':' delimiter": 'write "key": value',
    "Extra data": "a file holds one object, { … }",
}


def malformed_toml(source: Source, text: str, cause: str) -> Problem:
    """The problem of a text that tomllib cannot parse.

    Args:
        source: the text as it is written.
        text: what was parsed: the same, or with as many spaces in place of some of it.
        cause: what tomllib said.
    """
    found = _POSITION.search(cause)
    if found is None:
        place = source.place_at(1, 1)
    elif found[1]:
        place = _same_place(source, text, int(found[1]), int(found[2]))
    else:
        place = _end(source)
    message = _POSITION.sub("", cause)
    return Problem(
        (), f"malformed TOML: {message}", _hint(message, _TOML_HINTS), "E002", place=place
    )


def malformed_json(source: Source, error: ValueError) -> Problem:
    """The problem of a text that the JSON parser refuses."""
    if not isinstance(error, json.JSONDecodeError):
        message, place = str(error), source.place_at(1, 1)
    else:
        message, place = error.msg, source.place_at(error.lineno, error.colno)
    return Problem(
        (), f"malformed JSON: {message}", _hint(message, _JSON_HINTS), "E002", place=place
    )


def _same_place(source: Source, text: str, line: int, column: int) -> Place:
    """The place in the source of a place in the text, which has other line breaks perhaps."""
    offset = sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column - 1
    before = source.text[:offset]
    return source.place_at(before.count("\n") + 1, offset - before.rfind("\n"))


def _end(source: Source) -> Place:
    lines = source.text.rstrip().split("\n")
    return source.place_at(len(lines), len(lines[-1].rstrip("\r")) + 1)


def _hint(message: str, hints: dict[str, str]) -> str | None:
    return next((hint for start, hint in hints.items() if message.startswith(start)), None)
