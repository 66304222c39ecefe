"""Texts that are no TOML."""

from __future__ import annotations

import re
from collections.abc import Callable

from declnet.errors import Diagnostic
from declnet.spec.malformed.explanation import Explanation, Stop, first_fitting, problem
from declnet.spec.malformed.strings import (
    broken_string,
    control_character,
    endless_string,
    lone_backslash,
)
from declnet.spec.malformed.values import no_value
from declnet.spec.source import Source

_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_LINE = "a line is key = value, or a section in brackets: [section]"
_ONE_LINE = "an inline table { … } ends in the line in which it begins"

_MORE = (
    ("", r"//", Explanation("more follows after the value", "a comment begins with #")),
    (r"\d", r",\d", Explanation("a number with a comma", "write a point in its place")),
    ("", r",", Explanation("a comma after the value", "remove it: each line holds one key")),
    (
        r"[\s=][+-]?0",
        r"\d",
        Explanation("a number that begins with 0", "leave the 0 out", length=2, back=1),
    ),
    (
        r"\d",
        r"\.(\D|$)",
        Explanation("a number without a digit after its point", "write .0, or no point"),
    ),
    ('"', '"', Explanation("one quotation mark too many", 'in a string it is written \\"')),
    ("", r"[\w.\"'-]+\s*=", Explanation("two keys in one line", "begin a new line here")),
    (
        "",
        "",
        Explanation(
            "more follows after the value", "a line holds one key; a comment begins with #"
        ),
    ),
)
"""What may follow a value that was whole already."""

_NO_STATEMENT = "neither a key nor a section begins here"
_STATEMENT = (
    ("", r"//", Explanation(_NO_STATEMENT, "a comment begins with #")),
    ("", r"\{", Explanation(_NO_STATEMENT, "if the file is JSON, its name must end in .json")),
    ("", "", Explanation(_NO_STATEMENT, _LINE)),
)
"""What may stand where a line begins."""

_KEY = (
    (r"[{,]", "$", Explanation(_ONE_LINE, "write it in one line, or as a section: [section]")),
    ("", r"\}", Explanation("a comma before the brace", "remove the comma")),
    ("", r",", Explanation("one comma too many", "remove it")),
    (
        "",
        "",
        Explanation(
            "a key is missing here",
            "a key is of letters, digits, _ and -; another one needs quotation marks",
        ),
    ),
)
"""What may stand where a key should."""

_EQUALS = (
    ("", ":", Explanation("the key lacks its =", "TOML writes key = value, without a colon")),
    ("", "", Explanation("the key lacks its =", _LINE)),
)
"""What may follow a key."""


def malformed_toml(source: Source, text: str, cause: str) -> Diagnostic:
    """The problem of a text that tomllib cannot parse.

    Args:
        source: the text as it is written.
        text: what was parsed: the same, or with as many spaces in place of some of it.
        cause: what tomllib said.
    """
    found = _POSITION.search(cause)
    if found is None:
        digits = re.search(r"\d{4300}", source.text)
        message = "a number has too many digits" if digits else cause
        stop = Stop(source.text, digits.start() if digits else 0, cause)
        return problem(source, "TOML", stop, Explanation(message))
    offset = len(source.text.rstrip())
    if found[1]:  # tomllib takes a line's end for one character
        lines = text.split("\n")[: int(found[1]) - 1]
        offset = sum(len(each) + 1 for each in lines) + int(found[2]) - 1
    stop = Stop(source.text, offset, _POSITION.sub("", cause))
    explain = next((each for start, each in _EXPLAIN if stop.cause.startswith(start)), None)
    explained = explain(stop) if explain is not None else None
    return problem(source, "TOML", stop, explained or Explanation(stop.cause))


def _value(stop: Stop) -> Explanation:
    if stop.rest.startswith("="):
        return Explanation("one = too many", "a line is key = value")
    if re.fullmatch(r"\s*\[+", stop.before) and re.match(r"[\w.-]+\]", stop.rest):
        length = len(stop.before.strip() + stop.rest)
        hint = "the list above has no end: add ]"
        return Explanation("a section in a list", hint, None, length, len(stop.before.strip()))
    return no_value(stop.rest, "TOML")


def _list(stop: Stop) -> Explanation:
    if stop.text[stop.offset :].strip():
        return Explanation("a comma or ] is missing before this")
    return Explanation("the list has no end", "add ]")


def _inline_table(stop: Stop) -> Explanation:
    if stop.rest:
        return Explanation("a comma or } is missing before this")
    return Explanation(_ONE_LINE, "add }, or write a section in its place: [section]")


def _multi_line_string(stop: Stop) -> Explanation:
    if stop.text.count('"""') % 2:
        return endless_string(stop, '"""')
    return broken_string(stop)


def _literal_string(stop: Stop) -> Explanation:
    return endless_string(stop, stop.cause.removeprefix("Expected ").strip('"'))


def _backslash(stop: Stop) -> Explanation:
    hint = "write \\\\ for it, or single quotation marks around the string; in paths / will do"
    return lone_backslash(stop, hint)


_EXPLAIN: tuple[tuple[str, Callable[[Stop], Explanation | None]], ...] = (
    ("Invalid value", _value),
    ("Expected '=' after a key", lambda stop: first_fitting(stop, _EQUALS)),
    ("Expected newline or end of document", lambda stop: first_fitting(stop, _MORE)),
    ("Invalid statement", lambda stop: first_fitting(stop, _STATEMENT)),
    ("Invalid initial character for a key part", lambda stop: first_fitting(stop, _KEY)),
    ("Unclosed array", _list),
    ("Unclosed inline table", _inline_table),
    ("Expected ']]'", lambda _: Explanation("]] is missing", "a list of tables has [[two]]")),
    ("Expected ']'", lambda _: Explanation("] is missing", "a section is written [section]")),
    ("Illegal character", control_character),
    ("Unterminated string", _multi_line_string),
    ("Expected \"'", _literal_string),
    ("Unescaped '\\'", _backslash),
    ("Invalid hex value", _backslash),
    ("Escaped character is not", _backslash),
)
"""By how tomllib's cause begins."""
