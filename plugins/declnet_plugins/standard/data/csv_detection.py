"""Detection of a CSV file's encoding, delimiter and decimal sign."""

import codecs
import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from declnet import SPACES, DataError, odd_cells
from declnet_plugins.standard.data.text_file import MARKS, opened

USUAL = "utf-8"
OTHER = "cp1252"
"""The most frequent encoding, besides UTF-8, of text files from Windows and older systems."""
UNDEFINED = frozenset(b"\x81\x8d\x8f\x90\x9d")
"""Bytes undefined in it; Latin-1, otherwise nearly the same, defines all of them."""
MISSING = frozenset(
    (
        *("-", "--", "---", ".", "..", "*", "**", "x", "X", "NULL", "Null", "None", "none"),
        *("NONE", "na", "n/a", "N.A.", "n.a.", "<NA>", "NaT", "nil", "\\N", "(null)", "ND"),
        *("n.d.", "k.A.", "missing", "Missing", "MISSING", "unknown", "Unknown", "UNKNOWN"),
        *("#N/A", "#NA", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "\u2013"),
        "\u2014",
    )
)
"""Cells that mean a missing value where all others of their column are numbers."""
DELIMITERS = ",;\t|"
LINES = 50
"""Lines whose cells are compared."""
PIECE = 1 << 20
"""Bytes read from a file to detect its delimiter."""
MOST_BYTES = 1 << 32
"""Maximum number of bytes in an unpacked file, the default limit of the source csv."""


def text_format(path: Path, missing: Sequence[str]) -> dict[str, Any]:
    """Return the keys `encoding`, `delimiter` and `missing` where they differ from the defaults.

    Returns nothing for an unreadable file; reading it later reports the error.
    """
    form: dict[str, Any] = {}
    try:
        with opened(path, MOST_BYTES) as file:
            encoding = _encoding(file)
        if encoding != USUAL:
            form["encoding"] = encoding
        with opened(path, MOST_BYTES) as file:
            start = file.read(PIECE)
    except DataError:
        return {}
    lines = start.decode(encoding, errors="replace").lstrip("\ufeff").splitlines(keepends=True)
    if len(lines) > 1 and len(start) == PIECE:
        lines = lines[:-1]  # it may be cut off
    delimiter = next((mark for mark in DELIMITERS if _cells(lines, mark) > 1), ",")
    if delimiter != ",":
        form["delimiter"] = delimiter
    others = _other_missing_cells(lines, delimiter, missing)
    if others:
        form["missing"] = (*missing, *others)
    return form


def _encoding(file: BinaryIO) -> str:
    decoder = codecs.getincrementaldecoder(USUAL)()
    piece = file.read(PIECE)
    marked = next((name for mark, name in MARKS.items() if piece.startswith(mark)), USUAL)
    if marked != USUAL:
        return marked
    if b"\0" in piece:  # UTF-16 without a mark: every other byte of Latin letters is zero
        halves = {"utf-16-le": piece[1::2], "utf-16-be": piece[::2]}
        name, zeros = max(halves.items(), key=lambda item: item[1].count(0))
        if 2 * zeros.count(0) > len(zeros):
            return name
    undefined, is_utf_8 = False, True
    while piece:
        if is_utf_8:
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                if _is_damaged_utf_8(piece):
                    return USUAL
                is_utf_8 = False
        undefined = undefined or not UNDEFINED.isdisjoint(piece)
        piece = file.read(PIECE)
    if is_utf_8:
        return USUAL
    return "latin-1" if undefined else OTHER


def _is_damaged_utf_8(piece: bytes) -> bool:
    """Return whether most letters beyond ASCII are UTF-8, so that reading locates the others."""
    letters = [letter for letter in piece.decode(USUAL, "surrogateescape") if letter > "\x7f"]
    return 2 * sum("\udc80" <= letter <= "\udcff" for letter in letters) < len(letters)


def _other_missing_cells(lines: list[str], delimiter: str, missing: Sequence[str]) -> list[str]:
    """Return cells such as - that are the only texts in a column of numbers, and in no other."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row]
    except csv.Error:
        return []
    if len({len(row) for row in rows}) != 1:
        return []
    decimal = "." if delimiter == "," else ","
    decimals: set[str] = set()
    elsewhere: set[str] = set()
    for _, *column in zip(*rows, strict=True):
        cells = [None if cell.strip(SPACES) in missing else cell.strip(SPACES) for cell in column]
        odd = set(odd_cells(cells, decimal))
        if odd and odd <= MISSING:
            decimals |= odd
        else:
            elsewhere |= MISSING.intersection(cells)
    return sorted(decimals - elsewhere)


def _cells(lines: list[str], delimiter: str) -> int:
    """Return the number of cells in each line, or 0 if it varies."""
    try:
        rows = list(islice(csv.reader(lines, delimiter=delimiter, strict=True), LINES))
    except csv.Error:
        return 0
    counts = {len(row) for row in rows if row}
    return counts.pop() if len(counts) == 1 else 0
