"""Tables in workbooks of Excel and of OpenDocument."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile, ZipFile, is_zipfile

from pydantic import Field, model_validator

from declnet import DataError, text_of
from declnet_plugins.standard.data.text_file import EXAMPLE, TextFile, too_large

_DURATION = re.compile(r"PT(\d{1,6})H(\d\d)M(\d\d(?:\.\d+)?)S")
"""A duration in a workbook of OpenDocument, which calamine leaves as text."""

_EXAMPLE_CELL = (
    '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
)
_EXAMPLE_SHEET = """<office:document-content
xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="flowers">{}</table:table></office:spreadsheet></office:body>
</office:document-content>"""

DAMAGED = (BadZipFile, IndexError, NotImplementedError, OSError, ValueError)
"""What a damaged archive raises, or one without sheets."""


class Excel(TextFile):
    """A table in a sheet of a workbook of Excel or OpenDocument, read like a CSV file.

    Numbers, booleans and text become columns as in `csv`, also numbers that are stored as text;
    dates and times become text in ISO 8601, durations seconds. Formulas have the value that the
    workbook stores; an error such as #N/A is missing. Empty rows, rows above `header_row`, and
    columns without a name and values, are left out. Needs the extra `excel`.
    """

    type = "excel"
    suffixes = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
    examples = ({"path": "houses.xlsx", "target": "price", "sheet": "2024"},)

    sheet: str | None = Field(default=None, description="the sheet's name; default: the first one")
    header_row: int | None = Field(
        default=None,
        ge=1,
        description="the row of the sheet that names the columns, e.g. below a title, counted from "
        "1; default: the first one that is not empty",
    )
    maximum_bytes: int = Field(
        default=2**30, ge=1, description="size limit of the file in bytes, after decompression"
    )

    @model_validator(mode="after")
    def _header_row_with_header(self) -> Self:
        if self.header_row is not None and not self.header:
            raise ValueError("header_row names the columns, so it excludes header = false")
        return self

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write a workbook of OpenDocument."""
        import python_calamine  # noqa: F401

        path, rows = folder / "flowers.ods", [EXAMPLE, *zip(*EXAMPLE.values(), strict=True)]
        cells = ("".join(_EXAMPLE_CELL.format(cell or "") for cell in row) for row in rows)
        sheet = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
        with ZipFile(path, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr("META-INF/manifest.xml", "<manifest/>")
            archive.writestr("content.xml", _EXAMPLE_SHEET.format(sheet))
        return {"path": path, "target": "kind"}

    def read(self) -> Iterator[dict[str, list[str]]]:
        """Yield the whole sheet, whose rows are in memory anyway."""
        by_number = self._rows()
        if not by_number:
            raise DataError(f"{self.path}: the sheet is empty", path=("sheet",))
        if self.header_row is not None and self.header_row not in by_number:
            raise DataError(
                f"{self.path}: row {self.header_row} of the sheet is empty", path=("header_row",)
            )
        rows = [row for number, row in by_number.items() if number >= (self.header_row or 1)]
        columns = [_as_text(column) for column in zip(*rows, strict=True)]
        if self.header:
            columns = [column for column in columns if any(column)]
        names = self.names_in([column[0] for column in columns])
        first = int(self.header)
        if len(rows) > first:
            yield {name: column[first:] for name, column in zip(names, columns, strict=True)}

    def with_detected_format(self) -> Self:
        """Return the source with the row of the names of columns, if that is below a title."""
        source = super().with_detected_format()
        row = self._row_below_title()
        return source if row is None else source.model_copy(update={"header_row": row})

    def missing_column_hint(self, names: Sequence[str]) -> str | None:
        """Return which row may name the columns, if the first one is a title."""
        row = self._row_below_title()
        return f"does row {row} name the columns? Set header_row = {row}" if row else None

    def _row_below_title(self) -> int | None:
        """Return the first row of several cells, if rows of a single cell precede it."""
        if self.header_row is not None or not self.header:
            return None
        cells = ((number, sum(cell != "" for cell in row)) for number, row in self._rows().items())
        _, count = next(cells, (0, 0))
        if count != 1:
            return None
        return next((number for number, count in cells if count > 1), None)

    def _rows(self) -> dict[int, list[Any]]:
        """Return the rows that are not empty, by their numbers in the sheet, from 1."""
        try:
            import python_calamine as calamine
        except ImportError:
            raise DataError(
                "the data source excel needs python-calamine",
                hint='pip install "declnet[excel]"',
                path=("type",),
            ) from None
        if not self.path.is_file():
            what = "not a file" if self.path.exists() else "there is no such file"
            raise DataError(f"{self.path}: {what}")
        try:
            size = self.path.stat().st_size
            if is_zipfile(self.path):
                with ZipFile(self.path) as archive:
                    size = sum(member.file_size for member in archive.infolist())
            if size > self.maximum_bytes:
                raise too_large(self.path, self.maximum_bytes)
            with calamine.CalamineWorkbook.from_path(self.path) as book:
                names = book.sheet_names
                if self.sheet is not None and self.sheet not in names:
                    raise DataError(
                        f'{self.path}: there is no sheet "{self.sheet}"',
                        hint=f"its sheets: {', '.join(names)}",
                        path=("sheet",),
                    )
                sheet = book.get_sheet_by_name(self.sheet or names[0])
                rows: list[list[Any]] = sheet.to_python()
                first = sheet.start[0] if sheet.start is not None else 0
        except calamine.PasswordError:
            raise DataError(f"{self.path}: is protected by a password") from None
        except (calamine.CalamineError, *DAMAGED) as error:
            raise DataError(f"{self.path}: not a valid workbook, or damaged: {error}") from None
        return {
            number: row
            for number, row in enumerate(rows, first + 1)
            if any(cell != "" for cell in row)
        }


def _as_text(column: Sequence[Any]) -> list[str]:
    """Return the cells of a column as a CSV file would have them."""
    has_times = any(isinstance(value, datetime) for value in column)
    return [_cell(value, has_times) for value in column]


def _cell(value: Any, has_times: bool) -> str:
    if isinstance(value, date) and has_times and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, date | time):
        return value.isoformat()
    duration = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if duration is not None:
        hours, minutes, seconds = map(float, duration.groups())
        value = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return text_of(value.total_seconds() if isinstance(value, timedelta) else value) or ""
