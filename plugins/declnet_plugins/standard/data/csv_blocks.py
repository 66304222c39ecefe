"""Blocks of a CSV file that is larger than memory, by where their rows begin in the file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from declnet import Cells, DataError, TypedColumn
from declnet_plugins.standard.data.csv_polars import (
    MARK,
    cell_ends,
    is_utf8,
    kinds_of,
    pieces,
    plain_cells,
    polars_is_there,
    unusual_columns,
)
from declnet_plugins.standard.data.csv_rows import CSVFormat
from declnet_plugins.standard.data.text_file import opened


@dataclass(frozen=True)
class _Place:
    """A block: its bytes in the file, the number of its first row, from 1, and its rows."""

    start: int
    size: int
    first_row: int
    rows: int


class CSVBlocks:
    """A CSV file in blocks of rows, found in one pass.

    Args:
        form: the file and its format.
        names: the names of the columns.
        places: the blocks.
        columns: what the pass found out about the types of some columns.
    """

    def __init__(
        self,
        form: CSVFormat,
        names: Sequence[str],
        places: Sequence[_Place],
        columns: Mapping[str, TypedColumn],
    ) -> None:
        self._form, self._names, self.places, self.columns = form, names, places, columns

    @classmethod
    def found(
        cls,
        form: CSVFormat,
        names: Sequence[str],
        rows: int,
        untyped: Collection[str],
        declared: Mapping[str, str],
        targets: Collection[str],
    ) -> Self:
        """Read a file once, to find its blocks and the types of some columns.

        Args:
            rows: the most rows in a block.
            untyped: the columns whose cells must be read.
            declared: the types of columns that are not inferred.
            targets: the columns of which it is kept how their values are written.

        Raises:
            DataError: rows cannot be told apart without reading all of the file.
        """
        if form.path.suffix.lower() == ".gz" or not is_utf8(form.encoding) or form.decimal == ",":
            raise _unsuited(form, "it is compressed, not UTF-8, or has decimal commas")
        if not polars_is_there():
            raise DataError('CSV files are streamed with polars: pip install "declnet[data]"')
        columns = {
            name: TypedColumn(name, declared.get(name), keep=False, spelled=name in targets)
            for name in untyped
        }
        places: list[_Place] = []
        with opened(form.path, form.most_bytes) as file:
            start = len(MARK) if file.read(len(MARK)) == MARK else 0
            file.seek(0)
            row, header = 1, form.header
            for piece in pieces(file):
                ends = cell_ends(piece, len(names), form.delimiter)
                if ends is None:
                    raise _unsuited(form, f"its cells after row {row} are not plain")
                bounds = (ends[:, -1] + 1).tolist()
                unusual = unusual_columns(piece, ends, form.delimiter)
                first, offset = int(header), bounds[0] if header else 0
                header = False
                for at in range(first, len(bounds), rows):
                    own = bounds[at : at + rows]
                    probable = {
                        names.index(name): kind
                        for name, column in columns.items()
                        if (kind := column.probable) and not unusual[names.index(name)]
                    }
                    cells = _cells(piece[offset : own[-1]], form, len(names), row, probable)
                    for name, column in columns.items():
                        column.add(cells[names.index(name)], range(row, row + len(own)))
                    places.append(_Place(start + offset, own[-1] - offset, row, len(own)))
                    row, offset = row + len(own), own[-1]
                start += len(piece)
        return cls(form, names, places, columns)

    def cells(self, number: int, types: Mapping[str, str]) -> tuple[int, dict[str, Cells]]:
        """Return the number of a block's first row and its cells, by column.

        Args:
            number: the block's.
            types: the probable types of columns, of which only numbers and integers matter.
        """
        place = self.places[number]
        with opened(self._form.path, self._form.most_bytes) as file:
            file.seek(place.start)
            piece = file.read(place.size)
        changed = DataError(f"{self._form.path}: has changed while it was read")
        if len(piece) + 1 < place.size:  # the file may end without a line end
            raise changed
        kinds = kinds_of(self._names, types)
        found = _cells(piece, self._form, len(self._names), place.first_row, kinds)
        if len(found[0]) != place.rows:
            raise changed
        return place.first_row, dict(zip(self._names, found, strict=True))


def _cells(
    piece: bytes, form: CSVFormat, columns: int, row: int, kinds: Mapping[int, str]
) -> Sequence[Cells]:
    cells = plain_cells(piece, form, columns, False, kinds)
    if cells is None:
        raise _unsuited(form, f"its cells after row {row} are not plain")
    return cells


def _unsuited(form: CSVFormat, why: str) -> DataError:
    return DataError(
        f"{form.path}: cannot be read in blocks: {why}",
        hint="store the table as Parquet; or as UTF-8 whose lines end in \\n, with quotation marks "
        "around whole cells only",
    )
