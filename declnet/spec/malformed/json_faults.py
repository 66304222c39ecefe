"""Texts that are no JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from declnet.errors import Diagnostic
from declnet.spec.malformed.explanation import Explanation, Stop, first_fitting, problem
from declnet.spec.malformed.strings import broken_string, control_character, lone_backslash
from declnet.spec.malformed.values import no_value
from declnet.spec.source import Source

_COMMENT = (
    "",
    r"//|/\*|#",
    Explanation("a comment", "JSON has none; write the spec in TOML, or leave the comment out"),
)
_EARLY = Explanation("the file ends too early", "a brace } or a bracket ] is missing")

_COMMA = (
    _COMMENT,
    (
        r"[\s:,\[]-?0",
        r"\d",
        Explanation("a number that begins with 0", "leave the 0 out", length=2, back=1),
    ),
    (
        r"\d",
        r"\.",
        Explanation("a number without a digit after its point", "write .0, or no point"),
    ),
    (r"\d", r"[a-zA-Z]", Explanation("this is no number", "JSON writes 16, 0.02 or 2e-2")),
    ("", r"\]", Explanation("} is missing before this")),
    ("", r"\}", Explanation("] is missing before this")),
    ("", "", Explanation("a comma is missing before this")),
)
"""What may stand where a comma should."""

_KEY = (
    _COMMENT,
    ("", "'", Explanation("a key in single quotation marks", 'JSON has double ones: "key"')),
    ("", ",", Explanation("one comma too many", "remove it")),
    ("", "", Explanation("a key without quotation marks", 'JSON writes "key": value')),
)
"""What may stand where a key should."""

_VALUE = (
    _COMMENT,
    ("", "'", Explanation("a string in single quotation marks", 'JSON has double ones: "text"')),
)
"""What may stand where a value should."""

_COLON = (
    _COMMENT,
    ("", "", Explanation("the key lacks its colon", 'JSON writes "key": value')),
)
"""What may follow a key."""


def malformed_json(source: Source, error: ValueError) -> Diagnostic:
    """The problem of a text that the JSON parser refuses."""
    if not isinstance(error, json.JSONDecodeError):  # what int() says of too many digits
        digits = re.search(r"\d{4300}", source.text)
        message = "a number has too many digits" if digits else str(error)
        stop = Stop(source.text, digits.start() if digits else 0, message)
        return problem(source, "JSON", stop, Explanation(message))
    end = len(source.text.rstrip())
    stop = Stop(source.text, min(error.pos, end), error.msg)
    if not end:
        explained: Explanation | None = Explanation("the file is empty", "a spec is { … }")
    elif stop.offset == end and error.msg.startswith("Expecting"):
        explained = _EARLY
    else:
        explain = next((each for start, each in _EXPLAIN if error.msg.startswith(start)), None)
        explained = explain(stop) if explain is not None else None
    return problem(source, "JSON", stop, explained or Explanation(error.msg))


def _last_comma(stop: Stop) -> Explanation | None:
    """Explains a comma before a closing bracket, which some versions stop at, others behind it."""
    before = stop.text[: stop.offset + 1].rstrip("}] \t\r\n")
    if not before.endswith(",") or stop.rest[:1] not in ("}", "]", ","):
        return None
    return Explanation("a comma after the last item", "remove it", len(before) - 1)


def _key(stop: Stop) -> Explanation | None:
    comma = _last_comma(stop) if not stop.rest.startswith(",") else None
    return comma or first_fitting(stop, _KEY)


def _value(stop: Stop) -> Explanation:
    comma = _last_comma(stop) if not stop.rest.startswith(",") else None
    return comma or first_fitting(stop, _VALUE) or no_value(stop.rest, "JSON")


def _backslash(stop: Stop) -> Explanation:
    return lone_backslash(stop, "write \\\\ for it; in paths / will do")


_EXPLAIN: tuple[tuple[str, Callable[[Stop], Explanation | None]], ...] = (
    ("Illegal trailing comma", _last_comma),
    ("Expecting property name", _key),
    ("Expecting value", _value),
    ("Expecting ',' delimiter", lambda stop: first_fitting(stop, _COMMA)),
    ("Expecting ':' delimiter", lambda stop: first_fitting(stop, _COLON)),
    ("Extra data", lambda _: Explanation("more follows after the end", "a spec is one { … }")),
    ("Unterminated string", lambda stop: broken_string(_at_end_of_line(stop))),
    ("Invalid control character", control_character),
    ("Invalid \\", _backslash),
)
"""By how the parser's cause begins."""


def _at_end_of_line(stop: Stop) -> Stop:
    return Stop(stop.text, stop.offset + len(stop.rest), stop.cause)
