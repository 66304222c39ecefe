from __future__ import annotations

import pytest

from declnet.spec.positions.index import index_document
from declnet.spec.positions.span import Span
from declnet.spec.positions.spot import Spot

SPEC = """\
declnet = 1
name = "spiral"  # é

[data]
train = { type = "spiral", samples = 100 }
[model.options]
x.y = 'z'

[[model.layers]]
type = "dense"
units = 64
# whose: the last layer's
[model.layers.weight_initializer]
std = 0.01
[[model.layers]]
type = "relu"

[training]
metrics = [
  "accuracy",  # the first, with a comma
  # none
  { type = "é", sizes = [1, [2]] },
]
"""


def spot(text: str, *path: str | int) -> Spot | None:
    return index_document(text, "toml").spot(path)


def at(line: int, column: int, end_column: int, end_line: int | None = None) -> Span:
    return Span(line, column, end_line or line, end_column)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("declnet", at(1, 1, 8), at(1, 11, 12)),
        ("name", at(2, 1, 5), at(2, 8, 16)),
        ("data", at(4, 2, 6), at(4, 1, 7)),
        ("data train", at(5, 1, 6), at(5, 9, 43)),
        ("data train type", at(5, 11, 15), at(5, 18, 26)),
        ("data train samples", at(5, 28, 35), at(5, 38, 41)),
        ("model", at(6, 2, 7), at(6, 2, 7)),
        ("model options", at(6, 8, 15), at(6, 1, 16)),
        ("model options x", at(7, 1, 2), at(7, 1, 2)),
        ("model options x y", at(7, 3, 4), at(7, 7, 10)),
        ("model layers", at(9, 9, 15), at(9, 1, 17)),
        ("model layers 0", None, at(9, 1, 17)),
        ("model layers 0 type", at(10, 1, 5), at(10, 8, 15)),
        ("model layers 0 units", at(11, 1, 6), at(11, 9, 11)),
        ("model layers 0 weight_initializer", at(13, 15, 33), at(13, 1, 34)),
        ("model layers 0 weight_initializer std", at(14, 1, 4), at(14, 7, 11)),
        ("model layers 1", None, at(15, 1, 17)),
        ("model layers 1 type", at(16, 1, 5), at(16, 8, 14)),
        ("training", at(18, 2, 10), at(18, 1, 11)),
        ("training metrics", at(19, 1, 8), at(19, 11, 2, end_line=23)),
        ("training metrics 0", None, at(20, 3, 13)),
        ("training metrics 1", None, at(22, 3, 35)),
        ("training metrics 1 type", at(22, 5, 9), at(22, 12, 15)),
        ("training metrics 1 sizes", at(22, 17, 22), at(22, 25, 33)),
        ("training metrics 1 sizes 1", None, at(22, 29, 32)),
        ("training metrics 1 sizes 1 0", None, at(22, 30, 31)),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_form_has_its_spot_whatever_ends_the_lines(path, key, value, end):
    parts = [int(part) if part.isdecimal() else part for part in path.split()]
    assert spot(SPEC.replace("\n", end), *parts) == Spot(key, value)


@pytest.mark.parametrize(
    "path", ["model layers 2", "model layers 1 units", "model weight_initializer"]
)
def test_what_belongs_to_another_item_is_not_found(path):
    parts = [int(part) if part.isdecimal() else part for part in path.split()]
    assert spot(SPEC, *parts) is None


@pytest.mark.parametrize(
    ("text", "name", "end"),
    [
        ("a-1_B = 1", "a-1_B", 6),
        ("'C:\\é' = 1", "C:\\é", 7),
        ('"日本 😀" = 1', "日本 😀", 7),
        (r'"\t\"\u00e9\U0001F600\\" = 1', '\t"é😀\\', 25),
        ('"" = 1', "", 3),
        ("'' = 1", "", 3),
        ("1 = 1", "1", 2),
        ("true = 1", "true", 5),
        ("inf = 1", "inf", 4),
        ("1979-05-27 = 1", "1979-05-27", 11),
    ],
)
def test_keys_are_decoded_and_their_spans_are_as_written(text, name, end):
    found = spot(text, name)
    assert found == Spot(at(1, 1, end), at(1, len(text), len(text) + 1))


