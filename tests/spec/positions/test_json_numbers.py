from __future__ import annotations

import json

import pytest

from declnet.spec.positions.index import index_document
from declnet.spec.positions.json_numbers import with_known_numbers


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e+16", "-1.5E+3", "1e-5", "1E05", "-0", "0.5", "17"]
)
def test_every_number_that_python_reads_has_a_span(value, cut):
    json.loads(value)
    text = f'{{"NaN": "e+ Infinity \\" NaN", "a": [{value}, 1], "b": {value}}}'
    positions = index_document(text, "json")
    for path, expected in [
        (("NaN",), '"e+ Infinity \\" NaN"'),
        (("a", 0), value),
        (("a", 1), "1"),
        (("b",), value),
    ]:
        found = positions.spot(path)
        assert found is not None
        assert cut(text, found.value) == expected


@pytest.mark.parametrize(
    ("source", "known"),
    [
        (b"[NaN, -Infinity, 2e+5]", b"[111, -11111111, 2e-5]"),
        (b'{"NaN": "1e+5\\\\", "a": NaN}', b'{"NaN": "1e+5\\\\", "a": 111}'),
        (b'{"a": "\\" NaN", "b": NaN}', b'{"a": "\\" NaN", "b": 111}'),
        (b'"e+ never closed', b'"e+ never closed'),
        (b'"broken\n NaN', b'"broken\n 111'),
        (b"[1, +2]", b"[1, +2]"),
        (b"", b""),
    ],
)
def test_only_unknown_numbers_change_and_no_offset_does(source, known):
    assert with_known_numbers(source) == known
