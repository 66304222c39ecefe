"""Rows of a CSV file read by polars, where every reader interprets the file in the same way."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from declnet import SPACES, Array, Cells, DataError, TableBlock
from declnet_plugins.standard.data.csv_rows import CSVFormat

if TYPE_CHECKING:
    import polars as pl

QUOTE, NEWLINE, ZERO = ord('"'), ord("\n"), ord("0")

UNUSUAL = (b'"', b" ", b"\t")
"""How a cell may begin that polars reads as a number although it is not plainly one."""

PIECE = 1 << 21
"""Bytes per read."""

SHORT = 1000
"""In fewer rows than this, Python reads the cells faster than calls of polars would."""

MARK = b"\xef\xbb\xbf"


class PlainRows:
    """The rows of a file up to the first piece that is not plain.

    Args:
        file: positioned at its start.
        form: its format; encodings other than UTF-8 give no rows.
        names: the names of the columns.

    Attributes:
        rows: the number of rows yielded.
        complete: whether all rows were yielded.
    """

    def __init__(self, file: BinaryIO, form: CSVFormat, names: Sequence[str]) -> None:
        self._file, self._form, self._names = file, form, names
        known = form.types.keys() | form.known_types.keys()
        self._infers = any(form.needs(name) and name not in known for name in names)
        self.rows, self.complete = 0, False
        self._masks = np.empty((3, 0), bool)

    def blocks(self, most: int | None = None) -> Iterator[TableBlock]:
        """Yield the rows, up to `most` in a block."""
        if not is_utf8(self._form.encoding):
            return
        first = int(self._form.header)
        for start, piece in _pieces(self._file):
            ends = self._row_ends(piece)
            if ends is None:
                return
            bounds, unusual = [0, *(ends[0] + 1).tolist()], ends[1]
            count = len(bounds) - 1
            for at in range(first, count, most or count):
                until = min(at + (most or count), count)
                text = piece[bounds[at] : bounds[until]]
                cells = cells_of(text, self._form, self._names, unusual)
                if cells is None:
                    return
                rows, place = until - at, start + bounds[at]
                read = partial(_read_again, self._form, self._names, rows, place, len(text))
                yield TableBlock(rows, read, content=cells)
                self.rows += rows
            first = 0
        self.complete = True

    def _row_ends(self, piece: bytes) -> tuple[Array, Collection[int]] | None:
        """Return where the rows of a piece end, (rows,), and unusual columns; None if not plain.

        Plain means UTF-8 without NUL bytes, as many cells as all rows have together, no blank
        lines, and quotation marks only around whole cells, doubled within. Unusual are columns
        with a cell that polars may take for a number but Python does not, such as 01.

        Args:
            piece: whole rows.
        """
        width = len(self._names)
        blank = width == 1 and (piece.startswith(b"\n") or b"\n\n" in piece)
        if blank or b"\0" in piece or b"\r" in piece or not _is_utf8_text(piece):
            return None
        letters = np.frombuffer(piece, np.uint8)
        if self._masks.shape[1] < len(piece):
            self._masks = np.empty((3, len(piece)), bool)  # new memory each time would cost more
        lines, ends, odd = self._masks[:, : len(piece)]
        np.equal(letters, NEWLINE, out=lines)
        np.equal(letters, ord(self._form.delimiter), out=ends)
        ends |= lines
        if b'"' in piece:
            marks = letters == QUOTE
            inside = np.cumsum(marks, dtype=np.uint8) & 1
            ends &= inside == 0
            lines &= ends
            if not _are_around_cells(np.flatnonzero(marks), inside, ends, letters):
                return None
        rows = np.flatnonzero(lines)
        if np.count_nonzero(ends) != width * len(rows) or not len(rows):
            return None
        if not self._infers:
            return rows, ()
        first, odd, is_zero = letters[1:-1], odd[2:], lines[2:]
        np.less(np.subtract(letters[2:], ZERO, out=odd.view(np.uint8)), 10, out=odd)
        odd &= np.equal(first, ZERO, out=is_zero)
        for letter in UNUSUAL:
            if letter in piece:
                odd |= first == ord(letter)
        odd &= ends[:-2]
        unusual = {0} if piece.startswith((b"0", *UNUSUAL)) else set()
        if odd.any():
            before = np.searchsorted(np.flatnonzero(ends), np.flatnonzero(odd)) + 1
            unusual.update((before % width).tolist())
        return rows, unusual


def _read_again(
    form: CSVFormat, names: Sequence[str], rows: int, start: int, size: int
) -> dict[str, Cells]:
    """Return the needed columns of plain rows, of which the first byte and the size are known.

    Raises:
        DataError: the file has changed.
    """
    with form.opened() as file:
        file.seek(start)
        text = file.read(size)
    is_whole = len(text) + 1 >= size  # the file may end without a line end
    cells = cells_of(text, form, names) if is_whole else None
    if cells is None or len(next(iter(cells.values()))) != rows:
        raise DataError(f"{form.path}: has changed while it was read")
    return cells


def cells_of(
    text: bytes, form: CSVFormat, names: Sequence[str], unusual: Collection[int] = ()
) -> dict[str, Cells] | None:
    """Return the needed columns of rows, or None if polars finds other columns.

    Args:
        text: whole rows that are plain.
        form: the format.
        names: the names of all columns.
        unusual: columns whose cells polars must not read as numbers.
    """
    import polars as pl

    types, width = {"integer": pl.Int64(), "number": pl.Float64()}, len(names)
    needed = {at: name for at, name in enumerate(names) if form.needs(name)}
    numeric = {at: form.numeric_types(name) for at, name in needed.items()}
    readable = form.decimal == "." and "" in form.missing
    typed = {
        at: types[kinds[0]]
        for at, kinds in numeric.items()
        if len(kinds) == 1 and at not in unusual
    }
    if not readable or Cells.include_numbers(form.missing):
        typed = {}
    frame = _frame(text, form, width, typed) if typed else None
    if typed and frame is None:  # perhaps there are markers of missing values, whose search is slow
        frame = _frame(text, form, width, typed, sorted(form.missing))
    if frame is None:
        typed, frame = {}, _frame(text, form, width, {})
    if frame is None:
        return None

    def cells(at: int) -> Cells:
        if at in typed:
            return _Numbers(frame.to_series(at))
        series = frame.to_series(at).fill_null("")
        if len(series) < SHORT:
            return Cells(series.to_list(), form.missing, form.decimal)
        kinds = [types[kind] for kind in numeric[at] if form.decimal == "."]
        numbers = _as_numbers(series, kinds, form.missing)
        return text_cells(series, form.missing, form.decimal) if numbers is None else numbers

    return {name: cells(at) for at, name in needed.items()}


class _Numbers(Cells):
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


def _as_numbers(
    series: "pl.Series", kinds: "list[pl.DataType]", missing: Collection[str]
) -> _Numbers | None:
    """Return a series of text as the first kind of numbers that fits; None if none does."""
    import polars as pl

    if not kinds:
        return None
    cells = series.str.strip_chars(SPACES)
    present = cells.is_in(sorted(missing)).not_()
    cells = pl.select(pl.when(present).then(cells)).to_series()
    if cells.str.contains("^0[0-9]").any():
        return None
    numbers = (cells.cast(kind, strict=False) for kind in kinds)
    fitting = (number for number in numbers if number.null_count() == cells.null_count())
    return next(map(_Numbers, fitting), None)


def text_cells(series: "pl.Series", missing: Collection[str], decimal: str = ".") -> Cells:
    """Return cells of text, of which equal ones are read once if most occur repeatedly."""
    import polars as pl

    distinct = series.unique(maintain_order=True)
    if 2 * len(distinct) > len(series):
        return Cells(series.to_list(), missing, decimal)
    codes = series.cast(pl.Enum(distinct)).to_physical().to_numpy()
    return Cells(distinct.to_list(), missing, decimal, codes)


def last_row_end(piece: bytes) -> int:
    """Return where the last whole row of a piece ends, or 0 if none does.

    A line break within quotation marks does not end a row: the number of marks before it is odd.
    """
    end = piece.rfind(b"\n") + 1
    marks = piece.count(b'"', 0, end) if b'"' in piece else 0
    while marks % 2:  # go back to the line break before the last mark
        earlier = piece.rfind(b"\n", 0, piece.rfind(b'"', 0, end)) + 1
        marks -= piece.count(b'"', earlier, end)
        end = earlier
    return end


def _is_utf8_text(piece: bytes) -> bool:
    """Return whether bytes are UTF-8."""
    try:
        return piece.isascii() or piece.decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


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


def _pieces(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield a file in pieces of whole rows with their starts, up to one that cannot be plain."""
    memory = bytearray(PIECE + len(MARK))
    memory[: len(MARK)] = mark = file.read(len(MARK))
    start, held = (len(MARK), 0) if mark == MARK else (0, len(mark))
    while True:
        memory.extend(bytes(max(0, held + PIECE - len(memory))))
        with memoryview(memory) as view:
            count = file.readinto(view[held : held + PIECE])  # type: ignore[attr-defined]
            piece = bytes(view[: held + count])
        if not count and piece and not piece.endswith(b"\n"):
            piece += b"\n"
        end = last_row_end(piece) if count else len(piece)
        piece, rest = piece[:end], piece[end:]  # what is not needed is freed
        if piece:
            yield start, piece
        held = len(rest)
        if held > PIECE:  # a mark that is never closed, or a very long row: not plain
            yield start + end, rest
            return
        if not count:
            return
        start += end
        memory[:held] = rest


def _frame(
    piece: bytes,
    form: CSVFormat,
    width: int,
    typed: "Mapping[int, pl.DataType]",
    missing: list[str] | None = None,
) -> "pl.DataFrame | None":
    """Return a piece as polars reads it, all text but `typed`; None if it cannot."""
    import polars as pl

    schema = {f"column_{at}": typed.get(at, pl.String()) for at in range(width)}
    try:
        return pl.read_csv(
            piece,
            has_header=False,
            separator=form.delimiter,
            quote_char='"' if b'"' in piece else None,
            schema=schema,
            null_values=missing,
        )
    except pl.exceptions.PolarsError:  # a row has more cells, or one is not a number
        return None
