"""Cells of a CSV file read by polars, where every reader interprets the file in the same way."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from declnet import SPACES, Array, Cells
from declnet_plugins.standard.data.csv_rows import CSVFormat

if TYPE_CHECKING:
    import polars as pl


_NOT_IN_NUMBERS = r"[^0-9eE+\-._infatyINFATY]"
"""Characters that occur in no Python number, which may be `infinity` or `nan`."""

_PADDED = "^0[0-9]+$"

_WHOLE = r"^[+-]?[0-9_]+$"

QUOTE, NEWLINE, ZERO = ord('"'), ord("\n"), ord("0")
UNUSUAL = (b'"', b" ", b"\t")

PIECE = 1 << 22
"""Bytes per read."""

SHORT = 1000
"""In fewer rows than this, Python reads the cells faster than calls of polars would."""

MARK = b"\xef\xbb\xbf"


class PolarsCells(Cells):
    """Cells of a column; anything that polars and Python may parse differently is left to `Cells`.

    Args:
        series: a series of strings.
        missing: the texts that mark a missing value.
    """

    def __init__(self, series: "pl.Series", missing: frozenset[str]) -> None:
        super().__init__((), missing)
        self._raw = series

    def __len__(self) -> int:
        return len(self._raw)

    @cached_property
    def _series(self) -> "pl.Series":
        return self._raw.fill_null("").str.strip_chars(SPACES)

    @cached_property
    def _gaps(self) -> "pl.Series":
        return self._series.is_in(sorted(self._missing))

    @cached_property
    def _there(self) -> "pl.Series":
        return self._series.filter(~self._gaps)

    @cached_property
    def _stripped(self) -> list[str]:
        cells: list[str] = self._series.to_list()
        return cells

    def integers(self) -> Array | None:
        """Return the same as `Cells.integers`."""
        import polars as pl

        plain = self._all_of(pl.Int64)
        if plain is not None:
            return plain
        read = self._there.cast(pl.Int64, strict=False)
        if not read.null_count():
            return self._placed(read)
        if self._there.filter(read.is_null()).str.contains(_WHOLE).any():
            return super()._integers_and_gaps()
        return None

    def numbers(self) -> Array | None:
        """Return the same as `Cells.numbers`."""
        import polars as pl

        plain = self._all_of(pl.Float64)
        if plain is not None:
            return plain
        read = self._there.cast(pl.Float64, strict=False)
        if not read.null_count():
            return self._placed(read)
        if self._there.filter(read.is_null()).str.contains(_NOT_IN_NUMBERS).any():
            return None
        return self._numbers_and_gaps()

    def booleans(self) -> Array | None:
        """Return the same as `Cells.booleans`."""
        lower = self._there.str.to_lowercase()
        if not lower.is_in(["false", "true"]).all():
            return None
        return self._placed(lower == "true")

    def padded(self) -> str | None:
        """Return the same as `Cells.padded`."""
        found = self._there.filter(self._there.str.contains(_PADDED))
        return found[0] if len(found) else None

    def distinct(self) -> set[str]:
        """Return the same as `Cells.distinct`."""
        return set(self._there.unique().to_list())

    def text(self) -> Array:
        """Return the same as `Cells.text`."""
        distinct = self._there.unique()
        if 2 * len(distinct) > len(self):
            array = np.empty(len(self), object)
            array[~self._gaps.to_numpy()] = self._there.to_list()
            return array
        known = np.empty(len(distinct) + 1, object)
        known[:-1] = distinct.to_list()
        gap = len(distinct)
        codes = self._series.replace_strict(distinct, range(gap), default=gap)
        found: Array = known[codes.to_numpy()]
        return found

    def are_missing(self) -> bool:
        """Return the same as `Cells.are_missing`."""
        first = self._raw[0] if len(self._raw) else None
        if first and first.strip(SPACES) not in self._missing:
            return False
        return bool(self._gaps.all())

    def _all_of(self, kind: "type[pl.DataType]") -> Array | None:
        """Return all cells as numbers if none is missing or surrounded by spaces."""
        if self._markers_are_numbers:
            return None
        read = self._raw.cast(kind, strict=False)
        return None if read.null_count() else np.array(read.to_numpy())

    def _placed(self, read: "pl.Series") -> Array:
        there: Array = read.to_numpy()
        if len(there) == len(self):
            return np.array(there)  # a writable copy
        found = np.full(len(self), np.nan)
        found[~self._gaps.to_numpy()] = there
        return found


class NumberCells(Cells):
    """Cells of a column that polars has read as numbers, with the values that Python reads.

    Args:
        series: integers or floats, null where a value is missing.
    """

    def __init__(self, series: "pl.Series") -> None:
        super().__init__((), frozenset())
        self._series = series

    def __len__(self) -> int:
        return len(self._series)

    def integers(self) -> Array | None:
        """Return the same as `Cells.integers`."""
        if not self._series.dtype.is_integer():
            return None
        return self.numbers() if self._series.null_count() else np.array(self._series.to_numpy())

    def numbers(self) -> Array:
        """Return the same as `Cells.numbers`."""
        numbers: Array = self._series.to_numpy().astype(float)  # null becomes NaN
        return numbers

    def padded(self) -> None:
        """Return None: there are no such cells."""

    def are_missing(self) -> bool:
        """Return whether all cells are missing."""
        return bool(self._series.null_count() == len(self))


def last_row_end(piece: bytes) -> int:
    """Return where the last whole row of a piece ends, or 0 if none does.

    A line break within quotation marks does not end a row: the number of marks before it is odd.
    """
    end = piece.rfind(b"\n") + 1
    marks = piece.count(b'"', 0, end)
    while marks % 2:  # go back to the line break before the last mark
        earlier = piece.rfind(b"\n", 0, piece.rfind(b'"', 0, end)) + 1
        marks -= piece.count(b'"', earlier, end)
        end = earlier
    return end


def cell_ends(piece: bytes, columns: int, delimiter: str) -> Array | None:
    """Return where the cells of a piece of whole rows end, (rows, columns), or None if not plain.

    Plain means UTF-8 without NUL bytes, one cell per column in each row, no blank lines, and
    quotation marks only around whole cells, doubled within.
    """
    if not piece.isascii():
        try:
            piece.decode("utf-8")
        except UnicodeDecodeError:
            return None
    blank = columns == 1 and (piece.startswith(b"\n") or b"\n\n" in piece)
    if blank or b"\0" in piece or b"\r" in piece:
        return None
    letters = np.frombuffer(piece, np.uint8)
    ends = (letters == ord(delimiter)) | (letters == NEWLINE)
    if b'"' in piece:
        marks = letters == QUOTE
        inside = np.cumsum(marks, dtype=np.uint8) & 1
        ends &= inside == 0
        if not _are_around_cells(np.flatnonzero(marks), inside, ends, letters):
            return None
    places = np.flatnonzero(ends)
    if len(places) % columns or not len(places):
        return None
    rows: Array = places.reshape(-1, columns)
    found = letters[rows]
    if not ((found[:, -1] == NEWLINE).all() and (found[:, :-1] != NEWLINE).all()):
        return None
    return rows


def unusual_columns(piece: bytes, ends: Array, delimiter: str) -> Array:
    """Return which columns of a plain piece have a cell that may not be a plain number, (columns,).

    It begins with a space, a tab or a quotation mark, or with a zero and another digit.

    Args:
        piece: whole rows.
        ends: as `cell_ends` returns them.
        delimiter: between cells.
    """
    letters = np.frombuffer(piece, np.uint8)
    before, first, second = letters[:-2], letters[1:-1], letters[2:]
    odd = (first == ZERO) & (second - ZERO < 10)
    for each in UNUSUAL:
        if each in piece:
            odd |= first == ord(each)
    odd &= (before == ord(delimiter)) | (before == NEWLINE)
    unusual: Array = np.zeros(ends.shape[1], bool)
    unusual[np.searchsorted(ends.reshape(-1), np.flatnonzero(odd) + 1) % len(unusual)] = True
    unusual[0] |= piece.startswith((b"0", *UNUSUAL))
    return unusual


def _are_around_cells(marks: Array, inside: Array, ends: Array, letters: Array) -> bool:
    """Return whether each mark opens a cell, closes one, or is doubled."""
    opening, closing = marks[inside[marks] == 1], marks[inside[marks] == 0]
    after_end = (opening == 0) | ends[opening - 1] | (letters[opening - 1] == QUOTE)
    following = np.minimum(closing + 1, len(letters) - 1)
    before_end = ends[following] | (letters[following] == QUOTE)
    return bool(after_end.all() and before_end.all())


def polars_is_there() -> bool:
    """Return whether polars is installed, without importing it."""
    return find_spec("polars") is not None


def is_utf8(encoding: str) -> bool:
    """Return whether text in an encoding is UTF-8."""
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", "ascii")


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file in pieces of whole rows, up to one that cannot be plain."""
    rest = file.read(len(MARK)).removeprefix(MARK)
    while True:
        read = file.read(PIECE)
        piece = rest + read
        if not read and piece and not piece.endswith(b"\n"):
            piece += b"\n"
        end = last_row_end(piece) if read else len(piece)
        if end:
            yield piece[:end]
        rest = piece[end:]
        if len(rest) > PIECE:  # a mark that is never closed, or a very long row: not plain
            yield rest
            return
        if not read:
            return


