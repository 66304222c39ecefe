"""Explanations of texts that do not parse, with hints for common mistakes.

Parser messages differ between versions of Python. The message and the text where the parser stopped
together select an explanation; if none matches, the parser's message is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from declnet.errors import Diagnostic
from declnet.spec.source_map import Source


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
    """An explanation: message, hint, and the characters to mark (None: at the place)."""

    message: str
    hint: str | None = None
    start: int | None = None
    length: int = 1


class _Rule(NamedTuple):
    """An explanation that applies if patterns match the line before and after the place.

    Attributes:
        back: how many of the `length` marked characters are before the place.
        adjacent: whether no space may come between `before` and `after`.
    """

    after: str
    message: str
    hint: str | None = None
    before: str = ""
    length: int = 1
    back: int = 0
    adjacent: bool = False


_Explain = Callable[[_Stop], _Explanation | None]


def malformed(source: Source, error: ValueError, text: str | None = None) -> Diagnostic:
    """Return the diagnostic of a text that does not parse.

    Args:
        source: the text as written.
        error: the error from `tomllib` or `json`.
        text: the parsed text, if parts of `source` were replaced by spaces.
    """
    stop = _stop_in_json(source.text, error) if isinstance(error, json.JSONDecodeError) else None
    if stop is None and source.syntax == "toml":
        stop = _stop_in_toml(source.text, text or source.text, str(error))
    if stop is None:  # int() raises this for too many digits
        digits = re.search(r"\d{4300}", source.text)
        stop = _Stop(source.text, digits.start() if digits else 0, str(error))
        found = _Explanation("a number has too many digits" if digits else stop.cause)
    else:
        by_cause = (_TOML if source.syntax == "toml" else _JSON).items()
        explain = next((each for start, each in by_cause if stop.cause.startswith(start)), None)
        found = (explain(stop) if explain is not None else None) or _Explanation(stop.cause)
    start = stop.offset if found.start is None else found.start
    end = start + min(found.length, len(_first_line(source.text[start:])))
    message = f"malformed {source.syntax.upper()}: {found.message}"
    return Diagnostic(message, found.hint, (), "E002", place=source.place(start, end))


def _stop_in_toml(text: str, parsed: str, cause: str) -> _Stop | None:
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", cause)
    if found is None:
        return None
    offset = len(text.rstrip())
    if found[1]:  # tomllib counts a line ending as one character
        lines = parsed.split("\n")[: int(found[1]) - 1]
        offset = sum(len(each) + 1 for each in lines) + int(found[2]) - 1
    return _Stop(text, offset, cause[: found.start()])


def _stop_in_json(text: str, error: json.JSONDecodeError) -> _Stop:
    end = len(text.rstrip())
    early = error.pos >= end and error.msg.startswith("Expecting")
    cause = ("end of file" if end else "empty file") if early else error.msg
    return _Stop(text, min(error.pos, end), cause)


def _first_match(*rules: _Rule) -> _Explain:
    """Return a function that explains a place by the first rule that matches it."""

    def explain(stop: _Stop) -> _Explanation | None:
        for rule in rules:
            before = stop.before if rule.adjacent else stop.before.rstrip()
            if re.search(f"(?:{rule.before})$", before) and re.match(rule.after, stop.rest):
                start = stop.offset - rule.back
                return _Explanation(rule.message, rule.hint, start, rule.length)
        return None

    return explain


def _no_value(rest: str, language: str) -> _Explanation:
    """Explain text that appears in place of a value."""
    word = re.split(r"[\s,\]}#\"']", rest, maxsplit=1)[0]
    number = re.match(r"([+-]?)(\.\d+)", rest)
    known, length = word.lower(), max(1, len(word))
    message, hint = f"this is not a valid {language} value", None
    if not word:
        message = "a value is missing here"
    elif number is not None:
        message = "a number without a digit before its point"
        hint = f"write {number[1]}0{number[2]}"
    elif known in ("true", "yes", "on", "false", "no", "off"):
        message = f"{word} is not a valid {language} value"
        hint = f"write {'true' if known in ('true', 'yes', 'on') else 'false'}"
    elif known in ("null", "none", "nil", "undefined"):
        message = f"{word} is not a valid {language} value"
        hint = "write null" if language == "JSON" else "leave the key out"
    elif known.lstrip("+-") in ("nan", "inf", "infinity"):
        message = "a number must be finite"
    elif word[0].isalpha() or word[0] in "_/~":
        message, hint = "a string without quotation marks", f'write "{word}"'
    elif word[0] == "(":
        hint, length = "a list is written in square brackets: [1, 2]", 1
    else:
        hint = "a number begins with a digit or -, a string with a quotation mark"
    return _Explanation(message, hint, None, length)


def _broken_string(stop: _Stop) -> _Explanation:
    """Explain a string cut off by the end of its line."""
    line_start = stop.offset - len(stop.before)
    closed = re.match(r"""(?:[^"']|"(?:[^"\\]|\\.)*"|'[^']*')*""", stop.before)
    start = line_start + (closed.end() if closed else 0)
    line = _first_line(stop.text[start:])
    return _Explanation("the string does not end in its line", f"add {line[:1]}", start, len(line))


def _endless_string(stop: _Stop, marks: str) -> _Explanation:
    """Explain an unterminated string; it begins at the last of its quotation marks."""
    start = stop.text.rfind(marks)
    return _Explanation("the string has no end", f"add {marks}", start, len(marks))


def _backslash(hint: str) -> _Explain:
    """Return a function that explains a backslash that is not a valid escape."""

    def explain(stop: _Stop) -> _Explanation:
        start = stop.text.rfind("\\", 0, stop.offset + 1)
        return _Explanation("\\ has a meaning of its own in a string", hint, start, 2)

    return explain


def _control_character(stop: _Stop) -> _Explanation:
    """Explain a line break in a string, or an invisible character."""
    if stop.text[stop.offset : stop.offset + 1] in ("\n", "\r"):
        return _broken_string(stop)
    return _Explanation("a control character, which does not belong here", "remove it")


def _first_line(text: str) -> str:
    return text.split("\n", maxsplit=1)[0].rstrip()


def _toml_value(stop: _Stop) -> _Explanation:
    if stop.rest.startswith("="):
        return _Explanation("one = too many", "a line is key = value")
    if re.fullmatch(r"\s*\[+", stop.before) and re.match(r"[\w.-]+\]", stop.rest):
        opening = stop.before.strip()
        hint, start = "the list above has no end: add ]", stop.offset - len(opening)
        return _Explanation("a section in a list", hint, start, len(opening + stop.rest))
    return _no_value(stop.rest, "TOML")


def _toml_array(stop: _Stop) -> _Explanation:
    if stop.text[stop.offset :].strip():
        return _Explanation("a comma or ] is missing before this")
    return _Explanation("the list has no end", "add ]")


def _toml_string(stop: _Stop) -> _Explanation:
    odd = stop.text.count('"""') % 2
    return _endless_string(stop, '"""') if odd else _broken_string(stop)


def _toml_literal_string(stop: _Stop) -> _Explanation:
    return _endless_string(stop, stop.cause.removeprefix("Expected ").strip('"'))


_LEADING_ZERO = _Rule(
    r"\d", "a number that begins with 0", "leave the 0 out", r"[\s=:,\[][+-]?0", 2, 1, True
)
_BARE_POINT = _Rule(
    r"\.(\D|$)",
    "a number without a digit after its point",
    "write .0, or no point",
    r"\d",
    adjacent=True,
)

_LINE = "a line is key = value, or a section in brackets: [section]"
_ONE_LINE = "an inline table { … } ends in the line in which it begins"
_STATEMENT = "neither a key nor a section begins here"
_TOML_BACKSLASH = _backslash(
    "write \\\\ for it, or single quotation marks around the string; in paths / will do"
)
_TOML: Mapping[str, _Explain] = {
    "Invalid value": _toml_value,
    "Expected '=' after a key": _first_match(
        _Rule(":", "the key lacks its =", "TOML writes key = value, without a colon"),
        _Rule("", "the key lacks its =", _LINE),
    ),
    "Expected newline or end of document": _first_match(
        _Rule("//", "more follows after the value", "a comment begins with #"),
        _Rule(r",\d", "a number with a comma", "write a point in its place", before=r"\d"),
        _Rule(",", "a comma after the value", "remove it: each line holds one key"),
        _LEADING_ZERO,
        _BARE_POINT,
        _Rule(
            '"', "one quotation mark too many", 'in a string it is written \\"', '"', adjacent=True
        ),
        _Rule(r"[\w.\"'-]+\s*=", "two keys in one line", "begin a new line here"),
        _Rule("", "more follows after the value", "a line holds one key; a comment begins with #"),
    ),
    "Invalid statement": _first_match(
        _Rule("//", _STATEMENT, "a comment begins with #"),
        _Rule(r"\{", _STATEMENT, "if the file is JSON, its name must end in .json"),
        _Rule("", _STATEMENT, _LINE),
    ),
    "Invalid initial character for a key part": _first_match(
        _Rule("$", _ONE_LINE, "write it in one line, or as a section: [section]", before="[{,]"),
        _Rule(r"\}", "a comma before the brace", "remove the comma"),
        _Rule(",", "one comma too many", "remove it"),
        _Rule(
            "",
            "a key is missing here",
            "a key is of letters, digits, _ and -; another one needs quotation marks",
        ),
    ),
    "Unclosed array": _toml_array,
    "Unclosed inline table": _first_match(
        _Rule(".", "a comma or } is missing before this"),
        _Rule("", _ONE_LINE, "add }, or write a section in its place: [section]"),
    ),
    "Expected ']]'": _first_match(_Rule("", "]] is missing", "a list of tables has [[two]]")),
    "Expected ']'": _first_match(_Rule("", "] is missing", "a section is written [section]")),
    "Illegal character": _control_character,
    "Unterminated string": _toml_string,
    "Expected \"'": _toml_literal_string,
    "Unescaped '\\'": _TOML_BACKSLASH,
    "Invalid hex value": _TOML_BACKSLASH,
    "Escaped character is not": _TOML_BACKSLASH,
}
"""Explanations by the beginning of tomllib's message."""


def _json_last_comma(stop: _Stop) -> _Explanation | None:
    """Explain a comma before a closing bracket; Python 3.13 stops at it, other versions after."""
    before = stop.text[: stop.offset + 1].rstrip("}] \t\r\n")
    if not before.endswith(",") or stop.rest[:1] not in ("}", "]", ","):
        return None
    return _Explanation("a comma after the last item", "remove it", len(before) - 1)


def _json_value(stop: _Stop) -> _Explanation | None:
    return _json_odd_value(stop) or _no_value(stop.rest, "JSON")


def _unless_last_comma(explain: _Explain) -> _Explain:
    """Return a function that explains a trailing comma, or else the place as given."""

    def explain_comma(stop: _Stop) -> _Explanation | None:
        comma = None if stop.rest.startswith(",") else _json_last_comma(stop)
        return comma or explain(stop)

    return explain_comma


def _json_string(stop: _Stop) -> _Explanation:
    return _broken_string(_Stop(stop.text, stop.offset + len(stop.rest), stop.cause))


_COMMENT = _Rule(
    r"//|/\*|#", "a comment", "JSON has none; write the spec in TOML, or leave the comment out"
)
_json_odd_value = _first_match(
    _COMMENT,
    _Rule("'", "a string in single quotation marks", 'JSON has double ones: "text"'),
)
_JSON: Mapping[str, _Explain] = {
    "empty file": _first_match(_Rule("", "the file is empty", "a spec is { … }")),
    "end of file": _first_match(
        _Rule("", "the file ends too early", "a brace } or a bracket ] is missing")
    ),
    "Illegal trailing comma": _json_last_comma,
    "Expecting property name": _unless_last_comma(
        _first_match(
            _COMMENT,
            _Rule("'", "a key in single quotation marks", 'JSON has double ones: "key"'),
            _Rule(",", "one comma too many", "remove it"),
            _Rule("", "a key without quotation marks", 'JSON writes "key": value'),
        )
    ),
    "Expecting value": _unless_last_comma(_json_value),
    "Expecting ',' delimiter": _first_match(
        _COMMENT,
        _LEADING_ZERO,
        _BARE_POINT,
        _Rule(
            "[a-zA-Z]", "this is not a valid number", "JSON writes 16, 0.02 or 2e-2", before=r"\d"
        ),
        _Rule(r"\]", "} is missing before this"),
        _Rule(r"\}", "] is missing before this"),
        _Rule("", "a comma is missing before this"),
    ),
    "Expecting ':' delimiter": _first_match(
        _COMMENT, _Rule("", "the key lacks its colon", 'JSON writes "key": value')
    ),
    "Extra data": _first_match(_Rule("", "more follows after the end", "a spec is one { … }")),
    "Unterminated string": _json_string,
    "Invalid control character": _control_character,
    "Invalid \\": _backslash("write \\\\ for it; in paths / will do"),
}
"""Explanations by the beginning of json's message."""
