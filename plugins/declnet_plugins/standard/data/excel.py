"""Tables in workbooks of Excel and of OpenDocument."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, is_zipfile

from pydantic import Field

from declnet import DataError, text_of
from declnet_plugins.standard.data.text_file import too_large
from declnet_plugins.standard.data.text_table import EXAMPLE, TextFile

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
    workbook stores; an error such as #N/A is missing. Empty rows, and columns without a name and
    values, are left out. Needs the extra `excel`.
    """

    type = "excel"
    suffixes = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
    examples = ({"path": "houses.xlsx", "target": "price", "sheet": "2024"},)

    sheet: str | None = Field(default=None, description="the sheet's name; default: the first one")
    maximum_bytes: int = Field(
        default=2**30, ge=1, description="size limit of the file in bytes, after decompression"
    )

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
        rows = [row for row in self._rows() if any(cell != "" for cell in row)]
        if not rows:
            raise DataError(f"{self.path}: the sheet is empty", path=("sheet",))
        columns = [_as_text(column) for column in zip(*rows, strict=True)]
        if self.header:
            columns = [column for column in columns if any(column)]
        names = self.names_in([column[0] for column in columns])
        first = int(self.header)
        if len(rows) > first:
            yield {name: column[first:] for name, column in zip(names, columns, strict=True)}

    def _rows(self) -> list[list[Any]]:
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
                rows: list[list[Any]] = book.get_sheet_by_name(self.sheet or names[0]).to_python()
        except calamine.PasswordError:
            raise DataError(f"{self.path}: is protected by a password") from None
        except (calamine.CalamineError, *DAMAGED) as error:
            raise DataError(f"{self.path}: not a valid workbook, or damaged: {error}") from None
        return rows


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
