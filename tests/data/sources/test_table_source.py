"""Table sources: parts of any form give the same columns, whether read once or again."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from pydantic import Field

from declnet import (
    ColumnNote,
    DataError,
    DataSource,
    Registry,
    RegistryError,
    Table,
    TableBlock,
    TableSource,
    TextTableSource,
)
from declnet.contracts.returned import BrokenContractError
from declnet.data.sources.loading import load_source
from declnet.spec.streams import DataSet

RNG = np.random.default_rng(0)


class Parts(TableSource):
    """The given parts."""

    type = "parts"
    parts: list[Any] = Field(description="what read yields")

    def read(self):
        yield from self.parts


class TextBlocks(TextTableSource):
    """Blocks of text that record each read."""

    type = "text_blocks"
    parts: list[Any] = Field(description="the columns of each block")
    times: list[int] = Field(description="how often a block was read")

    def read_blocks(self, rows):
        for number, part in enumerate(self.parts):
            yield TableBlock(len(part["a"]), partial(self._block, number))

    def _block(self, number):
        self.times.append(number)
        return self.parts[number]


def cells(source):
    return {name: column.tolist() for name, column in source.load(RNG).columns.items()}


def test_parts_may_be_tables_mappings_and_rows_that_lack_columns():
    note = ColumnNote("is guessed")
    one = Parts(
        parts=[
            {"a": [1, 2], "b": ["x", None]},
            Table({"a": np.array([3.5])}, notes={"a": note, "gone": note}),
            [{"b": " y ", "c": True}, {"c": None}],
        ]
    )
    table = one.load(RNG)
    assert str(cells(one)) == str(
        {
            "a": [1.0, 2.0, 3.5, np.nan, np.nan],
            "b": ["x", None, None, "y", None],
            "c": [np.nan, np.nan, np.nan, 1.0, np.nan],
        }
    )
    assert table.notes == {"a": note}
    typed = one.with_types({"a": "number", "b": "text", "c": "number"}).with_columns(["a", "b"])
    chunks = list(typed.chunks(RNG, 2))
    assert [chunk.row_numbers.tolist() for chunk in chunks] == [[1, 2], [3, 4], [5]]
    assert [cell for chunk in chunks for cell in chunk.columns["b"]] == cells(one)["b"]


def test_a_column_is_text_in_all_parts_or_in_none():
    with pytest.raises(DataError, match=r'row 3, column "a" is 7\.0, but text elsewhere'):
        Parts(parts=[{"a": ["x", "y"]}, {"a": [7.0]}]).load(RNG)


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        (3, "gives 3, not a table"),
        ({"a": [1, 2], "b": [1]}, "gives columns of 1, 2 rows"),
        ({}, "gives columns of no rows"),
    ],
)
def test_invalid_parts_break_the_contract(part, fault):
    with pytest.raises(BrokenContractError, match=rf'"parts": read\(\) {fault}'):
        Parts(parts=[part]).load(RNG)


def test_a_source_of_tables_must_be_a_table_source_and_read_rows():
    class Rowless(TableSource):
        """A source without read methods."""

        type = "rowless"

    class Plain(DataSource):
        """A source of arrays that returns a table."""

        type = "plain"

        def describe(self):
            return None

        def load(self, rng):
            return Table({"a": np.arange(3)})

    with pytest.raises(RegistryError, match=r"Rowless has neither read\(\) nor read_blocks\(\)"):
        Registry().register(Rowless)
    with pytest.raises(BrokenContractError, match="a source of tables derives from TableSource"):
        load_source(Plain(), 0, DataSet.TRAIN)
    with pytest.raises(DataError, match=r'^data source "parts": has no rows$'):
        Parts(parts=[]).describe()


def test_cells_that_turn_out_to_be_text_are_read_again_and_others_once():
    odd = ["a\0b", "\udc80", None, "NA"]
    parts = [
        {"a": ["1", "2"], "b": odd[:2]},
        {"a": ["3", "01"], "b": odd[2:]},
        {"a": [4, 5.5], "b": ["", "x"]},
    ]
    one = TextBlocks(parts=parts, times=[])
    expected = {"a": ["1", "2", "3", "01", "4", "5.5"], "b": [*odd[:2], None, None, None, "x"]}
    assert cells(one) == expected
    one.times.clear()
    blocks = one.blocks(2, 100)
    assert one.times == [0, 0, 1, 2]  # the first is also read for the column names
    tables = [blocks.read(number) for number in range(3)]
    assert one.times == [0, 0, 1, 2, 0]
    for name, column in expected.items():
        assert [cell for table in tables for cell in table.columns[name]] == column
    whole = one.without_copies().blocks(2, 100)
    assert [whole.read(2).columns["a"].tolist(), one.times[-1]] == [["4", "5.5"], 2]


def test_reading_stops_at_an_invalid_cell():
    ended = []

    class Query(Parts):
        """Rows with a resource that is released when reading ends."""

        type = "query"

        def read(self):
            try:
                yield from self.parts
            finally:
                ended.append(True)

    one = Query(parts=[{"a": [1.0]}, {"a": ["x"]}, {"a": [2.0]}]).with_types({"a": "number"})
    with pytest.raises(DataError, match='row 2, column "a": "x" is not a number') as error:
        one.load(RNG)
    assert (ended, error.value.row) == ([True], 2)
