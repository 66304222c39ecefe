"""Detection of a CSV file's encoding, delimiter and decimal sign."""

import codecs
import csv
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from declnet import DataError, Table
from declnet_standard.data.text_file import opened

USUAL = "utf-8"
OTHER = "cp1252"
"""The most frequent encoding, besides UTF-8, of text files from Windows and older systems."""
UNDEFINED = frozenset(b"\x81\x8d\x8f\x90\x9d")
"""Bytes undefined in it; Latin-1, otherwise nearly the same, defines all of them."""
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DELIMITERS = ",;\t|"
LINES = 50
"""Lines whose cells are compared."""
PIECE = 1 << 20
"""Bytes read from a file to detect its delimiter."""
MOST_BYTES = 1 << 32
"""Most bytes in an unpacked file, the default limit of the source csv."""

_COMMA_NUMBER = re.compile(r"[+-]?[0-9]*,[0-9]+|[+-]?[0-9]+")


def text_format(path: Path) -> dict[str, str]:
    """Return the keys `encoding` and `delimiter` where they differ from the defaults.

    Returns nothing for an unreadable file; reading it later reports the error.
    """
    found: dict[str, str] = {}
    try:
        with opened(path, MOST_BYTES) as file:
            encoding = _encoding(file)
        if encoding != USUAL:
            found["encoding"] = encoding
        with opened(path, MOST_BYTES) as file:
            start = file.read(PIECE)
    except DataError:
        return {}
    delimiter = _delimiter(start.decode(encoding, errors="replace").lstrip("\ufeff"))
    if delimiter != ",":
        found["delimiter"] = delimiter
    return found


def has_decimal_commas(table: Table) -> bool:
    """Return whether text columns actually hold numbers with decimal commas."""
    if any(note.type == "comma_number" for note in table.notes.values()):
        return True
    texts = [each for each in table.columns.values() if each.dtype.kind == "O"]
    return any(_are_comma_numbers(cells for cells in column if cells) for column in texts)


def _encoding(file: BinaryIO) -> str:
    decoder = codecs.getincrementaldecoder(USUAL)()
    piece = file.read(PIECE)
    marked = next((name for mark, name in MARKS.items() if piece.startswith(mark)), None)
    if marked is not None:
        return marked
    undefined, is_utf_8 = False, True
    while piece:
        if is_utf_8:
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                is_utf_8 = False
        undefined = undefined or not UNDEFINED.isdisjoint(piece)
        piece = file.read(PIECE)
    if is_utf_8:
        return USUAL
    return "latin-1" if undefined else OTHER


def _delimiter(text: str) -> str:
    """Return the first delimiter that gives all lines the same 2 or more cells, or a comma."""
    lines = text.splitlines(keepends=True)
    if len(lines) > 1:
        lines = lines[:-1]  # the last line may be cut off
    return next((each for each in DELIMITERS if _cells(lines, each) > 1), ",")


def _cells(lines: list[str], delimiter: str) -> int:
    """Return the number of cells in each line, or 0 if it varies."""
    try:
        rows = list(islice(csv.reader(lines, delimiter=delimiter, strict=True), LINES))
    except csv.Error:
        return 0
    counts = {len(row) for row in rows if row}
    return counts.pop() if len(counts) == 1 else 0


def _are_comma_numbers(cells: Iterable[str]) -> bool:
    commas = False
    for cell in cells:
        if not _COMMA_NUMBER.fullmatch(cell):
            return False
        commas = commas or "," in cell
    return commas
