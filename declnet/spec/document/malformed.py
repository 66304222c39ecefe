"""Explanations of texts that do not parse, with hints for common mistakes.

Parser messages differ between versions of Python. The message and the text where the parser stopped
together select an explanation; if none matches, the parser's message is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from declnet.errors import Diagnostic
from declnet.spec.document.source_map import Source


@dataclass(frozen=True)
class _Stop:
    """The place where a parser stopped.

    Attributes:
        text: the whole text.
        offset: the offset of the place in the text.
        cause: the parser's message.
    """

    text: str
    offset: int
    cause: str

    @property
    def before(self) -> str:
        """The part of the line before the place."""
        return self.text[self.text.rfind("\n", 0, self.offset) + 1 : self.offset]

    @property
    def rest(self) -> str:
        """The rest of the line from the place on, without trailing spaces."""
        return _first_line(self.text[self.offset :])


class _Explanation(NamedTuple):
    """An explanation: message, hint, and the range to mark."""

    message: str
    hint: str | None
    start: int
    length: int


class _Rule(NamedTuple):
    """An explanation that applies if patterns match the line before and after the place.

    The match of `after`, at least one character, is marked, together with a group in `before`.
    Message and hint may refer to groups in `after`.
    """

    after: str
    message: str
    hint: str | None = None
    before: str = ""

    def explain(self, stop: _Stop) -> _Explanation | None:
        before = re.search(f"(?:{self.before})$", stop.before)
        after = re.match(self.after, stop.rest)
        if before is None or after is None:
            return None
        back = len(before[1]) if before.re.groups else 0
        hint = self.hint and after.expand(self.hint)
        length = back + max(1, len(after[0]))
        return _Explanation(after.expand(self.message), hint, stop.offset - back, length)


def malformed(source: Source, error: ValueError, text: str | None = None) -> Diagnostic:
    """Return the diagnostic of a text that does not parse.

    Args:
        source: the text as written.
        error: the error from `tomllib` or `json`.
        text: the parsed text, if parts of `source` were replaced by spaces.
    """
    if isinstance(error, json.JSONDecodeError):
        stop = _stop_in_json(source.text, error)
    else:
        stop = _stop_in_toml(source.text, text or source.text, str(error))
    reason = _explanation(stop, _TOML if source.syntax == "toml" else _JSON)
    end = reason.start + min(reason.length, len(_first_line(source.text[reason.start :])))
    message = f"malformed {source.syntax.upper()}: {reason.message}"
    return Diagnostic(message, reason.hint, (), "E002", place=source.place(reason.start, end))


def _stop_in_toml(text: str, parsed: str, cause: str) -> _Stop:
    at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", cause)
    if at is None:  # int() raises this, for too many digits
        digits = re.search(r"\d{4300}", text)
        return _Stop(text, digits.start(), _DIGITS) if digits else _Stop(text, 0, cause)
    offset = len(text.rstrip())
    if at[1]:  # tomllib counts a line ending as one character
        lines = parsed.split("\n")[: int(at[1]) - 1]
        offset = sum(len(line) + 1 for line in lines) + int(at[2]) - 1
    return _Stop(text, offset, cause[: at.start()])


def _stop_in_json(text: str, error: json.JSONDecodeError) -> _Stop:
    end = len(text.rstrip())
    early = error.pos >= end and error.msg.startswith("Expecting")
    cause = ("end of file" if end else "empty file") if early else error.msg
    return _Stop(text, min(error.pos, end), cause)


def _explanation(stop: _Stop, language: Mapping[str, Sequence[_Rule]]) -> _Explanation:
    if language is _TOML and stop.cause.startswith(("Unclosed array", "Unclosed inline table")):
        marks = _unpaired_mark(stop)
        if marks is not None:
            return marks
    several = (explain for cause, explain in _SEVERAL_LINES.items() if stop.cause.startswith(cause))
    lines = (rules for cause, rules in language.items() if stop.cause.startswith(cause))
    for explain in (*several, *(rule.explain for rules in lines for rule in rules)):
        explanation = explain(stop)
        if explanation is not None:
            return explanation
    return _Explanation(stop.cause, None, stop.offset, 1)


def _unpaired_mark(stop: _Stop) -> _Explanation | None:
    """Explain text right after a string in a line with an odd number of quotation marks."""
    line = stop.before + stop.rest
    marks = line.replace('\\"', "").count('"')
    after_string = re.search(r'"[^"]*"\s*$', stop.before)
    if marks % 2 == 0 or '"""' in line or after_string is None or not re.match(r"[\w-]", stop.rest):
        return None
    start = stop.offset - len(after_string[0])
    hint = "a quotation mark is missing in this line"
    return _Explanation("text after the end of a string", hint, start, len(after_string[0]))


