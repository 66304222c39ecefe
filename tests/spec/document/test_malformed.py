"""Explanations of malformed texts, the same for every version of Python."""

from __future__ import annotations

import json
import tomllib

import pytest

from declnet.spec.document.malformed import malformed
from declnet.spec.document.source_map import Source


def explained(text, syntax, error=None):
    """Return the diagnostic of a text, and the line and characters that it marks."""
    if error is None:
        with pytest.raises(ValueError) as caught:
            json.loads(text) if syntax == "json" else tomllib.loads(text)
        error = caught.value
    problem = malformed(Source(f"spec.{syntax}", text, syntax), error)
    place = problem.place
    return problem, (place.line, place.text[place.column - 1 : place.end_column - 1])


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("a = ~/x.npz", (1, "~/x.npz"), "a string without quotation marks", 'write "~/x.npz"'),
        ("a = no # b", (1, "no"), "no is not a valid TOML value", "write false"),
        ("a = None", (1, "None"), "None is not a valid TOML value", "leave the key out"),
        ("a = -.5", (1, "-.5"), "a number without a digit before its decimal point", "write -0.5"),
        (
            "a = (1, 2)",
            (1, "("),
            "this is not a valid TOML value",
            "a list is written in square brackets",
        ),
        ("a = +x", (1, "+x"), "this is not a valid TOML value", "a number begins with"),
        ("a = [1,, 2]", (1, ","), "a value is missing here", None),
        ("a == 1", (1, "="), "unexpected second =", "a line is key = value"),
        ("a = 1,", (1, ","), "a comma after the value", "remove it"),
        ("a = -05", (1, "05"), "a number with a leading 0", "remove the 0"),
        ("a = 1.", (1, "."), "a number without a digit after its decimal point", "write .0"),
        ('a = "x""', (1, '"'), "unexpected quotation mark", 'inside a string, write \\"'),
        ("a = 5 %", (1, "%"), "unexpected text after the value", "a line holds one key"),
        ("// a", (1, "/"), "expected a key or a section", "a comment begins with #"),
        ("= 1", (1, "="), "expected a key or a section", "a line is key = value"),
        ("[[a]\n", (1, "]"), "]] is missing", "a list of tables is written [[section]]"),
        ("[]", (1, "]"), "a key is missing here", "a bare key has"),
        (
            "a = [\n  1,\n[[b.c]]",
            (3, "[[b.c]]"),
            "a section inside a list",
            "the list above is not",
        ),
        ("a = [1,\n2\n\n", (2, ""), "the list is not closed", "add ]"),
        ('a = ["y\\"", "x\r\n]', (1, '"x'), "the string is not closed on its line", 'add "'),
        ('a = "x', (1, '"x'), "the string is not closed on its line", 'add "'),
        ("a = '''x\nb = 1", (1, "'''"), "the string is not closed", "add '''"),
        ("a = 'x\nb = 1", (1, "'"), "the string is not closed", "add '"),
        ('a = "C:\\users"', (1, "\\u"), "invalid escape sequence in a string", "write \\\\"),
        ('a = "x\x01"', (1, "\x01"), "unexpected control character", "remove it"),
        ("a = " + "1" * 5000, (1, "1"), "a number has too many digits", None),
        ('{"a": 1,}', (1, ","), "a comma after the last item", "remove it"),
        ('{"a": 1,, "b": 2}', (1, ","), "unexpected comma", "remove it"),
        ('{"a": [1, 2}', (1, "}"), "] is missing before this", None),
        ('{"a": {"b": 1]', (1, "]"), "} is missing before this", None),
        ('{"a": {"b": 1}\n\n', (1, ""), "unexpected end of file", "a brace } or a bracket ]"),
        ('{"a" = 1}', (1, "="), "a colon is missing after the key", 'write "key": value'),
        ("{a: 1}", (1, "a"), "a key without quotation marks", 'write "key": value'),
        ("{\"a\": 'x'}", (1, "'"), "a string in single quotation marks", "JSON uses double ones"),
        ('{"a": None}', (1, "None"), "None is not a valid JSON value", "write null"),
        ('{"a": 1.}', (1, "."), "a number without a digit after its decimal point", "write .0"),
        (
            '{"a": 0x10}',
            (1, "x"),
            "this is not a valid number",
            "JSON numbers look like 16, 0.02 or 2e-2",
        ),
        ('{"a": 1 # b\n}', (1, "#"), "a comment", "JSON has no comments"),
        ('{"a": 1, /* b */ "c": 2}', (1, "/"), "a comment", "JSON has no comments"),
        (" \n", (1, ""), "the file is empty", "a spec is { … }"),
        ('{"a": "x}', (1, '"x}'), "the string is not closed on its line", 'add "'),
        ('{"a": "\x01"}', (1, "\x01"), "unexpected control character", "remove it"),
        ('{"a": ' + "1" * 5000 + "}", (1, "1"), "a number has too many digits", None),
    ],
    ids=lambda value: str(value)[:25],
)
def test_a_malformed_text_is_explained_where_it_is_malformed(text, where, message, hint):
    """More common mistakes are in the gallery."""
    syntax = "json" if "{" in text or not text.strip() else "toml"
    problem, place = explained(text, syntax)
    assert problem.code == "E002"
    assert problem.message.startswith(f"malformed {syntax.upper()}: {message}")
    assert (problem.help or "").startswith(hint or "")
    assert (hint is None) is (problem.help is None)
    assert place == where
