"""Strings with a missing end, or with a backslash that begins nothing."""

from __future__ import annotations

from declnet.spec.malformed.explanation import Explanation, Stop, first_line


def broken_string(stop: Stop) -> Explanation:
    """Explains a string that the end of a line breaks off."""
    start = _opening_quote(stop.text, stop.offset)
    line = first_line(stop.text[start:])
    return Explanation("the string does not end in its line", f"add {line[:1]}", start, len(line))


def endless_string(stop: Stop, marks: str) -> Explanation:
    """Explains a string that nothing ends: it begins where its marks stand last."""
    start = stop.text.rfind(marks)
    return Explanation("the string has no end", f"add {marks}", start, len(marks))


def lone_backslash(stop: Stop, hint: str) -> Explanation:
    """Explains a backslash in a string that begins no escape."""
    start = stop.text.rfind("\\", 0, stop.offset + 1)
    return Explanation("\\ has a meaning of its own in a string", hint, start, 2)


def control_character(stop: Stop) -> Explanation:
    """Explains a line break in a string, or a character that cannot be seen."""
    if stop.text[stop.offset : stop.offset + 1] in ("\n", "\r"):
        return broken_string(stop)
    return Explanation("a control character, which does not belong here", "remove it")


def _opening_quote(text: str, end: int) -> int:
    """Where the string begins that is open at an offset; of the line's strings others end."""
    at = text.rfind("\n", 0, end) + 1
    while at < end:
        closing = _closing_quote(text, at, end) if text[at] in "\"'" else at
        if closing is None:
            return at
        at = closing + 1
    return end


def _closing_quote(text: str, start: int, end: int) -> int | None:
    quote, at = text[start], start + 1
    while at < end:
        if text[at] == quote:
            return at
        at += 2 if text[at] == "\\" and quote == '"' else 1
    return None
