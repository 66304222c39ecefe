"""What is said of texts that are no JSON, and at which part; the same of every Python."""

from __future__ import annotations

import json

import pytest

from declnet.spec.malformed.json_faults import malformed_json
from declnet.spec.source import Source


def told(text, error=None):
    if error is None:
        with pytest.raises(ValueError) as caught:
            json.loads(text)
        error = caught.value
    problem = malformed_json(Source("spec.json", text, "json"), error)
    place = problem.place
    return problem, (place.line, place.text[place.column - 1 : place.end_column - 1])


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ('{"a": 1,}', (1, ","), "a comma after the last item", "remove it"),
        ('{"a": [1,\n]}', (1, ","), "a comma after the last item", "remove it"),
        ('{"a": 1,, "b": 2}', (1, ","), "one comma too many", "remove it"),
        ('{"a": 1 "b": 2}', (1, '"'), "a comma is missing before this", None),
        ('{"a": [1, 2}', (1, "}"), "] is missing before this", None),
        ('{"a": {"b": 1]', (1, "]"), "} is missing before this", None),
        ('{"a": {"b": 1}\n\n', (1, ""), "the file ends too early", "a brace } or a bracket ]"),
        ('{"a":', (1, ""), "the file ends too early", "a brace } or a bracket ]"),
        ('{"a" 1}', (1, "1"), "the key lacks its colon", 'JSON writes "key": value'),
        ('{"a" = 1}', (1, "="), "the key lacks its colon", 'JSON writes "key": value'),
        ("{a: 1}", (1, "a"), "a key without quotation marks", 'JSON writes "key": value'),
        ("{'a': 1}", (1, "'"), "a key in single quotation marks", "JSON has double ones"),
        ("{\"a\": 'x'}", (1, "'"), "a string in single quotation marks", "JSON has double ones"),
        ('{"a": adam}', (1, "adam"), "a string without quotation marks", 'write "adam"'),
        ('{"a": True}', (1, "True"), "True is no JSON value", "write true"),
        ('{"a": None}', (1, "None"), "None is no JSON value", "write null"),
        ('{"a": }', (1, "}"), "a value is missing here", None),
        ('{"a": .5}', (1, ".5"), "a number without a digit before its point", "write 0.5"),
        ('{"a": 1.}', (1, "."), "a number without a digit after its point", "write .0"),
        ('{"a": 05}', (1, "05"), "a number that begins with 0", "leave the 0 out"),
        ('{"a": 0x10}', (1, "x"), "this is no number", "JSON writes 16, 0.02 or 2e-2"),
        ('// b\n{"a": 1}', (1, "/"), "a comment", "JSON has none"),
        ('{"a": 1 # b\n}', (1, "#"), "a comment", "JSON has none"),
        ('{"a": 1, /* b */ "c": 2}', (1, "/"), "a comment", "JSON has none"),
        ('{"a": 1}\n}', (2, "}"), "more follows after the end", "a spec is one { … }"),
        ("", (1, ""), "the file is empty", "a spec is { … }"),
        (" \n", (1, ""), "the file is empty", "a spec is { … }"),
        ('{"a": "x}\n', (1, '"x}'), "the string does not end in its line", 'add "'),
        ('{"a": "x}', (1, '"x}'), "the string does not end in its line", 'add "'),
        ('{"a": "\x01"}', (1, "\x01"), "a control character, which does not", "remove it"),
        ('{"a": "C:\\data"}', (1, "\\d"), "\\ has a meaning of its own", "write \\\\ for it"),
        ('{"a": ' + "1" * 5000 + "}", (1, "1"), "a number has too many digits", None),
    ],
    ids=lambda value: str(value)[:25],
)
def test_what_is_wrong_is_told_at_its_part(text, where, message, hint):
    problem, found = told(text)
    assert problem.code == "E002"
    assert problem.message.startswith(f"malformed JSON: {message}")
    assert (problem.help or "").startswith(hint or "")
    assert (hint is None) is (problem.help is None)
    assert found == where


@pytest.mark.parametrize(
    ("message", "position"),
    [
        ("Illegal trailing comma before end of object", 7),
        ("Expecting property name enclosed in double quotes", 9),
    ],
    ids=["3.13", "3.11"],
)
def test_a_trailing_comma_is_told_alike_by_every_parser(message, position):
    text = '{"a": 1, }'
    problem, found = told(text, json.JSONDecodeError(message, text, position))
    assert problem.message == "malformed JSON: a comma after the last item"
    assert (problem.place.column, found) == (8, (1, ","))


def test_what_nobody_thought_of_is_told_in_the_parsers_words():
    text = '{"a": 1}'
    problem, _ = told(text, json.JSONDecodeError("Odd", text, 3))
    assert problem.message == "malformed JSON: Odd"
    assert problem.place.column == 4
