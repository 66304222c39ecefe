"""Files parsed into tables, within the limits of a spec."""

from __future__ import annotations

import pytest

from declnet import SpecError
from declnet.spec.document.document import (
    DEEPEST,
    LARGEST,
    large_numbers,
    read_document,
    too_deep_path,
    without_large_numbers,
)

DOTS = "a." * 100


def refusal(path):
    with pytest.raises(SpecError) as caught:
        read_document(path)
    (problem,) = caught.value.problems
    assert problem.place.file == str(path)
    return problem


@pytest.mark.parametrize(
    ("name", "content", "code", "where", "message"),
    [
        ("spec.toml", "a = 1\nb = = 2", "E002", (2, 5), "malformed TOML: unexpected second ="),
        (
            "spec.toml",
            "a = 1\na = 2\nb = = 2\n",
            "E002",
            (3, 5),
            "malformed TOML: unexpected second =",
        ),
        ("spec.toml", "a = [1,\r\n  2\r\n\r\n", "E002", (2, 4), "malformed TOML: the list"),
        ("spec.toml", "a = " + "[" * 20000, "E004", (1, 68), "nested too deeply"),
        ("spec.toml", "a = 1\nb.c" + ".a" * 63 + " = 1", "E004", (2, 127), "nested too deeply"),
        ("spec.toml", "['b'" + " . a" * 10**5 + "]", "E004", (1, 256), "nested too deeply"),
        ("spec.toml", "a = 1\n" + "#" * 2**20, "E001", (1, 1), "too large for a spec: more than"),
        ("spec.toml", "a = " + "1" * 5000, "E002", (1, 5), "malformed TOML: a number has"),
        ("spec.json", '{"a": 1,\n "b" 2}', "E002", (2, 6), "malformed JSON: a colon is missing"),
        ("spec.json", '{"a": ' * 100_000, "E004", (1, 385), "nested too deeply"),
        ("spec.json", '{"a": ' + "1" * 5000 + "}", "E002", (1, 7), "malformed JSON: a number has"),
        ("spec.json", "[1]", "E002", (1, 1), "a spec is a JSON object"),
        ("spec.yaml", "a: 1", "E001", (1, 1), "not a spec: its name must end in .toml or .json"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_is_not_a_document_is_refused_at_its_line(
    tmp_path, name, content, code, where, message
):
    path = tmp_path / name
    path.write_bytes(content.encode())
    problem = refusal(path)
    assert problem.code == code
    assert problem.message.startswith(message)
    assert (problem.place.line, problem.place.column) == where


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 63 + " = 1",
        "a = " + "[" * 63 + "]" * 63,
        "a = 1 # " + DOTS,
        f"a = '{DOTS}' # \"",
        f'a = "\\"{DOTS}"',
        f'a = """\n\\"""{DOTS}\n""\n"""',
        f"a = '''\n'{DOTS}\n'''",
        "a = [" + "1.5," * 100 + "]",
    ],
)
def test_64_levels_are_allowed_and_only_the_dots_of_a_key_count(spec_file, text):
    assert read_document(spec_file(text, "spec.toml")).diagnostics == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("spec.toml", "there is no such file"),
        ("folder", "this is a folder; name the spec file in it"),
        ("a\0b.toml", "cannot be read: "),
        ("x" * 300 + ".toml", "cannot be read: "),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name, message):
    for folder in ("folder", "folder.toml"):
        (tmp_path / folder).mkdir()
    problem = refusal(tmp_path / name)
    assert problem.code == "E001"
    assert problem.message.startswith(message)


def nested(depth, wrap):
    value = 1
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap",
    [lambda value: [value], lambda value: {"a": value, "b": 2}, lambda value: (1, value)],
    ids=["list", "table", "tuple"],
)
def test_the_maximum_depth_is_allowed_and_one_more_is_not(wrap):
    assert too_deep_path(nested(DEEPEST, wrap)) is None
    assert len(too_deep_path(nested(DEEPEST + 1, wrap))) == DEEPEST


def test_any_depth_can_be_measured():
    assert too_deep_path(nested(100_000, lambda value: [value])) == (0,) * DEEPEST
    deep = {"a": 1, "b": [1, {"c": nested(DEEPEST, lambda value: [value])}, 2]}
    assert too_deep_path(deep) == ("b", 1, "c", *[0] * (DEEPEST - 3))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = " + "[" * 63 + "[]" + "]" * 63, (1, 68, "[")),
        ("a = " + "{a = " * 63 + "{}" + "}" * 63, (1, 5 + 63 * 5, "{")),
        ("\n[" + "a." * 63 + "b]", (2, 128, "b")),
        ("[a]\n" + "b." * 63 + "c = 1", (2, 125, "b")),
        ("[a]\nb = " + "[" * 20_000, (2, 68, "[")),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_value_that_is_too_deep_is_marked_where_it_begins(spec_file, text, place):
    problem = refusal(spec_file(text, "spec.toml"))
    span = problem.place
    marked = span.text[span.column - 1 : span.end_column - 1]
    assert problem.code == "E004"
    assert (span.line, span.column, marked) == place


HUGE = 16**5000


@pytest.mark.parametrize("number", [LARGEST + 1, -LARGEST - 1, HUGE], ids=["more", "less", "huge"])
def test_larger_numbers_are_reported_at_their_path_and_removed(number):
    document = {"a": number, "b": [1, {"c": number}], "d": (number,)}
    problems = large_numbers(document)
    assert [problem.path for problem in problems] == [("a",), ("b", 1, "c"), ("d", 0)]
    assert {problem.code for problem in problems} == {"E013"}
    assert without_large_numbers(document) == {"a": None, "b": [1, {"c": None}], "d": [None]}