def _first_line(text: str) -> str:
    return text.split("\n", maxsplit=1)[0].rstrip()


def _string(stop: _Stop) -> _Explanation:
    """Explain a string without an end, or one cut off by the end of its line."""
    marks = ""
    if stop.cause.startswith("Expected "):  # a single quotation mark, or three
        marks = stop.cause.removeprefix("Expected ").strip('"')
    elif stop.cause == "Unterminated string" and stop.text.count('"""') % 2:  # in TOML
        marks = '"""'
    if marks:
        start = stop.text.rfind(marks)
        return _Explanation("the string is not closed", f"add {marks}", start, len(marks))
    line_start = stop.offset - len(stop.before)
    line = _first_line(stop.text[line_start:])
    closed = re.match(r"""(?:[^"']|"(?:[^"\\]|\\.)*"|'[^']*')*""", line)
    start = line_start + (closed.end() if closed else 0)
    line = _first_line(stop.text[start:])
    return _Explanation("the string is not closed on its line", f"add {line[:1]}", start, len(line))


def _control_character(stop: _Stop) -> _Explanation | None:
    return _string(stop) if stop.text[stop.offset : stop.offset + 1] in ("\n", "\r") else None


def _backslash(stop: _Stop) -> _Explanation:
    start = stop.text.rfind("\\", 0, stop.offset + 1)
    quotes = (
        "" if stop.cause.startswith("Invalid \\") else ", or use single quotation marks"
    )  # JSON
    hint = f"write \\\\ for a backslash{quotes}; in paths, / works too"
    return _Explanation("invalid escape sequence in a string", hint, start, 2)


def _json_last_comma(stop: _Stop) -> _Explanation | None:
    """Explain a comma before a closing bracket; Python 3.13 stops at it, other versions after."""
    before = stop.text[: stop.offset + 1].rstrip("}] \t\r\n")
    stops_at_comma = stop.cause.startswith("Illegal") and stop.rest.startswith(",")
    if not before.endswith(",") or not (stops_at_comma or stop.rest[:1] in ("}", "]")):
        return None
    return _Explanation("a comma after the last item", "remove it", len(before) - 1, 1)


def _end_of_list(stop: _Stop) -> _Explanation | None:
    if stop.text[stop.offset :].strip():
        return None
    return _Explanation("the list is not closed", "add ]", stop.offset, 1)


_SEVERAL_LINES: dict[str, Callable[[_Stop], _Explanation | None]] = {
    "Unterminated string": _string,
    "Expected \"'": _string,
    "Illegal character": _control_character,
    "Invalid control character": _control_character,
    "Unescaped '\\'": _backslash,
    "Invalid hex value": _backslash,
    "Escaped character is not": _backslash,
    "Invalid \\": _backslash,
    "Illegal trailing comma": _json_last_comma,
    "Expecting property name": _json_last_comma,
    "Expecting value": _json_last_comma,
    "Unclosed array": _end_of_list,
}
"""Explanations that depend on more than a line, by the beginning of the parser's message."""


_TYPOGRAPHIC = "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
"""Quotation marks of word processors and web pages."""

_STRAIGHT = 'write straight ones: " "'
_WORD = r"[^\s,\]}#\"']"
_END = rf"(?!{_WORD})"


def _values(language: str, null: str) -> tuple[_Rule, ...]:
    """Return the rules for text in place of a value."""
    invalid = rf"\g<0> is not a valid {language} value"
    other = f"this is not a valid {language} value"
    point, zero = "a number without a digit before its decimal point", r"write \g<1>0\g<2>"
    number = "a number begins with a digit or -, a string with a quotation mark"
    return (
        _Rule(_END, "a value is missing here"),
        _Rule(rf"([+-]?)(\.\d+){_WORD}*", point, zero),
        _Rule(rf"(?i:true|yes|on){_END}", invalid, "write true"),
        _Rule(rf"(?i:false|no|off){_END}", invalid, "write false"),
        _Rule(rf"(?i:null|none|nil|undefined){_END}", invalid, null),
        _Rule(rf"(?i:[+-]*(?:nan|inf|infinity)){_END}", "a number must be finite"),
        _Rule(
            rf"[^\W\d]{_WORD}*|[/~]{_WORD}*", "a string without quotation marks", r'write "\g<0>"'
        ),
        _Rule(f"[{_TYPOGRAPHIC}].*?[{_TYPOGRAPHIC}]", "typographic quotation marks", _STRAIGHT),
        _Rule(r"\(", other, "a list is written in square brackets: [1, 2]"),
        _Rule(f"{_WORD}+", other, number),
    )


