"""Errors in the text of a CSV file, with their lines."""

import csv
from typing import TYPE_CHECKING

from declnet import DataError
from declnet_standard.data.csv_format import CSVFormat
from declnet_standard.data.text_file import opened

if TYPE_CHECKING:
    from _csv import Reader


class ReaderFaults:
    """A context that turns the reader's exceptions into errors with a line number."""

    def __init__(self, form: CSVFormat, reader: "Reader") -> None:
        self._form, self._reader = form, reader

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        line = f"{self._form.path}: line {self._reader.line_num}"
        if isinstance(error, csv.Error):
            text = str(error)
            if "unexpected end" in text or "field larger" in text:
                text = "a quotation mark is not closed, or a cell is longer than 131072 characters"
            raise DataError(f"{line}: {text}") from None
        if isinstance(error, UnicodeError):
            raise wrong_encoding(self._form) from None


def wrong_encoding(form: CSVFormat) -> DataError:
    """Return the error for text that does not match the encoding, with its place."""
    where = ""
    with opened(form.path, form.most_bytes) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(form.encoding)
            except UnicodeError as error:
                start = getattr(error, "start", 0)
                where = (
                    f" line {number} has the byte 0x{line[start]:02x}," if start < len(line) else ""
                )
                break
    hint = 'name the encoding of the file, e.g. encoding = "cp1252"'
    return DataError(f"{form.path}:{where} which is no {form.encoding}", hint=hint)