class PlainBlocks:
    """The blocks of a file up to the first that is not plain.

    Args:
        file: positioned at its start.
        form: its format; encodings other than UTF-8 give no blocks.
        columns: the number of columns.
        kinds: as for `plain_cells`.

    Attributes:
        rows: the number of rows yielded.
        complete: whether the whole file was yielded.
    """

    def __init__(
        self, file: BinaryIO, form: CSVFormat, columns: int, kinds: Mapping[int, str]
    ) -> None:
        self._file, self._form, self._columns, self._kinds = file, form, columns, kinds
        self.rows, self.complete = 0, False

    def __iter__(self) -> Iterator[tuple[int, Sequence[Cells]]]:
        """Yield the number of each block's first row, from 1, and the cells of each column."""
        if not is_utf8(self._form.encoding):
            return
        header = self._form.header
        for piece in pieces(self._file):
            if cell_ends(piece, self._columns, self._form.delimiter) is None:
                return
            cells = plain_cells(piece, self._form, self._columns, header, self._kinds)
            if cells is None:
                return
            header = False
            if len(cells[0]):
                yield self.rows + 1, cells
            self.rows += len(cells[0])
        self.complete = True


def plain_cells(
    piece: bytes,
    form: CSVFormat,
    columns: int,
    header: bool,
    kinds: Mapping[int, str] = MappingProxyType({}),
) -> Sequence[Cells] | None:
    """Return a piece's cells without the header, or None if polars finds other columns.

    Args:
        piece: whole rows that are plain.
        form: the format.
        columns: the number of columns.
        header: whether the piece begins with the header.
        kinds: columns that probably hold integers (`"integer"`) or numbers (`"number"`), by
            position; reading them as such is faster.
    """
    import polars as pl

    types = {"integer": pl.Int64(), "number": pl.Float64()}
    readable = kinds and _are_texts(form.missing)
    typed = {at: types[kind] for at, kind in kinds.items()} if readable else {}
    frame = _frame(piece, form, columns, typed) if typed else None
    if (
        typed and frame is None
    ):  # perhaps there are marks of missing values, whose search takes long
        frame = _frame(piece, form, columns, typed, sorted(form.missing))
    if frame is None:
        typed, frame = {}, _frame(piece, form, columns, {})
    if frame is None or frame.width != columns:
        return None
    if header:
        frame = frame[1:]
    short = frame.height < SHORT
    return [
        NumberCells(each)
        if at in typed
        else Cells(each.fill_null("").to_list(), form.missing)
        if short
        else PolarsCells(each, form.missing)
        for at, each in enumerate(frame)
    ]


def kinds_of(names: Sequence[str], types: Mapping[str, str]) -> dict[int, str]:
    """Return the probable kinds of columns by position, as `plain_cells` takes them."""
    kinds = {at: types.get(name, "") for at, name in enumerate(names)}
    return {at: kind for at, kind in kinds.items() if kind in ("integer", "number")}


def _are_texts(missing: frozenset[str]) -> bool:
    """Return whether an empty cell is missing, and no number is."""
    return "" in missing and not Cells.include_numbers(missing)


def _frame(
    piece: bytes,
    form: CSVFormat,
    columns: int,
    typed: "Mapping[int, pl.DataType]",
    missing: list[str] | None = None,
) -> "pl.DataFrame | None":
    """Return a piece as polars reads it: all text but `typed`; None if these are not numbers."""
    import polars as pl

    how: dict[str, Any] = {"infer_schema": False}
    if typed:
        schema = {f"column_{at}": typed.get(at, pl.String()) for at in range(columns)}
        how = {"schema": schema, "null_values": missing}
    try:
        return pl.read_csv(
            piece,
            has_header=False,
            separator=form.delimiter,
            quote_char='"' if b'"' in piece else None,
            **how,
        )
    except pl.exceptions.PolarsError:
        if not typed:
            raise
        return None