_ZERO = _Rule(r"\d", "a number with a leading 0", "remove the 0", r"[\s=:,\[][+-]?(0)")
_POINT = _Rule(
    r"\.(?=\D|$)",
    "a number without a digit after its decimal point",
    "write .0, or remove the point",
    r"\d",
)
_CONTROL = _Rule("", "unexpected control character", "remove it")

_DIGITS = "a number has too many digits"
_LINE = "a line is key = value, or a section in brackets: [section]"
_MORE = "unexpected text after the value"
_ONE_LINE = "an inline table { … } must end on the line where it begins"
_STATEMENT = "expected a key or a section"
_ANY_KEY = "a bare key has only letters, digits, _ and -; put others in quotation marks"
_UNCLOSED = "the list above is not closed: add ]"

_TOML: Mapping[str, Sequence[_Rule]] = {
    "Invalid value": (
        _Rule("=", "unexpected second =", "a line is key = value"),
        _Rule(r"[\w.-]+\].*", "a section inside a list", _UNCLOSED, r"^\s*(\[+)"),
        *_values("TOML", "leave the key out"),
    ),
    "Expected '=' after a key": (
        _Rule(":", "= is missing after the key", "write key = value, without a colon"),
        _Rule("", "= is missing after the key", _LINE),
    ),
    "Expected newline or end of document": (
        _Rule("/(?=/)", _MORE, "a comment begins with #"),
        _Rule(r",(?=\d)", "a number with a comma", "write a decimal point instead", r"\d\s*"),
        _Rule(",", "a comma after the value", "remove it: each line holds one key"),
        _ZERO,
        _POINT,
        _Rule('"', "unexpected quotation mark", r'inside a string, write \\"', '"'),
        _Rule(r"[\w.\"'-](?=[\w.\"'-]*\s*=)", "two keys on one line", "start a new line here"),
        _Rule("", _MORE, "a line holds one key; a comment begins with #"),
    ),
    "Invalid statement": (
        _Rule("/(?=/)", _STATEMENT, "a comment begins with #"),
        _Rule(r"\{", _STATEMENT, "if the file is JSON, its name must end in .json"),
        _Rule("", _STATEMENT, _LINE),
    ),
    "Invalid initial character for a key part": (
        _Rule("$", _ONE_LINE, "write it on one line, or as a section: [section]", r"[{,]\s*"),
        _Rule(r"\}", "a comma before the brace", "remove the comma"),
        _Rule(",", "unexpected comma", "remove it"),
        _Rule("", "a key is missing here", _ANY_KEY),
    ),
    "Unclosed array": (_Rule("", "a comma or ] is missing before this"),),
    "Unclosed inline table": (
        _Rule("(?=.)", "a comma or } is missing before this"),
        _Rule("", _ONE_LINE, "add }, or write a section instead: [section]"),
    ),
    "Expected ']]'": (_Rule("", "]] is missing", "a list of tables is written [[section]]"),),
    "Expected ']'": (_Rule("", "] is missing", "a section is written [section]"),),
    "Illegal character": (_CONTROL,),
}
"""Explanations by the beginning of tomllib's message."""

_COMMENT = _Rule(
    r"/(?=[/*])|#",
    "a comment",
    "JSON has no comments; remove it, or write the spec in TOML",
)
_PAIR = 'write "key": value'
_JSON: Mapping[str, Sequence[_Rule]] = {
    "empty file": (_Rule("", "the file is empty", "a spec is { … }"),),
    "end of file": (_Rule("", "unexpected end of file", "a brace } or a bracket ] is missing"),),
    "Expecting property name": (
        _COMMENT,
        _Rule("'", "a key in single quotation marks", 'JSON uses double ones: "key"'),
        _Rule(",", "unexpected comma", "remove it"),
        _Rule("", "a key without quotation marks", _PAIR),
    ),
    "Expecting value": (
        _COMMENT,
        _Rule("'", "a string in single quotation marks", 'JSON uses double ones: "text"'),
        *_values("JSON", "write null"),
    ),
    "Expecting ',' delimiter": (
        _COMMENT,
        _ZERO,
        _POINT,
        _Rule(
            "[a-zA-Z]",
            "this is not a valid number",
            "JSON numbers look like 16, 0.02 or 2e-2",
            r"\d\s*",
        ),
        _Rule(r"\]", "} is missing before this"),
        _Rule(r"\}", "] is missing before this"),
        _Rule("", "a comma is missing before this"),
    ),
    "Expecting ':' delimiter": (_COMMENT, _Rule("", "a colon is missing after the key", _PAIR)),
    "Extra data": (_Rule("", "unexpected text after the end", "a spec is one { … }"),),
    "Invalid control character": (_CONTROL,),
}
"""Explanations by the beginning of json's message."""
