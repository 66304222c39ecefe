"""Tables in Parquet files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field

from declnet import (
    SPACES,
    Blocks,
    ColumnNote,
    ColumnType,
    DataError,
    DataInfo,
    Dataset,
    Table,
    as_table,
)
from declnet_plugins.standard.data.table_source import TableSource

if TYPE_CHECKING:
    import polars as pl

HELD = 2**24
"""Maximum number of elements or cells of a file that are in memory to be read in blocks."""


class Parquet(TableSource):
    """A table in a Parquet file, whose columns have the types that the file says.

    Dates, times (ISO 8601, in UTC) and categories become text, durations seconds, decimals floats;
    lists, structs and bytes are refused as features. Needs the extra `data`.
    """

    type = "parquet"
    suffixes = (".parquet",)
    examples = ({"path": "houses.parquet", "target": "price"},)

    path: Path = Field(description="the file")

    def describe(self) -> DataInfo | None:
        """Read only the names of the columns."""
        self.require_columns(list(self._scanned().collect_schema().names()))
        return None

    def with_detected_format(self) -> Self:
        """Return a source that notes columns of other values, e.g. lists, and leaves them out."""
        other = self.model_copy()
        other._reports_unusable = True
        return other

    def load(self, rng: np.random.Generator) -> Table:
        """Read the file; nothing is random."""
        frame = self._scanned()
        records = self._records(frame)
        integers = _integers(frame.collect_schema())
        if not len(records):
            raise DataError(f"{self.path}: has no rows")
        if self._reports_unusable:
            unusable = _unusable(frame.collect_schema())
            notes = {name: ColumnNote(f"is left out: it holds {why}") for name, why in unusable}
            records = replace(records, notes=notes)
        return next(self.labelled([records], integers))

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the file in chunks."""
        return self.labelled(self._parts(samples))

    def blocks(self, samples: int, numbers: int) -> Blocks:
        """Return blocks of consecutive rows, regardless of row groups; several are in memory.

        Reading a few rows of a row group takes all of its bytes.
        """
        import polars as pl

        schema = self._plain(self._scanned()).collect_schema()
        text: ColumnType = "text"  # also of a block without any
        are_text = (pl.String, pl.Date, pl.Datetime)
        types = {name: text for name, kind in schema.items() if kind in are_text} | self._settled
        integers = _integers(schema)
        size = Blocks.samples_in_block(samples, numbers, len(schema))
        found = self._labelled_rows(size)
        together = max(1, HELD // len(schema) // size)

        @lru_cache(maxsize=1)
        def held(group: int) -> pl.DataFrame:
            frame = self._plain(self._scanned().slice(group * together * size, together * size))
            return self._collected(frame)

        def read(number: int) -> Table:
            start = found[number][0] * size
            group, inside = divmod(found[number][0], together)
            part = self._table(held(group).slice(inside * size, size), types, start + 1)
            return next(self.labelled([part], integers))

        groups = tuple(at // together for at, _ in found)
        return Blocks(tuple(count for _, count in found), read, groups)

    def _labelled_rows(self, size: int) -> list[tuple[int, int]]:
        """Return the number of each part of `size` rows and its number of rows, unless empty."""
        import polars as pl

        columns = self.target_columns
        if not columns or self.missing_target == "error":
            rows = self._rows()
            return [(at, min(size, rows - at * size)) for at in range(-(-rows // size))]
        schema = self._plain(self._scanned()).collect_schema()

        def has_value(name: str) -> pl.Expr:
            cell = pl.col(name)
            if schema[name].is_float():
                return cell.fill_nan(None).is_not_null()
            if schema[name] != pl.String:
                return cell.is_not_null()
            return cell.is_not_null() & ~cell.str.strip_chars(SPACES).is_in(self.missing)

        there = [has_value(name) for name in columns]
        kept = self._plain(self._scanned()).select(pl.all_horizontal(there).alias("there"))
        parts = kept.with_row_index("part").group_by(pl.col("part") // size).agg(pl.sum("there"))
        return sorted((at, count) for at, count in self._collected(parts).iter_rows() if count)

    def _parts(self, samples: int) -> Iterator[Table]:
        columns = len(self._plain(self._scanned()).collect_schema())
        rows, together = self._rows(), samples * max(1, HELD // columns // samples)
        for first in range(0, rows, together):
            frame = self._collected(self._plain(self._scanned().slice(first, together)))
            for start in range(0, len(frame), samples):
                row = first + start + 1
                yield self._table(frame.slice(start, samples), self._settled, row)

    def _rows(self) -> int:
        import polars as pl

        return int(self._collected(self._scanned().select(pl.len())).item())

    def _records(self, frame: "pl.LazyFrame") -> Table:
        """Return a table of the usable columns, which include all needed ones."""
        return replace(self._table(self._collected(self._plain(frame)), self._settled), rows=None)

    def _table(
        self, frame: "pl.DataFrame", types: Mapping[str, ColumnType], first_row: int = 1
    ) -> Table:
        """Return usable columns as a table, whose rows are numbered from `first_row` on."""
        table = as_table(frame, first_row=first_row, cells=self.cell_format, types=types)
        if not isinstance(table, Table):
            raise TypeError(table)
        rows = np.arange(first_row, first_row + len(table))
        return replace(self.records(table.columns), rows=rows)

    def _plain(self, frame: "pl.LazyFrame") -> "pl.LazyFrame":
        """Return the usable columns, which include all needed ones, in types of a table."""
        import polars as pl
        from polars import selectors

        schema = frame.collect_schema()
        self.require_columns(schema.names())
        nested = [name for name, _ in _unusable(schema)]
        all_are_needed = () if self._reports_unusable else schema.names()
        needed = self.features or self._only or all_are_needed
        wrong = [name for name in nested if name in needed or name in self.target_columns]
        if wrong:
            raise DataError(
                f'{self.path}: column "{wrong[0]}" holds {schema[wrong[0]]}, not one value a row',
                hint="leave it out by naming the features",
            )
        zoned = selectors.datetime(time_zone="*") - selectors.datetime(time_zone=None)
        texts = selectors.time() | selectors.categorical() | selectors.enum()
        other = () if self._only is None else set(schema.names()) - self._only
        plain: pl.LazyFrame = frame.drop({*nested, *other}).with_columns(
            texts.cast(pl.String),
            zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None),
            selectors.duration().dt.total_microseconds() / 1e6,
            selectors.decimal().cast(pl.Float64),
        )
        return plain

    def _collected(self, frame: "pl.LazyFrame") -> "pl.DataFrame":
        with self._reading():
            found: pl.DataFrame = frame.collect()
        return found

    def _scanned(self) -> "pl.LazyFrame":
        try:
            import polars as pl
        except ImportError:
            raise DataError(
                'the data source parquet needs polars: pip install "declnet[data]"'
            ) from None
        if not self.path.is_file():
            what = "not a file" if self.path.exists() else "there is no such file"
            raise DataError(f"{self.path}: {what}")
        with self._reading():
            frame: pl.LazyFrame = pl.scan_parquet(self.path, glob=False)
            frame.collect_schema()
        return frame

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn an error or a panic of polars, which can raise anything, into DataError."""
        from polars.exceptions import PanicException  # derived from BaseException

        try:
            yield
        except (Exception, PanicException) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: BaseException) -> DataError:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        return DataError(f"{self.path}: not a valid Parquet file: {cause}")


def _integers(schema: "pl.Schema") -> list[str]:
    """Return the names of the columns of integers."""
    return [name for name, kind in schema.items() if kind.is_integer()]


def _unusable(schema: "pl.Schema") -> "list[tuple[str, pl.DataType]]":
    """Return the columns with other values than a table has, with their types."""
    import polars as pl

    return [
        (name, each)
        for name, each in schema.items()
        if each.is_nested() or each in (pl.Object, pl.Binary)
    ]
