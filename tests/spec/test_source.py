from __future__ import annotations

import pytest

from declnet.spec.source import Source

TOML = "# ü\r\nseed = 1\r\n[training]\r\n\tepochs = 'ten'  # 漢\r\n"
JSON = '{\n  "seed": 1,\n  "training": {"epochs": "ten"}\n}\n'


@pytest.mark.parametrize(
    ("syntax", "path", "key", "value"),
    [
        ("toml", ("seed",), (2, 1, "seed"), (2, 8, "1")),
        ("toml", ("training", "epochs"), (4, 2, "epochs"), (4, 11, "'ten'")),
        ("json", ("seed",), (2, 3, '"seed"'), (2, 11, "1")),
        ("json", ("training", "epochs"), (3, 16, '"epochs"'), (3, 26, '"ten"')),
    ],
)
def test_places_have_the_text_that_they_mark(syntax, path, key, value):
    source = Source("spec", TOML if syntax == "toml" else JSON, syntax)
    spot = source.spot(path)
    for span, (line, column, text) in ((spot.key, key), (spot.value, value)):
        place = source.place(span)
        assert (place.file, place.line, place.column) == ("spec", line, column)
        assert place.text[place.column - 1 : place.end_column - 1] == text
        assert not place.text.endswith("\r")


def test_what_is_not_written_has_no_spot():
    source = Source("spec.toml", TOML, "toml")
    assert source.spot(("training", "batch_size")) is None


@pytest.mark.parametrize(
    ("line", "column", "text"), [(1, 1, "# ü"), (4, 2, "\tepochs = 'ten'  # 漢"), (9, 1, "")]
)
def test_a_single_character(line, column, text):
    place = Source("spec.toml", TOML, "toml").place_at(line, column)
    assert (place.line, place.column, place.end_line, place.end_column) == (
        line,
        column,
        line,
        column + 1,
    )
    assert place.text == text


def test_positions_are_found_when_somebody_asks(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "declnet.spec.positions.index.index_document", lambda *given: asked.append(given)
    )
    source = Source("spec.toml", TOML, "toml")
    assert asked == []
    _ = source.positions, source.positions
    assert asked == [(TOML, "toml")]
