"""Tables in Parquet files."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from declnet import Blocks, ColumnType, DataError, DataInfo, Table
from declnet_plugins.standard.data.row_source import Columns, RowSource
from declnet_plugins.standard.data.table_source import EXAMPLE

if TYPE_CHECKING:
    import polars as pl

HELD = 2**24
"""Maximum number of elements or cells of a file that are in memory to be read in blocks."""


class Parquet(RowSource):
    """A table in a Parquet file, whose columns have the types that the file says.

    Dates, times (ISO 8601, in UTC) and categories become text, durations seconds, decimals floats;
    lists, structs and bytes are refused as features. Needs the extra `data`.
    """

    type = "parquet"
    suffixes = (".parquet",)
    examples = ({"path": "houses.parquet", "target": "price"},)

    path: Path = Field(description="the file")

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write a table."""
        import polars as pl

        path = folder / "flowers.parquet"
        pl.DataFrame(EXAMPLE).write_parquet(path)
        return {"path": path, "target": "kind"}

    def describe(self) -> DataInfo | None:
        """Read only the names of the columns."""
        self.require_columns(list(self._scanned().collect_schema().names()))
        return None

    def blocks(self, samples: int, numbers: int) -> Blocks:
        """Return blocks of consecutive rows, regardless of row groups; several are in memory.

        Reading a few rows of a row group takes all of its bytes.
        """
        import polars as pl

        schema = self._plain(self._scanned()).collect_schema()
        text: ColumnType = "text"  # also of a block without any
        are_text = (pl.String, pl.Date, pl.Datetime)
        types = {name: text for name, kind in schema.items() if kind in are_text} | self._settled
        integers = self._integers()
        size = Blocks.samples_in_block(samples, numbers, len(schema))
        sizes = self._sizes(size)
        whole = [number for number, count in enumerate(sizes) if count]
        together = max(1, HELD // len(schema) // size)

        @lru_cache(maxsize=1)
        def held(group: int) -> pl.DataFrame:
            return self._slice(group * together * size, together * size)

        def read(number: int) -> Table:
            group, inside = divmod(whole[number], together)
            frame = held(group).slice(inside * size, size)
            start = whole[number] * size + 1
            rows = range(start, start + len(frame))
            return next(self.labelled([self._table(_columns(frame), rows, {}, types)], integers))

        groups = tuple(number // together for number in whole)
        return Blocks(tuple(sizes[number] for number in whole), read, groups)

    def _sizes(self, size: int) -> list[int]:
        """Return how many of each `size` consecutive rows are not left out."""
        if not self.leaves_out:
            rows = self._rows()
            return [min(size, rows - first) for first in range(0, rows, size)]
        targets = self.with_columns(self.target_columns)
        parts = (part.columns for part in targets._tables(size, {}))
        return [int(self.has_targets(columns).sum()) for columns in parts]

    def _parts(self, rows: int) -> Iterator[Columns]:
        columns = len(self._plain(self._scanned()).collect_schema())
        together = rows * max(1, HELD // columns // rows)
        for first in range(0, self._rows(), together):
            frame = self._slice(first, together)
            for start in range(0, len(frame), rows):
                yield _columns(frame.slice(start, rows))

    def _slice(self, first: int, rows: int) -> "pl.DataFrame":
        return self._collected(self._plain(self._scanned().slice(first, rows)))

    def _rows(self) -> int:
        import polars as pl

        return int(self._collected(self._scanned().select(pl.len())).item())

    def _unusable(self) -> dict[str, str]:
        return {n: f"it holds {kind}" for n, kind in _unusable(self._scanned().collect_schema())}

    def _integers(self) -> Collection[str]:
        schema = self._scanned().collect_schema()
        return [name for name, kind in schema.items() if kind.is_integer()]

    @property
    def _label(self) -> str:
        return str(self.path)

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
            rows: pl.DataFrame = frame.collect()
        return rows

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


def _columns(frame: "pl.DataFrame") -> "dict[str, pl.Series]":
    return {series.name: series for series in frame}


def _unusable(schema: "pl.Schema") -> "list[tuple[str, pl.DataType]]":
    """Return the columns with other values than a table has, with their types."""
    import polars as pl

    return [
        (name, dtype)
        for name, dtype in schema.items()
        if dtype.is_nested() or dtype in (pl.Object, pl.Binary)
    ]
