"""Numbers that Python reads and tree-sitter's JSON does not."""

from __future__ import annotations

import re

UNKNOWN = re.compile(rb'"(?:[^"\\\n]|\\.)*+"?|NaN|Infinity|(?<=[eE])\+')
"""A string, which is left alone, or what makes a number unknown."""


def with_known_numbers(source: bytes) -> bytes:
    """A JSON text with numbers in place of NaN and Infinity, and with no plus in exponents.

    Each is as long as what it replaces, so all offsets stay. tree-sitter-json 0.24 takes `1e+16`
    for two things (https://github.com/tree-sitter/tree-sitter-json/pull/64), and NaN, which no
    spec may hold but which must be pointed at, for none.
    """
    return UNKNOWN.sub(_known, source)


def _known(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if token.startswith(b'"'):
        return token
    return b"-" if token == b"+" else b"1" * len(token)
