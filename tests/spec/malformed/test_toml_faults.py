"""What is said of texts that are no TOML, and at which part."""

from __future__ import annotations

import tomllib

import pytest

from declnet.spec.malformed.toml_faults import malformed_toml
from declnet.spec.source import Source


def told(text):
    with pytest.raises(ValueError) as caught:
        tomllib.loads(text)
    problem = malformed_toml(Source("spec.toml", text, "toml"), text, str(caught.value))
    place = problem.place
    part = place.text[place.column - 1 : place.end_column - 1]
    return problem, (place.line, part)


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("a = adam", (1, "adam"), "a string without quotation marks", 'write "adam"'),
        ("a = ~/x.npz", (1, "~/x.npz"), "a string without quotation marks", 'write "~/x.npz"'),
        ("a = True", (1, "True"), "True is no TOML value", "write true"),
        ("a = no # b", (1, "no"), "no is no TOML value", "write false"),
        ("a = None", (1, "None"), "None is no TOML value", "leave the key out"),
        ("a = .5", (1, ".5"), "a number without a digit before its point", "write 0.5"),
        ("a = -.5", (1, "-.5"), "a number without a digit before its point", "write -0.5"),
        ("a = NaN", (1, "NaN"), "a number must be finite", None),
        ("a = (1, 2)", (1, "("), "this is no TOML value", "a list stands in square brackets"),
        ("a = +x", (1, "+x"), "this is no TOML value", "a number begins with"),
        ("a = 1\nb =", (2, ""), "a value is missing here", None),
        ("a = [1,, 2]", (1, ","), "a value is missing here", None),
        ("a == 1", (1, "="), "one = too many", "a line is key = value"),
        ("a: 1", (1, ":"), "the key lacks its =", "TOML writes key = value, without a colon"),
        ("a 1", (1, "1"), "the key lacks its =", "a line is key = value, or a section"),
        ("a = 0,02", (1, ","), "a number with a comma", "write a point in its place"),
        ("a = 1,", (1, ","), "a comma after the value", "remove it"),
        ("a = -05", (1, "05"), "a number that begins with 0", "leave the 0 out"),
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
def test_what_is_wrong_is_told_at_its_part(text, where, message, hint):
    problem, found = told(text)
    assert problem.code == "E002"
    assert problem.message.startswith(f"malformed TOML: {message}")
    assert (problem.help or "").startswith(hint or "")
    assert (hint is None) is (problem.help is None)
    assert found == where


def test_what_nobody_thought_of_is_told_in_the_parsers_words():
    problem = malformed_toml(
        Source("spec.toml", "a = 1", "toml"), "a = 1", "Odd (at line 1, column 3)"
    )
    assert problem.message == "malformed TOML: Odd"
    assert (problem.place.line, problem.place.column) == (1, 3)
