"""The places of the values in a document with several sources."""

from __future__ import annotations

import pytest

from declnet.spec.document.overrides import apply_override, parse_override
from declnet.spec.document.source_map import Source, SourceMap

TOML = "# ü\r\nseed = 1\r\n[training]\r\n\tepochs = 'ten'  # 漢\r\n"


@pytest.mark.parametrize(
    ("text", "start", "end", "expected", "line"),
    [
        ("ab\r\ncd", 1, 6, (1, 2, 2, 3), "ab"),
        ("é日😀", 2, 3, (1, 3, 1, 4), "é日😀"),
        ("e\u0301x", 2, 3, (1, 3, 1, 4), "e\u0301x"),  # two characters, though one is seen
        ("a\u2028b\x85c\x0cd", 6, 7, (1, 7, 1, 8), "a\u2028b\x85c\x0cd"),  # no line breaks
        ("\ud800x", 1, 2, (1, 2, 1, 3), "\ud800x"),
        (TOML, TOML.index("epochs"), TOML.index(" = 'ten"), (4, 2, 4, 8), "\tepochs = 'ten'  # 漢"),
        (TOML, len(TOML), len(TOML), (5, 1, 5, 1), ""),
    ],
)
def test_columns_count_characters_and_only_line_feeds_end_lines(text, start, end, expected, line):
    place = Source("spec.toml", text, "toml").place(start, end)
    assert (place.line, place.column, place.end_line, place.end_column) == expected
    assert place.text == line


def test_a_bare_name_of_an_override_that_gets_keys_is_reported_at_the_name():
    source_map = SourceMap({})
    for number, text in enumerate(("loss=nope", "loss.weight=2"), start=1):
        assert apply_override(source_map, parse_override(text, number)) is None
    for path in (("loss", "type"), ("loss",)):
        assert str(source_map.place_of(path)) == "--set:1:6"
    assert str(source_map.exact_place(("loss", "type"))) == "--set:1:6"
    assert source_map.exact_place(("loss", "smoothing")) is None
