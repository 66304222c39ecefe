"""Data as an argument of a command, as a plugin's command gets it."""

from __future__ import annotations

import pytest

from declnet import DataArgument, DataError, SpecError, Table, default_registry


@pytest.fixture
def argument(tmp_path, monkeypatch):
    """A table in a file; return the argument with some text, as click converts it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a;b\n1;2\n3;4\n")

    def convert(text):
        value = DataArgument.click_type.convert(text, None, None)
        return DataArgument(value, default_registry(), "--data")

    return convert


DECLARED = '{ type = "csv", path = "t.csv", delimiter = ";" }'


@pytest.mark.parametrize(
    ("text", "is_file", "name", "columns"),
    [("t.csv", True, "t.csv", ["a;b"]), (DECLARED, False, 'data source "csv"', ["a", "b"])],
)
def test_a_file_is_read_by_a_source_and_a_declared_source_as_it_is(
    argument, text, is_file, name, columns
):
    data = argument(text)
    assert (data.is_file, data.name, data.source.type) == (is_file, name, "csv")
    table = data.load()
    assert isinstance(table, Table)
    assert list(table.columns) == columns
    with pytest.raises(DataError) as caught, data.naming_errors():
        raise DataError("row 1 is odd")
    assert caught.value.message == f"{name}: row 1 is odd"


def test_a_wrong_key_of_a_declared_source_has_its_place(argument):
    with pytest.raises(SpecError) as caught:
        _ = argument('{ type = "csv", path = "t.csv", delimeter = ";" }').source
    (problem,) = caught.value.problems
    assert (problem.place.file, problem.place.column) == ("--data", 33)
