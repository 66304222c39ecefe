"""Cells of a CSV file read by polars, as far as the file is plain."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import BinaryIO

from declnet_standard.data.cells import Cells
from declnet_standard.data.csv_format import CSVFormat
from declnet_standard.data.plain_csv import is_plain, last_row_end
from declnet_standard.data.polars_cells import PolarsCells

PIECE = 1 << 22
"""Bytes per read."""

_MARK = b"\xef\xbb\xbf"


def polars_is_there() -> bool:
    """Return whether polars is installed, without importing it."""
    return find_spec("polars") is not None


class PlainBlocks:
    """The blocks of a file up to the first that is not plain.

    Args:
        file: positioned at its start.
        form: its format; encodings other than UTF-8 give no blocks.
        columns: the number of columns.

    Attributes:
        rows: the number of rows yielded.
        complete: whether the whole file was yielded.
    """

    def __init__(self, file: BinaryIO, form: CSVFormat, columns: int) -> None:
        self._file, self._form, self._columns = file, form, columns
        self.rows, self.complete = 0, False

    def __iter__(self) -> Iterator[tuple[int, Sequence[Cells]]]:
        """Yield the number of each block's first row, from 1, and the cells of each column."""
        if self._form.encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "ascii"):
            return
        header = self._form.header
        for piece in self._pieces():
            if not is_plain(piece, self._columns, self._form.delimiter):
                return
            cells = _cells(piece, self._form, self._columns, header)
            if cells is None:
                return
            header = False
            if len(cells[0]):
                yield self.rows + 1, cells
            self.rows += len(cells[0])
        self.complete = True

    def _pieces(self) -> Iterator[bytes]:
        """Yield pieces of whole rows."""
        rest = self._file.read(len(_MARK)).removeprefix(_MARK)
        while True:
            read = self._file.read(PIECE)
            piece = rest + read
            if not read and piece and not piece.endswith(b"\n"):
                piece += b"\n"
            end = last_row_end(piece) if read else len(piece)
            if end:
                yield piece[:end]
            rest = piece[end:]
            if not read:
                return


def _cells(piece: bytes, form: CSVFormat, columns: int, header: bool) -> Sequence[Cells] | None:
    """Return a piece's cells without the header, or None if polars finds other columns."""
    import polars as pl

    frame = pl.read_csv(
        piece,
        has_header=False,
        separator=form.delimiter,
        quote_char='"' if b'"' in piece else None,
        infer_schema=False,
    )
    if frame.width != columns:
        return None
    return [PolarsCells(each[1:] if header else each, form.missing) for each in frame]
