"""Explanations of texts that do not parse, the same for every Python."""

from __future__ import annotations

import json
import tomllib

import pytest

from declnet.spec.malformed import malformed
from declnet.spec.source_map import Source


def explained(text, syntax, error=None):
    """The diagnostic of a text, and the line and characters that it marks."""
    if error is None:
        with pytest.raises(ValueError) as caught:
            json.loads(text) if syntax == "json" else tomllib.loads(text)
        error = caught.value
    problem = malformed(Source(f"spec.{syntax}", text, syntax), error)
    place = problem.place
    return problem, (place.line, place.text[place.column - 1 : place.end_column - 1])


def require(text, syntax, where, message, hint):
    problem, found = explained(text, syntax)
    assert problem.code == "E002"
    assert problem.message.startswith(f"malformed {syntax.upper()}: {message}")
    assert (problem.help or "").startswith(hint or "")
    assert (hint is None) is (problem.help is None)
    assert found == where


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("a = adam", (1, "adam"), "a string without quotation marks", 'write "adam"'),
        ("a = ~/x.npz", (1, "~/x.npz"), "a string without quotation marks", 'write "~/x.npz"'),
        ("a = True", (1, "True"), "True is not a valid TOML value", "write true"),
        ("a = no # b", (1, "no"), "no is not a valid TOML value", "write false"),
        ("a = None", (1, "None"), "None is not a valid TOML value", "leave the key out"),
        ("a = .5", (1, ".5"), "a number without a digit before its point", "write 0.5"),
        ("a = -.5", (1, "-.5"), "a number without a digit before its point", "write -0.5"),
        ("a = NaN", (1, "NaN"), "a number must be finite", None),
        (
            "a = (1, 2)",
            (1, "("),
            "this is not a valid TOML value",
            "a list is written in square brackets",
        ),
        ("a = +x", (1, "+x"), "this is not a valid TOML value", "a number begins with"),
        ("a = 1\nb =", (2, ""), "a value is missing here", None),
        ("a = [1,, 2]", (1, ","), "a value is missing here", None),
        ("a == 1", (1, "="), "one = too many", "a line is key = value"),
        ("a: 1", (1, ":"), "the key lacks its =", "TOML writes key = value, without a colon"),
        ("a 1", (1, "1"), "the key lacks its =", "a line is key = value, or a section"),
        ("a = 0,02", (1, ","), "a number with a comma", "write a point in its place"),
        ("a = 1,", (1, ","), "a comma after the value", "remove it"),
        ("a = -05", (1, "05"), "a number that begins with 0", "leave the 0 out"),
        ("a = 0 0", (1, "0"), "more follows after the value", "a line holds one key"),
        ('a = "x" "y"', (1, '"'), "more follows after the value", "a line holds one key"),
        ("a = 1.", (1, "."), "a number without a digit after its point", "write .0"),
        ('a = "x""', (1, '"'), "one quotation mark too many", 'in a string it is written \\"'),
        ("a = 1 b = 2", (1, "b"), "two keys in one line", "begin a new line here"),
        ("a = 1 // b", (1, "/"), "more follows after the value", "a comment begins with #"),
        ("a = 5 %", (1, "%"), "more follows after the value", "a line holds one key"),
        ("// a", (1, "/"), "neither a key nor a section begins here", "a comment begins with #"),
        ('{"a": 1}', (1, "{"), "neither a key nor a section begins here", "if the file is JSON"),
        ("= 1", (1, "="), "neither a key nor a section begins here", "a line is key = value"),
        ("[a", (1, ""), "] is missing", "a section is written [section]"),
        ("[[a]\n", (1, "]"), "]] is missing", "a list of tables has [[two]]"),
        ("[]", (1, "]"), "a key is missing here", "a key is of letters"),
        ("a = [1 2]", (1, "2"), "a comma or ] is missing before this", None),
        ("a = [1\n\n[b]\nc = 1", (3, "["), "a comma or ] is missing before this", None),
        ("a = [1,\n\n[b]\nc = 1", (3, "[b]"), "a section in a list", "the list above has no end"),
        ("a = [\n  1,\n[[b.c]]", (3, "[[b.c]]"), "a section in a list", "the list above has"),
        ("a = [1,\n2\n\n", (2, ""), "the list has no end", "add ]"),
        ("a = { b = 1 c = 2 }", (1, "c"), "a comma or } is missing before this", None),
        ("a = { b = 1,, c = 2 }", (1, ","), "one comma too many", "remove it"),
        ('a = "x\nb = 1', (1, '"x'), "the string does not end in its line", 'add "'),
        ('a = ["y\\"", "x\r\n]', (1, '"x'), "the string does not end in its line", 'add "'),
        ('a = "x', (1, '"x'), "the string does not end in its line", 'add "'),
        ('a = """x\nb = 1', (1, '"""'), "the string has no end", 'add """'),
        ("a = '''x\nb = 1", (1, "'''"), "the string has no end", "add '''"),
        ("a = 'x\nb = 1", (1, "'"), "the string has no end", "add '"),
        ('a = "C:\\data"', (1, "\\d"), "\\ has a meaning of its own in a string", "write \\\\"),
        ('a = "C:\\users"', (1, "\\u"), "\\ has a meaning of its own in a string", "write \\\\"),
        ('a = "x\x01"', (1, "\x01"), "a control character, which does not", "remove it"),
        ("a = " + "1" * 5000, (1, "1"), "a number has too many digits", None),
    ],
    ids=lambda value: str(value)[:25],
)
def test_what_is_wrong_with_toml_is_said_at_its_part(text, where, message, hint):
    require(text, "toml", where, message, hint)


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
        ('{"a": True}', (1, "True"), "True is not a valid JSON value", "write true"),
        ('{"a": None}', (1, "None"), "None is not a valid JSON value", "write null"),
        ('{"a": }', (1, "}"), "a value is missing here", None),
        ('{"a": .5}', (1, ".5"), "a number without a digit before its point", "write 0.5"),
        ('{"a": 1.}', (1, "."), "a number without a digit after its point", "write .0"),
        ('{"a": 05}', (1, "05"), "a number that begins with 0", "leave the 0 out"),
        ('{"a": 0x10}', (1, "x"), "this is not a valid number", "JSON writes 16, 0.02 or 2e-2"),
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
def test_what_is_wrong_with_json_is_said_at_its_part(text, where, message, hint):
    require(text, "json", where, message, hint)


@pytest.mark.parametrize(
    ("message", "position"),
    [
        ("Illegal trailing comma before end of object", 7),
        ("Expecting property name enclosed in double quotes", 9),
    ],
    ids=["3.13", "3.11"],
)
def test_a_trailing_comma_is_explained_alike_by_every_parser(message, position):
    text = '{"a": 1, }'
    problem, found = explained(text, "json", json.JSONDecodeError(message, text, position))
    assert problem.message == "malformed JSON: a comma after the last item"
    assert (problem.place.column, found) == (8, (1, ","))


def test_where_there_is_no_explanation_the_parsers_words_are_the_message():
    error = tomllib.TOMLDecodeError("Odd (at line 1, column 3)")
    problem, found = explained("a = 1", "toml", error)
    assert (problem.message, found) == ("malformed TOML: Odd", (1, "="))
    problem, found = explained('{"a": 1}', "json", json.JSONDecodeError("Odd", '{"a": 1}', 3))
    assert (problem.message, found) == ("malformed JSON: Odd", (1, '"'))
    problem, found = explained("a = 1", "toml", ValueError("odd"))
    assert (problem.message, found) == ("malformed TOML: odd", (1, "a"))
