"""Tables in Parquet files."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from declnet import ColumnNote, ColumnType, DataError, Table, TableBlock, TableSource
from declnet_plugins.standard.data.text_file import EXAMPLE

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

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write a table."""
        import polars as pl

        path = folder / "flowers.parquet"
        pl.DataFrame(EXAMPLE).write_parquet(path)
        return {"path": path, "target": "kind"}

    def column_names(self) -> list[str]:
        """Return the names of the usable columns."""
        return list(self._plain(self._scanned()).collect_schema())

    def column_types(self) -> dict[str, ColumnType]:
        """Return the columns of text and of integers."""
        import polars as pl

        schema = self._plain(self._scanned()).collect_schema()
        are_text = (pl.String, pl.Date, pl.Datetime)
        return {
            name: "text" if kind in are_text else "integer"
            for name, kind in schema.items()
            if kind in are_text or kind.is_integer()
        }

    def read_blocks(self, rows: int) -> Iterator[TableBlock]:
        """Yield consecutive rows, regardless of row groups; several blocks are in memory.

        Reading a few rows of a row group takes all of its bytes.
        """
        import polars as pl

        scanned = self._scanned()
        together = rows * max(1, HELD // len(self.column_names()) // rows)
        nested = _unusable(scanned.collect_schema())
        notes = {name: ColumnNote(f"is left out: it holds {kind}") for name, kind in nested}

        @lru_cache(maxsize=1)
        def held(first: int) -> pl.DataFrame:
            return self._collected(self._plain(self._scanned().slice(first, together)))

        def read(first: int) -> Table:
            frame = held(first - first % together).slice(first % together, rows)
            return Table({series.name: series.to_numpy() for series in frame}, notes=notes)

        count = int(self._collected(scanned.select(pl.len())).item())
        for first in range(0, count, rows):
            size = min(rows, count - first)
            yield TableBlock(size, partial(read, first), first // together)

    def _plain(self, frame: "pl.LazyFrame") -> "pl.LazyFrame":
        """Return the usable columns, which include all needed ones, in types of a table."""
        import polars as pl
        from polars import selectors

        schema = frame.collect_schema()
        self.require_columns(schema.names())
        nested = [name for name, _ in _unusable(schema)]
        wrong = [name for name in nested if self.requires(name)]
        if wrong:
            raise DataError(
                f'{self.path}: column "{wrong[0]}" holds {schema[wrong[0]]}, not one value a row',
                hint="leave it out by naming the features",
            )
        zoned = selectors.datetime(time_zone="*") - selectors.datetime(time_zone=None)
        texts = selectors.time() | selectors.categorical() | selectors.enum()
        other = [name for name in schema.names() if not self.needs(name)]
        plain: pl.LazyFrame = frame.drop({*nested, *other}).with_columns(
            texts.cast(pl.String),
            zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None),
            selectors.duration().dt.total_microseconds() / 1e6,
            selectors.decimal().cast(pl.Float64),
        )
        return plain

    def _collected(self, frame: "pl.LazyFrame") -> "pl.DataFrame":
        with self._naming_errors():
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
        with self._naming_errors():
            frame: pl.LazyFrame = pl.scan_parquet(self.path, glob=False)
            frame.collect_schema()
        return frame

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        """Turn an error or a panic of polars, which can raise anything, into DataError."""
        from polars.exceptions import PanicException  # derived from BaseException

        try:
            yield
        except (Exception, PanicException) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: BaseException) -> DataError:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        return DataError(f"{self.path}: not a valid Parquet file: {cause}")


def _unusable(schema: "pl.Schema") -> "list[tuple[str, pl.DataType]]":
    """Return the columns with other values than a table has, with their types."""
    import polars as pl

    return [
        (name, dtype)
        for name, dtype in schema.items()
        if dtype.is_nested() or dtype in (pl.Object, pl.Binary)
    ]