@pytest.mark.parametrize(
    "value",
    [
        "1", "0x1F", "+1_000", "1e5", "-inf", "nan", "true", '"é"', "'日本'", '"""\na\n"""',
        "'''\na'''", '"""a\\  \n\n  b"""', '""""a"""""', "1979-05-27", "07:32:00.5",
        "1979-05-27 07:32:00", "1979-05-27T07:32:00-08:00", "[]", "[ 1,\n2 ,\n]", "{}",
        "{ a.b = 1 }",
    ],
)  # fmt: skip
def test_values_of_every_kind_have_exact_spans(value, cut):
    text = f'\t"é".b\t=\t{value}\t# é\nc = 1'
    found = spot(text, "é", "b")
    assert found is not None
    assert found.key is not None
    assert cut(text, found.value) == value
    assert cut(text, found.key) == "b"
    assert spot(text, "é") == Spot(at(1, 2, 5), at(1, 2, 5))
    assert spot(text, "c") is not None


def test_a_table_opened_after_its_own_sub_table_stands_at_its_header():
    text = '[a.b]\n[ "a" ]  # here\nc = 1\n'
    assert spot(text, "a") == Spot(at(2, 3, 6), at(2, 1, 8))
    assert spot(text, "a", "b") == Spot(at(1, 4, 5), at(1, 1, 6))
    assert spot(text, "a", "c") == Spot(at(3, 1, 2), at(3, 5, 6))


def test_arrays_of_tables_nest_and_the_last_item_is_meant():
    text = "[[a]]\n[[a.b]]\n[[a.b]]\n[a.b.c]\nd = 1\n[[a]]\n[[ a . b ]]\ne = 1\n"
    assert spot(text, "a", 0, "b", 1, "c", "d") == Spot(at(5, 1, 2), at(5, 5, 6))
    assert spot(text, "a", 1, "b", 0) == Spot(None, at(7, 1, 12))
    assert spot(text, "a", 1, "b", 0, "e") == Spot(at(8, 1, 2), at(8, 5, 6))
    assert spot(text, "a", 0, "b", 0, "c") is None
    assert spot(text, "a", 1, "b", 1) is None


@pytest.mark.parametrize(
    ("text", "found", "lost"),
    [
        ("a = \nb = 2\n[c]\nd = 1", ["b", "c d"], ["a"]),
        ("a = tru\nb = 1\n[c]\nd = 1", ["c d"], ["a"]),  # tree-sitter takes the 1 for a's value
        ("[a\nb=1\n[c]\nd=1\n", ["c d"], ["a", "b", "a b"]),
        ("[a]\nb = 1\n[c\nb = 1\n[e]\nf = 1\n[g]\n", ["a b", "g"], ["c", "b", "f"]),
        ("[[a\nb = 1\nc = 1\n\nd = 1", [], ["a", "b", "c"]),
        ("[a.]\nb = 1\n[c]\nd = 1", ["c d"], ["a", "a b", "b"]),
        ("{a = 1\n", [], ["a"]),
        ("[a b]\nc = 1\n[d]\ne = 1", ["d e"], ["c", "a c", "b c"]),
        ("a = [1,, 2]\nb = 1", ["a 0", "a 1", "b"], ["a 2"]),
        ("a = {b = 1,\n c = 2}\nd = 1", ["a b", "a c", "d"], []),  # TOML 1.1 allows the break
        ("a = 1 b = 2", ["a", "b"], []),
        ("é = 1\nb = 2", ["b"], ["é"]),
    ],
)
def test_of_a_malformed_text_what_is_whole_is_found(text, found, lost):
    positions = index_document(text, "toml")
    for path in found:
        parts = tuple(int(part) if part.isdecimal() else part for part in path.split())
        assert positions.spot(parts) is not None, path
    for path in lost:
        assert positions.spot(tuple(path.split())) is None, path
    assert positions.duplicates == ()


def test_a_wrong_escape_in_a_key_leaves_it_as_written():
    assert spot("'a' = 1\n\"\\uD800\" = 2\n", "\\uD800") is not None
